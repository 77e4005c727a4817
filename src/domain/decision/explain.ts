/** Explains: the same table as a trace, each check with the value seen, the value wanted and when it next passes. */
import { nextOpening } from '../clients/service-hours.ts';
import { CHECKS_AT, type Refusal } from './checks.ts';
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

/** What the facts do not hold of a refusal. */
export interface Refusing {
  /** The row that refused, which may pass by now: it lost a race for the last call or use. */
  refusal: Refusal | null;
  /** End of the quota window; null = never, or no quota. */
  quotaEndsAt: Date | null;
}

/** Every check of the place, also those after the first refusal. */
export function traceOf(
  facts: Facts,
  { refusal, quotaEndsAt }: Refusing = { refusal: null, quotaEndsAt: null },
): TraceEntry[] {
  return CHECKS_AT[facts.place].map((check): TraceEntry => {
    const verdict = check.verdict(facts);
    const reason = refusal?.check.name === check.name ? refusal.reason : (verdict?.reason ?? null);
    return {
      number: check.number,
      check: check.name,
      outcome: reason !== null ? 'refused' : verdict === null ? 'not_applicable' : 'passed',
      reason,
      seen: verdict?.seen ?? null,
      wanted: verdict?.wanted ?? null,
      passesAt: reason === null ? null : passesAt(facts, reason, quotaEndsAt),
    };
  });
}

function passesAt(
  { client, credential, now, readings, weight = 1 }: Facts,
  reason: ReasonCode,
  quotaEndsAt: Date | null,
): Date | null {
  switch (reason) {
    case 'client_not_started':
      return client?.startsAt ?? null;
    case 'key_not_yet_effective':
      return credential.kind === 'api_key' ? credential.apiKey.startsAt : null;
    case 'outside_service_hours':
      return client?.serviceHours ? nextOpening(client.serviceHours, now) : null;
    case 'tps_exceeded':
      return new Date(now.getTime() + (readings?.rate?.retryAfterMs ?? 0));
    case 'quota_exhausted':
      return weight > (client?.apiQuota.calls ?? 0) ? null : quotaEndsAt;
    default:
      return null;
  }
}
