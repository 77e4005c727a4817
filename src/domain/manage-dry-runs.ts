/**
 * What a dry run refuses in the store's stead: values that are taken, records that are in use. For a
 * real change the store decides, in the same step as the change.
 */
import type { ApiGroupFilter } from './apis/api-group.ts';
import type { ClientReference } from './clients/client-store.ts';
import { conflict, DomainError } from './errors.ts';
import type { Noun } from './manage-records.ts';
import type { Page, Versioned } from './records.ts';
import type { Services } from './services.ts';

/** Holders that a refusal names. */
const NAMED_MOST = 10;

/** Throws `conflict` when another record has a value that must be unique. */
export async function refuseTaken<T extends Versioned>(
  services: Services,
  noun: Noun<T>,
  record: T,
) {
  const field = (await noun.taken?.(services, record)) ?? null;
  if (field !== null) throw conflict(field, String((record as Record<string, unknown>)[field]));
}

/** Throws `in_use`, naming up to ten holders, while something uses the record. */
export async function refuseHeld<T extends Versioned>(
  services: Services,
  noun: Noun<T>,
  record: T,
) {
  const holders = (await noun.holders?.(services, record)) ?? [];
  if (holders.length === 0) return;
  throw new DomainError('in_use', { hint: `used by ${holders.slice(0, NAMED_MOST).join(', ')}` });
}

/** Clients that name this in one of these fields: as many as a refusal names, in its words. */
export async function namingClients(
  { clock, stores }: Services,
  fields: readonly ClientReference[],
  name: string,
): Promise<string[]> {
  const filter = { at: clock.now(), naming: { fields, anyOf: [name] } };
  const { items } = await stores.clients.list({ filter, limit: NAMED_MOST });
  return items.map(({ clientId }) => `client ${clientId}`);
}

/** Names of the groups, then the scopes, that a filter wants: at least as many as a refusal names. */
export async function namesOfBundles(
  { stores }: Services,
  filter: ApiGroupFilter,
): Promise<string[]> {
  const query = { filter, limit: NAMED_MOST };
  const [groups, scopes] = await Promise.all([
    stores.apiGroups.list(query),
    stores.apiScopes.list(query),
  ]);
  return [...groups.items, ...scopes.items].map(({ name }) => name);
}

/** Every row of a list, a page at a time. */
export async function* everyRow<T>(
  list: (query: { limit: number; cursor?: string }) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let page = await list({ limit: 100 });
  yield* page.items;
  while (page.nextCursor !== null) {
    page = await list({ limit: 100, cursor: page.nextCursor });
    yield* page.items;
  }
}
