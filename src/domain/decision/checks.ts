/**
 * THE table: every check of every door, in order. A row names its check and the places where it
 * applies; the first row that refuses decides. Rows with a charge spend something; charges run after
 * all rows have passed, in this order, and are given back when a later one fails.
 *
 *   A = before a secret is looked at   T = token endpoint   R = refresh   I = introspection
 *   C = a call: /decide and forward-auth
 */
import { type Charge, chargeUse } from './charges.ts';
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
  tokenIsLive,
  userIsAllowed,
  usesAreLeft,
  withinServiceHours,
} from './check-functions.ts';
import type { Facts, Place } from './facts.ts';
import type { Verdict } from './verdict.ts';

/** One row of the table. */
export interface Check {
  /** Number in the product's table; stable. */
  number: number;
  name: string;
  places: ReadonlySet<Place>;
  /** Passes, refuses with a reason, or does not apply (null). */
  verdict: (facts: Facts) => Verdict | null;
  charge?: Charge;
}

const A = 'authentication';
const T = 'token';
const R = 'refresh';
const I = 'introspection';
const C = 'call';
const _ = null;

/** The ordered checks. */
export const CHECKS: readonly Check[] = [
  row(1, 'credential', credentialIsKnown, [_, _, R, I, C]),
  row(2, 'token is live', tokenIsLive, [_, _, R, I, C]),
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
  row(13, 'uses', usesAreLeft, [_, _, R, I, C], chargeUse),
];

/** The rows of one place, in order. */
export const CHECKS_AT: Readonly<Record<Place, readonly Check[]>> = {
  authentication: CHECKS.filter((check) => check.places.has(A)),
  token: CHECKS.filter((check) => check.places.has(T)),
  refresh: CHECKS.filter((check) => check.places.has(R)),
  introspection: CHECKS.filter((check) => check.places.has(I)),
  call: CHECKS.filter((check) => check.places.has(C)),
};

/** The rows of one place that charge, in order. */
export const CHARGES_AT: Readonly<Record<Place, readonly { name: string; charge: Charge }[]>> = {
  authentication: chargesOf(CHECKS_AT.authentication),
  token: chargesOf(CHECKS_AT.token),
  refresh: chargesOf(CHECKS_AT.refresh),
  introspection: chargesOf(CHECKS_AT.introspection),
  call: chargesOf(CHECKS_AT.call),
};

function chargesOf(checks: readonly Check[]) {
  return checks.flatMap(({ name, charge }) => (charge === undefined ? [] : [{ name, charge }]));
}

function row(
  number: number,
  name: string,
  verdict: Check['verdict'],
  places: (Place | null)[],
  charge?: Charge,
): Check {
  return {
    number,
    name,
    places: new Set(places.filter((place) => place !== null)),
    verdict,
    ...(charge && { charge }),
  };
}
