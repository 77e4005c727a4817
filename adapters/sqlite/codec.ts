/** Documents as JSON text, and instants as milliseconds. */
import type { SqlValue } from './connection.ts';

const INSTANT = /^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The JSON text of a document; instants become ISO 8601. */
export function encode(document: unknown): string {
  return JSON.stringify(document);
}

/** A document from its JSON text; the instants are its fields named `at` or `…At`. */
export function decode(text: string): unknown {
  return reviveInstants(JSON.parse(text));
}

/** Whether a field of this name holds an instant. */
export function isInstantField(field: string): boolean {
  return field === 'at' || field.endsWith('At');
}

/** The instant that a text is, or the value itself. */
export function instantOr(value: unknown): unknown {
  return typeof value === 'string' && INSTANT.test(value) ? new Date(value) : value;
}

function reviveInstants(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const members = value as Record<string, unknown>;
  for (const [field, member] of Object.entries(members)) {
    members[field] = isInstantField(field) ? instantOr(member) : reviveInstants(member);
  }
  return value;
}

/** Milliseconds of an instant that may be missing. */
export function toMs(instant: Date | null): number | null {
  return instant === null ? null : instant.getTime();
}

/** An instant that may be missing. */
export function fromMs(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}

/** Text by which names that differ only in case are the same. */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/** Search column of these texts: folded, one a line, so that no word runs across two. */
export function searchText(texts: readonly (SqlValue | undefined)[]): string {
  return fold(texts.filter((text) => text !== null && text !== undefined).join('\n'));
}
