/** An API: a method and a path pattern of a protected service. */
import { z } from 'zod';
import type { RecordStore, Versioned } from '../records.ts';
import { line } from '../validation.ts';
import { pathSegments } from './catalog.ts';

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', '*'] as const;

/** `/orders/:id`: literal segments and `:named` ones; `*` as the last segment matches the rest. */
const PATH = /^\/(?:(?::[A-Za-z][A-Za-z0-9_]*|[A-Za-z0-9\-._~!$&'()+,;=@%]+)(?:\/(?!$)|$))*\*?$/;

export const apiSettings = z.strictObject({
  method: z.enum(METHODS).describe('HTTP method; * = any'),
  path: z
    .string()
    .max(500)
    .regex(PATH, 'must be a path such as /orders/:id or /files/*')
    .refine(
      (path) => pathSegments(path) !== null && !/%(?:2a|3a)/i.test(path),
      'may not hold dot segments, or escapes of / \\ : * and control characters',
    ),
  name: line(0, 100),
});

export const newApi = apiSettings.partial({ name: true });
export const API_DEFAULTS = { name: '' } as const;

export interface Api extends z.output<typeof apiSettings>, Versioned {
  apiId: string;
}

/** APIs. Searches path, method and name; sorts by `path` or `createdAt`. Unique: method + path (field `path`). `remove` throws `in_use` while a group or scope names it. */
export interface ApiStore extends RecordStore<Api> {
  /** All of them, for the catalog. */
  all(): Promise<Api[]>;
}
