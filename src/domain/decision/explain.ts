/** Explains: the same table as a trace, each check with the value seen, the value wanted and when it next passes. */
import { nextOpening } from '../clients/service-hours.ts';
import { CHECKS_AT } from './checks.ts';
import type { Facts } from './facts.ts';
import type { ReasonCode } from './reasons.ts';

/** One row of a trace. */
export interface TraceEntry {
  number: number;
  check: string;
  outcome: 'passed' | 'refused' | 'not_applicable';
  reason: ReasonCode | null;
  seen: unknown;
  wanted: unknown;
  /** When time alone will make it pass; null when it passes now or time does not help. */
  passesAt: Date | null;
}

/** Every check of the place, also those after the first refusal. `lostCharge`: a charge that lost a race. */
export function traceOf(
  facts: Facts,
  lostCharge?: { check: string; reason: ReasonCode },
): TraceEntry[] {
  return CHECKS_AT[facts.place].map((check): TraceEntry => {
    const verdict = check.verdict(facts);
    const reason = lostCharge?.check === check.name ? lostCharge.reason : (verdict?.reason ?? null);
    return {
      number: check.number,
      check: check.name,
      outcome: reason !== null ? 'refused' : verdict === null ? 'not_applicable' : 'passed',
      reason,
      seen: verdict?.seen ?? null,
      wanted: verdict?.wanted ?? null,
      passesAt: reason === null ? null : passesAt(facts, reason),
    };
  });
}

function passesAt({ client, now }: Facts, reason: ReasonCode): Date | null {
  if (reason === 'client_not_started') return client?.startsAt ?? null;
  if (reason === 'outside_service_hours' && client?.serviceHours)
    return nextOpening(client.serviceHours, now);
  return null;
}
