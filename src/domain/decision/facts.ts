/** Facts: everything that a check may look at, gathered before the first check runs. */
import type { ApiKey } from '../api-keys/api-key.ts';
import type { Api } from '../apis/api.ts';
import type { Catalog } from '../apis/catalog.ts';
import type { Client } from '../clients/client.ts';
import type { AccessToken, RefreshFamily } from '../tokens/token.ts';
import type { RateTaken } from '../usage/rate-limiter.ts';
import type { User } from '../users/user.ts';

/** Where a decision is asked for; the columns of the table in `checks.ts`. */
export type Place = 'authentication' | 'token' | 'refresh' | 'introspection' | 'call';

/** What was presented. */
export type Credential =
  | { kind: 'missing' }
  | { kind: 'unknown' }
  | { kind: 'client_secret' }
  | { kind: 'access_token'; token: AccessToken }
  /** `current`: whether it is the family's valid token, or one that was replaced. */
  | { kind: 'refresh_token'; token: RefreshFamily; current: boolean }
  /** `expiresAt`: of the value that was presented; one that was rotated out ends before its key. */
  | { kind: 'api_key'; apiKey: ApiKey; expiresAt: Date };

/** The API call in question. */
export interface ApiCall {
  method: string;
  path: string;
  /** The most specific API that it matches, or null. */
  api: Api | null;
}

/** How much of the client's limits was used when they were looked up. */
export interface Readings {
  /** Null where the client has no TPS. */
  rate: RateTaken | null;
  /** Units of the present quota window; null where the client has no quota. */
  quotaUsed: number | null;
}

/** The facts of one decision. */
export interface Facts {
  place: Place;
  now: Date;
  credential: Credential;
  /** The client that the credential belongs to; null when it is gone or unknown. */
  client: Client | null;
  /** Canonical address that the call comes from; null when nobody told. */
  address: string | null;
  /** Grant type asked for, at the token endpoint. */
  grantType?: string;
  /** Resource owner of the credential; `user` is null when that user is gone. */
  userId?: string | null;
  user?: User | null;
  /** The client that asks, where it is not the one that calls. */
  caller?: Client | null;
  /** The API call in question, where it is known. */
  call?: ApiCall | null;
  /** Units that the call costs of quota and uses; default 1. */
  weight?: number;
  /** Whether an earlier decision has paid for this one: a retry under the same idempotency key. */
  isPaid?: boolean;
  /** Absent while nobody has looked: an allowed call learns of its limits by being charged. */
  readings?: Readings;
  catalog: Catalog;
}

/** A call with the API that it matches. Its query is not looked at, and may hold secrets: it ends here. */
export function apiCall(catalog: Catalog, method: string, target: string): ApiCall {
  const path = target.split('?', 1)[0] ?? '';
  return { method, path, api: catalog.match(method, path)[0] ?? null };
}

/** The token of a credential, if it is one. */
export function tokenOf(facts: Facts): AccessToken | RefreshFamily | null {
  return 'token' in facts.credential ? facts.credential.token : null;
}

/** The id of a token or key, which names it and does not work as one; null for any other credential. */
export function credentialId(credential: Credential): string | null {
  if ('token' in credential) return credential.token.tokenId;
  return credential.kind === 'api_key' ? credential.apiKey.apiKeyId : null;
}

/** Whose credential it is, also when its client is gone. */
export function ownerOf(credential: Credential): {
  clientId: string | null;
  userId: string | null;
} {
  if ('token' in credential) return credential.token;
  if (credential.kind === 'api_key') return { clientId: credential.apiKey.clientId, userId: null };
  return { clientId: null, userId: null };
}

/** What the credential was given: scopes of a token, API groups of a key; null for neither. */
export function scopesGiven({ credential }: Facts): readonly string[] | null {
  if ('token' in credential) return credential.token.scopes;
  return credential.kind === 'api_key' ? credential.apiKey.apiGroups : null;
}

/** Whether a client asks about its own token. */
export function asksAboutOwn(facts: Facts): boolean {
  return facts.caller != null && facts.caller.clientId === facts.client?.clientId;
}

/** What the credential grants now: what it was given, less what its client no longer holds or may hold. */
export function grantedScopes(facts: Facts): string[] {
  const given = scopesGiven(facts);
  if (given === null || facts.client === null) return [];
  const usable = facts.catalog.usableBy(facts.client);
  return given.filter((name) => usable.has(name));
}

/** Of the granted scopes, those that the asking resource server serves; all for any other asker. */
export function servedScopes(facts: Facts): string[] {
  const granted = grantedScopes(facts);
  const served =
    facts.caller?.kind === 'resource_server' && !asksAboutOwn(facts)
      ? facts.caller.servedApiGroups
      : [];
  return served.length === 0
    ? granted
    : granted.filter((name) => served.includes(name) || facts.catalog.scopes.has(name));
}
