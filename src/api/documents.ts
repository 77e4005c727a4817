/** Parts of answers that several nouns share. */
import { z } from 'zod';
import type { LastUse } from '../domain/last-uses.ts';

/** What every governed record ends with. */
export const versioned = {
  version: z.int().min(1).describe('Send it back in If-Match'),
  createdAt: z.date(),
  updatedAt: z.date(),
};

/** State of the lockout of a client or user. */
export const lockDocument = z
  .strictObject({
    failedLogins: z.int().describe('Failed secrets since the last success'),
    lockedAt: z.date().nullable().describe('Since when it is locked; null = it is not'),
    failures: z
      .array(z.strictObject({ at: z.date(), address: z.string().nullable() }))
      .describe('The latest failures, newest first'),
  })
  .meta({ id: 'Lock' });

/** When and from where something was last used; null = never. */
export const lastUsedDocument = z
  .strictObject({ at: z.date(), address: z.string().nullable() })
  .nullable();

/** The document of a last use. */
export function lastUsed(use: LastUse | undefined): z.output<typeof lastUsedDocument> {
  return use === undefined ? null : { at: use.at, address: use.address };
}

/** A page of documents. */
export function pageOf<S extends z.ZodType>(id: string, item: S) {
  return z
    .strictObject({
      items: z.array(item),
      nextCursor: z.string().nullable().describe('Pass it as cursor for the next page'),
      previousCursor: z.string().nullable().describe('Pass it as cursor for the page before'),
      total: z.int().describe('Rows on all pages'),
    })
    .meta({ id });
}
