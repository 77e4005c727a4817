/**
 * The refresh_token grant (RFC 6749 §6) with rotation (RFC 9700 §4.14.2). The family carries the
 * count of refreshes and an absolute expiry; of concurrent requests with one token exactly one wins.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Client } from '../../domain/clients/client.ts';
import type { Services } from '../../domain/services.ts';
import { refreshTokens } from '../../domain/tokens/issue-tokens.ts';
import {
  asCurrent,
  type ReadRefreshToken,
  readRefreshToken,
} from '../../domain/tokens/refresh-token.ts';
import { RotationRaces } from '../../domain/tokens/rotation-races.ts';
import type { RefreshFamily } from '../../domain/tokens/token.ts';
import { invalidGrant } from '../errors.ts';
import { required } from '../parameters.ts';
import { admit, authenticatedClient, stateOf } from '../request.ts';
import { answerTokens, type Grant, requestedScopes } from './grant.ts';

const races = new RotationRaces();

export const refreshToken: Grant = {
  grantType: 'refresh_token',
  parameters: ['refresh_token', 'scope'],
  handler: grantRefreshToken,
};

async function grantRefreshToken(services: Services, ctx: KoaContextWithOIDC): Promise<void> {
  const client = await authenticatedClient(services, ctx);
  const { family, presented } = await findPresented(services, ctx, client);
  const catalog = await services.directory.catalog();
  const now = services.clock.now();
  const { userId } = family;
  admit(services, stateOf(ctx), {
    place: 'refresh',
    now,
    credential: { kind: 'refresh_token', token: family, current: presented !== null },
    client,
    address: stateOf(ctx).address,
    grantType: 'refresh_token',
    userId,
    user: userId === null ? null : await services.directory.user(userId),
    catalog,
  });
  // "The requested scope MUST NOT include any scope not originally granted" (RFC 6749 §6).
  const asked = requestedScopes(ctx.oidc.params?.['scope'], new Set(family.scopes), family.scopes);
  const usable = catalog.usableBy(client);
  const scopes = asked.filter((name) => usable.has(name));
  const tokens = { keys: services.keys, tokens: services.stores.tokens };
  const issued =
    presented &&
    (await races.rotating(family.tokenId, () =>
      refreshTokens(tokens, { presented, family, client, scopes, now }),
    ));
  if (issued === null) throw invalidGrant('the refresh token has been used by another request');
  answerTokens(ctx, issued);
}

/** The family of the presented token; ends the family when the token had been replaced before this request came. */
async function findPresented(
  services: Services,
  ctx: KoaContextWithOIDC,
  client: Client,
): Promise<{ family: RefreshFamily; presented: ReadRefreshToken | null }> {
  const read = readRefreshToken(services.keys, required(ctx.oidc.body, 'refresh_token'));
  const family = read === null ? null : await services.stores.tokens.findFamily(read.familyId);
  // A token of another client is as unknown as none (RFC 6749 §5.2: "was issued to another client").
  if (read === null || family === null || family.clientId !== client.clientId) {
    throw invalidGrant('the refresh token is not valid');
  }
  const presented = asCurrent(family, read.digests);
  const isReplay = presented === null && !races.isLostBy(stateOf(ctx), family);
  if (isReplay && family.revokedAt === null) {
    await services.stores.tokens.revoke(family.tokenId, services.clock.now());
  }
  return { family, presented };
}
