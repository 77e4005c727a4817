/** An audit event: one change, by whom, when, from where, field by field. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ListQuery, Page } from '../records.ts';

/** Who acted. */
export interface Actor {
  kind: 'admin' | 'bootstrap_token' | 'client' | 'user' | 'system' | 'command';
  /** Id of the admin, client or user; the command's name; `system`. */
  id: string;
  /** Address the request came from, where there was one. */
  address: string | null;
}

/** A field before and after; secrets appear as the word `changed`. */
export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

/** One change. */
export interface AuditEvent {
  eventId: string;
  at: Date;
  actor: Actor;
  /** Noun and verb, such as `client.update`. */
  action: string;
  object: { kind: string; id: string };
  changes: FieldChange[];
}

/** Which events are wanted. */
export interface AuditFilter {
  objectKind?: string;
  objectId?: string;
  /** The client of this id and its X-Api-Keys. */
  clientId?: string;
  actorId?: string;
  action?: string;
  from?: Date;
  to?: Date;
}

/**
 * Ids of all X-Api-Keys of a client, as events name them (`<client>/<key>`): from the one on, before
 * the other, which has the character after the slash.
 */
export function keyIdsOf(clientId: string): { from: string; before: string } {
  return { from: `${clientId}/`, before: `${clientId}0` };
}

/** Storage of audit events. Events of governed records are written by their own store, in one step. */
export interface AuditStore {
  /** Stores an event that accompanies no governed record (such as a token revocation). */
  append(event: AuditEvent): Promise<void>;
  /** A page, newest first. */
  list(query: ListQuery<AuditFilter>): Promise<Page<AuditEvent>>;
}

/** Fields that never appear in an audit event by value. */
const SECRET_FIELDS = new Set([
  'secrets',
  'passwordHash',
  'hash',
  'digest',
  'totpSecret',
  // Of an API key: digests of its values.
  'current',
  'previous',
]);
const SILENT_FIELDS = new Set(['version', 'updatedAt', 'lock']);

/** The fields that differ between two versions of a record; null stands for "did not exist". */
export function diff(before: object | null, after: object | null): FieldChange[] {
  const old = Object.entries(before ?? {});
  const now = new Map(Object.entries(after ?? {}));
  const fields = new Set([...old.map(([field]) => field), ...now.keys()]);
  const was = new Map(old);
  const changes: FieldChange[] = [];
  for (const field of fields) {
    if (SILENT_FIELDS.has(field)) continue;
    const a = was.get(field);
    const b = now.get(field);
    if (isDeepStrictEqual(a, b)) continue;
    changes.push(
      SECRET_FIELDS.has(field)
        ? { field, before: null, after: 'changed' }
        : { field, before: a ?? null, after: b ?? null },
    );
  }
  return changes;
}

/** What an audit event is made from. */
export interface EventInput {
  at: Date;
  actor: Actor;
  action: string;
  object: { kind: string; id: string };
  changes?: FieldChange[];
}

/** A new audit event with an id of its own. */
export function auditEvent(input: EventInput): AuditEvent {
  return { eventId: randomUUID(), changes: [], ...input };
}
