/**
 * Lists: words to look for, filters, and keyset paging. A cursor holds the sort value and the id of a
 * row beside the page, so rows that come or go between two pages make none of the others skip or repeat.
 * Sort values are never null: where a field may be, its noun stores a sort key beside it.
 */
import { type Model, type QueryFilter, trusted } from 'mongoose';
import { cutPage, type Position, positionOf, unreadable } from '../../src/domain/cursors.ts';
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

/** Most words that one search may have, and their length. */
const [MAX_WORDS, MAX_LENGTH] = [50, 1000];

/** What to sort by; the id settles equal values. */
interface Order extends Sort {
  descending: boolean;
  idDescending: boolean;
}

/** The records that have the words of a search. */
export interface Found {
  /** Which they are. */
  conditions: Condition[];
  /** Counts them, where that is cheaper than by their conditions. */
  count?(): Promise<number>;
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
  /** Finds what has all of these words; default: by the `searchText` of each record. */
  searching?: ((words: string[]) => Promise<Found>) | undefined;
  decode(stored: Stored): T;
}

/**
 * One page.
 *
 * @throws DomainError `validation_failed` for an unknown sort field or an unreadable cursor
 */
export async function pageOf<T, F>(listing: Listing<T, F>, query: ListQuery<F>): Promise<Page<T>> {
  return pageOfWanted(listing, query, await wantedOf(listing, query));
}

/** One page of the rows that are wanted already, whatever filter and search the query has. */
export async function pageOfWanted<T, F>(
  listing: Listing<T, F>,
  query: Omit<ListQuery<F>, 'filter' | 'search'>,
  { wanted, count }: Wanted,
): Promise<Page<T>> {
  const order = orderOf(listing, query);
  const position = positionOf(query.cursor, order);
  const beyond = beyondRow(position, order);
  const [rows, total] = await Promise.all([
    listing.model
      .find(allOf([...wanted, ...beyond]), { searchText: 0 })
      .sort(sortOf(order, position))
      .limit(query.limit + 1)
      .lean<Stored[]>(),
    count(),
  ]);
  const reading = { position, rows, limit: query.limit, total };
  const page = cutPage(reading, order, (row) => [row[order.path], row._id]);
  return { ...page, items: page.items.map(listing.decode) };
}

/** Which rows a filter and a search want. */
export interface Wanted {
  wanted: Condition[];
  /** Counts them. */
  count(): Promise<number>;
}

/** The rows that a query wants, on all pages. */
export async function wantedOf<T, F>(
  { model, conditions, searching = inSearchText }: Listing<T, F>,
  { filter, search }: Pick<ListQuery<F>, 'filter' | 'search'>,
): Promise<Wanted> {
  const filters = filter === undefined ? [] : conditions(filter);
  const found = await searching(wordsOf(search ?? ''));
  const wanted = [...found.conditions, ...filters];
  const countAll = async () => countOf(model, wanted);
  return { wanted, count: filters.length === 0 && found.count ? found.count : countAll };
}

/** Counts documents; all of them by the keys of an index, which takes half as long as by themselves. */
export async function countOf(model: Model<Stored>, wanted: Condition[]): Promise<number> {
  return wanted.length === 0
    ? model.countDocuments({}).hint({ _id: 1 })
    : model.countDocuments(allOf(wanted));
}

function orderOf<T, F>(listing: Listing<T, F>, query: Pick<ListQuery<F>, 'sort'>): Order {
  const { sorts, descending: isDescending = false } = listing;
  const asked = query.sort ?? { field: sorts[0].field, descending: isDescending };
  const sort = sorts.find(({ field }) => field === asked.field);
  if (sort !== undefined) {
    const { descending } = asked;
    return { ...sort, descending, idDescending: listing.idAscending ? false : descending };
  }
  const known = sorts.map(({ field }) => field).join(', ');
  throw invalidField('sort', 'unknown_field', `"${asked.field}" cannot be sorted by; use ${known}`);
}

/** Which way value and id go as the page is read; 1 = upwards. */
function waysOf({ descending, idDescending }: Order, { backward }: Position): [1 | -1, 1 | -1] {
  const way = (down: boolean) => (down === backward ? 1 : -1);
  return [way(descending), way(idDescending)];
}

function sortOf(order: Order, position: Position): Record<string, 1 | -1> {
  const [way, idWay] = waysOf(order, position);
  return { [order.path]: way, _id: idWay };
}

function wordsOf(search: string): string[] {
  const found = new Set(folded(search).split(/\s+/u));
  found.delete('');
  if (found.size > MAX_WORDS || [...found].some(({ length }) => length > MAX_LENGTH)) {
    const most = `may have at most ${MAX_WORDS} words of ${MAX_LENGTH} characters`;
    throw invalidField('search', 'too_long', most);
  }
  return [...found];
}

async function inSearchText(words: string[]): Promise<Found> {
  return { conditions: words.map(containing) };
}

/** Condition: the `searchText` of a record contains a word. */
export function containing(word: string): Condition {
  return { searchText: trusted({ $regex: literally(word) }) };
}

/** Text as a regular expression that matches just it. */
export function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/#-]/g, '\\$&');
}

/** All conditions at once; each of them may name the same field as another. */
export function allOf(conditions: Condition[]): QueryFilter<Stored> {
  return conditions.length === 0 ? {} : { $and: conditions };
}

/** Condition: rows behind the one that a page is read from. */
function beyondRow(position: Position, order: Order): Condition[] {
  if (position.beyond === null) return [];
  const { path, type } = order;
  const [raw, id] = position.beyond;
  const value = type === 'date' && typeof raw === 'string' ? new Date(raw) : raw;
  if (typeof id !== 'string' || !isSortValue(value, type)) throw unreadable();
  const [way, idWay] = waysOf(order, position);
  const behind = (direction: 1 | -1, than: SortValue) =>
    trusted(direction === 1 ? { $gt: than } : { $lt: than });
  return [{ $or: [{ [path]: behind(way, value) }, { [path]: value, _id: behind(idWay, id) }] }];
}

function isSortValue(value: unknown, type: Sort['type']): value is SortValue {
  if (type === 'date') return value instanceof Date && !Number.isNaN(value.getTime());
  return typeof value === type;
}
