/** Bodies of page forms: urlencoded, and small. */
import type { Context } from 'koa';
import { DomainError, invalid } from '../domain/errors.ts';

const KIB = 1024;
/** Largest form of a stranger: a password and a token. */
const MOST_FIELDS_KIB = 64;
/** Largest form of an admin: a client with 10,000 users, groups and scopes, beside what it was before. */
const MOST_FORM_KIB = 4096;

/**
 * A posted form of an admin.
 *
 * @throws DomainError `payload_too_large`, `validation_failed` (another content type)
 */
export function readForm(ctx: Context): Promise<URLSearchParams> {
  return readUrlencoded(ctx, MOST_FORM_KIB);
}

/**
 * The fields of a posted form in which each appears once.
 *
 * @throws DomainError `payload_too_large`, `validation_failed` (another content type, or a repeated field)
 */
export async function readFields(ctx: Context): Promise<Map<string, string>> {
  const fields = new Map<string, string>();
  for (const [name, value] of await readUrlencoded(ctx, MOST_FIELDS_KIB)) {
    if (fields.has(name))
      throw invalid([{ field: name, code: 'repeated', message: 'may appear once' }]);
    fields.set(name, value);
  }
  return fields;
}

async function readUrlencoded(ctx: Context, mostKib: number): Promise<URLSearchParams> {
  if (!ctx.is('application/x-www-form-urlencoded')) {
    throw invalid([
      { field: '', code: 'content_type', message: 'must be application/x-www-form-urlencoded' },
    ]);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostKib * KIB) {
      throw new DomainError('payload_too_large', { hint: `at most ${mostKib} KiB` });
    }
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
