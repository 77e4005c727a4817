/** `/access-tokens`: personal access tokens of admins. */
import { z } from 'zod';
import {
  type PersonalAccessToken,
  type PersonalAccessTokenFilter,
  ROLES,
} from '../domain/admins/admin.ts';
import * as manage from '../domain/admins/manage-access-tokens.ts';
import type { Services } from '../domain/services.ts';
import { lastUsed, lastUsedDocument, pageOf, versioned } from './documents.ts';
import { listQuery, toListQuery } from './query.ts';
import { type Call, project, type Route, route } from './route.ts';

const documentShape = {
  accessTokenId: z.string().describe('Names the token; does not work as one'),
  adminId: z.string(),
  label: z.string(),
  role: z.enum(ROLES),
  lastFour: z.string().describe('Last four characters of the value'),
  expiresAt: z.date().nullable(),
  lastUsed: lastUsedDocument,
  ...versioned,
};

const accessTokenDocument = z.strictObject(documentShape).meta({ id: 'AccessToken' });

const issuedAccessToken = z
  .strictObject({
    ...documentShape,
    value: z.string().optional().describe('Answered this once; absent from a dry run'),
  })
  .meta({ id: 'IssuedAccessToken' });

const newAccessToken = manage.newAccessToken.meta({ id: 'NewAccessToken' });
const accessTokenQuery = listQuery('createdAt').extend({
  adminId: z.string().max(40).optional().describe('Whose'),
});

/** The routes of personal access tokens. */
export const accessTokenRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/access-tokens',
    tag: 'access tokens',
    summary: 'List personal access tokens, never their values',
    role: 'viewer',
    query: accessTokenQuery,
    status: 200,
    response: pageOf('AccessTokenPage', accessTokenDocument),
    handler: listAccessTokens,
  }),
  route({
    method: 'POST',
    path: '/v1/access-tokens',
    tag: 'access tokens',
    summary: 'Issue one to yourself, or with the role security to another admin',
    role: 'viewer',
    body: newAccessToken,
    status: 201,
    response: issuedAccessToken,
    handler: createAccessToken,
  }),
  route({
    method: 'GET',
    path: '/v1/access-tokens/:accessTokenId',
    tag: 'access tokens',
    summary: 'Read a personal access token, never its value',
    role: 'viewer',
    status: 200,
    response: accessTokenDocument,
    handler: getAccessToken,
  }),
  route({
    method: 'DELETE',
    path: '/v1/access-tokens/:accessTokenId',
    tag: 'access tokens',
    summary: 'End one of yours, or with the role security that of another admin',
    role: 'viewer',
    ifMatch: 'optional',
    status: 204,
    response: accessTokenDocument,
    handler: deleteAccessToken,
  }),
];

interface AccessTokenId {
  accessTokenId: string;
}

async function showAll(services: Services, tokens: PersonalAccessToken[]) {
  const subjectOf = (token: PersonalAccessToken) => `access_token:${token.accessTokenId}`;
  const uses = await services.stores.lastUses.find(tokens.map(subjectOf));
  return tokens.map((token) =>
    project(accessTokenDocument, { ...token, lastUsed: lastUsed(uses.get(subjectOf(token))) }),
  );
}

async function showOne(services: Services, token: PersonalAccessToken) {
  const { [0]: shown } = await showAll(services, [token]);
  return shown as z.output<typeof accessTokenDocument>;
}

async function listAccessTokens(call: Call<unknown, z.output<typeof accessTokenQuery>>) {
  const { services, query } = call;
  const wanted = toListQuery<PersonalAccessTokenFilter>(query, { adminId: query.adminId });
  const page = await services.stores.personalAccessTokens.list(wanted);
  return { body: { ...page, items: await showAll(services, page.items) } };
}

async function createAccessToken(call: Call<unknown, unknown, z.output<typeof newAccessToken>>) {
  const { services, caller, body, dryRun } = call;
  const { token, value } = await manage.createAccessToken(services, caller, body, { dryRun });
  const shown = project(accessTokenDocument, { ...token, lastUsed: null });
  return {
    body: value === null ? shown : { ...shown, value },
    location: `/access-tokens/${token.accessTokenId}`,
  };
}

async function getAccessToken({ services, params }: Call<AccessTokenId>) {
  const token = await manage.findAccessToken(services, params.accessTokenId);
  return { body: await showOne(services, token) };
}

async function deleteAccessToken(call: Call<AccessTokenId>) {
  const { services, caller, params, version, dryRun } = call;
  const options = { version, dryRun };
  const id = params.accessTokenId;
  const token = await manage.deleteAccessToken(services, caller, id, options);
  return { body: await showOne(services, token) };
}
