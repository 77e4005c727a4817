/** `/api-groups`: named sets of APIs that clients are granted. */
import { z } from 'zod';
import * as group from '../domain/apis/api-group.ts';
import * as manage from '../domain/apis/manage-api-groups.ts';
import { pageOf, versioned } from './documents.ts';
import { listQuery, toListQuery } from './query.ts';
import { type Call, project, type Route, route, type UpdateCall } from './route.ts';

const apiGroupDocument = z
  .strictObject({ name: z.string(), ...group.apiGroupSettings.shape, ...versioned })
  .meta({ id: 'ApiGroup' });

const newApiGroup = group.newApiGroup.meta({ id: 'NewApiGroup' });
const apiGroupPatch = manage.apiGroupPatch.meta({ id: 'ApiGroupPatch' });
const apiGroupQuery = listQuery('name', 'createdAt');

/** The routes of API groups. */
export const apiGroupRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/api-groups',
    tag: 'api groups',
    summary: 'List API groups',
    role: 'viewer',
    query: apiGroupQuery,
    status: 200,
    response: pageOf('ApiGroupPage', apiGroupDocument),
    handler: listApiGroups,
  }),
  route({
    method: 'POST',
    path: '/v1/api-groups',
    tag: 'api groups',
    summary: 'Create an API group',
    role: 'operator',
    body: newApiGroup,
    status: 201,
    response: apiGroupDocument,
    handler: createApiGroup,
  }),
  route({
    method: 'GET',
    path: '/v1/api-groups/:name',
    tag: 'api groups',
    summary: 'Read an API group',
    role: 'viewer',
    status: 200,
    response: apiGroupDocument,
    handler: getApiGroup,
  }),
  route({
    method: 'PATCH',
    path: '/v1/api-groups/:name',
    tag: 'api groups',
    summary: 'Change an API group (merge patch)',
    role: 'operator',
    body: apiGroupPatch,
    ifMatch: 'required',
    status: 200,
    response: apiGroupDocument,
    present: showApiGroup,
    handler: updateApiGroup,
  }),
  route({
    method: 'DELETE',
    path: '/v1/api-groups/:name',
    tag: 'api groups',
    summary: 'Delete an API group that nothing uses',
    role: 'operator',
    ifMatch: 'optional',
    status: 204,
    response: apiGroupDocument,
    present: showApiGroup,
    handler: deleteApiGroup,
  }),
];

interface Name {
  name: string;
}

function showApiGroup(stored: group.ApiGroup): z.output<typeof apiGroupDocument> {
  return project(apiGroupDocument, stored);
}

async function listApiGroups({ services, query }: Call<unknown, z.output<typeof apiGroupQuery>>) {
  const page = await services.stores.apiGroups.list(toListQuery(query));
  return { body: { ...page, items: page.items.map(showApiGroup) } };
}

async function createApiGroup(call: Call<unknown, unknown, z.output<typeof newApiGroup>>) {
  const { services, caller, body, dryRun } = call;
  const created = await manage.createApiGroup(services, caller.actor, body, { dryRun });
  return { body: showApiGroup(created), location: `/api-groups/${created.name}` };
}

async function getApiGroup({ services, params }: Call<Name>) {
  return { body: showApiGroup(await manage.findApiGroup(services, params.name)) };
}

async function updateApiGroup(call: UpdateCall<Name, z.output<typeof apiGroupPatch>>) {
  const { services, caller, params, body, version, dryRun } = call;
  const update = { id: params.name, version, patch: body };
  return {
    body: showApiGroup(await manage.updateApiGroup(services, caller.actor, update, { dryRun })),
  };
}

async function deleteApiGroup({ services, caller, params, version, dryRun }: Call<Name>) {
  const options = { version, dryRun };
  return {
    body: showApiGroup(await manage.deleteApiGroup(services, caller.actor, params.name, options)),
  };
}
