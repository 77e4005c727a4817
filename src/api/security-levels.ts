/** `/security-levels`: ranked levels of clients, groups and scopes. */
import { z } from 'zod';
import * as manage from '../domain/apis/manage-security-levels.ts';
import * as level from '../domain/apis/security-level.ts';
import { pageOf, versioned } from './documents.ts';
import { listQuery, toListQuery } from './query.ts';
import { type Call, project, type Route, route, type UpdateCall } from './route.ts';

const securityLevelDocument = z
  .strictObject({ name: z.string(), ...level.securityLevelSettings.shape, ...versioned })
  .meta({ id: 'SecurityLevel' });

const newSecurityLevel = level.newSecurityLevel.meta({ id: 'NewSecurityLevel' });
const securityLevelPatch = manage.securityLevelPatch.meta({ id: 'SecurityLevelPatch' });
const securityLevelQuery = listQuery('rank', 'name');

/** The routes of security levels. */
export const securityLevelRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/security-levels',
    tag: 'security levels',
    summary: 'List security levels',
    role: 'viewer',
    query: securityLevelQuery,
    status: 200,
    response: pageOf('SecurityLevelPage', securityLevelDocument),
    handler: listSecurityLevels,
  }),
  route({
    method: 'POST',
    path: '/v1/security-levels',
    tag: 'security levels',
    summary: 'Create a security level',
    role: 'security',
    body: newSecurityLevel,
    status: 201,
    response: securityLevelDocument,
    handler: createSecurityLevel,
  }),
  route({
    method: 'GET',
    path: '/v1/security-levels/:name',
    tag: 'security levels',
    summary: 'Read a security level',
    role: 'viewer',
    status: 200,
    response: securityLevelDocument,
    handler: getSecurityLevel,
  }),
  route({
    method: 'PATCH',
    path: '/v1/security-levels/:name',
    tag: 'security levels',
    summary: 'Change a security level (merge patch)',
    role: 'security',
    body: securityLevelPatch,
    ifMatch: 'required',
    status: 200,
    response: securityLevelDocument,
    present: showSecurityLevel,
    handler: updateSecurityLevel,
  }),
  route({
    method: 'DELETE',
    path: '/v1/security-levels/:name',
    tag: 'security levels',
    summary: 'Delete a security level that nothing uses',
    role: 'security',
    ifMatch: 'optional',
    status: 204,
    response: securityLevelDocument,
    present: showSecurityLevel,
    handler: deleteSecurityLevel,
  }),
];

interface Name {
  name: string;
}

function showSecurityLevel(stored: level.SecurityLevel): z.output<typeof securityLevelDocument> {
  return project(securityLevelDocument, stored);
}

async function listSecurityLevels({
  services,
  query,
}: Call<unknown, z.output<typeof securityLevelQuery>>) {
  const page = await services.stores.securityLevels.list(toListQuery(query));
  return { body: { ...page, items: page.items.map(showSecurityLevel) } };
}

async function createSecurityLevel(
  call: Call<unknown, unknown, z.output<typeof newSecurityLevel>>,
) {
  const { services, caller, body, dryRun } = call;
  const created = await manage.createSecurityLevel(services, caller.actor, body, { dryRun });
  return { body: showSecurityLevel(created), location: `/security-levels/${created.name}` };
}

async function getSecurityLevel({ services, params }: Call<Name>) {
  return { body: showSecurityLevel(await manage.findSecurityLevel(services, params.name)) };
}

async function updateSecurityLevel(call: UpdateCall<Name, z.output<typeof securityLevelPatch>>) {
  const { services, caller, params, body, version, dryRun } = call;
  const update = { id: params.name, version, patch: body };
  return {
    body: showSecurityLevel(
      await manage.updateSecurityLevel(services, caller.actor, update, { dryRun }),
    ),
  };
}

async function deleteSecurityLevel({ services, caller, params, version, dryRun }: Call<Name>) {
  const options = { version, dryRun };
  return {
    body: showSecurityLevel(
      await manage.deleteSecurityLevel(services, caller.actor, params.name, options),
    ),
  };
}
