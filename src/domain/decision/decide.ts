/** The decision: runs the table over the facts, then charges, all or nothing. */
import { randomUUID } from 'node:crypto';
import type { Charged, Meters } from './charges.ts';
import { CHARGES_AT, CHECKS_AT } from './checks.ts';
import { type TraceEntry, traceOf } from './explain.ts';
import { type Facts, servedScopes, tokenOf } from './facts.ts';
import { REASONS, type ReasonCode } from './reasons.ts';

/** An allowed decision, with what is left. */
export interface Allowed {
  allowed: true;
  decisionId: string;
  status: 200;
  reason: null;
  /** What the credential grants now, as far as the asker serves it. */
  scopes: string[];
  /** Uses left on the token; null = unlimited. */
  usesLeft: number | null;
}

/** A refused decision. */
export interface Refused {
  allowed: false;
  decisionId: string;
  status: 400 | 401 | 403;
  reason: ReasonCode;
  /** Every check with the value seen and wanted; made when it is asked for. */
  trace(): TraceEntry[];
}

export type Decision = Allowed | Refused;

/**
 * Decides, and charges when allowed. A refused decision has spent nothing.
 *
 * @param consume false looks without spending (peek)
 * @throws DomainError `store_unavailable` when a charge could not be booked; it then counts as spent at most once
 */
export async function decide(facts: Facts, meters: Meters, consume: boolean): Promise<Decision> {
  const refusal = firstRefusal(facts);
  if (refusal !== null) return refuseFor(facts, refusal);
  const charged: Charged[] = [];
  for (const { name, charge } of consume ? CHARGES_AT[facts.place] : []) {
    const outcome = await charge(facts, meters);
    if (outcome === null) continue;
    if ('refund' in outcome) {
      charged.push(outcome);
      continue;
    }
    for (const earlier of charged.reverse()) await earlier.refund();
    if (outcome.reason !== null) return refuseFor(facts, outcome.reason, name);
  }
  return {
    allowed: true,
    decisionId: randomUUID(),
    status: 200,
    reason: null,
    scopes: servedScopes(facts),
    usesLeft: usesLeft(facts, charged),
  };
}

/** The reason of the first check that refuses, or null; spends nothing. */
export function firstRefusal(facts: Facts): ReasonCode | null {
  for (const check of CHECKS_AT[facts.place]) {
    const reason = check.verdict(facts)?.reason;
    if (reason) return reason;
  }
  return null;
}

function refuseFor(facts: Facts, reason: ReasonCode, failedCharge?: string): Refused {
  return {
    allowed: false,
    decisionId: randomUUID(),
    status: REASONS[reason].status,
    reason,
    trace: () =>
      traceOf(facts, failedCharge === undefined ? undefined : { check: failedCharge, reason }),
  };
}

function usesLeft(facts: Facts, charged: Charged[]): number | null {
  const token = tokenOf(facts);
  if (token === null || token.maxUses === 0) return null;
  const spent = charged.find((c) => c.uses !== undefined)?.uses ?? token.uses;
  return Math.max(0, token.maxUses - spent);
}
