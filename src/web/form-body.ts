/** Bodies of page forms: urlencoded, small, each field once. */
import type { Context } from 'koa';
import { DomainError, invalid } from '../domain/errors.ts';

const MOST_BYTES = 64 * 1024;

/**
 * The fields of a posted form.
 *
 * @throws DomainError `payload_too_large`, `validation_failed` (another content type, or a repeated field)
 */
export async function readForm(ctx: Context): Promise<Map<string, string>> {
  if (!ctx.is('application/x-www-form-urlencoded')) {
    throw invalid([
      { field: '', code: 'content_type', message: 'must be application/x-www-form-urlencoded' },
    ]);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new DomainError('payload_too_large', { hint: 'at most 64 KiB' });
    chunks.push(chunk);
  }
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(Buffer.concat(chunks).toString('utf8'))) {
    if (fields.has(name))
      throw invalid([{ field: name, code: 'repeated', message: 'may appear once' }]);
    fields.set(name, value);
  }
  return fields;
}
