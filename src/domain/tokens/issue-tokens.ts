/**
 * Issues and refreshes tokens. What a token may do (lifetime, uses) is fixed here, at issuance, from
 * the client's settings; a later change of the client counts for later tokens only.
 */

import type { Client, GrantType } from '../clients/client.ts';
import { plusSeconds } from '../clock.ts';
import { randomId } from '../secrets/random.ts';
import type { SecretKeys } from '../secrets/secret-keys.ts';
import { writeAccessToken } from './access-token.ts';
import { type ReadRefreshToken, writeRefreshToken } from './refresh-token.ts';
import type { AccessToken, RefreshFamily } from './token.ts';
import type { TokenStore } from './token-store.ts';

/** What issuing needs. */
export interface TokenServices {
  keys: SecretKeys;
  tokens: TokenStore;
}

/** Values handed to the client, this once. */
export interface IssuedTokens {
  accessToken: string;
  /** Null where the client may not refresh, and after the last allowed refresh. */
  refreshToken: string | null;
  /** Lifetime of the access token in seconds. */
  expiresIn: number;
  scopes: string[];
}

/** What is granted to whom. */
export interface TokenGrant {
  client: Client;
  userId: string | null;
  grantType: GrantType;
  scopes: string[];
  now: Date;
}

/**
 * Issues an access token and, for a user grant of a client that may refresh, a refresh token
 * (RFC 6749 §4.4.3: a client_credentials response "SHOULD NOT" include one).
 */
export async function issueTokens(
  services: TokenServices,
  grant: TokenGrant,
): Promise<IssuedTokens> {
  const { client, now } = grant;
  const refreshes = grant.userId !== null && client.grantTypes.includes('refresh_token');
  const family = refreshes ? newFamily(services.keys, grant) : null;
  const access = newAccessToken(services.keys, grant, family?.row.tokenId ?? null);
  await services.tokens.issue(access.row, family?.row ?? null);
  return {
    accessToken: access.value,
    refreshToken: family?.value ?? null,
    expiresIn: seconds(now, access.row.expiresAt),
    scopes: grant.scopes,
  };
}

/** A refresh: the family that was presented, its client, and the scopes the new access token gets. */
export interface Refresh {
  presented: ReadRefreshToken;
  family: RefreshFamily;
  client: Client;
  scopes: string[];
  now: Date;
}

/**
 * Spends one refresh of a family (RFC 6749 §6): a new access token and, unless this was the last
 * refresh allowed, the next refresh token, which expires when the family does.
 *
 * @returns null when another request has used the token, or the family ended meanwhile
 */
export async function refreshTokens(
  services: TokenServices,
  refresh: Refresh,
): Promise<IssuedTokens | null> {
  const { family, client, scopes, now } = refresh;
  const last = family.maxUses > 0 && family.uses + 1 >= family.maxUses;
  const next = last ? null : writeRefreshToken(services.keys, family.tokenId);
  const grant = { client, userId: family.userId, grantType: family.grantType, scopes, now };
  const access = newAccessToken(services.keys, grant, family.tokenId);
  const won = await services.tokens.rotate({
    familyId: family.tokenId,
    fromDigest: refresh.presented.currentDigest,
    toDigest: next?.digest ?? null,
    access: access.row,
    now,
  });
  if (!won) return null;
  return {
    accessToken: access.value,
    refreshToken: next?.value ?? null,
    expiresIn: seconds(now, access.row.expiresAt),
    scopes,
  };
}

function newAccessToken(
  keys: SecretKeys,
  grant: TokenGrant,
  familyId: string | null,
): { value: string; row: AccessToken } {
  const { value, tokenId } = writeAccessToken(keys, grant.now);
  const { lifetimeSeconds, maxUses } = grant.client.accessToken;
  const row: AccessToken = {
    ...base(grant, lifetimeSeconds, maxUses),
    kind: 'access_token',
    tokenId,
    familyId,
  };
  return { value, row };
}

function newFamily(keys: SecretKeys, grant: TokenGrant): { value: string; row: RefreshFamily } {
  const familyId = randomId();
  const { value, digest } = writeRefreshToken(keys, familyId);
  const { lifetimeSeconds, maxUses } = grant.client.refreshToken;
  const row: RefreshFamily = {
    ...base(grant, lifetimeSeconds, maxUses),
    kind: 'refresh_token',
    tokenId: familyId,
    currentDigest: digest,
    rotatedAt: null,
  };
  return { value, row };
}

function base(grant: TokenGrant, lifetimeSeconds: number, maxUses: number) {
  return {
    clientId: grant.client.clientId,
    userId: grant.userId,
    grantType: grant.grantType,
    scopes: grant.scopes,
    issuedAt: grant.now,
    expiresAt: plusSeconds(grant.now, lifetimeSeconds),
    revokedAt: null,
    maxUses,
    uses: 0,
  };
}

function seconds(from: Date, to: Date): number {
  return Math.round((to.getTime() - from.getTime()) / 1000);
}
