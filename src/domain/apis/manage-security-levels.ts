/** What admins do with security levels: create, rename, rank, delete. Each step is audited. */
import type { z } from 'zod';
import type { Actor } from '../audit/audit-event.ts';
import { CLIENT_DEFAULTS } from '../clients/client.ts';
import { DomainError } from '../errors.ts';
import { namesOfBundles } from '../manage-dry-runs.ts';
import {
  type ChangeOptions,
  createRecord,
  findRecord,
  firstVersion,
  type Noun,
  patchOf,
  type RemoveOptions,
  removeRecord,
  type Update,
  updateRecord,
} from '../manage-records.ts';
import type { Services } from '../services.ts';
import {
  type newSecurityLevel,
  SECURITY_LEVEL_DEFAULTS,
  type SecurityLevel,
  securityLevelSettings,
} from './security-level.ts';

/** A merge patch of a security level. */
export const securityLevelPatch = patchOf(securityLevelSettings);

const SECURITY_LEVEL: Noun<SecurityLevel> = {
  kind: 'security_level',
  label: 'security level',
  settings: securityLevelSettings,
  defaults: SECURITY_LEVEL_DEFAULTS,
  store: (stores) => stores.securityLevels,
  idOf: (level) => level.name,
  taken: sameNameOrRank,
  holders: holdersOf,
};

/** The security level of this name. Throws `not_found`. */
export function findSecurityLevel(services: Services, name: string): Promise<SecurityLevel> {
  return findRecord(services, SECURITY_LEVEL, name);
}

/** Creates a security level. Throws `conflict` when the name or the rank is taken. */
export function createSecurityLevel(
  services: Services,
  actor: Actor,
  input: z.output<typeof newSecurityLevel>,
  options: ChangeOptions = {},
): Promise<SecurityLevel> {
  const { name, rank, displayName = SECURITY_LEVEL_DEFAULTS.displayName } = input;
  const level: SecurityLevel = { name, displayName, rank, ...firstVersion(services) };
  return createRecord(services, actor, SECURITY_LEVEL, level, options);
}

/** Changes a security level. Throws `not_found`, `version_conflict`, `validation_failed`, `conflict`. */
export function updateSecurityLevel(
  services: Services,
  actor: Actor,
  update: Update,
  options: ChangeOptions = {},
): Promise<SecurityLevel> {
  return updateRecord(services, actor, SECURITY_LEVEL, update, options);
}

/** Deletes a security level. Throws `not_found`, `in_use` while anything is at it and for SYSTEM. */
export async function deleteSecurityLevel(
  services: Services,
  actor: Actor,
  name: string,
  options: RemoveOptions = {},
): Promise<SecurityLevel> {
  if (name === CLIENT_DEFAULTS.securityLevel) {
    throw new DomainError('in_use', { hint: `${name} is the default level and always stays` });
  }
  return removeRecord(services, actor, SECURITY_LEVEL, name, options);
}

async function sameNameOrRank(services: Services, level: SecurityLevel): Promise<string | null> {
  const levels = await services.stores.securityLevels.all();
  if (level.version === 1 && levels.some((other) => other.name === level.name)) return 'name';
  return levels.some((o) => o.name !== level.name && o.rank === level.rank) ? 'rank' : null;
}

async function holdersOf(services: Services, { name }: SecurityLevel): Promise<string[]> {
  const filter = { at: services.clock.now(), securityLevel: name };
  const [{ items }, bundles] = await Promise.all([
    services.stores.clients.list({ filter, limit: 10 }),
    namesOfBundles(services, { securityLevel: name }),
  ]);
  return [...items.map(({ clientId }) => `client ${clientId}`), ...bundles];
}
