/**
 * The store of any governed noun. A record is one JSON document, and one narrow row of what the noun
 * is unique by, filtered by, sorted by and searched in; a noun's own file names only those columns.
 */
import type { AuditEvent } from '../../src/domain/audit/audit-event.ts';
import { UNLOCKED } from '../../src/domain/clients/client.ts';
import { DomainError, notFound } from '../../src/domain/errors.ts';
import type { ListQuery, Page, RecordStore } from '../../src/domain/records.ts';
import { reading, refusingTaken } from './errors.ts';
import { lockValues } from './locks.ts';
import type { GovernedRecord, Noun, Shared } from './noun.ts';
import { type Condition, containing, orderOf, readPage, searchWords } from './page.ts';
import { documentOf, recordOf, recordStatements, rowOf } from './record-rows.ts';

/** A record store, and what a noun's own methods are made from. */
export interface NounStore<T extends GovernedRecord, Filter> extends RecordStore<T, Filter> {
  /** Finds by a unique column. */
  findBy(column: string): (value: string) => Promise<T | null>;
  /** Every record, by id. */
  all(): Promise<T[]>;
  /** `list` at once; with the number of rows on all pages where they are counted already. */
  pageNow(query: ListQuery<Filter>, total?: number): Page<T>;
}

/** The store of a noun. */
export function recordStore<T extends GovernedRecord, Filter>(
  shared: Shared,
  noun: Noun<T, Filter>,
): NounStore<T, Filter> {
  const { connection } = shared;
  const sql = recordStatements<T, Filter>(connection, noun);
  const table: RecordTable<T, Filter> = {
    ...{ shared, noun, sql },
    find: (id) => recordOf<T>(sql.find.get(noun.kind, id)),
  };
  return {
    find: (id) => reading(() => table.find(id)),
    findBy(column) {
      const find = sql.findBy(column);
      return (value) => reading(() => recordOf<T>(find.get(noun.kind, value)));
    },
    all: () =>
      reading(() => {
        const records = sql.all.all(noun.kind).map((row) => recordOf<T>(row));
        return records.filter((record) => record !== null);
      }),
    list: (query) => reading(() => pageNow(table, query)),
    pageNow: (query, total) => pageNow(table, query, total),
    insert: (record, event) => connection.transact(() => insert(table, record, event)),
    update: (record, event) => connection.transact(() => update(table, record, event)),
    remove: (id, event, version) =>
      connection.transact(() => remove(table, id, { event, version })),
  };
}

interface RecordTable<T extends GovernedRecord, Filter> {
  shared: Shared;
  noun: Noun<T, Filter>;
  sql: ReturnType<typeof recordStatements<T, Filter>>;
  find(id: string): T | null;
}

function pageNow<T extends GovernedRecord, Filter>(
  { shared, noun, find }: RecordTable<T, Filter>,
  { filter, search, sort, limit, cursor }: ListQuery<Filter>,
  total?: number,
): Page<T> {
  const request = {
    from: noun.table,
    where: conditionsOf(noun, filter, search),
    order: orderOf(noun.sorts, sort, 'id'),
    ...{ limit, cursor, total },
  };
  return readPage<T, string>(shared.connection, request, find);
}

/** Which rows of a noun a filter and a search want. */
export function conditionsOf<T extends GovernedRecord, Filter>(
  noun: Noun<T, Filter>,
  filter: Filter | undefined,
  search: string | undefined,
): Condition[] {
  const { searching = (words) => words.map((word) => containing('search', word)) } = noun;
  return [
    ...(filter === undefined ? [] : (noun.conditions?.(filter) ?? [])),
    ...searching(searchWords(search)),
  ];
}

function insert<T extends GovernedRecord, Filter>(
  table: RecordTable<T, Filter>,
  record: T,
  event: AuditEvent,
): void {
  const { noun, sql } = table;
  noun.beforeInsert?.(record);
  const id = noun.id(record);
  const lock = noun.lockable ? lockValues(record.lock ?? UNLOCKED) : [];
  refusingTaken(noun.unique(record), () => sql.insert.run(id, ...rowOf(noun, record), ...lock));
  sql.insertDocument.run(noun.kind, id, record.version, documentOf(noun, record));
  enter(table, { id, event, holds: noun.holds?.(record) ?? [] });
}

function update<T extends GovernedRecord, Filter>(
  table: RecordTable<T, Filter>,
  record: T,
  event: AuditEvent,
): void {
  const { noun, sql } = table;
  const [id, { version }] = [noun.id(record), record];
  const replaced = [version, documentOf(noun, record), noun.kind, id, version - 1] as const;
  if (sql.updateDocument.run(...replaced).changes === 0) {
    const current = table.find(id);
    if (current === null) throw notFound(noun.kind, id);
    throw new DomainError('version_conflict', { current });
  }
  noun.beforeUpdate?.(record);
  refusingTaken(noun.unique(record), () => sql.update.run(...rowOf(noun, record), id));
  enter(table, { id, event, holds: noun.holds?.(record) ?? [] });
}

function remove<T extends GovernedRecord, Filter>(
  table: RecordTable<T, Filter>,
  id: string,
  { event, version }: { event: AuditEvent; version: number | undefined },
): boolean {
  const { noun, sql, shared } = table;
  if (sql.removeDocument.run(noun.kind, id, version ?? null).changes === 0) {
    const current = table.find(id);
    if (current === null) return false;
    throw new DomainError('version_conflict', { current });
  }
  noun.beforeRemove?.(id);
  sql.remove.run(id);
  shared.holdings.refuseWhileHeld(noun.heldAs ?? [], id);
  noun.afterRemove?.(id, event);
  enter(table, { id, event, holds: [] });
  return true;
}

/** What accompanies every write: what the record names now, the audit event, the change. */
function enter<T extends GovernedRecord, Filter>(
  { noun, shared }: RecordTable<T, Filter>,
  written: { id: string; event: AuditEvent; holds: ReturnType<NonNullable<typeof noun.holds>> },
): void {
  shared.holdings.set({ kind: noun.kind, id: written.id }, written.holds);
  shared.audit.enter(written.event);
  shared.changes.enter(noun.changeKind, written.id);
}
