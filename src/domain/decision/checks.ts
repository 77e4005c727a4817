/**
 * THE table: every check of every door, in order. A row names its check and the places where it
 * applies; the first row that refuses decides. Rows 11 to 13 limit: their meter is charged after all
 * rows have passed, in this order, all or nothing (`charges.ts`).
 *
 *   A = authentication of a client   T = token endpoint   R = refresh   I = introspection
 *   C = a call: /decide and forward-auth
 */
import {
  addressIsBound,
  apiIsGranted,
  audienceAndLevelFit,
  clientHasNotEnded,
  clientHasStarted,
  clientIsEnabled,
  clientIsNotLocked,
  credentialIsKnown,
  grantTypeIsAllowed,
  keyIsLive,
  quotaIsLeft,
  rateIsLeft,
  tokenIsLive,
  userIsAllowed,
  usesAreLeft,
  withinServiceHours,
} from './check-functions.ts';
import type { Facts, Place } from './facts.ts';
import type { ReasonCode } from './reasons.ts';
import type { Verdict } from './verdict.ts';

/** What an allowed decision can be charged to. */
export type Meter = 'rate' | 'quota' | 'uses';

/** One row of the table. */
export interface Check {
  /** Number in the product's table; stable. */
  number: number;
  name: string;
  places: ReadonlySet<Place>;
  /** Passes, refuses with a reason, or does not apply (null). */
  verdict: (facts: Facts) => Verdict | null;
  /** What the row charges at introspection and at calls. */
  meter: Meter | null;
}

const A = 'authentication';
const T = 'token';
const R = 'refresh';
const I = 'introspection';
const C = 'call';
const _ = null;

/** The ordered checks. */
export const CHECKS: readonly Check[] = [
  row(1, 'credential', credentialIsKnown, [A, _, R, I, C]),
  row(2, 'token is live', tokenIsLive, [_, _, R, I, C]),
  row(2, 'API key is live', keyIsLive, [_, _, _, I, C]),
  row(3, 'client is enabled', clientIsEnabled, [_, T, R, I, C]),
  row(3, 'client is not locked', clientIsNotLocked, [A, T, R, I, C]),
  row(4, 'client has started', clientHasStarted, [_, T, R, I, C]),
  row(4, 'client has not ended', clientHasNotEnded, [_, T, R, I, C]),
  row(5, 'service hours', withinServiceHours, [_, T, R, I, C]),
  row(6, 'address', addressIsBound, [A, T, R, I, C]),
  row(7, 'grant type', grantTypeIsAllowed, [_, T, R, _, _]),
  row(8, 'user', userIsAllowed, [_, T, R, I, C]),
  row(9, 'audience and level', audienceAndLevelFit, [_, _, _, I, C]),
  row(10, 'API is granted', apiIsGranted, [_, _, _, I, C]),
  row(11, 'TPS', rateIsLeft, [_, _, _, I, C], 'rate'),
  row(12, 'quota', quotaIsLeft, [_, _, _, I, C], 'quota'),
  row(13, 'uses', usesAreLeft, [_, _, R, I, C], 'uses'),
];

/** The rows of one place, in order. */
export const CHECKS_AT: Readonly<Record<Place, readonly Check[]>> = {
  authentication: CHECKS.filter((check) => check.places.has(A)),
  token: CHECKS.filter((check) => check.places.has(T)),
  refresh: CHECKS.filter((check) => check.places.has(R)),
  introspection: CHECKS.filter((check) => check.places.has(I)),
  call: CHECKS.filter((check) => check.places.has(C)),
};

/** The row that refuses, and why. */
export interface Refusal {
  check: Check;
  reason: ReasonCode;
}

/** The first row of the place that refuses, or null; spends nothing. */
export function firstRefusal(facts: Facts): Refusal | null {
  for (const check of CHECKS_AT[facts.place]) {
    const reason = check.verdict(facts)?.reason;
    if (reason) return { check, reason };
  }
  return null;
}

/** The row that charges a meter. */
export function rowOf(meter: Meter): Check {
  const found = CHECKS.find((check) => check.meter === meter);
  if (found === undefined) throw new Error(`no row charges ${meter}`);
  return found;
}

function row(
  number: number,
  name: string,
  verdict: Check['verdict'],
  places: (Place | null)[],
  meter: Meter | null = null,
): Check {
  return { number, name, places: new Set(places.filter((p) => p !== null)), verdict, meter };
}
