/**
 * Replay: what a change to a client would have done to its calls of the last day. Recorded refusals and
 * sampled allowed calls run through the table again, once with the client as it is and once as it would
 * be; what differs is told. What belongs to the credential alone (checks 1, 2 and 13) stays as recorded,
 * and so does the quota when its period changes.
 */
import type { Catalog } from '../apis/catalog.ts';
import type { Client } from '../clients/client.ts';
import { plusSeconds } from '../clock.ts';
import type { Services } from '../services.ts';
import { timeZoneOf } from '../usage/quota-window.ts';
import type { User } from '../users/user.ts';
import { CHECKS_AT } from './checks.ts';
import type { DecisionRecord } from './decision-store.ts';
import type { TraceEntry } from './explain.ts';
import { apiCall, type Credential, type Facts } from './facts.ts';
import type { ReasonCode } from './reasons.ts';
import { SAMPLED_SECONDS } from './record.ts';

/** A call that would end otherwise. */
export interface Difference {
  decisionId: string;
  at: Date;
  address: string | null;
  method: string | null;
  path: string | null;
  /** Why it is refused with the client as it is; null = allowed. */
  before: ReasonCode | null;
  /** Why it would be refused with the change; null = allowed. */
  after: ReasonCode | null;
}

/** What a change would have done. */
export interface Replay {
  /** Calls since then were replayed. */
  since: Date;
  /** How many recorded refusals and sampled allowed calls were replayed. */
  refused: number;
  allowed: number;
  /** Calls that would newly pass, and newly be refused. */
  nowAllowed: number;
  nowRefused: number;
  /** The latest calls that would end otherwise, at most 100. */
  differences: Difference[];
}

/** Recorded calls of each outcome that are replayed, at most. */
const MOST_REPLAYED = 1000;
const MOST_TOLD = 100;
const PAGE = 100;

/** Replays the last day of a client against a change to it; spends and stores nothing. */
export async function replay(services: Services, before: Client, after: Client): Promise<Replay> {
  const since = plusSeconds(services.clock.now(), -SAMPLED_SECONDS);
  const refused = await recorded(services, before.clientId, 'refused', since);
  const allowed = await recorded(services, before.clientId, 'allowed', since);
  const differences: Difference[] = [];
  const asRecorded = hasSameWindows(services, before, after)
    ? OF_THE_CREDENTIAL
    : new Set([...OF_THE_CREDENTIAL, QUOTA]);
  for (const record of [...refused, ...allowed]) {
    const circumstances = { ...(await circumstancesOf(services, record)), asRecorded };
    const was = reasonWith(before, record, circumstances);
    const becomes = reasonWith(after, record, circumstances);
    if (was === becomes) continue;
    const { decisionId, at, address, method, path } = record;
    differences.push({ decisionId, at, address, method, path, before: was, after: becomes });
  }
  differences.sort((a, b) => b.at.getTime() - a.at.getTime());
  return {
    since,
    refused: refused.length,
    allowed: allowed.length,
    nowAllowed: differences.filter((one) => one.after === null).length,
    nowRefused: differences.filter((one) => one.before === null).length,
    differences: differences.slice(0, MOST_TOLD),
  };
}

async function recorded(
  { stores, clock }: Services,
  clientId: string,
  outcome: 'refused' | 'allowed',
  from: Date,
): Promise<DecisionRecord[]> {
  const filter = { clientId, outcome, from, at: clock.now() };
  const records: DecisionRecord[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await stores.decisions.list({
      filter,
      limit: PAGE,
      ...(cursor !== undefined && { cursor }),
    });
    records.push(...page.items);
    cursor = records.length < MOST_REPLAYED ? page.nextCursor : null;
  }
  return records;
}

/** What a decision looked at besides its record and the client. */
interface Circumstances {
  catalog: Catalog;
  user: User | null;
  caller: Client | null;
}

/** What was used of one period says nothing about another one. */
function hasSameWindows({ timeZone }: Services, before: Client, after: Client): boolean {
  return (
    before.apiQuota.period === after.apiQuota.period &&
    timeZoneOf(before, timeZone) === timeZoneOf(after, timeZone)
  );
}

async function circumstancesOf(
  { directory }: Services,
  { userId, callerId }: DecisionRecord,
): Promise<Circumstances> {
  return {
    catalog: await directory.catalog(),
    user: userId === null ? null : await directory.user(userId),
    caller: callerId === null ? null : await directory.client(callerId),
  };
}

/** Numbers of the checks that look at the credential alone. */
const OF_THE_CREDENTIAL: ReadonlySet<number> = new Set([1, 2, 13]);
/** Number of the check of the quota. */
const QUOTA = 12;

function reasonWith(
  client: Client,
  record: DecisionRecord,
  { asRecorded, ...circumstances }: Circumstances & { asRecorded: ReadonlySet<number> },
): ReasonCode | null {
  const facts = factsOf(client, record, circumstances);
  for (const check of CHECKS_AT[record.place]) {
    const reason = asRecorded.has(check.number)
      ? entryOf(record, check.name)?.reason
      : check.verdict(facts)?.reason;
    if (reason) return reason;
  }
  return null;
}

function factsOf(client: Client, record: DecisionRecord, circumstances: Circumstances): Facts {
  const { place, at: now, address, userId, method, path, grantType, weight } = record;
  const { catalog } = circumstances;
  return {
    ...{ place, now, client, address, userId, weight, ...circumstances },
    credential: credentialOf(client, record),
    ...(grantType !== null && { grantType }),
    call: method === null || path === null ? null : apiCall(catalog, method, path),
    readings: readingsOf(client, record),
  };
}

/** A credential of which only the scopes are looked at. */
function credentialOf(
  { clientId }: Client,
  { at, userId, credential }: DecisionRecord,
): Credential {
  if (credential.kind === 'missing' || credential.kind === 'unknown') return { kind: 'unknown' };
  if (credential.kind === 'client_secret') return { kind: 'client_secret' };
  return {
    kind: 'access_token',
    token: {
      ...{ kind: 'access_token', tokenId: credential.id ?? '', clientId, userId },
      ...{ grantType: 'client_credentials', scopes: credential.scopes, issuedAt: at },
      ...{ expiresAt: plusSeconds(at, 1), revokedAt: null, maxUses: 0, uses: 0, familyId: null },
    },
  };
}

/** What the limits stood at, as the trace saw it; a limit that nobody looked at then stays unknown. */
function readingsOf(client: Client, record: DecisionRecord) {
  const calls = seen(entryOf(record, 'TPS'), 'calls');
  const rate = calls === null ? null : { ok: calls < client.tps, used: calls, retryAfterMs: 0 };
  return { rate, quotaUsed: seen(entryOf(record, 'quota'), 'used') };
}

function entryOf({ trace }: DecisionRecord, check: string): TraceEntry | undefined {
  return trace.find((entry) => entry.check === check);
}

function seen(entry: TraceEntry | undefined, name: string): number | null {
  const value = (entry?.seen as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === 'number' ? value : null;
}
