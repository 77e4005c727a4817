/** The checks, one function each: facts in, verdict out; no I/O, no clock of their own. */
import type { HoldingProblem } from '../apis/catalog.ts';
import type { Client } from '../clients/client.ts';
import { addressSet } from '../clients/ip-binding.ts';
import { isWithinHours } from '../clients/service-hours.ts';
import {
  asksAboutOwn,
  type Facts,
  grantedScopes,
  scopesGiven,
  servedScopes,
  tokenOf,
} from './facts.ts';
import { pass, refuse, type Verdict, verdict } from './verdict.ts';

/** The credential is known and intact. */
export function credentialIsKnown({ credential }: Facts): Verdict {
  if (credential.kind === 'missing') return refuse('credential_missing', 'none', 'a credential');
  return verdict(
    credential.kind !== 'unknown',
    'credential_invalid',
    credential.kind,
    'a credential issued here',
  );
}

/** The token is neither revoked nor expired, and a refresh token was not replaced. */
export function tokenIsLive(facts: Facts): Verdict | null {
  const token = tokenOf(facts);
  if (token === null) return null;
  if (token.revokedAt !== null) return refuse('token_revoked', token.revokedAt, 'not revoked');
  if (facts.now >= token.expiresAt)
    return refuse('token_expired', facts.now, { before: token.expiresAt });
  if (facts.credential.kind !== 'refresh_token' || facts.credential.current)
    return pass(facts.now, { before: token.expiresAt });
  return refuse('token_revoked', 'a refresh token that was replaced', 'the current one');
}

/** The API key is enabled, effective and not expired. */
export function keyIsLive({ credential, now }: Facts): Verdict | null {
  if (credential.kind !== 'api_key') return null;
  const { apiKey, expiresAt } = credential;
  if (apiKey.status !== 'enabled') return refuse('key_disabled', apiKey.status, 'enabled');
  if (apiKey.startsAt !== null && now < apiKey.startsAt)
    return refuse('key_not_yet_effective', now, { from: apiKey.startsAt });
  return verdict(now < expiresAt, 'key_expired', now, { before: expiresAt });
}

/** The client exists and is enabled; of a credential that nobody knows there is none to ask about. */
export function clientIsEnabled({ client, credential }: Facts): Verdict | null {
  const isUnknown = credential.kind === 'unknown' || credential.kind === 'missing';
  if (client === null && isUnknown) return null;
  if (client === null) return refuse('client_deleted', 'no client', 'a client');
  return verdict(client.status === 'enabled', 'client_disabled', client.status, 'enabled');
}

/** Failed secrets have not locked the client. */
export function clientIsNotLocked({ client }: Facts): Verdict | null {
  if (client === null) return null;
  const { lockedAt, failedLogins } = client.lock;
  return verdict(lockedAt === null, 'client_locked', { failedLogins, lockedAt }, 'not locked');
}

/** The start date has come. */
export function clientHasStarted({ client, now }: Facts): Verdict | null {
  if (!client?.startsAt) return null;
  return verdict(now >= client.startsAt, 'client_not_started', now, { from: client.startsAt });
}

/** The expiry date has not come. */
export function clientHasNotEnded({ client, now }: Facts): Verdict | null {
  if (!client?.expiresAt) return null;
  return verdict(now < client.expiresAt, 'client_expired', now, { before: client.expiresAt });
}

/** The instant lies within the service hours. */
export function withinServiceHours({ client, now }: Facts): Verdict | null {
  if (!client?.serviceHours) return null;
  return verdict(
    isWithinHours(client.serviceHours, now),
    'outside_service_hours',
    now,
    client.serviceHours,
  );
}

const bindings = new WeakMap<Client, ReturnType<typeof addressSet>>();

/** The address is among the IP bindings. A caller that does not tell the address is not asked for it. */
export function addressIsBound({ client, address, place }: Facts): Verdict | null {
  if (client === null || client.ipBindings.length === 0) return null;
  const wanted = client.ipBindings;
  if (address === null)
    return place === 'introspection' ? null : refuse('ip_not_allowed', 'no address', wanted);
  let set = bindings.get(client);
  if (set === undefined) {
    set = addressSet(wanted.map((row) => row.address));
    bindings.set(client, set);
  }
  return verdict(set.has(address), 'ip_not_allowed', address, wanted);
}

/** The client was given the grant type. */
export function grantTypeIsAllowed({ client, grantType }: Facts): Verdict | null {
  if (client === null || grantType === undefined) return null;
  const allowed = (client.grantTypes as string[]).includes(grantType);
  return verdict(allowed, 'grant_not_allowed', grantType, client.grantTypes);
}

/** The user of a user grant exists, is enabled, not locked, and may use the client. */
export function userIsAllowed({ userId = null, user, client }: Facts): Verdict | null {
  if (userId === null) return null;
  if (user?.status !== 'enabled') {
    return refuse('user_disabled', user?.status ?? 'no user', 'enabled');
  }
  if (user.lock.lockedAt !== null) return refuse('user_locked', user.lock.lockedAt, 'not locked');
  const allowlist = client?.userAllowlist ?? [];
  return verdict(
    allowlist.length === 0 || allowlist.includes(userId),
    'user_not_allowed',
    userId,
    allowlist,
  );
}

/** What the credential grants fits the audience and level of the client, and the asking resource server serves it. */
export function audienceAndLevelFit(facts: Facts): Verdict | null {
  const given = scopesGiven(facts);
  if (given === null || facts.client === null || asksAboutOwn(facts)) return null;
  const granted = grantedScopes(facts);
  const problem = holdingProblem(facts, given, granted);
  if (problem !== null) {
    const { securityLevel: level, audience } = facts.client;
    return refuse(problem, { level, audience }, given);
  }
  const serves = facts.caller?.kind === 'resource_server' ? facts.caller.servedApiGroups : [];
  if (serves.length === 0) return pass(granted, 'any group');
  return verdict(servedScopes(facts).length > 0, 'audience_mismatch', granted, serves);
}

/** Why scopes that the client still holds do not count, when that leaves nothing for the call. */
function holdingProblem(
  { client, call, catalog }: Facts,
  given: readonly string[],
  granted: readonly string[],
): HoldingProblem | null {
  // Nothing of what was given has been lost: the usual case.
  if (client === null || granted.length === given.length) return null;
  const held = given.filter((n) => client.apiGroups.includes(n) || client.apiScopes.includes(n));
  const api = call?.api;
  const relevant = api ? held.filter((n) => catalog.holdersOf(api.apiId).includes(n)) : held;
  if (relevant.some((name) => granted.includes(name))) return null;
  return (
    relevant
      .map((name) => catalog.holdingProblem(client, name))
      .find((problem) => problem !== null) ?? null
  );
}

/** The most specific API that the call matches is in a granted group or scope that the asker serves. */
export function apiIsGranted(facts: Facts): Verdict | null {
  const { call, catalog } = facts;
  if (!call) return null;
  const { method, path, api } = call;
  if (api === null) return refuse('api_unknown', { method, path }, 'a known API');
  const holders = catalog.holdersOf(api.apiId);
  const scopes = servedScopes(facts);
  return verdict(
    holders.some((name) => scopes.includes(name)),
    'group_not_granted',
    scopes,
    { api: api.apiId, oneOf: holders },
  );
}

/** A call of this second is left. Not known before it is charged, unless somebody has looked. */
export function rateIsLeft({ client, readings, isPaid }: Facts): Verdict | null {
  if (client === null || client.tps === 0 || isPaid || !readings?.rate) return null;
  const { ok, used } = readings.rate;
  return verdict(ok, 'tps_exceeded', { calls: used }, { callsPerSecond: client.tps });
}

/** The quota has room for the call. Not known before it is charged, unless somebody has looked. */
export function quotaIsLeft({ client, readings, isPaid, weight = 1 }: Facts): Verdict | null {
  const used = readings?.quotaUsed ?? null;
  if (client === null || client.apiQuota.calls === 0 || isPaid || used === null) return null;
  const { calls, period } = client.apiQuota;
  const wanted = { calls, period, ...(weight > 1 && { weight }) };
  return verdict(used + weight <= calls, 'quota_exhausted', { used }, wanted);
}

/** As many uses are left as the call costs. */
export function usesAreLeft(facts: Facts): Verdict | null {
  const token = tokenOf(facts);
  const { weight = 1 } = facts;
  if (token === null || token.maxUses === 0 || facts.isPaid) return null;
  const wanted = { below: token.maxUses, ...(weight > 1 && { weight }) };
  return verdict(
    token.uses + weight <= token.maxUses,
    'token_uses_exhausted',
    { spent: token.uses },
    wanted,
  );
}
