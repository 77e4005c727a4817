/**
 * The engine's storage: clients come from the directory, tokens from the token store. Tokens are
 * issued by our grants, so the engine only finds and destroys them. Ids that the engine hands over
 * are bearer values; none is stored, only its keyed digest.
 */
import { type Adapter, type AdapterPayload, Provider } from 'oidc-provider';
import type { Services } from '../domain/services.ts';
import { findAccess, findFamily } from '../domain/tokens/find-token.ts';
import type { StoredToken } from '../domain/tokens/token.ts';
import { clientMetadata } from './client-metadata.ts';
import { OAuthError } from './errors.ts';

/** What an adapter of one model does; the rest is never called, and says so. */
type Partial7 = Pick<Adapter, 'find'> & Partial<Adapter>;

/** The engine's adapter factory: model name → adapter. */
export function engineAdapter(services: Services): (model: string) => Adapter {
  const models: Record<string, Partial7> = {
    Client: { find: (id) => findClient(services, id) },
    AccessToken: tokenAdapter(services, 'access_token'),
    RefreshToken: tokenAdapter(services, 'refresh_token'),
    // Tokens of client_credentials are found as access tokens.
    ClientCredentials: { find: async () => undefined },
    ReplayDetection: replayAdapter(services),
  };
  return (model) => withRefusals(model, models[model] ?? { find: async () => undefined });
}

async function findClient(
  services: Services,
  clientId: string,
): Promise<AdapterPayload | undefined> {
  const client = await services.directory.client(clientId);
  return client === null ? undefined : clientMetadata(client);
}

function tokenAdapter(services: Services, kind: StoredToken['kind']): Partial7 {
  return {
    async find(value) {
      const looksLike = value.startsWith('tgr_') ? 'refresh_token' : 'access_token';
      if (looksLike !== kind) return undefined;
      if (Provider.ctx?.oidc.route === 'introspection') return candidate(kind, value);
      const token =
        kind === 'access_token'
          ? await findAccess(services, value)
          : await findFamily(services, value);
      return token === null || token.revokedAt !== null ? undefined : payload(token, value);
    },
    async destroy(value) {
      const token =
        kind === 'access_token'
          ? await findAccess(services, value)
          : await findFamily(services, value);
      if (token !== null) await services.stores.tokens.revoke(token.tokenId, services.clock.now());
    },
  };
}

const FAR_FUTURE = 4_102_444_800;

/**
 * At introspection the decision table alone judges a token. The engine asks its policy only about
 * tokens that it believes alive, so it is given a candidate for any value.
 */
function candidate(kind: StoredToken['kind'], value: string): AdapterPayload {
  return {
    kind: kind === 'access_token' ? 'AccessToken' : 'RefreshToken',
    jti: value,
    iat: 0,
    exp: FAR_FUTURE,
  };
}

function payload(token: StoredToken, value: string): AdapterPayload {
  return {
    kind: token.kind === 'access_token' ? 'AccessToken' : 'RefreshToken',
    jti: value,
    clientId: token.clientId,
    iat: Math.floor(token.issuedAt.getTime() / 1000),
    exp: Math.floor(token.expiresAt.getTime() / 1000),
  };
}

/** Ids of used client assertions (RFC 7523 §3): each is taken once, also by concurrent requests. */
function replayAdapter(services: Services): Partial7 {
  const digest = (id: string) => services.keys.digest('artifact', id);
  return {
    async find(id) {
      return (
        (await services.stores.artifacts.find(
          'ReplayDetection',
          digest(id),
          services.clock.now(),
        )) ?? undefined
      );
    },
    async upsert(id, content, expiresIn = 0) {
      const now = services.clock.now();
      const { jti, ...kept } = content;
      const artifact = {
        model: 'ReplayDetection',
        digest: digest(id),
        payload: kept,
        expiresAt: new Date(now.getTime() + expiresIn * 1000),
      };
      if (!(await services.stores.artifacts.insert(artifact, now)))
        throw new OAuthError(401, 'invalid_client', 'client assertions work once');
    },
  };
}

function withRefusals(model: string, adapter: Partial7): Adapter {
  const unused = (method: string) => async () => {
    throw new Error(`the engine called ${model}.${method}, which Tollgate does not use`);
  };
  return {
    upsert: unused('upsert'),
    findByUid: unused('findByUid'),
    findByUserCode: unused('findByUserCode'),
    consume: unused('consume'),
    destroy: unused('destroy'),
    revokeByGrantId: unused('revokeByGrantId'),
    ...adapter,
  };
}
