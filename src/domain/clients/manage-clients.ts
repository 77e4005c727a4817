/** What admins do with clients: create, change, copy, unlock, delete. Each step is audited with its change. */
import { z } from 'zod';
import type { Catalog } from '../apis/catalog.ts';
import { type Actor, auditEvent, diff } from '../audit/audit-event.ts';
import { DomainError, type FieldProblem, invalid, notFound } from '../errors.ts';
import { randomId } from '../secrets/random.ts';
import type { Services } from '../services.ts';
import {
  CLIENT_DEFAULTS,
  type Client,
  type ClientSettings,
  clientIdRule,
  clientSettings,
  passwordRule,
  UNLOCKED,
} from './client.ts';
import { type IssuedSecret, newSecret } from './client-secret.ts';

type Defaulted = keyof typeof CLIENT_DEFAULTS;

const optional = Object.fromEntries(
  Object.keys(CLIENT_DEFAULTS).map((field) => [field, true]),
) as Record<Defaulted, true>;

/** A new client: fields with a default may be left out; a missing password means "generate a secret". */
export const newClient = clientSettings.partial(optional).extend({
  clientId: clientIdRule.optional().describe('Random when left out; never changes'),
  password: passwordRule.optional(),
});

/** A merge patch (RFC 7396): absent keeps, null gives the default; nested objects merge by member. */
export const clientPatch = z.strictObject(
  Object.fromEntries(
    Object.entries(clientSettings.shape).map(([field, rule]) => [
      field,
      (rule instanceof z.ZodObject ? rule.partial() : rule).nullable().optional(),
    ]),
  ) as unknown as {
    [K in keyof typeof clientSettings.shape]: z.ZodOptional<
      z.ZodNullable<(typeof clientSettings.shape)[K]>
    >;
  },
);

/** Options of every change. */
export interface ChangeOptions {
  /** Do everything but store it. */
  dryRun?: boolean;
}

/** A changed client, and what a lower level or another audience took from it. */
export interface ClientChange {
  client: Client;
  removed: { apiGroups: string[]; apiScopes: string[] };
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
  input: z.output<typeof newClient>,
  options: ChangeOptions = {},
): Promise<{ client: Client; secret: { id: string; value: string } | null }> {
  const { clientId = randomId(), password, ...given } = input;
  const settings = clientSettings.parse(encode({ ...CLIENT_DEFAULTS, ...given }));
  await checkReferences(services, settings);
  const now = services.clock.now();
  const secret: IssuedSecret = await newSecret(services, { label: 'password', value: password });
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
  if (options.dryRun) return { client, secret: null };
  await services.stores.clients.insert(
    client,
    event(services, actor, 'client.create', clientId, diff(null, client)),
  );
  return { client, secret: answered };
}

/**
 * Changes a client whose version the caller has read. Groups and scopes that the new level or
 * audience does not allow are removed in the same step and answered, unless the patch names them.
 *
 * @throws DomainError `not_found`, `version_conflict` (with the client as it is), `validation_failed`, `conflict`
 */
export async function updateClient(
  services: Services,
  actor: Actor,
  clientId: string,
  version: number,
  patch: z.output<typeof clientPatch>,
  options: ChangeOptions = {},
): Promise<ClientChange> {
  const before = await findClient(services, clientId);
  if (before.version !== version) throw new DomainError('version_conflict', { current: before });
  const merged = mergeSettings(before, patch);
  const removed = await dropDisallowed(services, before, merged, patch);
  await checkReferences(services, merged);
  const client: Client = {
    ...before,
    ...merged,
    version: version + 1,
    updatedAt: services.clock.now(),
  };
  const changes = diff(before, client);
  if (changes.length === 0) return { client: before, removed };
  if (options.dryRun) return { client, removed };
  await services.stores.clients.update(
    client,
    event(services, actor, 'client.update', clientId, changes),
  );
  return { client, removed };
}

/** Creates a client with the settings of another; names, id and secret are its own. */
export async function copyClient(
  services: Services,
  actor: Actor,
  clientId: string,
  input: Pick<z.output<typeof newClient>, 'clientId' | 'clientName' | 'displayName' | 'password'>,
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
  return createClient(services, actor, { ...settings, ...input }, options);
}

/** Deletes a client with its secrets and revokes its tokens, in one step; its id stays reserved. Answers what died. */
export async function deleteClient(
  services: Services,
  actor: Actor,
  clientId: string,
  options: ChangeOptions & { version?: number } = {},
): Promise<{ liveTokens: number; secrets: number }> {
  const client = await findClient(services, clientId);
  if (options.version !== undefined && options.version !== client.version) {
    throw new DomainError('version_conflict', { current: client });
  }
  const now = services.clock.now();
  const { total } = await services.stores.tokens.list({ clientId }, { limit: 1, now });
  const dying = { liveTokens: total, secrets: client.secrets.length };
  if (options.dryRun) return dying;
  await services.stores.clients.remove(
    clientId,
    event(services, actor, 'client.delete', clientId, diff(client, null)),
  );
  return dying;
}

/** Unlocks a client and sets its count of failed secrets to 0. */
export async function unlockClient(
  services: Services,
  actor: Actor,
  clientId: string,
): Promise<Client> {
  const { lock } = await findClient(services, clientId);
  const changes = diff(
    { lockedAt: lock.lockedAt, failedLogins: lock.failedLogins },
    { lockedAt: null, failedLogins: 0 },
  );
  await services.stores.clients.clearFailedLogins(
    clientId,
    event(services, actor, 'client.unlock', clientId, changes),
  );
  return findClient(services, clientId);
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

/** Typed settings back to their input form, so that one schema checks every path into the store. */
function encode(settings: object): unknown {
  return Object.fromEntries(
    Object.entries(settings).map(([k, v]) => [k, v instanceof Date ? v.toISOString() : v]),
  );
}

function mergeSettings(
  before: ClientSettings,
  patch: z.output<typeof clientPatch>,
): ClientSettings {
  const merged: Record<string, unknown> = {};
  for (const field of Object.keys(clientSettings.shape) as (keyof ClientSettings)[]) {
    const change = patch[field];
    if (change === undefined) merged[field] = before[field];
    else if (change === null)
      merged[field] = field in CLIENT_DEFAULTS ? CLIENT_DEFAULTS[field as Defaulted] : null;
    else
      merged[field] = isPlainObject(change)
        ? { ...(before[field] as object | null), ...change }
        : change;
  }
  const result = clientSettings.safeParse(encode(merged));
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.map((i) => ({
      field: i.path.join('.'),
      code: i.code,
      message: i.input === null ? 'is required' : i.message,
    })),
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

/** Takes away what the merged level or audience no longer allows, except what the patch itself names. */
async function dropDisallowed(
  services: Services,
  before: ClientSettings,
  merged: ClientSettings,
  patch: z.output<typeof clientPatch>,
): Promise<ClientChange['removed']> {
  const removed: ClientChange['removed'] = { apiGroups: [], apiScopes: [] };
  if (before.securityLevel === merged.securityLevel && before.audience === merged.audience)
    return removed;
  const catalog = await currentCatalog(services);
  for (const field of ['apiGroups', 'apiScopes'] as const) {
    if (patch[field]) continue;
    removed[field] = merged[field].filter((name) => catalog.holdingProblem(merged, name) !== null);
    merged[field] = merged[field].filter((name) => !removed[field].includes(name));
  }
  return removed;
}

async function currentCatalog(services: Services): Promise<Catalog> {
  await services.directory.sync();
  return services.directory.catalog();
}

const PROBLEMS = {
  level_too_low: 'is above the security level of the client',
  audience_mismatch: 'is for another audience than that of the client',
};

async function checkReferences(services: Services, settings: ClientSettings): Promise<void> {
  const catalog = await currentCatalog(services);
  const problems: FieldProblem[] = [];
  const unknown = (field: string, name: string) =>
    problems.push({ field, code: 'unknown', message: `there is no "${name}"` });
  if (!catalog.levels.has(settings.securityLevel)) unknown('securityLevel', settings.securityLevel);
  for (const field of ['apiGroups', 'servedApiGroups', 'apiScopes'] as const) {
    for (const [i, name] of settings[field].entries()) {
      const known = field === 'apiScopes' ? catalog.scopes.has(name) : catalog.groups.has(name);
      const problem =
        known && field !== 'servedApiGroups' ? catalog.holdingProblem(settings, name) : null;
      if (!known) unknown(`${field}.${i}`, name);
      else if (problem !== null)
        problems.push({
          field: `${field}.${i}`,
          code: problem,
          message: `"${name}" ${PROBLEMS[problem]}`,
        });
    }
  }
  if (
    settings.startsAt !== null &&
    settings.expiresAt !== null &&
    settings.startsAt >= settings.expiresAt
  ) {
    problems.push({ field: 'expiresAt', code: 'before_start', message: 'must be after startsAt' });
  }
  if (problems.length > 0) throw invalid(problems);
}
