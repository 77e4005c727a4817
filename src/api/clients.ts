/** `/clients`: API accounts of partners, and resource servers. */
import { z } from 'zod';
import { type Client, clientSettings } from '../domain/clients/client.ts';
import * as input from '../domain/clients/client-input.ts';
import { CLIENT_STATUS_FILTERS, type ClientFilter } from '../domain/clients/client-store.ts';
import * as manage from '../domain/clients/manage-clients.ts';
import { replay } from '../domain/decision/replay.ts';
import type { Services } from '../domain/services.ts';
import { instant } from '../domain/validation.ts';
import { type Caller, requireRole } from './authenticate.ts';
import {
  changedClient,
  clientDocument,
  clientWithSecret,
  dyingWithClient,
  showClient,
} from './client-documents.ts';
import { pageOf } from './documents.ts';
import { listQuery, toListQuery } from './query.ts';
import { type Answer, type Call, type Route, route, type UpdateCall } from './route.ts';

const clientQuery = listQuery(
  'createdAt',
  'clientName',
  'displayName',
  'expiresAt',
  'lastUsedAt',
).extend({
  status: z.enum(CLIENT_STATUS_FILTERS).optional(),
  audience: clientSettings.shape.audience.optional(),
  securityLevel: z.string().max(50).optional(),
  apiGroup: z.string().max(50).optional().describe('Holds this API group'),
  environment: clientSettings.shape.environment.optional(),
  kind: clientSettings.shape.kind.optional(),
  expiringBefore: instant.optional().describe('Expires after now and before then'),
  idleSince: instant.optional().describe('Created before then and not used since'),
});

const newClient = input.newClient.meta({ id: 'NewClient' });
const clientPatch = input.clientPatch.meta({ id: 'ClientPatch' });
const clientCopy = input.newClient
  .pick({ clientId: true, clientName: true, displayName: true, password: true })
  .meta({ id: 'ClientCopy' });

/** The routes of clients. */
export const clientRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/clients',
    tag: 'clients',
    summary: 'List clients',
    role: 'viewer',
    query: clientQuery,
    status: 200,
    response: pageOf('ClientPage', clientDocument),
    handler: listClients,
  }),
  route({
    method: 'POST',
    path: '/v1/clients',
    tag: 'clients',
    summary: 'Create a client; without a password a secret is generated and answered once',
    role: 'operator',
    body: newClient,
    status: 201,
    response: clientWithSecret,
    handler: createClient,
  }),
  route({
    method: 'GET',
    path: '/v1/clients/:clientId',
    tag: 'clients',
    summary: 'Read a client',
    role: 'viewer',
    status: 200,
    response: clientDocument,
    handler: getClient,
  }),
  route({
    method: 'PATCH',
    path: '/v1/clients/:clientId',
    tag: 'clients',
    summary: 'Change a client (merge patch); jwks needs the role security',
    role: 'operator',
    body: clientPatch,
    ifMatch: 'required',
    status: 200,
    response: changedClient,
    present: showClient,
    handler: updateClient,
  }),
  route({
    method: 'DELETE',
    path: '/v1/clients/:clientId',
    tag: 'clients',
    summary: 'Delete a client with its secrets, keys and tokens; its id stays reserved',
    role: 'operator',
    ifMatch: 'optional',
    status: 204,
    response: dyingWithClient,
    present: showClient,
    handler: deleteClient,
  }),
  route({
    method: 'POST',
    path: '/v1/clients/:clientId/unlock',
    tag: 'clients',
    summary: 'Unlock a client and forget its failed secrets',
    role: 'operator',
    status: 200,
    response: clientDocument,
    handler: unlockClient,
  }),
  route({
    method: 'POST',
    path: '/v1/clients/:clientId/copy',
    tag: 'clients',
    summary:
      'Create a client with the settings of another; a resource server, or one with jwks, needs the role security',
    role: 'operator',
    body: clientCopy,
    status: 201,
    response: clientWithSecret,
    handler: copyClient,
  }),
];

interface ClientId {
  clientId: string;
}

async function listClients({ services, query }: Call<unknown, z.output<typeof clientQuery>>) {
  const { status, audience, securityLevel, apiGroup, environment, kind } = query;
  const { expiringBefore, idleSince } = query;
  const equal = { status, audience, securityLevel, apiGroup, environment, kind };
  const filter = { at: services.clock.now(), ...equal, expiringBefore, idleSince };
  const page = await services.stores.clients.list(toListQuery<ClientFilter>(query, filter));
  return { body: { ...page, items: page.items.map((client) => showClient(client, services)) } };
}

async function createClient(call: Call<unknown, unknown, z.output<typeof newClient>>) {
  const { services, caller, body, dryRun } = call;
  requireMightOf(caller, { ...body, jwks: body.jwks ?? undefined });
  return answerNew(services, await manage.createClient(services, caller.actor, body, { dryRun }));
}

/**
 * Whoever sets the keys of a client can act as it: they are its secrets. A resource server learns of
 * every token that is shown to it.
 */
function requireMightOf(caller: Caller, { jwks, kind }: z.output<typeof clientPatch>): void {
  if (jwks !== undefined || kind === 'resource_server') requireRole(caller, 'security');
}

async function copyClient(call: Call<ClientId, unknown, z.output<typeof clientCopy>>) {
  const { services, caller, params, body, dryRun } = call;
  const options = { dryRun };
  const made = await manage.copyClient(services, caller, params.clientId, body, options);
  return answerNew(services, made);
}

function answerNew(
  services: Services,
  made: { client: Client; secret: { id: string; value: string } | null },
): Answer<z.output<typeof clientWithSecret>> {
  const { client, secret } = made;
  const document = showClient(client, services);
  const body = secret === null ? document : { ...document, secret };
  return { body, location: `/clients/${client.clientId}` };
}

async function getClient({ services, params }: Call<ClientId>) {
  return { body: showClient(await manage.findClient(services, params.clientId), services) };
}

async function updateClient(call: UpdateCall<ClientId, z.output<typeof clientPatch>>) {
  const { services, caller, params, body, version, dryRun } = call;
  requireMightOf(caller, body);
  const { actor } = caller;
  const options = { dryRun };
  const changed = await manage.updateClient(
    services,
    actor,
    params.clientId,
    version,
    body,
    options,
  );
  const answer = { ...showClient(changed.client, services), removed: changed.removed };
  if (!dryRun) return { body: answer };
  await services.directory.sync();
  const before = await manage.findClient(services, params.clientId);
  return { body: { ...answer, replay: await replay(services, before, changed.client) } };
}

async function deleteClient({ services, caller, params, version, dryRun }: Call<ClientId>) {
  const options = version === undefined ? { dryRun } : { dryRun, version };
  return { body: await manage.deleteClient(services, caller.actor, params.clientId, options) };
}

async function unlockClient({ services, caller, params, dryRun }: Call<ClientId>) {
  const client = dryRun
    ? await manage.findClient(services, params.clientId)
    : await manage.unlockClient(services, caller.actor, params.clientId);
  const lock = { ...client.lock, failedLogins: 0, lockedAt: null };
  return { body: showClient({ ...client, lock }, services) };
}
