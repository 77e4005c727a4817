/**
 * The password grant (RFC 6749 §4.3). OAuth 2.1 drops it; partners of the manuals that Tollgate grew
 * from still use it, so it works for the clients that an admin gives it to, and for no others.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../../domain/services.ts';
import { issueTokens } from '../../domain/tokens/issue-tokens.ts';
import { signIn } from '../../domain/users/sign-in.ts';
import { invalidGrant } from '../errors.ts';
import { required } from '../parameters.ts';
import { admit, authenticatedClient, stateOf } from '../request.ts';
import { answerTokens, type Grant, requestedScopes } from './grant.ts';

export const password: Grant = {
  grantType: 'password',
  parameters: ['username', 'password', 'scope'],
  handler: grantPassword,
};

async function grantPassword(services: Services, ctx: KoaContextWithOIDC): Promise<void> {
  const client = await authenticatedClient(services, ctx);
  const catalog = await services.directory.catalog();
  const { address } = stateOf(ctx);
  const grantType = 'password';
  const facts = () =>
    ({
      place: 'token',
      now: services.clock.now(),
      credential: { kind: 'client_secret' },
      client,
      address,
      grantType,
      catalog,
    }) as const;
  // A client that may not ask costs no password verification.
  admit(services, stateOf(ctx), facts());
  const user = await signIn(
    services,
    required(ctx.oidc.body, 'username'),
    required(ctx.oidc.body, 'password'),
    address,
  );
  if (user === null) throw invalidGrant('user name or password is wrong');
  admit(services, stateOf(ctx), { ...facts(), userId: user.userId, user });
  const usable = catalog.usableBy(client);
  const groups = client.apiGroups.filter((name) => usable.has(name));
  const scopes = requestedScopes(ctx.oidc.params?.['scope'], usable, groups);
  const tokens = { keys: services.keys, tokens: services.stores.tokens };
  const now = services.clock.now();
  answerTokens(
    ctx,
    await issueTokens(tokens, { client, userId: user.userId, grantType, scopes, now }),
  );
}
