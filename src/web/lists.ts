/** Lists whose whole state is their URL: search, filters, sort, page size and page. */
import { LAST_PAGE, type Page } from '../domain/records.ts';
import type { ConsoleCall } from './admin/route.ts';

/** Page sizes that are offered; the first is the default. */
export const PAGE_SIZES = [25, 50, 100] as const;

/** Parameter that numbers the first row of a page behind the first one; told, never trusted. */
const AT = 'at';

/** What every list reads of its URL. */
export interface ListRequest {
  search: string;
  limit: number;
  cursor?: string;
  sort?: { field: string; descending: boolean };
}

/** What the component `pager` shows. */
export interface PagerView {
  /** Such as `26–50 of 100,000`. */
  summary: string;
  first?: string;
  previous?: string;
  next?: string;
  last?: string;
  sizes?: { href: string; label: string; current: boolean }[];
}

/** Search, page and sort that a URL names; `sorts` are the fields that may be sorted by. */
export function listRequest(query: URLSearchParams, sorts: readonly string[] = []): ListRequest {
  const limit = PAGE_SIZES.find((size) => String(size) === query.get('limit')) ?? PAGE_SIZES[0];
  const cursor = query.get('cursor');
  const named = query.get('sort') ?? '';
  const field = sorts.find((sort) => sort === named.replace(/^-/, ''));
  return {
    search: (query.get('search') ?? '').trim(),
    limit,
    ...(cursor && { cursor }),
    ...(field !== undefined && { sort: { field, descending: named.startsWith('-') } }),
  };
}

/**
 * The same list with other parameters; null drops one, and any change but of the page starts at the
 * first page.
 */
export function hrefWith(
  path: string,
  query: URLSearchParams,
  changes: Readonly<Record<string, string | null>>,
): string {
  const changed = new URLSearchParams(query);
  if (!('cursor' in changes)) changed.delete('cursor');
  // What a row is numbered belongs to one page.
  changed.delete(AT);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') changed.delete(name);
    else changed.set(name, value);
  }
  const text = changed.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** What the component `chips` shows: what narrows a list, each with a link that drops it. */
export interface ChipsView {
  items: { label: string; remove: string }[];
  clear?: { href: string; label: string };
}

/** Chips, from two on with a link that drops all of them. */
export function chipsView(
  { t }: Pick<ConsoleCall, 't'>,
  items: ChipsView['items'],
  clear: string,
): ChipsView {
  return items.length > 1 ? { items, clear: { href: clear, label: t('list.clear') } } : { items };
}

/** A page of a list, as far as a pager tells of it. */
type PagedRows = Pick<Page<unknown>, 'nextCursor' | 'total'> &
  Partial<Pick<Page<unknown>, 'previousCursor'>> & { items: readonly unknown[] };

/**
 * The pager of a list: which rows it shows, and the links to the pages beside it.
 *
 * @param options `total`: as it is told where counting stopped, such as `10,000+`; there is then no
 *   link to the last page
 */
export function pagerOf(
  call: Pick<ConsoleCall, 'ctx' | 'query' | 't' | 'formats'>,
  page: PagedRows,
  { total }: { total?: string } = {},
): PagerView {
  const { ctx, query, formats } = call;
  const { limit, cursor } = listRequest(query);
  const { items, nextCursor, previousCursor = null } = page;
  const from = firstRow(query, page);
  const href = (changes: Record<string, string | null>) => hrefWith(ctx.path, query, changes);
  const rowAt = (row: number) => (from === null ? null : String(Math.max(1, row)));
  const next = { cursor: nextCursor, [AT]: rowAt((from ?? 0) + items.length) };
  const previous = { cursor: previousCursor, [AT]: rowAt((from ?? 0) - limit) };
  return {
    summary: summaryOf(call, { from, page, total: total ?? formats.number(page.total) }),
    ...(cursor !== undefined && { first: href({ cursor: null }) }),
    ...(previousCursor !== null && { previous: href(previous) }),
    ...(nextCursor !== null && { next: href(next) }),
    ...(nextCursor !== null && total === undefined && { last: href({ cursor: LAST_PAGE }) }),
    ...(page.total > PAGE_SIZES[0] && {
      sizes: PAGE_SIZES.map((size) => ({
        href: href({ limit: String(size) }),
        label: String(size),
        current: size === limit,
      })),
    }),
  };
}

/** The number of the first row, from 1; null where nobody knows. A cursor alone does not tell it. */
function firstRow(query: URLSearchParams, { items, total }: PagedRows): number | null {
  const cursor = query.get('cursor');
  if (!cursor) return 1;
  if (cursor === LAST_PAGE) return total - items.length + 1;
  const named = query.get(AT) ?? '';
  const from = /^[1-9]\d{0,8}$/.test(named) ? Number(named) : null;
  return from !== null && from + items.length - 1 <= total ? from : null;
}

function summaryOf(
  { t, formats }: Pick<ConsoleCall, 't' | 'formats'>,
  { from, page, total }: { from: number | null; page: PagedRows; total: string },
): string {
  const shown = page.items.length;
  if (from === null || shown === 0)
    return t('list.summary', { shown: formats.number(shown), total });
  const last = formats.number(from + shown - 1);
  if (shown === 1) return t('list.summary', { shown: last, total });
  return t('list.range', { from: formats.number(from), to: last, total });
}
