/**
 * Creating, changing and removing a governed record: the steps that every noun but clients shares.
 * What differs from noun to noun stands in its `Noun`.
 */
import { z } from 'zod';
import { type Actor, auditEvent, diff, type FieldChange } from './audit/audit-event.ts';
import { DomainError, type FieldProblem, invalid, notFound } from './errors.ts';
import { refuseHeld, refuseTaken } from './manage-dry-runs.ts';
import type { RecordStore, Versioned } from './records.ts';
import type { Services } from './services.ts';
import type { Stores } from './stores.ts';
import { parse } from './validation.ts';

/** What sets one noun apart from the others. */
export interface Noun<T extends Versioned> {
  /** Word of audit events, such as `api_group`. */
  kind: string;
  /** Words for people, such as `API group`. */
  label: string;
  /** The fields that a patch may name. */
  settings: z.ZodObject;
  /** What a field holds after a patch with null. */
  defaults: Readonly<Record<string, unknown>>;
  store(stores: Stores): Pick<RecordStore<T>, 'find' | 'insert' | 'update' | 'remove'>;
  idOf(record: T): string;
  /** Problems beyond those of single fields, such as references to nothing. */
  check?(services: Services, record: T): Promise<FieldProblem[]>;
  /** For dry runs only (the store decides for real): the field whose value another record has. */
  taken?(services: Services, record: T): Promise<string | null>;
  /** For dry runs only (the store decides for real): names of what still uses the record. */
  holders?(services: Services, record: T): Promise<string[]>;
}

/** Options of every change. */
export interface ChangeOptions {
  /** Do everything but store it. */
  dryRun?: boolean;
}

/** Options of a removal. */
export interface RemoveOptions extends ChangeOptions {
  /** Remove only this version. */
  version?: number | undefined;
}

/** A change to a record that the caller has read. */
export interface Update {
  id: string;
  /** The version that was read. */
  version: number;
  /** Fields to change; undefined keeps, null gives the default. */
  patch: Readonly<Record<string, unknown>>;
}

/** A merge patch (RFC 7396) of these settings: every field may be left out, or null for its default. */
export function patchOf<S extends z.ZodRawShape>(settings: z.ZodObject<S>) {
  const shape: Record<string, z.ZodType> = {};
  for (const [field, rule] of Object.entries(settings.shape)) {
    shape[field] = (rule as z.ZodType).nullable().optional();
  }
  // biome-ignore format: one line says it
  return z.strictObject(shape as unknown as { [K in keyof S]: z.ZodOptional<z.ZodNullable<S[K]>> });
}

/** The members that a new record starts with. */
export function firstVersion(services: Pick<Services, 'clock'>): Versioned {
  const now = services.clock.now();
  return { version: 1, createdAt: now, updatedAt: now };
}

/** The record of this id. Throws `not_found`. */
export async function findRecord<T extends Versioned>(
  services: Services,
  noun: Noun<T>,
  id: string,
): Promise<T> {
  const record = await noun.store(services.stores).find(id);
  if (record === null) throw notFound(noun.label, id);
  return record;
}

/**
 * Stores a new record.
 *
 * @throws DomainError `validation_failed`, `conflict`
 */
export async function createRecord<T extends Versioned>(
  services: Services,
  actor: Actor,
  noun: Noun<T>,
  record: T,
  options: ChangeOptions = {},
): Promise<T> {
  await check(services, noun, record);
  if (options.dryRun) {
    await refuseTaken(services, noun, record);
    return record;
  }
  const event = recordEvent(services, actor, noun, record, 'create', diff(null, record));
  await noun.store(services.stores).insert(record, event);
  return record;
}

/**
 * Changes a record whose version the caller has read; a patch that changes nothing writes nothing.
 *
 * @throws DomainError `not_found`, `version_conflict` (with the record as it is), `validation_failed`,
 *   `conflict`
 */
export async function updateRecord<T extends Versioned>(
  services: Services,
  actor: Actor,
  noun: Noun<T>,
  update: Update,
  options: ChangeOptions = {},
): Promise<T> {
  const before = await findRecord(services, noun, update.id);
  requireVersion(before, update.version);
  const record = {
    ...before,
    ...merge(noun, before, update.patch),
    version: before.version + 1,
    updatedAt: services.clock.now(),
  };
  const changes = diff(before, record);
  if (changes.length === 0) return before;
  await check(services, noun, record);
  if (options.dryRun) {
    await refuseTaken(services, noun, record);
    return record;
  }
  const event = recordEvent(services, actor, noun, record, 'update', changes);
  await noun.store(services.stores).update(record, event);
  return record;
}

/**
 * Removes a record and answers it as it was.
 *
 * @throws DomainError `not_found`, `version_conflict` (with the record as it is), `in_use`
 */
export async function removeRecord<T extends Versioned>(
  services: Services,
  actor: Actor,
  noun: Noun<T>,
  id: string,
  options: RemoveOptions = {},
): Promise<T> {
  const record = await findRecord(services, noun, id);
  const { version } = options;
  if (version !== undefined) requireVersion(record, version);
  if (options.dryRun) {
    await refuseHeld(services, noun, record);
    return record;
  }
  const event = recordEvent(services, actor, noun, record, 'delete', diff(record, null));
  const removed = await noun.store(services.stores).remove(id, event, version);
  if (!removed) throw notFound(noun.label, id);
  return record;
}

/** An audit event about a record, now. */
export function recordEvent<T extends Versioned>(
  services: Pick<Services, 'clock'>,
  actor: Actor,
  noun: Noun<T>,
  record: T,
  verb: string,
  changes: FieldChange[],
) {
  return auditEvent({
    at: services.clock.now(),
    actor,
    action: `${noun.kind}.${verb}`,
    object: { kind: noun.kind, id: noun.idOf(record) },
    changes,
  });
}

/** Throws `version_conflict`, with the record as it is, unless it still has this version. */
export function requireVersion(record: Versioned, version: number): void {
  if (record.version !== version) throw new DomainError('version_conflict', { current: record });
}

/** The settings after a patch, checked by the one schema that checks every path into the store. */
function merge<T extends Versioned>(noun: Noun<T>, before: T, patch: Update['patch']): object {
  const old = before as T & Record<string, unknown>;
  const merged: Record<string, unknown> = {};
  for (const field of Object.keys(noun.settings.shape)) {
    const change = patch[field];
    if (change === undefined) merged[field] = old[field];
    else merged[field] = change === null ? noun.defaults[field] : change;
  }
  return parse(noun.settings, merged);
}

async function check<T extends Versioned>(services: Services, noun: Noun<T>, record: T) {
  const problems = (await noun.check?.(services, record)) ?? [];
  if (problems.length > 0) throw invalid(problems);
}
