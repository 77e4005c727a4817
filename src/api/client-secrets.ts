/** `/clients/{clientId}/secrets` and the ways to replace a client's password. */
import { z } from 'zod';
import { type Client, type ClientSecret, passwordRule } from '../domain/clients/client.ts';
import { MAX_SECRETS } from '../domain/clients/client-secret.ts';
import * as manage from '../domain/clients/manage-client-secrets.ts';
import { findClient } from '../domain/clients/manage-clients.ts';
import { plusSeconds } from '../domain/clock.ts';
import { DomainError, invalidField, notFound } from '../domain/errors.ts';
import type { LastUse } from '../domain/last-uses.ts';
import type { Services } from '../domain/services.ts';
import { instant, line, whole } from '../domain/validation.ts';
import { clientDocument, clientWithSecret, showClient } from './client-documents.ts';
import { lastUsed, lastUsedDocument, pageOf } from './documents.ts';
import { type Call, project, type Route, route } from './route.ts';

const secretDocument = z
  .strictObject({
    secretId: z.string(),
    label: z.string(),
    kind: z.enum(['password', 'generated']),
    createdAt: z.date(),
    expiresAt: z.date().nullable(),
    lastUsed: lastUsedDocument,
  })
  .meta({ id: 'ClientSecret' });

const chosenValue = passwordRule.optional().describe('Left out: 256 random bits, answered once');

const newSecret = z
  .strictObject({
    label: line(1, 100).optional(),
    value: chosenValue,
    expiresAt: instant.nullable().optional().describe('Null or left out: never'),
  })
  .meta({ id: 'NewClientSecret' });

const rotation = z
  .strictObject({
    graceSeconds: whole(0, manage.MAX_GRACE_SECONDS).describe('How long the old one still works'),
    value: chosenValue,
  })
  .meta({ id: 'ClientSecretRotation' });

const newPassword = z.strictObject({ password: passwordRule }).meta({ id: 'NewPassword' });

const sentLink = z.strictObject({ expiresAt: z.date() }).meta({ id: 'SentLink' });

/** The routes of client secrets. */
export const clientSecretRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/clients/:clientId/secrets',
    tag: 'client secrets',
    summary: 'List the secrets of a client, never their values',
    role: 'viewer',
    status: 200,
    response: pageOf('ClientSecretPage', secretDocument),
    handler: listClientSecrets,
  }),
  route({
    method: 'POST',
    path: '/v1/clients/:clientId/secrets',
    tag: 'client secrets',
    summary: 'Add a secret beside the others',
    role: 'security',
    body: newSecret,
    status: 201,
    response: clientWithSecret,
    handler: addClientSecret,
  }),
  route({
    method: 'POST',
    path: '/v1/clients/:clientId/secrets/:secretId/rotate',
    tag: 'client secrets',
    summary: 'Replace a secret; the old one works for a grace period',
    role: 'security',
    body: rotation,
    status: 201,
    response: clientWithSecret,
    handler: rotateClientSecret,
  }),
  route({
    method: 'DELETE',
    path: '/v1/clients/:clientId/secrets/:secretId',
    tag: 'client secrets',
    summary: 'Retire a secret now',
    role: 'security',
    status: 204,
    response: clientDocument,
    handler: retireClientSecret,
  }),
  route({
    method: 'PUT',
    path: '/v1/clients/:clientId/password',
    tag: 'client secrets',
    summary: 'Set the password; earlier passwords stop, generated secrets stay',
    role: 'security',
    body: newPassword,
    status: 200,
    response: clientDocument,
    handler: setClientPassword,
  }),
  route({
    method: 'POST',
    path: '/v1/clients/:clientId/password-reset-mail',
    tag: 'client secrets',
    summary: 'Mail a link that works once, behind which a new password is chosen',
    role: 'security',
    status: 200,
    response: sentLink,
    handler: mailClientPasswordReset,
  }),
];

interface ClientId {
  clientId: string;
}

interface SecretId extends ClientId {
  secretId: string;
}

async function listClientSecrets({ services, params }: Call<ClientId>) {
  const { secrets } = await findClient(services, params.clientId);
  const subjects = secrets.map((secret) => `secret:${secret.secretId}`);
  const uses = await services.stores.lastUses.find(subjects);
  const items = secrets.map((secret) => showSecret(secret, uses));
  return { body: { items, nextCursor: null, previousCursor: null, total: items.length } };
}

function showSecret(secret: ClientSecret, uses: Map<string, LastUse>) {
  const use = lastUsed(uses.get(`secret:${secret.secretId}`));
  return project(secretDocument, { ...secret, lastUsed: use });
}

async function addClientSecret(call: Call<ClientId, unknown, z.output<typeof newSecret>>) {
  const { services, caller, params, body, dryRun } = call;
  const { expiresAt } = body;
  if (expiresAt && expiresAt <= services.clock.now()) {
    throw invalidField('expiresAt', 'in_the_past', 'must be in the future');
  }
  if (dryRun) return preview(services, params, 'add');
  return answer(services, await manage.addSecret(services, caller.actor, params.clientId, body));
}

async function rotateClientSecret(call: Call<SecretId, unknown, z.output<typeof rotation>>) {
  const { services, caller, params, body, dryRun } = call;
  const { clientId, secretId } = params;
  if (dryRun) return preview(services, params, 'add');
  const { actor } = caller;
  return answer(services, await manage.rotateSecret(services, actor, clientId, secretId, body));
}

async function retireClientSecret({ services, caller, params, dryRun }: Call<SecretId>) {
  if (dryRun) return preview(services, params, 'keep');
  const { clientId, secretId } = params;
  const client = await manage.retireSecret(services, caller.actor, clientId, secretId);
  return { body: showClient(client, services) };
}

async function setClientPassword(call: Call<ClientId, unknown, z.output<typeof newPassword>>) {
  const { services, caller, params, body, dryRun } = call;
  if (dryRun) return preview(services, params, 'keep');
  const { actor } = caller;
  const { password } = body;
  const client = await manage.changePassword(services, actor, params.clientId, password);
  return { body: showClient(client, services) };
}

async function mailClientPasswordReset({ services, caller, params, dryRun }: Call<ClientId>) {
  if (!dryRun) {
    return { body: await manage.mailPasswordReset(services, caller.actor, params.clientId) };
  }
  const client = await findClient(services, params.clientId);
  if (client.emails.length === 0) throw new DomainError('no_mail_address');
  return { body: { expiresAt: plusSeconds(services.clock.now(), manage.RESET_LINK_SECONDS) } };
}

function answer(services: Services, { client, secret }: manage.SecretChange) {
  return { body: { ...showClient(client, services), secret } };
}

/** A dry run: what would be refused is refused; otherwise the client as it would be. */
async function preview(
  services: Services,
  { clientId, secretId }: { clientId: string; secretId?: string },
  effect: 'add' | 'keep',
) {
  const client: Client = await findClient(services, clientId);
  const { secrets, version } = client;
  if (secretId !== undefined && !secrets.some((secret) => secret.secretId === secretId)) {
    throw notFound('secret', secretId);
  }
  if (effect === 'add' && secrets.length >= MAX_SECRETS) {
    throw invalidField('secrets', 'too_many', `a client can hold ${MAX_SECRETS} secrets`);
  }
  return { body: showClient({ ...client, version: version + 1 }, services) };
}
