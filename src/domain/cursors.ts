/**
 * Cursors: how a page of a list says where the pages beside it begin. A cursor names the row that it is
 * read from, by sort key and id, and the way to read; so a page is found by an index from either end,
 * and rows that come or go meanwhile make none of the others skip or repeat.
 */
import { type DomainError, invalidField } from './errors.ts';
import { LAST_PAGE, type Page } from './records.ts';

/** What a list is sorted by, as its cursors name it. */
export interface CursorOrder {
  /** Name of the sort field. */
  field: string;
  descending: boolean;
}

/** Sort key and id of a row; instants as whatever JSON makes of them. */
export type RowKey = readonly [key: unknown, id: unknown];

/** Where a page is read from, and which way. */
export interface Position {
  /** Against the order of the list, from its end or from the row. */
  backward: boolean;
  /** The row that the page does not hold any more; null = from the very end. */
  beyond: RowKey | null;
}

/** What was read for a page. */
export interface Reading<Row> {
  position: Position;
  /** In the way of the position, one more than wanted where there are more. */
  rows: readonly Row[];
  /** Rows wanted. */
  limit: number;
  /** Rows on all pages. */
  total: number;
}

/** Words of the two ways in a cursor. */
const [AFTER, BEFORE] = ['after', 'before'] as const;

/**
 * Where the page of a cursor begins; without one, at the first row.
 *
 * @throws DomainError `validation_failed` for what is no cursor of a list in this order
 */
export function positionOf(cursor: string | undefined, order: CursorOrder): Position {
  if (cursor === undefined) return { backward: false, beyond: null };
  if (cursor === LAST_PAGE) return { backward: true, beyond: null };
  const parts = partsOf(cursor);
  const [field, descending, way, key, id] = parts;
  const ofThisList = field === order.field && descending === order.descending;
  if (parts.length !== 5 || !ofThisList || (way !== AFTER && way !== BEFORE)) throw unreadable();
  return { backward: way === BEFORE, beyond: [key, id] };
}

/** The error for a cursor that a list never gave. */
export function unreadable(): DomainError {
  const message = 'is not a cursor of this list; start at the first page';
  return invalidField('cursor', 'unreadable', message);
}

function partsOf(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

/**
 * The page that rows make: in the order of the list, with the cursors of the pages beside it. Pages
 * counted from the last one end where those from the first one do, while no row comes or goes.
 */
export function cutPage<Row>(
  { position, rows, limit, total }: Reading<Row>,
  order: CursorOrder,
  keyOf: (row: Row) => RowKey,
): Page<Row> {
  const { backward, beyond } = position;
  const isLast = backward && beyond === null;
  const wanted = isLast ? total % limit || limit : limit;
  const kept = rows.slice(0, wanted);
  const goesOn = rows.length > wanted;
  if (backward) kept.reverse();
  const cursorAt = (row: Row | undefined, way: string) =>
    row === undefined ? null : encoded([order.field, order.descending, way, ...keyOf(row)]);
  const isFirst = backward ? !goesOn : beyond === null;
  const hasNext = backward ? !isLast : goesOn;
  return {
    items: kept,
    nextCursor: hasNext ? cursorAt(kept.at(-1), AFTER) : null,
    previousCursor: isFirst ? null : cursorAt(kept[0], BEFORE),
    total,
  };
}

function encoded(parts: unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}
