/** Charges: what an allowed decision spends, all or nothing, in the order of the table's rows. */
import type { Clock } from '../clock.ts';
import type { TokenStore } from '../tokens/token-store.ts';
import type { Bill, ChargeStore, PaidRetry, RetryLine, Spent } from '../usage/charge-store.ts';
import { type QuotaWindow, quotaWindow, timeZoneOf } from '../usage/quota-window.ts';
import type { RateLimiter, RateTaken } from '../usage/rate-limiter.ts';
import { firstRefusal, type Meter, type Refusal, rowOf } from './checks.ts';
import type { Facts, Readings } from './facts.ts';
import type { ReasonCode } from './reasons.ts';

/** Where charges are booked and limits are read. */
export interface Meters {
  clock: Clock;
  rate: RateLimiter;
  charges: ChargeStore;
  tokens: Pick<TokenStore, 'findAccess'>;
  /** IANA zone of quota windows where a client names none. */
  timeZone: string;
}

/** A charge that was refused after every check had passed; nothing was spent. */
export interface Lost {
  outcome: 'lost';
  /** As they are now. */
  facts: Facts;
  refusal: Refusal;
}

/** A charge that was booked. */
export interface Charged {
  outcome: 'spent';
  spent: Spent;
  rate: RateTaken | null;
  /** The earlier decision that this one repeats; nothing was spent now. */
  repeats: PaidRetry | null;
}

const NOTHING: Spent = { quotaUsed: null, uses: null };

/**
 * Charges a decision that every check has passed.
 *
 * @throws DomainError `store_unavailable` when a charge could not be booked; it then counts as spent at most once
 */
export async function charge(
  facts: Facts,
  meters: Meters,
  retry: RetryLine | null,
): Promise<Charged | Lost> {
  // Not the instant of the facts: the store may have kept them waiting, and seconds must not run backwards.
  const takenAt = meters.clock.now();
  const rate = takeRate(facts, meters, takenAt);
  if (rate?.ok === false) return lost('rate', { ...facts, readings: { rate, quotaUsed: null } });
  const bill = billOf(facts, meters, retry);
  if (bill === null) return { outcome: 'spent', spent: NOTHING, rate, repeats: null };
  let isBooked = false;
  try {
    const receipt = await meters.charges.book(bill, facts.now);
    if (receipt.outcome === 'refused') return await refusedBy(receipt.line, facts, meters);
    isBooked = receipt.outcome === 'booked';
    const repeats = receipt.outcome === 'repeated' ? receipt : null;
    return { outcome: 'spent', spent: receipt, rate, repeats };
  } finally {
    if (!isBooked && rate !== null && facts.client !== null)
      meters.rate.giveBack(facts.client.clientId, takenAt);
  }
}

/** What the limits of the client stand at; spends nothing. */
export async function readLimits(facts: Facts, meters: Meters): Promise<Readings> {
  const { client, now } = facts;
  if (client === null) return { rate: null, quotaUsed: null };
  const { clientId, tps } = client;
  const window = windowOf(facts, meters);
  return {
    rate: tps === 0 ? null : meters.rate.look(clientId, tps, now),
    quotaUsed: window === null ? null : await meters.charges.quotaUsed(clientId, window.window),
  };
}

/** The quota window that a decision falls into; null where the client has no quota. */
export function windowOf({ client, now }: Facts, { timeZone }: Meters): QuotaWindow | null {
  if (client === null || client.apiQuota.calls === 0) return null;
  return quotaWindow(client.apiQuota, timeZoneOf(client, timeZone), now);
}

/** TPS counts calls, whatever their weight: a heavy call must not be refused for ever. */
function takeRate({ client }: Facts, { rate }: Meters, at: Date): RateTaken | null {
  if (client === null || client.tps === 0) return null;
  return rate.take(client.clientId, client.tps, at);
}

function billOf(facts: Facts, meters: Meters, retry: RetryLine | null): Bill | null {
  const { client, credential, weight = 1 } = facts;
  const window = windowOf(facts, meters);
  const quota =
    window === null || client === null
      ? null
      : { clientId: client.clientId, limit: client.apiQuota.calls, ...window };
  const isLimited = credential.kind === 'access_token' && credential.token.maxUses > 0;
  const uses = isLimited ? { tokenId: credential.token.tokenId } : null;
  const bill = { weight, quota, uses, retry };
  return quota === null && uses === null && retry === null ? null : bill;
}

/** Between look and charge somebody else took the last, or the token ended: what is true now says which. */
async function refusedBy(line: 'quota' | 'uses', facts: Facts, meters: Meters): Promise<Lost> {
  if (line === 'quota')
    return lost('quota', { ...facts, readings: await readLimits(facts, meters) });
  const { credential } = facts;
  if (credential.kind !== 'access_token') throw new Error('only access tokens have uses');
  const token = await meters.tokens.findAccess(credential.token.tokenId);
  return lost('uses', {
    ...facts,
    credential: token === null ? { kind: 'unknown' } : { kind: 'access_token', token },
  });
}

const LOST_REASONS = {
  rate: 'tps_exceeded',
  quota: 'quota_exhausted',
  uses: 'token_uses_exhausted',
} as const satisfies Record<Meter, ReasonCode>;

/** The row that refuses now; where a refund has made room since, the one that was to be charged. */
function lost(meter: Meter, facts: Facts): Lost {
  const refusal = firstRefusal(facts);
  if (refusal !== null) return { outcome: 'lost', facts, refusal };
  return { outcome: 'lost', facts, refusal: { check: rowOf(meter), reason: LOST_REASONS[meter] } };
}
