/** The client_credentials grant (RFC 6749 §4.4): a token for the client itself, with its API groups. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../../domain/services.ts';
import { issueTokens } from '../../domain/tokens/issue-tokens.ts';
import { admit, authenticatedClient, stateOf } from '../request.ts';
import { answerTokens, type Grant, requestedScopes } from './grant.ts';

export const clientCredentials: Grant = {
  grantType: 'client_credentials',
  parameters: ['scope'],
  handler: grantClientCredentials,
};

async function grantClientCredentials(services: Services, ctx: KoaContextWithOIDC): Promise<void> {
  const client = await authenticatedClient(services, ctx);
  const catalog = await services.directory.catalog();
  const now = services.clock.now();
  const { address } = stateOf(ctx);
  const grantType = 'client_credentials';
  admit(services, stateOf(ctx), {
    place: 'token',
    now,
    credential: { kind: 'client_secret' },
    client,
    address,
    grantType,
    catalog,
  });
  const usable = catalog.usableBy(client);
  const groups = client.apiGroups.filter((name) => usable.has(name));
  const scopes = requestedScopes(ctx.oidc.params?.['scope'], new Set(groups), groups);
  const tokens = { keys: services.keys, tokens: services.stores.tokens };
  answerTokens(ctx, await issueTokens(tokens, { client, userId: null, grantType, scopes, now }));
}
