/** Keyset paging: a page starts beside a row of the page next to it, wherever rows come or go. */
import { cutPage, positionOf, type RowKey, unreadable } from '../../src/domain/cursors.ts';
import { invalidField } from '../../src/domain/errors.ts';
import type { Page } from '../../src/domain/records.ts';
import { fold } from './codec.ts';
import type { Connection, SqlValue } from './connection.ts';

/** A part of a WHERE clause and its values. */
export interface Clause {
  sql: string;
  values: SqlValue[];
}

/** A condition; `ofRow` is the same, judged on the row alone, where `sql` looks its rows up elsewhere. */
export interface Condition extends Clause {
  ofRow?: Clause;
}

/** What to sort by. */
export interface Order {
  /** Name of the sort, part of the cursor. */
  field: string;
  /** SQL of the sort key; never null. */
  key: string;
  descending: boolean;
  /** SQL of the column that settles equal keys. */
  id: string;
  idDescending: boolean;
}

/** Which page of which rows. */
export interface PageRequest {
  /** Table, with an alias where the conditions use one. */
  from: string;
  where: readonly Condition[];
  order: Order;
  limit: number;
  cursor?: string | undefined;
  /** Whether an index leads with the conditions and goes on in the order; default false. */
  isIndexed?: boolean;
  /** Rows on all pages, where they are counted already. */
  total?: number | undefined;
}

/** What the pager reads of a row. */
interface KeyedRow {
  pageKey: string | number;
  pageId: string | number;
}

/** Most words that one search may have, and their length. */
const [MAX_WORDS, MAX_LENGTH] = [50, 1000];
/**
 * Matches that are gathered and sorted for a page. Of more than these, an index is walked in the order
 * of the list, which comes upon the next match soon; with few it could have to walk all of it.
 */
const GATHERED_MOST = 20_000;

/**
 * Reads one page.
 *
 * @param find reads a row by the id that the order names; null when it went meanwhile, and is then
 *   not on the page
 * @throws DomainError `validation_failed` on a cursor of another list
 */
export function readPage<T, Id extends string | number>(
  connection: Connection,
  request: PageRequest,
  find: (id: Id) => T | null,
): Page<T> {
  const { order, limit, cursor } = request;
  const position = positionOf(cursor, order);
  const { total = totalOf(connection, request) } = request;
  const rows = keysOf(connection, request, total);
  const page = cutPage({ position, rows, limit, total }, order, keyOf);
  const items = page.items.map(({ pageId }) => find(pageId as Id));
  return { ...page, items: items.filter((item) => item !== null) };
}

function totalOf({ prepare }: Connection, { from, where }: PageRequest): number {
  const [matching, values] = clause(where);
  const counted = prepare<{ total: number }>(`SELECT count(*) AS total FROM ${from} ${matching}`);
  return counted.get(...values)?.total ?? 0;
}

/** Keys of the page in the way that it is read, and of the row after it where there is one. */
function keysOf({ prepare }: Connection, request: PageRequest, total: number): KeyedRow[] {
  const { from, where, order, limit, isIndexed = false } = request;
  const gathers = !isIndexed && where.length > 0 && total <= GATHERED_MOST;
  // The plus signs keep SQLite from the indexes of what stands behind them.
  const wanted = isIndexed || gathers ? where : where.map(ofRow);
  const { beyond, orderBy } = turn(order, request.cursor, gathers ? '+' : '');
  const [matching, values] = clause([...wanted, ...beyond]);
  return prepare<KeyedRow>(
    `SELECT ${order.key} AS pageKey, ${order.id} AS pageId
     FROM ${from} ${matching} ORDER BY ${orderBy} LIMIT ?`,
  ).all(...values, limit + 1);
}

function ofRow({ ofRow, ...condition }: Condition): Clause {
  const { sql, values } = ofRow ?? condition;
  return { sql: `+(${sql})`, values };
}

function keyOf({ pageKey, pageId }: KeyedRow): RowKey {
  return [pageKey, pageId];
}

/**
 * Where a page begins, and the order in which it is read.
 *
 * @param mark stands before the sort key; a plus keeps SQLite from its index
 * @throws DomainError `validation_failed` on a cursor of another list
 */
export function turn(
  order: Order,
  cursor: string | undefined,
  mark = '',
): { beyond: Clause[]; orderBy: string } {
  const { backward, beyond } = positionOf(cursor, order);
  const [keyDown, idDown] = [order.descending !== backward, order.idDescending !== backward];
  const orderBy = `${mark}${order.key} ${direction(keyDown)}, ${order.id} ${direction(idDown)}`;
  if (beyond === null) return { beyond: [], orderBy };
  const [key, id] = beyond;
  if (!isKey(key) || !isKey(id)) throw unreadable();
  const [keyAfter, idAfter] = [keyDown ? '<' : '>', idDown ? '<' : '>'];
  const sql = `${order.key} ${keyAfter}= ? AND (${order.key} ${keyAfter} ? OR ${order.id} ${idAfter} ?)`;
  return { beyond: [{ sql, values: [key, key, id] }], orderBy };
}

function direction(descending: boolean): string {
  return descending ? 'DESC' : 'ASC';
}

function isKey(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** All of some conditions, and their values. */
export function conjunction(conditions: readonly Clause[]): [sql: string, values: SqlValue[]] {
  const all = conditions.map(({ sql }) => `(${sql})`).join(' AND ');
  return [all, conditions.flatMap(({ values }) => values)];
}

/** The WHERE clause of conditions, empty without any, and its values. */
export function clause(conditions: readonly Clause[]): [sql: string, values: SqlValue[]] {
  const [all, values] = conjunction(conditions);
  return [all === '' ? '' : `WHERE ${all}`, values];
}

/**
 * The order that a query asks for.
 *
 * @param keys SQL of each sort key by field name; the first is the default
 * @throws DomainError `validation_failed` on a field that is not among them
 */
export function orderOf(
  keys: Readonly<Record<string, string>>,
  sort: { field: string; descending: boolean } | undefined,
  id: string,
): Order {
  const [first = ''] = Object.keys(keys);
  const { field, descending } = sort ?? { field: first, descending: false };
  const key = Object.hasOwn(keys, field) ? keys[field] : undefined;
  if (key === undefined) {
    const known = Object.keys(keys).join(', ');
    throw invalidField('sort', 'unknown_field', `"${field}" cannot be sorted by; use ${known}`);
  }
  return { field, key, descending, id, idDescending: descending };
}

/** The words of a search, folded, each once. */
export function searchWords(search: string | undefined): string[] {
  const words = new Set(fold(search ?? '').split(/\s+/));
  words.delete('');
  if (words.size > MAX_WORDS || [...words].some(({ length }) => length > MAX_LENGTH)) {
    const most = `may have at most ${MAX_WORDS} words of ${MAX_LENGTH} characters`;
    throw invalidField('search', 'too_long', most);
  }
  return [...words];
}

/**
 * One condition for each word of a search.
 *
 * @param column SQL of the folded text that is searched
 */
export function searchConditions(column: string, search: string | undefined): Condition[] {
  return searchWords(search).map((word) => containing(column, word));
}

/** Whether a text contains a word. GLOB, of which every character is escaped, takes half as long as instr(). */
export function containing(column: string, word: string): Clause {
  return { sql: `${column} GLOB ?`, values: [`*${word.replace(/[*?[]/g, '[$&]')}*`] };
}

/** Equality conditions, by column, for the values that are given. */
export function equalities(filter: Record<string, string | undefined>): Condition[] {
  return Object.entries(filter).flatMap(([column, value]) =>
    value === undefined ? [] : [{ sql: `${column} = ?`, values: [value] }],
  );
}
