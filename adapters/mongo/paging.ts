/**
 * Lists: words to look for, filters, and keyset paging. A cursor holds the sort value and the id of
 * the last row, so rows that come or go between two pages make none of the others skip or repeat.
 * Sort values are never null: where a field may be, its noun stores a sort key beside it.
 */
import { type Model, type QueryFilter, trusted } from 'mongoose';
import { invalidField } from '../../src/domain/errors.ts';
import type { ListQuery, Page } from '../../src/domain/records.ts';
import { folded, type Stored } from './schema.ts';

/** A condition on stored documents; operators in it are marked by `trusted`. */
export type Condition = Record<string, unknown>;

/** A field that a list can be sorted by. */
export interface Sort {
  /** Name of the field in the domain. */
  field: string;
  /** Path in the stored document. */
  path: string;
  type: 'date' | 'number' | 'string';
}

type SortValue = Date | number | string;

/** Operator by direction. */
const BEYOND = { 1: '$gt', [-1]: '$lt' } as const;

/** Most words that one search may have. */
const MAX_WORDS = 50;

/** What to sort by, and which way; the id settles equal values. */
interface Order extends Sort {
  direction: 1 | -1;
  idDirection: 1 | -1;
}

/** What a list is made of. */
export interface Listing<T, F> {
  model: Model<Stored>;
  /** The first is the default. */
  sorts: readonly [Sort, ...Sort[]];
  /** Direction of the default sort. */
  descending?: boolean;
  /** The id settles equal values upwards; default: the way of the sort. */
  idAscending?: boolean;
  conditions(filter: F): Condition[];
  decode(stored: Stored): T;
}

/**
 * One page.
 *
 * @throws DomainError `validation_failed` for an unknown sort field or an unreadable cursor
 */
export async function pageOf<T, F>(listing: Listing<T, F>, query: ListQuery<F>): Promise<Page<T>> {
  const order = orderOf(listing, query);
  const { direction, idDirection, path } = order;
  const wanted = [
    ...words(query.search ?? ''),
    ...(query.filter === undefined ? [] : listing.conditions(query.filter)),
  ];
  const after = query.cursor === undefined ? [] : [behind(query.cursor, order)];
  const [rows, total] = await Promise.all([
    listing.model
      .find(allOf([...wanted, ...after]))
      .sort({ [path]: direction, _id: idDirection })
      .limit(query.limit + 1)
      .lean<Stored[]>(),
    listing.model.countDocuments(allOf(wanted)),
  ]);
  const last = rows.length > query.limit ? rows[query.limit - 1] : undefined;
  return {
    items: rows.slice(0, query.limit).map(listing.decode),
    nextCursor: last === undefined ? null : cursorAt(last, order),
    total,
  };
}

function orderOf<T, F>(listing: Listing<T, F>, query: ListQuery<F>): Order {
  const { sorts, descending = false } = listing;
  const asked = query.sort ?? { field: sorts[0].field, descending };
  const sort = sorts.find(({ field }) => field === asked.field);
  if (sort !== undefined) {
    const direction = asked.descending ? -1 : 1;
    return { ...sort, direction, idDirection: listing.idAscending ? 1 : direction };
  }
  const known = sorts.map(({ field }) => field).join(', ');
  throw invalidField('sort', 'unknown_field', `"${asked.field}" cannot be sorted by; use ${known}`);
}

function words(search: string): Condition[] {
  const found = new Set(folded(search).split(/\s+/u));
  found.delete('');
  if (found.size > MAX_WORDS) {
    throw invalidField('search', 'too_long', `may have at most ${MAX_WORDS} words`);
  }
  return [...found].map((word) => ({ searchText: trusted({ $regex: literally(word) }) }));
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/#-]/g, '\\$&');
}

/** All conditions at once; each of them may name the same field as another. */
export function allOf(conditions: Condition[]): QueryFilter<Stored> {
  return conditions.length === 0 ? {} : { $and: conditions };
}

/** Rows behind the one that a cursor names. */
function behind(cursor: string, order: Order): Condition {
  const [value, id] = readCursor(cursor, order);
  const { path, direction, idDirection } = order;
  return {
    $or: [
      { [path]: trusted({ [BEYOND[direction]]: value }) },
      { [path]: value, _id: trusted({ [BEYOND[idDirection]]: id }) },
    ],
  };
}

function cursorAt(stored: Stored, { field, direction, path }: Order): string {
  const position = [field, direction, stored[path], stored._id];
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function readCursor(cursor: string, order: Order): [value: SortValue, id: string] {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(position) && position.length === 4) {
      const [field, direction, raw, id] = position;
      const value = order.type === 'date' && typeof raw === 'string' ? new Date(raw) : raw;
      const ofThisList = field === order.field && direction === order.direction;
      if (ofThisList && typeof id === 'string' && isSortValue(value, order.type))
        return [value, id];
    }
  } catch {
    // Not JSON: the same answer as any other cursor that this list never gave.
  }
  throw invalidField('cursor', 'unreadable', 'is not a cursor of this list; begin without one');
}

function isSortValue(value: unknown, type: Sort['type']): value is SortValue {
  if (type === 'date') return value instanceof Date && !Number.isNaN(value.getTime());
  return typeof value === type;
}
