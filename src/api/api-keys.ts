/** `/clients/{clientId}/api-keys` and `/api-keys`: X-Api-Keys of clients. */
import { z } from 'zod';
import type { ApiKey, ApiKeyFilter } from '../domain/api-keys/api-key.ts';
import * as input from '../domain/api-keys/api-key-input.ts';
import * as manage from '../domain/api-keys/manage-api-keys.ts';
import type { Page } from '../domain/records.ts';
import type { Services } from '../domain/services.ts';
import {
  apiKeyDocument,
  issuedApiKey,
  showAll,
  showIssued,
  showOne,
  showStored,
} from './api-key-documents.ts';
import { pageOf } from './documents.ts';
import { listQuery, toListQuery } from './query.ts';
import { type Call, type Route, route, type UpdateCall } from './route.ts';

const newApiKey = input.newApiKey.meta({ id: 'NewApiKey' });
const apiKeyPatch = input.apiKeyPatch.meta({ id: 'ApiKeyPatch' });
const apiKeyRotation = input.apiKeyRotation.meta({ id: 'ApiKeyRotation' });

const clientApiKeyQuery = listQuery('createdAt', 'alias', 'expiresAt');
const apiKeyQuery = clientApiKeyQuery.extend({
  clientId: z.string().max(40).optional().describe('Whose'),
});
const apiKeyPage = pageOf('ApiKeyPage', apiKeyDocument);

/** The routes of API keys. */
export const apiKeyRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/clients/:clientId/api-keys',
    tag: 'api keys',
    summary: 'List the API keys of a client, never their values',
    role: 'viewer',
    query: clientApiKeyQuery,
    status: 200,
    response: apiKeyPage,
    handler: listClientApiKeys,
  }),
  route({
    method: 'POST',
    path: '/v1/clients/:clientId/api-keys',
    tag: 'api keys',
    summary: 'Create an API key; its value is answered once, the addresses of the client are told',
    role: 'security',
    body: newApiKey,
    status: 201,
    response: issuedApiKey,
    handler: createApiKey,
  }),
  route({
    method: 'GET',
    path: '/v1/clients/:clientId/api-keys/:apiKeyId',
    tag: 'api keys',
    summary: 'Read an API key of a client, never its value',
    role: 'viewer',
    status: 200,
    response: apiKeyDocument,
    handler: getClientApiKey,
  }),
  route({
    method: 'PATCH',
    path: '/v1/clients/:clientId/api-keys/:apiKeyId',
    tag: 'api keys',
    summary: 'Change an API key (merge patch)',
    role: 'security',
    body: apiKeyPatch,
    ifMatch: 'required',
    status: 200,
    response: apiKeyDocument,
    present: showStored,
    handler: updateApiKey,
  }),
  route({
    method: 'DELETE',
    path: '/v1/clients/:clientId/api-keys/:apiKeyId',
    tag: 'api keys',
    summary: 'Delete an API key: its values stop now',
    role: 'security',
    ifMatch: 'optional',
    status: 204,
    response: apiKeyDocument,
    present: showStored,
    handler: deleteApiKey,
  }),
  route({
    method: 'POST',
    path: '/v1/clients/:clientId/api-keys/:apiKeyId/rotate',
    tag: 'api keys',
    summary: 'Give an API key a new value, answered once; the old one works for a grace period',
    role: 'security',
    body: apiKeyRotation,
    ifMatch: 'optional',
    status: 201,
    response: issuedApiKey,
    present: showStored,
    handler: rotateApiKey,
  }),
  route({
    method: 'GET',
    path: '/v1/api-keys',
    tag: 'api keys',
    summary: 'List the API keys of all clients, never their values',
    role: 'viewer',
    query: apiKeyQuery,
    status: 200,
    response: apiKeyPage,
    handler: listApiKeys,
  }),
  route({
    method: 'GET',
    path: '/v1/api-keys/:apiKeyId',
    tag: 'api keys',
    summary: 'Read an API key, never its value',
    role: 'viewer',
    status: 200,
    response: apiKeyDocument,
    handler: getApiKey,
  }),
];

interface ClientId {
  clientId: string;
}

interface ApiKeyId {
  apiKeyId: string;
}

async function showPage(services: Services, page: Page<ApiKey>) {
  return { body: { ...page, items: await showAll(services, page.items) } };
}

async function listClientApiKeys(call: Call<ClientId, z.output<typeof clientApiKeyQuery>>) {
  const { services, params, query } = call;
  const page = await manage.listApiKeys(services, params.clientId, toListQuery(query));
  return showPage(services, page);
}

async function createApiKey(call: Call<ClientId, unknown, z.output<typeof newApiKey>>) {
  const { services, caller, params, body, dryRun } = call;
  const { clientId } = params;
  const made = await manage.createApiKey(services, caller.actor, clientId, body, { dryRun });
  const location = `/clients/${clientId}/api-keys/${made.apiKey.apiKeyId}`;
  return { body: await showIssued(services, made), location };
}

async function getClientApiKey({ services, params }: Call<ClientId & ApiKeyId>) {
  const apiKey = await manage.findApiKey(services, params.apiKeyId, params.clientId);
  return { body: await showOne(services, apiKey) };
}

async function updateApiKey(call: UpdateCall<ClientId & ApiKeyId, z.output<typeof apiKeyPatch>>) {
  const { services, caller, params, body: patch, version, dryRun } = call;
  const { clientId, apiKeyId: id } = params;
  const update = { id, version, patch };
  const { actor } = caller;
  const changed = await manage.updateApiKey(services, actor, clientId, update, { dryRun });
  return { body: await showOne(services, changed) };
}

async function deleteApiKey(call: Call<ClientId & ApiKeyId>) {
  const { services, caller, params, version, dryRun } = call;
  const options = { version, dryRun };
  const apiKey = await manage.deleteApiKey(services, caller.actor, params, options);
  return { body: await showOne(services, apiKey) };
}

async function rotateApiKey(
  call: Call<ClientId & ApiKeyId, unknown, z.output<typeof apiKeyRotation>>,
) {
  const { services, caller, params, body, version, dryRun } = call;
  const options = { ...body, version, dryRun };
  const made = await manage.rotateApiKey(services, caller.actor, params, options);
  return { body: await showIssued(services, made) };
}

async function listApiKeys(call: Call<unknown, z.output<typeof apiKeyQuery>>) {
  const { services, query } = call;
  const wanted = toListQuery<ApiKeyFilter>(query, { clientId: query.clientId });
  return showPage(services, await services.stores.apiKeys.list(wanted));
}

async function getApiKey({ services, params }: Call<ApiKeyId>) {
  const apiKey = await manage.findApiKey(services, params.apiKeyId);
  return { body: await showOne(services, apiKey) };
}
