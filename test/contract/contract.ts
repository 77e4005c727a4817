/** What the contracts share: stores for a group of tests, whole lists, and what a write must leave. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { AuditEvent } from '../../src/domain/audit/audit-event.ts';
import type { Change } from '../../src/domain/changes.ts';
import { LAST_PAGE, type ListQuery, type Page } from '../../src/domain/records.ts';
import type { Stores } from '../../src/domain/stores.ts';

/** Opens a new, empty database. */
export type Open = () => Promise<Stores>;

/** An empty database for the tests of the surrounding `describe`, closed after them. */
export function useStores(open: Open): () => Stores {
  let stores: Stores | null = null;
  beforeAll(async () => {
    stores = await open();
  });
  afterAll(async () => {
    await stores?.close();
  });
  return () => {
    if (stores === null) throw new Error('the stores are opened before the first test');
    return stores;
  };
}

/** A store's list, or what behaves like one. */
type List<T, Filter> = (query: ListQuery<Filter>) => Promise<Page<T>>;

/** More than any list of these tests has. */
const MOST_ROWS = 1000;

/** Rows of all pages; `between` runs after each page. */
export async function allPages<T, Filter>(
  list: List<T, Filter>,
  query: ListQuery<Filter>,
  between: (page: Page<T>) => Promise<void> = async () => {},
): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page: Page<T> = await list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor;
    if (items.length > MOST_ROWS) throw new Error('the pages do not come to an end');
    await between(page);
  }
  return items;
}

/** Follows a list to its last page, and from there back: the pages must be the same; answers them. */
export async function sameBothWays<T, Filter>(
  list: List<T, Filter>,
  query: ListQuery<Filter>,
): Promise<Page<T>[]> {
  const first = await list(query);
  const forth = [first];
  for (let next = first.nextCursor; next !== null; ) {
    const page = await list({ ...query, cursor: next });
    forth.push(page);
    next = page.nextCursor;
  }
  const last = await list({ ...query, cursor: LAST_PAGE });
  const back = [last];
  for (let previous = last.previousCursor; previous !== null; ) {
    const page = await list({ ...query, cursor: previous });
    back.unshift(page);
    previous = page.previousCursor;
  }
  expect(back).toEqual(forth);
  expect([first.previousCursor, forth.at(-1)?.nextCursor]).toEqual([null, null]);
  return forth;
}

/** Position of the change feed now. */
export async function feedPosition(stores: Stores): Promise<number> {
  return (await stores.changes.since(0))?.position ?? 0;
}

/** Audit events about an object. */
export async function eventsAbout(stores: Stores, objectId: string): Promise<AuditEvent[]> {
  return (await stores.audit.list({ filter: { objectId }, limit: 100 })).items;
}

/** Runs a write that must enter the change feed. */
export async function expectChange<T>(
  stores: Stores,
  change: Change,
  write: () => Promise<T>,
): Promise<T> {
  const before = await feedPosition(stores);
  const answer = await write();
  const news = await stores.changes.since(before);
  expect(news?.changed).toContainEqual(change);
  expect(news?.position).toBeGreaterThan(before);
  expect(await stores.changes.since(news?.position ?? 0)).toBeNull();
  return answer;
}

/** Runs a write that must fail, and leave no change and no audit event about the object. */
export async function expectNothingWritten(
  stores: Stores,
  objectId: string,
  write: () => Promise<unknown>,
  error: object,
): Promise<void> {
  const [position, events] = [await feedPosition(stores), await eventsAbout(stores, objectId)];
  await expect(write()).rejects.toMatchObject(error);
  expect(await stores.changes.since(position)).toBeNull();
  expect(await eventsAbout(stores, objectId)).toEqual(events);
}

/** The shape of a `conflict` over a field. */
export function conflictOn(field: string): object {
  return { code: 'conflict', problems: [{ field, code: 'taken' }] };
}

/** The shape of a `validation_failed` over a field. */
export function invalidOn(field: string): object {
  return { code: 'validation_failed', problems: [{ field }] };
}
