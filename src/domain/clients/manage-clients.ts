/** What admins do with clients: create, change, copy, unlock, delete. Each step is audited with its change. */
import { includesRole } from '../admins/admin.ts';
import type { Acting } from '../admins/manage-admins.ts';
import { type Actor, auditEvent, diff } from '../audit/audit-event.ts';
import { DomainError, notFound } from '../errors.ts';
import { type ChangeOptions, requireVersion } from '../manage-records.ts';
import { randomId } from '../secrets/random.ts';
import type { Services } from '../services.ts';
import { type Client, UNLOCKED } from './client.ts';
import {
  type ClientPatch,
  completeSettings,
  mergeSettings,
  type NewClient,
} from './client-input.ts';
import {
  checkReferences,
  dropDisallowed,
  type Removed,
  refuseTakenNames,
} from './client-references.ts';
import { type IssuedSecret, newSecret } from './client-secret.ts';
import type { SeenLock } from './client-store.ts';

/** A changed client, and what a level or audience that changed took from it. */
export interface ClientChange {
  client: Client;
  removed: Removed;
}

/**
 * Creates a client. Without `password` a secret is generated and answered, this once.
 *
 * @throws DomainError `validation_failed` (unknown level, group or scope, or one above its level or of
 *   another audience), `conflict` (clientId, clientName or displayName taken), `overloaded`
 */
export async function createClient(
  services: Services,
  actor: Actor,
  input: NewClient,
  options: ChangeOptions = {},
): Promise<{ client: Client; secret: { id: string; value: string } | null }> {
  const { clientId = randomId(), password, ...given } = input;
  const settings = completeSettings(given, services.timeZone);
  await checkReferences(services, settings);
  const now = services.clock.now();
  const label = password === undefined ? 'first secret' : 'password';
  const secret: IssuedSecret = await newSecret(services, { label, value: password });
  const client: Client = {
    ...settings,
    clientId,
    version: 1,
    createdAt: now,
    updatedAt: now,
    secrets: [secret.stored],
    lock: UNLOCKED,
  };
  const answered =
    secret.generated === null ? null : { id: secret.stored.secretId, value: secret.generated };
  if (options.dryRun) {
    await refuseTakenNames(services, client);
    return { client, secret: null };
  }
  await services.stores.clients.insert(
    client,
    event(services, actor, 'client.create', clientId, diff(null, client)),
  );
  return { client, secret: answered };
}

/**
 * Changes a client whose version the caller has read. Groups and scopes that it may not hold, or no
 * longer, are removed in the same step and answered; those that the patch names refuse it instead.
 *
 * @throws DomainError `not_found`, `version_conflict` (with the client as it is), `validation_failed`, `conflict`
 */
export async function updateClient(
  services: Services,
  actor: Actor,
  clientId: string,
  version: number,
  patch: ClientPatch,
  options: ChangeOptions = {},
): Promise<ClientChange> {
  const before = await findClient(services, clientId);
  requireVersion(before, version);
  const merged = mergeSettings(before, patch, services.timeZone);
  const removed = await dropDisallowed(services, merged, patch);
  await checkReferences(services, merged, patch);
  const client: Client = {
    ...before,
    ...merged,
    version: version + 1,
    updatedAt: services.clock.now(),
  };
  const changes = diff(before, client);
  if (changes.length === 0) return { client: before, removed };
  if (options.dryRun) {
    await refuseTakenNames(services, client);
    return { client, removed };
  }
  await services.stores.clients.update(
    client,
    event(services, actor, 'client.update', clientId, changes),
  );
  return { client, removed };
}

/**
 * Creates a client with the settings of another; names, id and secret are its own.
 *
 * @throws DomainError as `createClient` does; `not_found`, `not_allowed` (a resource server, or a client
 *   with keys, without the role security)
 */
export async function copyClient(
  services: Services,
  { actor, role }: Pick<Acting, 'actor' | 'role'>,
  clientId: string,
  input: Pick<NewClient, 'clientId' | 'clientName' | 'displayName' | 'password'>,
  options: ChangeOptions = {},
) {
  const {
    secrets,
    lock,
    version,
    createdAt,
    updatedAt,
    clientId: _id,
    ...settings
  } = await findClient(services, clientId);
  if (needsSecurity(settings) && !includesRole(role, 'security')) {
    throw new DomainError('not_allowed', {
      hint: `to copy a resource server or keys, the role security is needed; yours is ${role}`,
    });
  }
  return createClient(services, actor, { ...settings, ...input }, options);
}

/**
 * Whether only the role security may make such a client: a resource server learns of every token that
 * is shown to it, and whoever sets the keys of a client can act as it.
 */
export function needsSecurity({ kind, jwks }: Pick<Client, 'kind' | 'jwks'>): boolean {
  return kind === 'resource_server' || jwks !== null;
}

/**
 * Deletes a client with its secrets and API keys and revokes its tokens, in one step; its id stays
 * reserved. Answers what died.
 *
 * @throws DomainError `not_found`, `version_conflict` (with the client as it is)
 */
export async function deleteClient(
  services: Services,
  actor: Actor,
  clientId: string,
  options: ChangeOptions & { version?: number } = {},
): Promise<{ liveTokens: number; secrets: number; apiKeys: number }> {
  const client = await findClient(services, clientId);
  const { version } = options;
  if (version !== undefined) requireVersion(client, version);
  const now = services.clock.now();
  const { total } = await services.stores.tokens.list({ clientId }, { limit: 1, now });
  const keys = await services.stores.apiKeys.list({ filter: { clientId }, limit: 1 });
  const dying = { liveTokens: total, secrets: client.secrets.length, apiKeys: keys.total };
  if (options.dryRun) return dying;
  const removed = await services.stores.clients.remove(
    clientId,
    event(services, actor, 'client.delete', clientId, diff(client, null)),
    version,
  );
  if (!removed) throw notFound('client', clientId);
  return dying;
}

/**
 * Unlocks a client and sets its count of failed secrets to 0.
 *
 * @param seen what the caller decided from; left out: whatever is stored
 * @throws DomainError `not_found`; `version_conflict` (with the client as it is) when it is no longer as
 *   `seen`, or another unlock came first
 */
export async function unlockClient(
  services: Services,
  actor: Actor,
  clientId: string,
  seen?: SeenLock,
): Promise<Client> {
  const { lock } = await findClient(services, clientId);
  const changes = diff(
    { lockedAt: lock.lockedAt, failedLogins: lock.failedLogins },
    { lockedAt: null, failedLogins: 0 },
  );
  const unlocked = event(services, actor, 'client.unlock', clientId, changes);
  const isDone = await services.stores.clients.clearFailedLogins(clientId, unlocked, seen);
  const client = await findClient(services, clientId);
  if (!isDone) throw new DomainError('version_conflict', { current: client });
  return client;
}

/** The client of this id. Throws `not_found`. */
export async function findClient(services: Services, clientId: string): Promise<Client> {
  const client = await services.stores.clients.find(clientId);
  if (client === null) throw notFound('client', clientId);
  return client;
}

/** An audit event about a client, now. */
export function event(
  services: Services,
  actor: Actor,
  action: string,
  id: string,
  changes = diff(null, null),
) {
  return auditEvent({
    at: services.clock.now(),
    actor,
    action,
    object: { kind: 'client', id },
    changes,
  });
}
