/** `/clients/{clientId}/tokens`: its live tokens, by id, never by value. */
import { z } from 'zod';
import { GRANT_TYPES } from '../domain/clients/client.ts';
import { findClient } from '../domain/clients/manage-clients.ts';
import { DEFAULT_PAGE_SIZE } from '../domain/records.ts';
import { revokeAllTokens, revokeToken } from '../domain/tokens/manage-tokens.ts';
import type { StoredToken } from '../domain/tokens/token.ts';
import { pageOf } from './documents.ts';
import { pageQuery } from './query.ts';
import { type Call, project, type Route, route } from './route.ts';

const tokenDocument = z
  .strictObject({
    tokenId: z.string().describe('Names the token; does not work as one'),
    kind: z.enum(['access_token', 'refresh_token']),
    clientId: z.string(),
    userId: z.string().nullable(),
    grantType: z.enum(GRANT_TYPES),
    scopes: z.array(z.string()),
    issuedAt: z.date(),
    expiresAt: z.date(),
    maxUses: z.int().describe('Calls, or refreshes of a refresh token; 0 = unlimited'),
    uses: z.int().describe('Uses spent'),
    familyId: z.string().nullable().describe('Refresh token that an access token came with'),
  })
  .meta({ id: 'Token' });

const revoked = z.strictObject({ revoked: z.int() }).meta({ id: 'RevokedTokens' });

/** The routes of client tokens. */
export const clientTokenRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/clients/:clientId/tokens',
    tag: 'client tokens',
    summary: 'List the live tokens of a client, newest first',
    role: 'viewer',
    query: pageQuery,
    status: 200,
    response: pageOf('TokenPage', tokenDocument),
    handler: listClientTokens,
  }),
  route({
    method: 'DELETE',
    path: '/v1/clients/:clientId/tokens',
    tag: 'client tokens',
    summary: 'Revoke every live token of a client',
    role: 'operator',
    status: 200,
    response: revoked,
    handler: revokeClientTokens,
  }),
  route({
    method: 'DELETE',
    path: '/v1/clients/:clientId/tokens/:tokenId',
    tag: 'client tokens',
    summary: 'Revoke a token; with a refresh token also its access tokens',
    role: 'operator',
    status: 204,
    response: tokenDocument,
    handler: revokeClientToken,
  }),
];

interface ClientId {
  clientId: string;
}

function showToken(token: StoredToken): z.output<typeof tokenDocument> {
  const familyId = token.kind === 'access_token' ? token.familyId : null;
  return project(tokenDocument, { ...token, familyId });
}

async function listClientTokens(call: Call<ClientId, z.output<typeof pageQuery>>) {
  const { services, params, query } = call;
  await findClient(services, params.clientId);
  const { limit = DEFAULT_PAGE_SIZE, cursor } = query;
  const wanted = { limit, now: services.clock.now(), ...(cursor === undefined ? {} : { cursor }) };
  const page = await services.stores.tokens.list({ clientId: params.clientId }, wanted);
  return { body: { ...page, items: page.items.map(showToken) } };
}

async function revokeClientTokens({ services, caller, params, dryRun }: Call<ClientId>) {
  await findClient(services, params.clientId);
  const owner = { clientId: params.clientId };
  return { body: { revoked: await revokeAllTokens(services, caller.actor, owner, { dryRun }) } };
}

async function revokeClientToken(call: Call<ClientId & { tokenId: string }>) {
  const { services, caller, params, dryRun } = call;
  const { clientId, tokenId } = params;
  await findClient(services, clientId);
  const options = { dryRun };
  const token = await revokeToken(services, caller.actor, { clientId }, tokenId, options);
  return { body: showToken(token) };
}
