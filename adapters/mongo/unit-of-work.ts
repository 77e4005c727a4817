/**
 * Governed writes: a record, its audit event and its entry in the change feed, all or nothing.
 *
 * On a replica set that is one transaction. All of them write the one document of the change feed,
 * so any two conflict and the later one starts over: together they are as good as one after the
 * other, and a rule read in one ("no client holds this group", "another owner is left") still holds
 * when it commits. Within a process they queue, which spares them the conflicts.
 *
 * A standalone server has no transactions: there the record is written first, then the feed and the
 * audit event, one write at a time in this process. A crash in between loses the event; the feed is
 * bumped when the next process starts, so that every cache reads anew. Run a replica set, even of one
 * node, wherever more than one process of Tollgate runs.
 */
import type { ClientSession } from 'mongoose';
import type { AuditEvent } from '../../src/domain/audit/audit-event.ts';
import type { Change } from '../../src/domain/changes.ts';
import { ANSWER_WITHIN_MS } from './calls.ts';
import { type Database, MAJORITY } from './connection.ts';
import { unavailable } from './errors.ts';

/** What a governed write hands to its work. */
export interface Unit {
  /** Passed to every operation of the work; undefined on a standalone server. */
  session: ClientSession | undefined;
  /** Enters the change feed, and so every cache. */
  changed(...changes: Change[]): void;
  /** Goes to the audit trail. */
  audited(event: AuditEvent): void;
}

/** Runs work, again after a conflict, and keeps all of it or nothing. */
export interface Transactions {
  /** Work that enters neither feed nor audit trail. */
  atomically<T>(work: (session: ClientSession | undefined) => Promise<T>): Promise<T>;
  /** A governed write. */
  governed<T>(work: (unit: Unit) => Promise<T>): Promise<T>;
}

/** Where feed and audit trail are written. */
export interface Journals {
  bump(changes: Change[], session: ClientSession | undefined): Promise<void>;
  append(events: AuditEvent[], session: ClientSession | undefined): Promise<void>;
}

/** Transactions of a database. */
export function transactions(database: Database, journals: Journals): Transactions {
  let queue: Promise<unknown> = Promise.resolve();

  async function atomically<T>(
    work: (session: ClientSession | undefined) => Promise<T>,
    deadline = performance.now() + ANSWER_WITHIN_MS,
  ): Promise<T> {
    if (!database.transactions) return work(undefined);
    const session = await database.connection.startSession();
    try {
      return await session.withTransaction(
        () => {
          // The driver retries for two minutes; the caller has its answer long before.
          if (performance.now() > deadline) throw unavailable('no time left to try again');
          return work(session);
        },
        { readConcern: { level: 'snapshot' }, writeConcern: MAJORITY, readPreference: 'primary' },
      );
    } finally {
      await session.endSession();
    }
  }

  async function recorded<T>(work: (unit: Unit) => Promise<T>, session: Unit['session']) {
    const changes: Change[] = [];
    const events: AuditEvent[] = [];
    const result = await work({
      session,
      changed: (...more) => void changes.push(...more),
      audited: (event) => void events.push(event),
    });
    if (changes.length > 0) await journals.bump(changes, session);
    if (events.length > 0) await journals.append(events, session);
    return result;
  }

  return {
    atomically: (work) => atomically(work),
    governed: (work) => {
      const deadline = performance.now() + ANSWER_WITHIN_MS;
      const turn = queue.then(() => {
        if (performance.now() > deadline) throw unavailable('too many writes wait');
        return atomically((session) => recorded(work, session), deadline);
      });
      queue = turn.catch(() => {});
      return turn;
    },
  };
}
