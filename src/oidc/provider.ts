/**
 * The OAuth engine (oidc-provider), configured: it parses requests, authenticates clients, speaks the
 * RFCs' errors and serves metadata. Which client may do what, and every limit, is the domain's.
 */
import { type Configuration, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Client } from '../domain/clients/client.ts';
import { MAX_LIFETIME_SECONDS } from '../domain/clients/client.ts';
import type { Services } from '../domain/services.ts';
import { engineAdapter } from './adapter.ts';
import { assertionPolicy, useHashedSecrets } from './client-secret.ts';
import { correctError, reportServerError } from './errors.ts';
import { GRANTS } from './grants/index.ts';
import { introspectionPolicy } from './introspection.ts';
import { revocationPolicy } from './revocation.ts';
import { loadSigningKeys } from './signing-keys.ts';

/** Paths of the OAuth endpoints. */
export const ROUTES = {
  token: '/oauth2/token',
  introspection: '/oauth2/introspect',
  revocation: '/oauth2/revoke',
  jwks: '/oauth2/jwks',
  authorization: '/oauth2/authorize',
} as const;

/** Builds the engine over the services. Throws when the signing keys cannot be read. */
export async function createProvider(services: Services): Promise<Provider> {
  const provider = new Provider(services.issuer, {
    ...(await configuration(services)),
    adapter: engineAdapter(services),
  });
  for (const grant of GRANTS) {
    provider.registerGrantType(grant.grantType, (ctx) => grant.handler(services, ctx), [
      ...grant.parameters,
    ]);
  }
  useHashedSecrets(provider, services);
  rememberClients(provider, services);
  provider.on('grant.error', correctError);
  provider.on('introspection.error', correctError);
  provider.on('revocation.error', correctError);
  provider.on('server_error', reportServerError);
  return provider;
}

/** Keys that sign cookies: the same for the engine and for the application around it, or the engine finds none. */
export function cookieKeys({ keys }: Pick<Services, 'keys'>): string[] {
  return keys.digests('cookie', 'engine');
}

async function configuration(services: Services): Promise<Configuration> {
  const off = { enabled: false };
  return {
    routes: ROUTES,
    jwks: await loadSigningKeys(services),
    cookies: { keys: cookieKeys(services) },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    assertJwtClientAuthClaimsAndHeader: assertionPolicy(services) as never,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    responseTypes: ['code'],
    scopes: [],
    claims: {},
    subjectTypes: ['public'],
    pkce: { required: () => true },
    features: {
      devInteractions: off,
      userinfo: off,
      rpInitiatedLogout: off,
      resourceIndicators: off,
      dPoP: off,
      pushedAuthorizationRequests: off,
      introspection: { enabled: true, allowedPolicy: introspectionPolicy(services) as never },
      revocation: { enabled: true, allowedPolicy: revocationPolicy(services) as never },
    },
    // Lifetimes are the clients' and are set by the grants; the engine stores no token of its own.
    ttl: Object.fromEntries(
      [
        'AccessToken',
        'AuthorizationCode',
        'ClientCredentials',
        'Grant',
        'IdToken',
        'Interaction',
        'RefreshToken',
        'Session',
      ].map((model) => [model, MAX_LIFETIME_SECONDS]),
    ),
    clientBasedCORS: () => false,
    findAccount: async () => undefined,
    issueRefreshToken: async () => false,
    renderError: renderJson,
  };
}

/** The endpoints answer JSON whatever a browser would rather have (RFC 6749 §5.2). */
function renderJson(ctx: KoaContextWithOIDC, out: object): void {
  ctx.body = out;
}

/** Keeps the engine's client object for as long as the directory keeps ours: no parsing at each request. */
function rememberClients(provider: Provider, services: Services): void {
  type EngineClient = Awaited<ReturnType<typeof provider.Client.find>>;
  const known = new WeakMap<Client, EngineClient>();
  const find = provider.Client.find.bind(provider.Client);
  provider.Client.find = async function findRemembered(clientId: string) {
    const client = await services.directory.client(clientId);
    if (client === null) return undefined;
    const remembered = known.get(client);
    if (remembered !== undefined) return remembered;
    const found = await find(clientId);
    known.set(client, found);
    return found;
  };
}
