/** What SQLite's errors mean to the domain: an unanswering store, or a unique value that is taken. */
import { conflict, DomainError, isDomainError } from '../../src/domain/errors.ts';

/** An error as `node:sqlite` throws it. */
interface SqliteError extends Error {
  code?: string;
  /** Extended result code; its low byte is the primary one. */
  errcode?: number;
}

/** Primary result code of SQLite for a lock that another connection holds. */
const BUSY = 5;

/** LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB: nothing that a caller did. */
const UNAVAILABLE = new Set([BUSY, 6, 7, 8, 10, 11, 13, 14, 15, 26]);

function primaryCode(error: unknown): number {
  return ((error as SqliteError | null)?.errcode ?? 0) & 0xff;
}

/** Whether another connection holds the lock that a statement needs. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === BUSY;
}

/** Whether the database did not answer, or is closed, as opposed to refusing one statement. */
export function isUnavailable(error: unknown): boolean {
  return (
    UNAVAILABLE.has(primaryCode(error)) ||
    (error as SqliteError | null)?.code === 'ERR_INVALID_STATE' ||
    (isDomainError(error) && error.code === 'store_unavailable')
  );
}

/** A `store_unavailable` around what SQLite said. */
export function unavailable(cause: unknown): DomainError {
  return isDomainError(cause) ? cause : new DomainError('store_unavailable', { cause });
}

/** The error that a port throws for one of SQLite: `store_unavailable`, or the error itself. */
export function translated(error: unknown): unknown {
  return isUnavailable(error) ? unavailable(error) : error;
}

/** Answers what reading gives, errors translated. */
export async function reading<T>(read: () => T): Promise<T> {
  try {
    return read();
  } catch (error) {
    throw translated(error);
  }
}

/** Field and value to name when a column's value is taken. */
export type UniqueFields = Record<string, readonly [field: string, value: string]>;

const TAKEN = /UNIQUE constraint failed: (?:.*, )?\w+\.(\w+)$/;

/**
 * Runs a write and translates a broken unique constraint.
 *
 * @param fields by the last column of each constraint
 * @throws DomainError `conflict` naming the field
 */
export function refusingTaken<T>(fields: UniqueFields, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const column = TAKEN.exec((error as Error | null)?.message ?? '')?.[1];
    const taken = column === undefined ? undefined : fields[column];
    throw taken ? conflict(...taken) : error;
  }
}
