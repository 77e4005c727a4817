/** What admins do with APIs: create, change, delete. Each step is audited with its change. */
import type { z } from 'zod';
import type { Actor } from '../audit/audit-event.ts';
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
import { randomId } from '../secrets/random.ts';
import type { Services } from '../services.ts';
import { API_DEFAULTS, type Api, apiSettings, type newApi } from './api.ts';

/** A merge patch of an API. */
export const apiPatch = patchOf(apiSettings);

const API: Noun<Api> = {
  kind: 'api',
  label: 'API',
  settings: apiSettings,
  defaults: API_DEFAULTS,
  store: (stores) => stores.apis,
  idOf: (api) => api.apiId,
  taken: sameRoute,
  holders: (services, { apiId }) => namesOfBundles(services, { api: apiId }),
};

/** The API of this id. Throws `not_found`. */
export function findApi(services: Services, apiId: string): Promise<Api> {
  return findRecord(services, API, apiId);
}

/** Creates an API. Throws `conflict` when another has the same method and path. */
export function createApi(
  services: Services,
  actor: Actor,
  input: z.output<typeof newApi>,
  options: ChangeOptions = {},
): Promise<Api> {
  const { name = API_DEFAULTS.name, method, path } = input;
  const api: Api = { apiId: randomId(), method, path, name, ...firstVersion(services) };
  return createRecord(services, actor, API, api, options);
}

/** Changes an API. Throws `not_found`, `version_conflict`, `validation_failed`, `conflict`. */
export function updateApi(
  services: Services,
  actor: Actor,
  update: Update,
  options: ChangeOptions = {},
): Promise<Api> {
  return updateRecord(services, actor, API, update, options);
}

/** Deletes an API. Throws `not_found`, `in_use` while a group or scope names it. */
export function deleteApi(
  services: Services,
  actor: Actor,
  apiId: string,
  options: RemoveOptions = {},
): Promise<Api> {
  return removeRecord(services, actor, API, apiId, options);
}

async function sameRoute(services: Services, api: Api): Promise<string | null> {
  const others = (await services.stores.apis.all()).filter((other) => other.apiId !== api.apiId);
  return others.some((o) => o.method === api.method && o.path === api.path) ? 'path' : null;
}
