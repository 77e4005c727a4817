/** `/api-scopes`: named sets of APIs that end users consent to. */
import { z } from 'zod';
import * as scope from '../domain/apis/api-scope.ts';
import * as manage from '../domain/apis/manage-api-scopes.ts';
import { pageOf, versioned } from './documents.ts';
import { listQuery, toListQuery } from './query.ts';
import { type Call, project, type Route, route, type UpdateCall } from './route.ts';

const apiScopeDocument = z
  .strictObject({ name: z.string(), ...scope.apiScopeSettings.shape, ...versioned })
  .meta({ id: 'ApiScope' });

const newApiScope = scope.newApiScope.meta({ id: 'NewApiScope' });
const apiScopePatch = manage.apiScopePatch.meta({ id: 'ApiScopePatch' });
const apiScopeQuery = listQuery('name', 'createdAt');

/** The routes of API scopes. */
export const apiScopeRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/api-scopes',
    tag: 'api scopes',
    summary: 'List API scopes',
    role: 'viewer',
    query: apiScopeQuery,
    status: 200,
    response: pageOf('ApiScopePage', apiScopeDocument),
    handler: listApiScopes,
  }),
  route({
    method: 'POST',
    path: '/v1/api-scopes',
    tag: 'api scopes',
    summary: 'Create an API scope',
    role: 'operator',
    body: newApiScope,
    status: 201,
    response: apiScopeDocument,
    handler: createApiScope,
  }),
  route({
    method: 'GET',
    path: '/v1/api-scopes/:name',
    tag: 'api scopes',
    summary: 'Read an API scope',
    role: 'viewer',
    status: 200,
    response: apiScopeDocument,
    handler: getApiScope,
  }),
  route({
    method: 'PATCH',
    path: '/v1/api-scopes/:name',
    tag: 'api scopes',
    summary: 'Change an API scope (merge patch)',
    role: 'operator',
    body: apiScopePatch,
    ifMatch: 'required',
    status: 200,
    response: apiScopeDocument,
    present: showApiScope,
    handler: updateApiScope,
  }),
  route({
    method: 'DELETE',
    path: '/v1/api-scopes/:name',
    tag: 'api scopes',
    summary: 'Delete an API scope that nothing uses',
    role: 'operator',
    ifMatch: 'optional',
    status: 204,
    response: apiScopeDocument,
    present: showApiScope,
    handler: deleteApiScope,
  }),
];

interface Name {
  name: string;
}

function showApiScope(stored: scope.ApiScope): z.output<typeof apiScopeDocument> {
  return project(apiScopeDocument, stored);
}

async function listApiScopes({ services, query }: Call<unknown, z.output<typeof apiScopeQuery>>) {
  const page = await services.stores.apiScopes.list(toListQuery(query));
  return { body: { ...page, items: page.items.map(showApiScope) } };
}

async function createApiScope(call: Call<unknown, unknown, z.output<typeof newApiScope>>) {
  const { services, caller, body, dryRun } = call;
  const created = await manage.createApiScope(services, caller.actor, body, { dryRun });
  return { body: showApiScope(created), location: `/api-scopes/${created.name}` };
}

async function getApiScope({ services, params }: Call<Name>) {
  return { body: showApiScope(await manage.findApiScope(services, params.name)) };
}

async function updateApiScope(call: UpdateCall<Name, z.output<typeof apiScopePatch>>) {
  const { services, caller, params, body, version, dryRun } = call;
  const update = { id: params.name, version, patch: body };
  return {
    body: showApiScope(await manage.updateApiScope(services, caller.actor, update, { dryRun })),
  };
}

async function deleteApiScope({ services, caller, params, version, dryRun }: Call<Name>) {
  const options = { version, dryRun };
  return {
    body: showApiScope(await manage.deleteApiScope(services, caller.actor, params.name, options)),
  };
}
