/** Query parameters: of lists, of changes, and how the text of a query becomes typed values. */
import { z } from 'zod';
import type { FieldProblem } from '../domain/errors.ts';
import { DEFAULT_PAGE_SIZE, LAST_PAGE, type ListQuery } from '../domain/records.ts';

const limit = z
  .string()
  .regex(/^\d{1,4}$/, 'must be a whole number from 1 to 100')
  .transform(Number)
  .pipe(z.int().min(1).max(100).meta({ default: DEFAULT_PAGE_SIZE }))
  .optional()
  .describe('Rows wanted');

/** Text without NUL, which a pattern of MongoDB cannot hold: refused for every database alike. */
const searchable = z.string().refine((text) => !text.includes('\0'), 'must not contain NUL');

const cursor = searchable
  .max(2000)
  .optional()
  .describe(`nextCursor or previousCursor of another page, or "${LAST_PAGE}"`);

/** Parameters of a list without search: which page. */
export const pageQuery = z.strictObject({ limit, cursor });

/** Parameters of a list: search, the fields it sorts by (the first is the default), which page. */
export function listQuery<F extends string>(...sortFields: [F, ...F[]]) {
  const [first, ...rest] = sortFields.flatMap((f): (F | `-${F}`)[] => [f, `-${f}`]);
  return pageQuery.extend({
    search: searchable.max(200).optional().describe('Words to look for, without regard to case'),
    sort: z
      .enum([first as F, ...rest])
      .optional()
      .describe(`Field to sort by, - in front for descending`),
  });
}

/** Parameter of every change. */
export const changeQuery = z.strictObject({
  dryRun: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .pipe(z.boolean())
    .optional()
    .describe('Answer what would happen, and change nothing'),
});

/** The page of a list that a query asks for. */
export function toListQuery<Filter>(
  query: {
    search?: string | undefined;
    sort?: string | undefined;
    limit?: number | undefined;
    cursor?: string | undefined;
  },
  filter?: { [K in keyof Filter]: Filter[K] | undefined },
): ListQuery<Filter> {
  const list: ListQuery<Filter> = { limit: query.limit ?? DEFAULT_PAGE_SIZE };
  if (query.search !== undefined) list.search = query.search;
  if (query.cursor !== undefined) list.cursor = query.cursor;
  if (query.sort !== undefined) {
    list.sort = { field: query.sort.replace(/^-/, ''), descending: query.sort.startsWith('-') };
  }
  if (filter !== undefined) {
    const given = Object.entries(filter).filter(([, value]) => value !== undefined);
    list.filter = Object.fromEntries(given) as Filter;
  }
  return list;
}

/**
 * The parameters of a query string. A blank one that is known counts as left out, as forms send it;
 * one given twice is a problem.
 */
export function readQuery(
  text: string,
  known: object,
): { values: Record<string, string>; problems: FieldProblem[] } {
  const values: Record<string, string> = Object.create(null);
  const problems: FieldProblem[] = [];
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in values) problems.push({ field: name, code: 'repeated', message: 'is given twice' });
    if (value !== '' || !Object.hasOwn(known, name)) values[name] = value;
  }
  return { values, problems };
}
