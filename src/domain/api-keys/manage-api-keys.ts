/** What admins do with the keys of a client: create, change, rotate, delete. Each step is audited. */
import type { z } from 'zod';
import { type Actor, diff } from '../audit/audit-event.ts';
import { findClient } from '../clients/manage-clients.ts';
import { plusSeconds } from '../clock.ts';
import { invalid, invalidField, notFound } from '../errors.ts';
import {
  type ChangeOptions,
  createRecord,
  findRecord,
  firstVersion,
  type Noun,
  type RemoveOptions,
  recordEvent,
  removeRecord,
  requireVersion,
  type Update,
  updateRecord,
} from '../manage-records.ts';
import type { ListQuery, Page } from '../records.ts';
import { randomId } from '../secrets/random.ts';
import type { Services } from '../services.ts';
import {
  API_KEY_DEFAULTS,
  type ApiKey,
  type ApiKeyFilter,
  type ApiKeyValue,
  auditedObject,
  previousExpiry,
} from './api-key.ts';
import { type apiKeyRotation, type newApiKey, readSettings } from './api-key-input.ts';
import { isIntactApiKey, newApiKeyValue } from './api-key-value.ts';
import { IN_THE_PAST, problemsOf, sameAlias } from './key-rules.ts';
import { notifyOfKey } from './notify.ts';

const API_KEY: Noun<ApiKey> = {
  kind: 'api_key',
  label: 'API key',
  settings: readSettings,
  defaults: API_KEY_DEFAULTS,
  store: (stores) => stores.apiKeys,
  idOf: (apiKey) => auditedObject(apiKey).id,
  check: problemsOf,
  taken: sameAlias,
};

/** A key that was made or rotated, and its value, answered this once (null on a dry run). */
export interface IssuedApiKey {
  apiKey: ApiKey;
  value: string | null;
}

/** A page of the keys of a client. Throws `not_found` when there is no such client. */
export async function listApiKeys(
  services: Services,
  clientId: string,
  query: Omit<ListQuery<ApiKeyFilter>, 'filter'>,
): Promise<Page<ApiKey>> {
  await findClient(services, clientId);
  return services.stores.apiKeys.list({ ...query, filter: { clientId } });
}

/** The key of this id, of this client where one is named. Throws `not_found`. */
export async function findApiKey(
  services: Services,
  apiKeyId: string,
  clientId?: string,
): Promise<ApiKey> {
  const apiKey = await findRecord(services, API_KEY, apiKeyId);
  if (clientId !== undefined && apiKey.clientId !== clientId) throw notFound('API key', apiKeyId);
  return apiKey;
}

/**
 * Creates a key and tells the client's addresses.
 *
 * @throws DomainError `not_found` (client), `validation_failed` (groups that the client does not hold,
 *   an end before the start or in the past), `conflict` (alias taken within the client)
 */
export async function createApiKey(
  services: Services,
  actor: Actor,
  clientId: string,
  input: z.output<typeof newApiKey>,
  options: ChangeOptions = {},
): Promise<IssuedApiKey> {
  const client = await findClient(services, clientId);
  const { startsAt = API_KEY_DEFAULTS.startsAt, status = API_KEY_DEFAULTS.status } = input;
  const made = newValue(services);
  const apiKey: ApiKey = {
    apiKeyId: randomId(),
    clientId,
    ...{ ...input, startsAt, status },
    ...{ current: made.stored, previous: null },
    ...firstVersion(services),
  };
  await createRecord(services, actor, API_KEY, apiKey, options);
  if (options.dryRun) return { apiKey, value: null };
  notifyOfKey(services, { happened: 'created', actor, client, apiKey });
  return { apiKey, value: made.value };
}

/**
 * Changes a key whose version the caller has read; holds from the next request on.
 *
 * @param update.id id of the key
 * @throws DomainError `not_found`, `version_conflict` (with the key as it is), `validation_failed`,
 *   `conflict`
 */
export async function updateApiKey(
  services: Services,
  actor: Actor,
  clientId: string,
  update: Update,
  options: ChangeOptions = {},
): Promise<ApiKey> {
  await findApiKey(services, update.id, clientId);
  const { expiresAt, apiGroups } = update.patch;
  if (expiresAt instanceof Date && expiresAt <= services.clock.now()) throw invalid([IN_THE_PAST]);
  if (Array.isArray(apiGroups) && apiGroups.length === 0) {
    throw invalidField('apiGroups', 'required', 'needs at least one API group of the client');
  }
  return updateRecord(services, actor, API_KEY, update, options);
}

/**
 * Gives a key a new value and tells the client's addresses; the old one works for `graceSeconds`
 * more (0 to 30 days, default 0), any older one no longer.
 *
 * @throws DomainError `not_found`, `version_conflict` (with the key as it is) also when another
 *   rotation came in between: its value would be dead on arrival
 */
export async function rotateApiKey(
  services: Services,
  actor: Actor,
  { clientId, apiKeyId }: Pick<ApiKey, 'clientId' | 'apiKeyId'>,
  options: z.output<typeof apiKeyRotation> & RemoveOptions = {},
): Promise<IssuedApiKey> {
  const { graceSeconds = 0, version, dryRun } = options;
  const before = await findApiKey(services, apiKeyId, clientId);
  if (version !== undefined) requireVersion(before, version);
  const client = await findClient(services, clientId);
  const now = services.clock.now();
  const made = newValue(services);
  const apiKey: ApiKey = {
    ...before,
    current: made.stored,
    previous:
      graceSeconds === 0 ? null : { ...before.current, expiresAt: plusSeconds(now, graceSeconds) },
    version: before.version + 1,
    updatedAt: now,
  };
  if (dryRun) return { apiKey, value: null };
  const event = recordEvent(
    services,
    actor,
    API_KEY,
    apiKey,
    'rotate',
    valueChanges(before, apiKey),
  );
  await services.stores.apiKeys.update(apiKey, event);
  notifyOfKey(services, { happened: 'rotated', actor, client, apiKey });
  return { apiKey, value: made.value };
}

/** Deletes a key: its values stop now. Throws `not_found`, `version_conflict` (with the key as it is). */
export async function deleteApiKey(
  services: Services,
  actor: Actor,
  { clientId, apiKeyId }: Pick<ApiKey, 'clientId' | 'apiKeyId'>,
  options: RemoveOptions = {},
): Promise<ApiKey> {
  await findApiKey(services, apiKeyId, clientId);
  return removeRecord(services, actor, API_KEY, apiKeyId, options);
}

/** A key that was presented. */
export interface PresentedKey {
  apiKey: ApiKey;
  /** When the presented value stops working: with its key, or earlier once it was rotated out. */
  expiresAt: Date;
}

/**
 * The key of a value, or null for what is no key of ours; whether it may be used now is the
 * decision's to say. As fresh as the directory's last `sync`; what is not intact costs no read.
 *
 * @throws DomainError `store_unavailable`
 */
export async function findKeyByValue(
  { keys, directory }: Pick<Services, 'keys' | 'directory'>,
  value: string,
): Promise<PresentedKey | null> {
  if (!isIntactApiKey(value)) return null;
  for (const digest of keys.digests('api_key', value)) {
    const apiKey = await directory.apiKeyByDigest(digest);
    if (apiKey !== null) return { apiKey, expiresAt: expiryOf(apiKey, digest) };
  }
  return null;
}

function expiryOf(apiKey: ApiKey, digest: string): Date {
  const isPrevious = apiKey.current.digest !== digest;
  return (isPrevious ? previousExpiry(apiKey) : null) ?? apiKey.expiresAt;
}

function newValue({ keys }: Services): { value: string; stored: ApiKeyValue } {
  const value = newApiKeyValue();
  return { value, stored: { digest: keys.digest('api_key', value), lastFour: value.slice(-4) } };
}

/** What a rotation changes, as the audit trail tells it. */
function valueChanges(before: ApiKey, after: ApiKey) {
  const told = ({ current, previous }: ApiKey) => ({
    current,
    lastFour: current.lastFour,
    previousExpiresAt: previous?.expiresAt ?? null,
  });
  return diff(told(before), told(after));
}
