/** What admins do with API scopes: create, change, delete. Each step is audited with its change. */

import type { z } from 'zod';
import type { Actor } from '../audit/audit-event.ts';
import { conflict } from '../errors.ts';
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
  API_SCOPE_DEFAULTS,
  type ApiScope,
  apiScopeSettings,
  type newApiScope,
} from './api-scope.ts';
import { referenceProblems } from './manage-api-groups.ts';

/** A merge patch of an API scope. */
export const apiScopePatch = patchOf(apiScopeSettings);

const API_SCOPE: Noun<ApiScope> = {
  kind: 'api_scope',
  label: 'API scope',
  settings: apiScopeSettings,
  defaults: API_SCOPE_DEFAULTS,
  store: (stores) => stores.apiScopes,
  idOf: (scope) => scope.name,
  check: referenceProblems,
  taken: async (services, scope) =>
    scope.version === 1 && (await services.stores.apiScopes.find(scope.name)) ? 'name' : null,
  holders: (services, { name }) => namingClients(services, ['apiScopes'], name),
};

/** The API scope of this name. Throws `not_found`. */
export function findApiScope(services: Services, name: string): Promise<ApiScope> {
  return findRecord(services, API_SCOPE, name);
}

/** Creates an API scope. Throws `conflict` when the name is taken, `validation_failed`. */
export async function createApiScope(
  services: Services,
  actor: Actor,
  input: z.output<typeof newApiScope>,
  options: ChangeOptions = {},
): Promise<ApiScope> {
  const { name, ...given } = input;
  // Both are OAuth scope values: one name means one thing.
  if ((await services.stores.apiGroups.find(name)) !== null) throw conflict('name', name);
  const settings = apiScopeSettings.parse({ ...API_SCOPE_DEFAULTS, ...given });
  const scope: ApiScope = { name, ...settings, ...firstVersion(services) };
  return createRecord(services, actor, API_SCOPE, scope, options);
}

/** Changes an API scope. Throws `not_found`, `version_conflict`, `validation_failed`. */
export function updateApiScope(
  services: Services,
  actor: Actor,
  update: Update,
  options: ChangeOptions = {},
): Promise<ApiScope> {
  return updateRecord(services, actor, API_SCOPE, update, options);
}

/** Deletes an API scope. Throws `not_found`, `in_use` while a client holds it. */
export function deleteApiScope(
  services: Services,
  actor: Actor,
  name: string,
  options: RemoveOptions = {},
): Promise<ApiScope> {
  return removeRecord(services, actor, API_SCOPE, name, options);
}
