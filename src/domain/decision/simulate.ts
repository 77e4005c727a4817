/** The simulator: the same table for any client, user, token or key, address, moment and API; spends and notes nothing. */
import type { Catalog } from '../apis/catalog.ts';
import type { Client, GrantType } from '../clients/client.ts';
import { plusSeconds } from '../clock.ts';
import { notFound } from '../errors.ts';
import type { Services } from '../services.ts';
import type { AccessToken } from '../tokens/token.ts';
import { windowOf } from './charges.ts';
import { firstRefusal } from './checks.ts';
import { type TraceEntry, traceOf } from './explain.ts';
import { apiCall, type Credential, type Facts, type Readings } from './facts.ts';
import type { ReasonCode } from './reasons.ts';

/** What is supposed. */
export interface Supposition {
  /** Whose call: a stored credential by its id, or any token of a client. */
  subject: { tokenId: string } | { apiKeyId: string } | { clientId: string };
  /** Resource owner of a supposed token. */
  userId?: string | undefined;
  /** Scopes of a supposed token; default: all that the client may hold. */
  scopes?: string[] | undefined;
  place: 'token' | 'introspection' | 'call';
  /** Grant type asked for at the token endpoint. */
  grantType?: GrantType | undefined;
  /** The resource server that asks; default: one that serves every group. */
  callerId?: string | undefined;
  address: string | null;
  /** The moment of the call. */
  at: Date;
  call: { method: string; path: string } | null;
  weight: number;
}

/** What the table says about a supposition. */
export interface Simulation {
  reason: ReasonCode | null;
  trace: TraceEntry[];
}

/**
 * Runs the table over a supposition.
 *
 * @throws DomainError `not_found` when a token, key, client, user or resource server does not exist
 */
export async function simulate(services: Services, supposed: Supposition): Promise<Simulation> {
  const { place, at: now, address, call, grantType, weight, callerId } = supposed;
  const catalog = await services.directory.catalog();
  const { credential, client, userId } = await supposedCredential(services, supposed, catalog);
  const user = userId === null ? null : await services.directory.user(userId);
  const caller = callerId === undefined ? null : await clientOf(services, callerId);
  const facts: Facts = {
    ...{ place, now, credential, client, address, userId, user, caller, catalog, weight },
    ...(place === 'token' && { grantType: grantType ?? 'client_credentials' }),
    call: call === null ? null : apiCall(catalog, call.method, call.path),
  };
  const window = windowOf(facts, services.meters);
  const known = { ...facts, readings: await readingsAt(services, facts, window?.window) };
  const refusal = firstRefusal(known);
  return {
    reason: refusal?.reason ?? null,
    trace: traceOf(known, { refusal: null, quotaEndsAt: window?.endsAt ?? null }),
  };
}

interface SupposedCredential {
  credential: Credential;
  client: Client | null;
  userId: string | null;
}

async function supposedCredential(
  services: Services,
  supposed: Supposition,
  catalog: Catalog,
): Promise<SupposedCredential> {
  const { subject, userId, place } = supposed;
  if ('tokenId' in subject) return storedToken(services, subject.tokenId);
  if ('apiKeyId' in subject) return storedKey(services, subject.apiKeyId);
  const client = await clientOf(services, subject.clientId);
  if (userId !== undefined && (await services.directory.user(userId)) === null)
    throw notFound('user', userId);
  const credential: Credential =
    place === 'token'
      ? { kind: 'client_secret' }
      : { kind: 'access_token', token: supposedToken(client, supposed, catalog) };
  return { credential, client, userId: userId ?? null };
}

async function storedToken(services: Services, tokenId: string): Promise<SupposedCredential> {
  const token = await services.stores.tokens.findAccess(tokenId);
  if (token === null) throw notFound('access token', tokenId);
  const client = await services.directory.client(token.clientId);
  return { credential: { kind: 'access_token', token }, client, userId: token.userId };
}

async function storedKey(services: Services, apiKeyId: string): Promise<SupposedCredential> {
  const apiKey = await services.stores.apiKeys.find(apiKeyId);
  if (apiKey === null) throw notFound('API key', apiKeyId);
  const client = await services.directory.client(apiKey.clientId);
  const { expiresAt } = apiKey;
  return { credential: { kind: 'api_key', apiKey, expiresAt }, client, userId: null };
}

/** A token as the client would get it at that moment. */
function supposedToken(
  client: Client,
  { at, userId = null, scopes }: SupposedToken,
  catalog: Catalog,
): AccessToken {
  const usable = [...catalog.usableBy(client)];
  const granted = usable.filter((name) => userId !== null || catalog.groups.has(name));
  const { lifetimeSeconds, maxUses } = client.accessToken;
  return {
    kind: 'access_token',
    tokenId: 'supposed',
    clientId: client.clientId,
    userId,
    grantType: userId === null ? 'client_credentials' : 'password',
    scopes: scopes ?? granted,
    issuedAt: at,
    expiresAt: plusSeconds(at, lifetimeSeconds),
    revokedAt: null,
    maxUses,
    uses: 0,
    familyId: null,
  };
}

type SupposedToken = { userId?: string | null | undefined } & Pick<Supposition, 'at' | 'scopes'>;

/** The quota of that moment's window as it stands; the second is supposed to be empty. */
async function readingsAt(
  { stores }: Services,
  { client }: Facts,
  window: string | undefined,
): Promise<Readings> {
  const quotaUsed =
    client === null || window === undefined
      ? null
      : await stores.charges.quotaUsed(client.clientId, window);
  return { rate: { ok: true, used: 0, retryAfterMs: 0 }, quotaUsed };
}

async function clientOf({ directory }: Services, clientId: string): Promise<Client> {
  const client = await directory.client(clientId);
  if (client === null) throw notFound('client', clientId);
  return client;
}
