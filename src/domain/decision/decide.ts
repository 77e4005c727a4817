/** The decision: runs the table over the facts, then charges, all or nothing. */
import { randomUUID } from 'node:crypto';
import { plusSeconds } from '../clock.ts';
import { charge, type Lost, type Meters, readLimits, windowOf } from './charges.ts';
import { firstRefusal, type Refusal } from './checks.ts';
import { type TraceEntry, traceOf } from './explain.ts';
import { type Facts, servedScopes, tokenOf } from './facts.ts';
import { REASONS, type ReasonCode } from './reasons.ts';

/** What is left of a limit. */
export interface Allowance {
  limit: number;
  left: number;
  /** When it is whole again; null = never by itself. */
  resetsAt: Date | null;
}

/** What every decision has. */
interface Decided {
  decisionId: string;
  /** Calls of the present second on this node; null without TPS, or where nobody has looked. */
  rate: Allowance | null;
  /** Units of the present period; null without a quota, or where nobody has looked. */
  quota: Allowance | null;
  /** Uses left on the token; null = unlimited, or no token. */
  usesLeft: number | null;
}

/** An allowed decision, with what is left. */
export interface Allowed extends Decided {
  allowed: true;
  status: 200;
  reason: null;
  /** What the credential grants now, as far as the asker serves it. */
  scopes: string[];
  /** Whether it repeats a decision under the same idempotency key, and so was free. */
  isRepeat: boolean;
}

/** A refused decision. */
export interface Refused extends Decided {
  allowed: false;
  status: 400 | 401 | 403 | 429;
  reason: ReasonCode;
  /** Whole seconds after which a retry makes sense, for a 429; null where time does not help. */
  retryAfterSeconds: number | null;
  /** Every check with the value seen and wanted; made when it is asked for. */
  trace(): TraceEntry[];
}

export type Decision = Allowed | Refused;

/** How a decision is charged. */
export interface Spending {
  /** False looks without spending (peek). */
  consume: boolean;
  /** Keyed digest under which a retry of the same call is free for a day. */
  retryKey?: string | null;
  /** How long it is free, in seconds; default 24 hours. */
  retrySeconds?: number | undefined;
}

/** How long a retry under an idempotency key is free at most, and by default: 24 hours. */
export const LONGEST_RETRY_SECONDS = 24 * 3600;

/**
 * Decides, and charges when allowed. A refused decision has spent nothing.
 *
 * @throws DomainError `store_unavailable` when a charge could not be booked; it then counts as spent at most once
 */
export async function decide(facts: Facts, meters: Meters, spending: Spending): Promise<Decision> {
  const { consume, retryKey = null, retrySeconds = LONGEST_RETRY_SECONDS } = spending;
  const paid =
    consume && retryKey !== null ? await meters.charges.findRetry(retryKey, facts.now) : null;
  if (paid !== null) return decideAgain({ ...facts, isPaid: true }, meters, paid);
  const known = consume ? facts : { ...facts, readings: await readLimits(facts, meters) };
  const refusal = firstRefusal(known);
  if (refusal !== null) {
    const whole = await withReadings(known, meters);
    // With the limits looked up, an earlier row may be the one that refuses.
    return refuse(whole, meters, firstRefusal(whole) ?? refusal);
  }
  if (!consume) return allow(known, meters, { uses: null });

  const decisionId = randomUUID();
  const retry =
    retryKey === null
      ? null
      : { key: retryKey, decisionId, expiresAt: plusSeconds(facts.now, retrySeconds) };
  const charged = await charge(known, meters, retry);
  if (charged.outcome === 'lost') return refuseLost(charged, meters);
  if (charged.repeats !== null)
    return decideAgain({ ...facts, isPaid: true }, meters, charged.repeats);
  const { spent, rate } = charged;
  const readings = { rate, quotaUsed: spent.quotaUsed };
  return allow({ ...known, readings }, meters, { decisionId, uses: spent.uses });
}

/** Refuses for the first check that does, or null; for places where nothing is charged. */
export function refusalOf(facts: Facts): Refused | null {
  const refusal = firstRefusal(facts);
  return refusal === null ? null : refuse(facts, null, refusal);
}

/** A retry of a call that is paid for: every other check still holds. */
function decideAgain(
  facts: Facts,
  meters: Meters,
  paid: { decisionId: string; quotaUsed: number | null; uses: number | null },
): Decision {
  const refusal = firstRefusal(facts);
  if (refusal !== null) return refuse(facts, meters, refusal);
  const readings = { rate: null, quotaUsed: paid.quotaUsed };
  return allow({ ...facts, readings }, meters, paid);
}

async function refuseLost({ facts, refusal }: Lost, meters: Meters): Promise<Refused> {
  return refuse(await withReadings(facts, meters), meters, refusal);
}

/** A trace tells of every check: also of the limits, which nobody has looked at yet. */
async function withReadings(facts: Facts, meters: Meters): Promise<Facts> {
  if (facts.client === null || facts.readings?.quotaUsed != null) return facts;
  const readings = await readLimits(facts, meters);
  return {
    ...facts,
    readings: { ...readings, ...(facts.readings?.rate && { rate: facts.readings.rate }) },
  };
}

function allow(
  facts: Facts,
  meters: Meters,
  { decisionId = randomUUID(), uses }: { decisionId?: string; uses: number | null },
): Allowed {
  return {
    allowed: true,
    decisionId,
    status: 200,
    reason: null,
    scopes: servedScopes(facts),
    isRepeat: facts.isPaid ?? false,
    usesLeft: usesLeft(facts, uses),
    ...allowances(facts, meters),
  };
}

function refuse(facts: Facts, meters: Meters | null, refusal: Refusal): Refused {
  const { reason } = refusal;
  const { status } = REASONS[reason];
  const left = meters === null ? { rate: null, quota: null } : allowances(facts, meters);
  return {
    allowed: false,
    decisionId: randomUUID(),
    status,
    reason,
    retryAfterSeconds: retryAfterSeconds(facts, reason, left.quota),
    ...left,
    usesLeft: usesLeft(facts, null),
    trace: () => traceOf(facts, { refusal, quotaEndsAt: left.quota?.resetsAt ?? null }),
  };
}

function retryAfterSeconds(
  { now, readings, weight = 1 }: Facts,
  reason: ReasonCode,
  quota: Allowance | null,
) {
  if (reason === 'tps_exceeded')
    return Math.max(1, Math.ceil((readings?.rate?.retryAfterMs ?? 0) / 1000));
  // What is heavier than the whole quota never passes.
  if (reason !== 'quota_exhausted' || !quota?.resetsAt || weight > quota.limit) return null;
  return Math.max(1, Math.ceil((quota.resetsAt.getTime() - now.getTime()) / 1000));
}

function allowances(
  facts: Facts,
  meters: Meters,
): { rate: Allowance | null; quota: Allowance | null } {
  const { client, readings, now } = facts;
  if (client === null || readings === undefined) return { rate: null, quota: null };
  const { rate, quotaUsed } = readings;
  const window = quotaUsed === null ? null : windowOf(facts, meters);
  return {
    rate: rate && {
      limit: client.tps,
      left: Math.max(0, client.tps - rate.used),
      resetsAt: new Date(now.getTime() + Math.max(1000, rate.retryAfterMs)),
    },
    quota: window && {
      limit: client.apiQuota.calls,
      left: Math.max(0, client.apiQuota.calls - (quotaUsed ?? 0)),
      resetsAt: window.endsAt,
    },
  };
}

function usesLeft(facts: Facts, spent: number | null): number | null {
  const token = tokenOf(facts);
  if (token === null || token.maxUses === 0) return null;
  return Math.max(0, token.maxUses - (spent ?? token.uses));
}
