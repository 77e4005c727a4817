/**
 * Group commit: everything written in one turn of the event loop shares one transaction and one sync
 * to disk. A write is answered after the commit. While another process holds the write lock the event
 * loop keeps turning, and what is written meanwhile joins the same transaction.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isBusy, isUnavailable, unavailable } from './errors.ts';

/** Runs writes in shared transactions, in the order of the calls. */
export interface Writer {
  /** Runs a write of one statement; rejects with what it throws, or with `store_unavailable`. */
  write<T>(work: () => T): Promise<T>;
  /** Runs a write of several statements, all or none of which take effect. */
  transact<T>(work: () => T): Promise<T>;
}

/** Longest pause between two attempts to get the write lock. */
const RETRY_MS = 4;

interface Job {
  work: () => unknown;
  isAtomic: boolean;
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
}

/** The writer of one connection. */
export class GroupWriter implements Writer {
  readonly #database: DatabaseSync;
  readonly #lockWaitMs: number;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  #jobs: Job[] = [];
  #waitingSince: number | null = null;

  /** @param lockWaitMs longest wait for a lock of another process */
  constructor(database: DatabaseSync, lockWaitMs: number) {
    this.#database = database;
    this.#lockWaitMs = lockWaitMs;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#savepoint = database.prepare('SAVEPOINT job');
    this.#release = database.prepare('RELEASE job');
  }

  readonly write: Writer['write'] = (work) => this.#add(work, true);
  readonly transact: Writer['transact'] = (work) => this.#add(work, false);

  #add<T>(work: () => T, isAtomic: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ work, isAtomic, resolve, reject });
      if (this.#jobs.length === 1) setImmediate(this.#flush);
    });
  }

  readonly #flush = (): void => {
    try {
      this.#beginAtOnce();
    } catch (error) {
      this.#waitingSince ??= performance.now();
      const waitedMs = performance.now() - this.#waitingSince;
      if (isBusy(error) && waitedMs < this.#lockWaitMs) {
        setTimeout(this.#flush, Math.random() * RETRY_MS);
      } else {
        refuse(this.#takeJobs(), error);
      }
      return;
    }
    this.#runAll(this.#takeJobs());
  };

  #takeJobs(): Job[] {
    const jobs = this.#jobs;
    this.#jobs = [];
    this.#waitingSince = null;
    return jobs;
  }

  /** Begins without waiting for the lock inside SQLite, which would stop the whole process. */
  #beginAtOnce(): void {
    this.#database.exec('PRAGMA busy_timeout = 0');
    try {
      this.#begin.run();
    } finally {
      this.#database.exec(`PRAGMA busy_timeout = ${this.#lockWaitMs}`);
    }
  }

  /** Runs the jobs inside the open transaction, commits, and only then answers. */
  #runAll(jobs: Job[]): void {
    const answers: (() => void)[] = [];
    try {
      for (const job of jobs) answers.push(this.#run(job));
      this.#commit.run();
    } catch (error) {
      this.#rollBack();
      refuse(jobs, error);
      return;
    }
    for (const answer of answers) answer();
  }

  /** Runs one job; throws only what spoils the whole transaction. */
  #run(job: Job): () => void {
    try {
      if (!job.isAtomic) this.#savepoint.run();
      const result = job.work() as never;
      if (!job.isAtomic) this.#release.run();
      return () => job.resolve(result);
    } catch (error) {
      if (isUnavailable(error) || !this.#isInTransaction()) throw error;
      if (!job.isAtomic) this.#database.exec('ROLLBACK TO job; RELEASE job');
      return () => job.reject(error);
    }
  }

  #isInTransaction(): boolean {
    return this.#database.isOpen && this.#database.isTransaction;
  }

  #rollBack(): void {
    try {
      if (this.#isInTransaction()) this.#database.exec('ROLLBACK');
    } catch {
      // A transaction that cannot be rolled back ends with its connection: nothing more may join it.
      this.#database.close();
    }
  }
}

function refuse(jobs: Job[], error: unknown): void {
  for (const job of jobs) job.reject(unavailable(error));
}
