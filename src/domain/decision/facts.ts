/** Facts: everything that a check may look at, gathered before the first check runs. */
import type { Catalog } from '../apis/catalog.ts';
import type { Client } from '../clients/client.ts';
import type { AccessToken, RefreshFamily } from '../tokens/token.ts';
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
  | { kind: 'refresh_token'; token: RefreshFamily; current: boolean };

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
  call?: { method: string; path: string } | null;
  catalog: Catalog;
}

/** The token of a credential, if it is one. */
export function tokenOf(facts: Facts): AccessToken | RefreshFamily | null {
  return 'token' in facts.credential ? facts.credential.token : null;
}

/** Whether a client asks about its own token. */
export function asksAboutOwn(facts: Facts): boolean {
  return facts.caller != null && facts.caller.clientId === facts.client?.clientId;
}

/** What the token grants now: its scopes, less those that its client no longer holds or may hold. */
export function grantedScopes(facts: Facts): string[] {
  const token = tokenOf(facts);
  if (token === null || facts.client === null) return [];
  const usable = facts.catalog.usableBy(facts.client);
  return token.scopes.filter((name) => usable.has(name));
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
