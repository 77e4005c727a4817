/** What a client refers to must exist, and fit its security level and audience. */
import type { Catalog } from '../apis/catalog.ts';
import { conflict, type FieldProblem, invalid } from '../errors.ts';
import { everyRow } from '../manage-dry-runs.ts';
import type { Services } from '../services.ts';
import type { Client, ClientSettings } from './client.ts';
import type { ClientPatch } from './client-input.ts';

/** Names of groups and scopes that a change took from a client. */
export interface Removed {
  apiGroups: string[];
  apiScopes: string[];
}

const PROBLEMS = {
  level_too_low: 'is above the security level of the client',
  audience_mismatch: 'is for another audience than that of the client',
};

/**
 * Takes away what the client may no longer hold, whether the client changed or the catalog did, except
 * what the patch itself names.
 */
export async function dropDisallowed(
  services: Services,
  merged: ClientSettings,
  patch: ClientPatch,
): Promise<Removed> {
  const removed: Removed = { apiGroups: [], apiScopes: [] };
  const catalog = await currentCatalog(services);
  for (const field of ['apiGroups', 'apiScopes'] as const) {
    if (patch[field]) continue;
    removed[field] = merged[field].filter((name) => catalog.holdingProblem(merged, name) !== null);
    merged[field] = merged[field].filter((name) => !removed[field].includes(name));
  }
  return removed;
}

/**
 * Throws `validation_failed`, naming every reference to nothing and everything the client may not hold.
 *
 * @param named the fields that are judged, where a patch names only some; default: all
 */
export async function checkReferences(
  services: Services,
  settings: ClientSettings,
  named: ClientPatch = settings,
): Promise<void> {
  const catalog = await currentCatalog(services);
  const { securityLevel, servedApiGroups, startsAt, expiresAt } = settings;
  const problems: FieldProblem[] = (['apiGroups', 'apiScopes'] as const)
    .filter((field) => named[field])
    .flatMap((field) =>
      settings[field].flatMap((name, i) => heldProblem(catalog, settings, { field, name, i })),
    );
  for (const [i, name] of (named.servedApiGroups ? servedApiGroups : []).entries()) {
    if (!catalog.groups.has(name)) problems.push(unknown(`servedApiGroups.${i}`, name));
  }
  if (named.securityLevel && !catalog.levels.has(securityLevel)) {
    problems.push(unknown('securityLevel', securityLevel));
  }
  if (startsAt !== null && expiresAt !== null && startsAt >= expiresAt) {
    problems.push({
      field: 'expiresAt',
      code: 'before_start',
      message: 'must be after the start date',
    });
  }
  if (problems.length > 0) throw invalid(problems);
}

function heldProblem(
  catalog: Catalog,
  settings: ClientSettings,
  held: { field: 'apiGroups' | 'apiScopes'; name: string; i: number },
): FieldProblem[] {
  const { field, name, i } = held;
  const known = field === 'apiGroups' ? catalog.groups.has(name) : catalog.scopes.has(name);
  if (!known) return [unknown(`${field}.${i}`, name)];
  const code = catalog.holdingProblem(settings, name);
  if (code === null) return [];
  return [{ field: `${field}.${i}`, code, message: `"${name}" ${PROBLEMS[code]}` }];
}

function unknown(field: string, name: string): FieldProblem {
  return { field, code: 'unknown', message: `there is no "${name}"` };
}

async function currentCatalog(services: Services): Promise<Catalog> {
  await services.directory.sync();
  return services.directory.catalog();
}

/** For dry runs, where the store does not decide: throws `conflict` when a name of the client is taken. */
export async function refuseTakenNames(services: Services, client: Client): Promise<void> {
  const { clients } = services.stores;
  if (client.version === 1 && (await clients.find(client.clientId)) !== null) {
    throw conflict('clientId', client.clientId);
  }
  for (const field of ['clientName', 'displayName'] as const) {
    const search = client[field];
    for await (const other of everyRow((page) => clients.list({ ...page, search }))) {
      const same =
        field === 'clientName'
          ? other.clientName.toLowerCase() === client.clientName.toLowerCase()
          : other.displayName === client.displayName;
      if (same && other.clientId !== client.clientId) throw conflict(field, client[field]);
    }
  }
}
