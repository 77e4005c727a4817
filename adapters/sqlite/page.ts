/** Keyset paging: a page starts after the last row of the page before, wherever rows come or go. */
import { invalidField } from '../../src/domain/errors.ts';
import type { Page } from '../../src/domain/records.ts';
import { fold } from './codec.ts';
import type { Connection, SqlValue } from './connection.ts';

/** A part of a WHERE clause and its values. */
export interface Condition {
  sql: string;
  values: SqlValue[];
}

/** What to sort by. */
export interface Order {
  /** Name of the sort, part of the cursor. */
  name: string;
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
}

/** What the pager reads of a row. */
interface KeyedRow {
  pageKey: string | number;
  pageId: string | number;
}

/** Most words that one search may have. */
const MAX_WORDS = 50;

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
  const { order, limit } = request;
  const { keys, total } = keysOf(connection, request);
  const kept = keys.slice(0, limit);
  const last = keys.length > limit ? kept.at(-1) : undefined;
  const items = kept.map(({ pageId }) => find(pageId as Id));
  return {
    items: items.filter((item) => item !== null),
    nextCursor: last === undefined ? null : cursorAt(order, last),
    total,
  };
}

/** Keys of the page, and of the row after it where there is one. */
function keysOf(
  { prepare }: Connection,
  request: PageRequest,
): { keys: KeyedRow[]; total: number } {
  const { limit } = request;
  const { prefix, from, values, order } = sourceOf(request);
  const [after, afterValues] = clause(startingAfter(order, request.cursor));
  const total = `SELECT count(*) AS total FROM ${from}`;
  const keys = prepare<KeyedRow & { total: number }>(
    `${prefix} SELECT (${total}) AS total, ${order.key} AS pageKey, ${order.id} AS pageId
     FROM ${from} ${after}
     ORDER BY ${order.key} ${direction(order.descending)}, ${order.id} ${direction(order.idDescending)}
     LIMIT ?`,
  ).all(...values, ...afterValues, limit + 1);
  const counted = keys[0] ?? prepare<{ total: number }>(`${prefix} ${total}`).get(...values);
  return { keys, total: counted?.total ?? 0 };
}

/**
 * What a page is read from. Without a condition that is the table, whose indexes give page and count.
 * With conditions one scan gathers the keys of the matches, and both are taken from those.
 */
function sourceOf({ from, where, order }: PageRequest) {
  if (where.length === 0) return { prefix: '', from, values: [], order };
  const [matching, values] = clause(where);
  const keys = `${order.key} AS pageKey, ${order.id} AS pageId`;
  return {
    prefix: `WITH matches AS MATERIALIZED (SELECT ${keys} FROM ${from} ${matching})`,
    from: 'matches',
    values,
    order: { ...order, key: 'pageKey', id: 'pageId' },
  };
}

function direction(descending: boolean): string {
  return descending ? 'DESC' : 'ASC';
}

function clause(conditions: readonly Condition[]): [sql: string, values: SqlValue[]] {
  if (conditions.length === 0) return ['', []];
  return [
    `WHERE ${conditions.map(({ sql }) => `(${sql})`).join(' AND ')}`,
    conditions.flatMap(({ values }) => values),
  ];
}

function startingAfter(order: Order, cursor: string | undefined): Condition[] {
  if (cursor === undefined) return [];
  const { pageKey, pageId } = readCursor(order, cursor);
  const [keyAfter, idAfter] = [order.descending ? '<' : '>', order.idDescending ? '<' : '>'];
  return [
    {
      sql: `${order.key} ${keyAfter}= ? AND (${order.key} ${keyAfter} ? OR ${order.id} ${idAfter} ?)`,
      values: [pageKey, pageKey, pageId],
    },
  ];
}

function cursorAt(order: Order, { pageKey, pageId }: KeyedRow): string {
  const position = [order.name, order.descending, pageKey, pageId];
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function readCursor(order: Order, cursor: string): KeyedRow {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(position) && position.length === 4) {
      const [name, descending, pageKey, pageId] = position;
      const readable = name === order.name && descending === order.descending;
      if (readable && isKey(pageKey) && isKey(pageId)) return { pageKey, pageId };
    }
  } catch {
    // Not JSON: the same answer as any other cursor that this list never gave.
  }
  throw invalidField(
    'cursor',
    'unreadable',
    'is not a cursor of this list; start at the first page',
  );
}

function isKey(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
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
  return { name: field, key, descending, id, idDescending: descending };
}

/**
 * One condition for each word of a search.
 *
 * @param column SQL of the folded text that is searched
 */
export function searchConditions(column: string, search: string | undefined): Condition[] {
  const words = new Set(fold(search ?? '').split(/\s+/));
  words.delete('');
  if (words.size > MAX_WORDS) {
    throw invalidField('search', 'too_long', `may have at most ${MAX_WORDS} words`);
  }
  return [...words].map((word) => ({ sql: `instr(${column}, ?) > 0`, values: [word] }));
}

/** Equality conditions, by column, for the values that are given. */
export function equalities(filter: Record<string, string | undefined>): Condition[] {
  return Object.entries(filter).flatMap(([column, value]) =>
    value === undefined ? [] : [{ sql: `${column} = ?`, values: [value] }],
  );
}
