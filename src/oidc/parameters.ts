/** Parameters of a form-encoded OAuth request. */
import { invalidRequest } from './errors.ts';

/** A parsed form; a repeated parameter is a list. */
export type Form = Readonly<Record<string, unknown>>;

/** A parameter that may be absent; an empty one counts as absent. Throws invalid_request when it is repeated (RFC 6749 §3.2). */
export function optional(form: Form | undefined, name: string): string | undefined {
  const value = form?.[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw invalidRequest(`parameter ${name} must not be repeated`);
  return value;
}

/** A parameter that must be present. Throws invalid_request when it is missing or repeated. */
export function required(form: Form | undefined, name: string): string {
  const value = optional(form, name);
  if (value === undefined) throw invalidRequest(`missing required parameter ${name}`);
  return value;
}
