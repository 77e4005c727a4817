/** What admins do with API groups: create, change, delete. Each step is audited with its change. */
import type { z } from 'zod';
import type { Actor } from '../audit/audit-event.ts';
import { conflict, type FieldProblem } from '../errors.ts';
import { namingClients } from '../manage-dry-runs.ts';
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
  API_GROUP_DEFAULTS,
  type ApiGroup,
  apiGroupSettings,
  type newApiGroup,
} from './api-group.ts';

/** A merge patch of an API group. */
export const apiGroupPatch = patchOf(apiGroupSettings);

const API_GROUP: Noun<ApiGroup> = {
  kind: 'api_group',
  label: 'API group',
  settings: apiGroupSettings,
  defaults: API_GROUP_DEFAULTS,
  store: (stores) => stores.apiGroups,
  idOf: (group) => group.name,
  check: referenceProblems,
  taken: async (services, group) =>
    group.version === 1 && (await services.stores.apiGroups.find(group.name)) ? 'name' : null,
  holders: (services, { name }) => namingClients(services, ['apiGroups', 'servedApiGroups'], name),
};

/** The API group of this name. Throws `not_found`. */
export function findApiGroup(services: Services, name: string): Promise<ApiGroup> {
  return findRecord(services, API_GROUP, name);
}

/** Creates an API group. Throws `conflict` when the name is taken, `validation_failed`. */
export async function createApiGroup(
  services: Services,
  actor: Actor,
  input: z.output<typeof newApiGroup>,
  options: ChangeOptions = {},
): Promise<ApiGroup> {
  const { name, ...given } = input;
  // Both are OAuth scope values: one name means one thing.
  if ((await services.stores.apiScopes.find(name)) !== null) throw conflict('name', name);
  const settings = apiGroupSettings.parse({ ...API_GROUP_DEFAULTS, ...given });
  const group: ApiGroup = { name, ...settings, ...firstVersion(services) };
  return createRecord(services, actor, API_GROUP, group, options);
}

/**
 * Changes an API group. A client that its new level or audience no longer fits keeps the name but may
 * not use it: every decision checks again.
 *
 * @throws DomainError `not_found`, `version_conflict`, `validation_failed`
 */
export function updateApiGroup(
  services: Services,
  actor: Actor,
  update: Update,
  options: ChangeOptions = {},
): Promise<ApiGroup> {
  return updateRecord(services, actor, API_GROUP, update, options);
}

/** Deletes an API group. Throws `not_found`, `in_use` while a client holds or serves it. */
export function deleteApiGroup(
  services: Services,
  actor: Actor,
  name: string,
  options: RemoveOptions = {},
): Promise<ApiGroup> {
  return removeRecord(services, actor, API_GROUP, name, options);
}

/** Problems of a group or scope that names an API or a security level that does not exist. */
export async function referenceProblems(
  services: Services,
  named: { securityLevel: string; apis: string[] },
): Promise<FieldProblem[]> {
  const problems: FieldProblem[] = [];
  const unknown = (field: string, value: string) =>
    problems.push({ field, code: 'unknown', message: `there is no "${value}"` });
  const { apis, securityLevels } = services.stores;
  if (!(await securityLevels.find(named.securityLevel))) {
    unknown('securityLevel', named.securityLevel);
  }
  const known = new Set(named.apis.length === 0 ? [] : (await apis.all()).map((api) => api.apiId));
  for (const [i, apiId] of named.apis.entries()) {
    if (!known.has(apiId)) unknown(`apis.${i}`, apiId);
  }
  return problems;
}
