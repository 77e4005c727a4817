/** `/apis`: method and path pattern of protected services. */
import { z } from 'zod';
import * as api from '../domain/apis/api.ts';
import * as manage from '../domain/apis/manage-apis.ts';
import { pageOf, versioned } from './documents.ts';
import { listQuery, toListQuery } from './query.ts';
import { type Call, project, type Route, route, type UpdateCall } from './route.ts';

const apiDocument = z
  .strictObject({ apiId: z.string(), ...api.apiSettings.shape, ...versioned })
  .meta({ id: 'Api' });

const newApi = api.newApi.meta({ id: 'NewApi' });
const apiPatch = manage.apiPatch.meta({ id: 'ApiPatch' });
const apiQuery = listQuery('path', 'createdAt');

/** The routes of APIs. */
export const apiRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/apis',
    tag: 'apis',
    summary: 'List APIs',
    role: 'viewer',
    query: apiQuery,
    status: 200,
    response: pageOf('ApiPage', apiDocument),
    handler: listApis,
  }),
  route({
    method: 'POST',
    path: '/v1/apis',
    tag: 'apis',
    summary: 'Create an API',
    role: 'operator',
    body: newApi,
    status: 201,
    response: apiDocument,
    handler: createApi,
  }),
  route({
    method: 'GET',
    path: '/v1/apis/:apiId',
    tag: 'apis',
    summary: 'Read an API',
    role: 'viewer',
    status: 200,
    response: apiDocument,
    handler: getApi,
  }),
  route({
    method: 'PATCH',
    path: '/v1/apis/:apiId',
    tag: 'apis',
    summary: 'Change an API (merge patch)',
    role: 'operator',
    body: apiPatch,
    ifMatch: 'required',
    status: 200,
    response: apiDocument,
    present: showApi,
    handler: updateApi,
  }),
  route({
    method: 'DELETE',
    path: '/v1/apis/:apiId',
    tag: 'apis',
    summary: 'Delete an API that nothing uses',
    role: 'operator',
    ifMatch: 'optional',
    status: 204,
    response: apiDocument,
    present: showApi,
    handler: deleteApi,
  }),
];

interface ApiId {
  apiId: string;
}

function showApi(stored: api.Api): z.output<typeof apiDocument> {
  return project(apiDocument, stored);
}

async function listApis({ services, query }: Call<unknown, z.output<typeof apiQuery>>) {
  const page = await services.stores.apis.list(toListQuery(query));
  return { body: { ...page, items: page.items.map(showApi) } };
}

async function createApi(call: Call<unknown, unknown, z.output<typeof newApi>>) {
  const { services, caller, body, dryRun } = call;
  const created = await manage.createApi(services, caller.actor, body, { dryRun });
  return { body: showApi(created), location: `/apis/${created.apiId}` };
}

async function getApi({ services, params }: Call<ApiId>) {
  return { body: showApi(await manage.findApi(services, params.apiId)) };
}

async function updateApi(call: UpdateCall<ApiId, z.output<typeof apiPatch>>) {
  const { services, caller, params, body, version, dryRun } = call;
  const update = { id: params.apiId, version, patch: body };
  return { body: showApi(await manage.updateApi(services, caller.actor, update, { dryRun })) };
}

async function deleteApi({ services, caller, params, version, dryRun }: Call<ApiId>) {
  const options = { version, dryRun };
  return { body: showApi(await manage.deleteApi(services, caller.actor, params.apiId, options)) };
}
