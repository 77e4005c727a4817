/** From what was presented to the facts of a decision: whose credential it is, and what is known of its owner. */
import { findKeyByValue } from '../api-keys/manage-api-keys.ts';
import type { Client } from '../clients/client.ts';
import type { Services } from '../services.ts';
import { accessTokenIds } from '../tokens/access-token.ts';
import { findAccess } from '../tokens/find-token.ts';
import { asCurrent, readRefreshToken } from '../tokens/refresh-token.ts';
import type { Decision } from './decide.ts';
import { apiCall, type Credential, type Facts, ownerOf } from './facts.ts';

type FindServices = Pick<Services, 'clock' | 'directory' | 'keys' | 'stores'>;

/**
 * The access token behind a value, or `unknown`.
 *
 * @param consume whether a use will be spent: then the charge knows how many are left, and a token
 *   that is kept in memory will do; who only looks is shown the uses as they are stored
 */
export async function accessTokenCredential(
  services: FindServices,
  value: string,
  consume: boolean,
): Promise<Credential> {
  const token = consume
    ? await services.directory.accessToken(...accessTokenIds(services.keys, value))
    : await findAccess(services, value);
  return token === null ? { kind: 'unknown' } : { kind: 'access_token', token };
}

/** Tells the directory what a decision has shown of a token's uses: one without any is refused next time without a charge. */
export function noteUses(
  { directory }: Pick<Services, 'directory'>,
  { credential, weight = 1 }: Facts,
  decision: Decision,
): void {
  if (credential.kind !== 'access_token') return;
  const { tokenId, maxUses, uses } = credential.token;
  if (decision.allowed && decision.usesLeft !== null) {
    directory.noteUses(tokenId, maxUses - decision.usesLeft);
  } else if (!decision.allowed && decision.reason === 'token_uses_exhausted') {
    // The charge knew better than the table; the store knows how many there are.
    if (uses + weight <= maxUses) directory.forgetUses(tokenId);
  }
}

/** The refresh-token family behind a value, replaced values included; null when it is no genuine refresh token. */
export async function refreshTokenCredential(
  services: FindServices,
  value: string,
): Promise<Credential | null> {
  const read = readRefreshToken(services.keys, value);
  if (read === null) return null;
  const family = await services.stores.tokens.findFamily(read.familyId);
  if (family === null) return { kind: 'unknown' };
  return {
    kind: 'refresh_token',
    token: family,
    current: asCurrent(family, read.digests) !== null,
  };
}

/** The API key behind a value, or `unknown`. */
export async function apiKeyCredential(services: FindServices, value: string): Promise<Credential> {
  const found = await findKeyByValue(services, value);
  return found === null ? { kind: 'unknown' } : { kind: 'api_key', ...found };
}

/** What the asker says about the call. */
export interface Asked {
  place: 'introspection' | 'call';
  /** The resource server or client that asks. */
  caller: Client;
  address: string | null;
  call: { method: string; path: string } | null;
  /** Default 1. */
  weight?: number;
}

/** Gathers the facts about a credential for an asker. */
export async function gatherFacts(
  { clock, directory }: FindServices,
  credential: Credential,
  { call, ...asked }: Asked,
): Promise<Facts> {
  const { clientId, userId } = ownerOf(credential);
  const catalog = await directory.catalog();
  return {
    ...asked,
    now: clock.now(),
    credential,
    client: clientId === null ? null : await directory.client(clientId),
    userId,
    user: userId === null ? null : await directory.user(userId),
    call: call === null ? null : apiCall(catalog, call.method, call.path),
    catalog,
  };
}

/** The facts about a client that acts for itself: it authenticates, or asks. */
export async function clientFacts(
  { clock, directory }: FindServices,
  place: 'authentication' | 'token',
  { client, address }: Pick<Facts, 'client' | 'address'>,
): Promise<Facts> {
  const credential = { kind: 'client_secret' } as const;
  const catalog = await directory.catalog();
  return { place, now: clock.now(), credential, client, address, catalog };
}
