/** Storage of one governed noun over one Mongoose model: what a noun says of itself, and the rest. */

import type { ClientSession, Model } from 'mongoose';
import type { AuditEvent } from '../../src/domain/audit/audit-event.ts';
import type { Change } from '../../src/domain/changes.ts';
import { conflict, DomainError, notFound } from '../../src/domain/errors.ts';
import type { RecordStore, Versioned } from '../../src/domain/records.ts';
import { inSession } from './connection.ts';
import { takenKey } from './errors.ts';
import { type Condition, type Listing, pageOf, type Sort } from './paging.ts';
import { folded, type Stored } from './schema.ts';
import type { Transactions, Unit } from './unit-of-work.ts';

/** What a noun says of itself. */
export interface Noun<T extends Versioned, F> {
  model: Model<Stored>;
  /** As an error names it. */
  word: string;
  change: Change['kind'];
  /** Field that holds the id; stored as `_id`. */
  id: keyof T & string;
  /** First key of each unique index → the domain's field. */
  unique: Record<string, keyof T & string>;
  sorts: readonly [Sort, ...Sort[]];
  /** Values that a search looks through. */
  searched(record: T): string[];
  /** Stored beside the record's fields, or in place of one: keys for sorting, JSON text. */
  derived?(record: T): Record<string, unknown>;
  /** Undoes `derived` where it replaced a field. */
  restored?(stored: Stored): Partial<T>;
  /** Stored beside the record's fields, and no part of the record. */
  hidden?: string[];
  conditions?(filter: F): Condition[];
  /** Finds what has the words of a search, where that is not by `searchText`. */
  searching?: Listing<T, F>['searching'];
  /** Stored fields that `update` leaves alone. */
  keptByUpdate?: string[];
  /** Rules that other records have a say in; they throw to refuse. */
  beforeInsert?(record: T, unit: Unit): Promise<void>;
  beforeUpdate?(record: T, unit: Unit): Promise<void>;
  beforeRemove?(id: string, unit: Unit, event: AuditEvent): Promise<void>;
  /** What is stored of a record elsewhere, as it was just written. */
  afterWrite?(stored: Stored, unit: Unit): Promise<void>;
  /** What a change means for other records. */
  afterUpdate?(record: T, unit: Unit): Promise<void>;
}

/** The shared port, and what a noun's own methods are made of. */
export interface Records<T extends Versioned, F> extends RecordStore<T, F> {
  /** The one record that meets a condition, or null. */
  findBy(condition: Condition, session?: ClientSession): Promise<T | null>;
  /** All of them, by id. */
  all(): Promise<T[]>;
  /** What `list` is made of. */
  listing: Listing<T, F>;
}

/** A store of one noun. */
export function recordStore<T extends Versioned, F = Record<string, never>>(
  noun: Noun<T, F>,
  { governed }: Transactions,
): Records<T, F> {
  const { model, sorts, searching } = noun;
  const decode = decoder(noun);
  const conditions = (filter: F) => noun.conditions?.(filter) ?? [];
  const listing = { model, sorts, conditions, searching, decode };

  const findBy: Records<T, F>['findBy'] = async (condition, session) => {
    const found = await model
      .findOne(condition, { searchText: 0 }, inSession(session))
      .lean<Stored>();
    return found && decode(found);
  };
  const all = async () => {
    const found = await model.find({}, { searchText: 0 }).sort({ _id: 1 }).lean<Stored[]>();
    return found.map(decode);
  };

  return {
    find: (id) => findBy({ _id: id }),
    findBy,
    all,
    listing,
    list: (query) => pageOf(listing, query),
    insert: (record, event) =>
      namingTaken(noun, record, () => governed((unit) => insert(noun, { record, event, unit }))),
    update: (record, event) =>
      namingTaken(noun, record, () =>
        governed(async (unit) => {
          if (await update(noun, { record, event, unit })) return;
          const id = idOf(noun, record);
          const current = await findBy({ _id: id }, unit.session);
          if (current === null) throw notFound(noun.word, id);
          throw new DomainError('version_conflict', { current });
        }),
      ),
    remove: (id, event, version) =>
      governed(async (unit) => {
        const current = await findBy({ _id: id }, unit.session);
        if (current === null) return false;
        const wanted = version === undefined ? { _id: id } : { _id: id, version };
        const isWanted = version === undefined || version === current.version;
        if (isWanted && (await remove(noun, wanted, { event, unit }))) return true;
        throw new DomainError('version_conflict', { current });
      }),
  };
}

/** What a write of a record needs. */
interface Write<T> {
  record: T;
  event: AuditEvent;
  unit: Unit;
}

async function insert<T extends Versioned, F>(noun: Noun<T, F>, write: Write<T>): Promise<void> {
  const { record, event, unit } = write;
  await noun.beforeInsert?.(record, unit);
  const stored = encode(noun, record);
  await new noun.model(stored).save(inSession(unit.session));
  await noun.afterWrite?.(stored, unit);
  unit.changed({ kind: noun.change, id: idOf(noun, record) });
  unit.audited(event);
}

/** False when no record of this id and version is stored. */
async function update<T extends Versioned, F>(noun: Noun<T, F>, write: Write<T>): Promise<boolean> {
  const { record, event, unit } = write;
  await noun.beforeUpdate?.(record, unit);
  const { _id, ...fields } = encode(noun, record);
  for (const kept of noun.keptByUpdate ?? []) delete fields[kept];
  const { matchedCount } = await noun.model.updateOne(
    { _id, version: record.version - 1 },
    { $set: fields },
    inSession(unit.session),
  );
  if (matchedCount === 0) return false;
  await noun.afterWrite?.({ _id, ...fields }, unit);
  await noun.afterUpdate?.(record, unit);
  unit.changed({ kind: noun.change, id: _id });
  unit.audited(event);
  return true;
}

/** False when no record of this id, and version where one is given, is stored. */
async function remove<T extends Versioned, F>(
  noun: Noun<T, F>,
  wanted: { _id: string; version?: number },
  { event, unit }: Omit<Write<T>, 'record'>,
): Promise<boolean> {
  const { _id: id } = wanted;
  await noun.beforeRemove?.(id, unit, event);
  const { deletedCount } = await noun.model.deleteOne(wanted, inSession(unit.session));
  if (deletedCount === 0) return false;
  unit.changed({ kind: noun.change, id });
  unit.audited(event);
  return true;
}

function idOf<T extends Versioned, F>(noun: Noun<T, F>, record: T): string {
  return record[noun.id] as string;
}

/** The document of a record. */
export function encode<T extends Versioned>(
  noun: Pick<Noun<T, never>, 'id' | 'searched' | 'derived'>,
  record: T,
): Stored {
  const { [noun.id]: id, ...fields } = record as Record<string, unknown>;
  const searchText = folded(noun.searched(record).join('\n'));
  return { _id: id as string, ...fields, searchText, ...noun.derived?.(record) };
}

function decoder<T extends Versioned, F>(noun: Noun<T, F>): (stored: Stored) => T {
  const hidden = new Set(['_id', 'searchText', ...(noun.hidden ?? [])]);
  return (stored) => {
    const record: Record<string, unknown> = { [noun.id]: stored._id };
    for (const [key, value] of Object.entries(stored)) if (!hidden.has(key)) record[key] = value;
    return { ...record, ...noun.restored?.(stored) } as T;
  };
}

async function namingTaken<T extends Versioned, F>(
  noun: Noun<T, F>,
  record: T,
  write: () => Promise<void>,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    const key = takenKey(error);
    const field = key === '_id' ? noun.id : noun.unique[key ?? ''];
    if (field === undefined) throw error;
    throw conflict(field, String(record[field]));
  }
}
