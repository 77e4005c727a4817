/**
 * Group commit: everything written within about a millisecond shares one transaction. A write is
 * answered after the commit, and after the sync of the log where it must survive a power cut. While
 * another process holds the write lock the event loop keeps turning, and what is written meanwhile
 * joins the same transaction.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isBusy, isUnavailable, unavailable } from './errors.ts';
import type { LogSync } from './log-sync.ts';

/** What a write survives once it is answered; the end of the process at the least. */
export type Survives = 'power_cut' | 'process_end';

/** Runs writes in shared transactions, in the order of the calls. */
export interface Writer {
  /**
   * Runs a write of one statement; rejects with what it throws, or with `store_unavailable`.
   *
   * @param survives default `power_cut`
   */
  write<T>(work: () => T, survives?: Survives): Promise<T>;
  /** Runs a write of several statements, all or none of which take effect; likewise. */
  transact<T>(work: () => T, survives?: Survives): Promise<T>;
}

/**
 * Longest time that a transaction waits for more writes, in milliseconds. It waits only while each turn
 * of the event loop brings some, so that many at once share a transaction and a lone one begins at once;
 * and never while the disk, which it will wait for longer, has nothing to do (measured with quota and uses:
 * a third more calls at 16 callers, 7 % more at 100).
 */
const GATHER_MS = 1;
/** Longest pause between two attempts to get the write lock. */
const RETRY_MS = 4;

interface Job {
  work: () => unknown;
  isAtomic: boolean;
  survives: Survives;
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
}

/** A job that has run, and how its caller is told. */
interface Answer {
  job: Job;
  tell(): void;
}

/** The writer of one connection. */
export class GroupWriter implements Writer {
  readonly #database: DatabaseSync;
  readonly #log: LogSync;
  readonly #lockWaitMs: number;
  readonly #neverWait: StatementSync;
  readonly #waitAgain: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  #jobs: Job[] = [];
  #waitingSince: number | null = null;

  /** @param lockWaitMs longest wait for a lock of another process */
  constructor(database: DatabaseSync, log: LogSync, lockWaitMs: number) {
    this.#database = database;
    this.#log = log;
    this.#lockWaitMs = lockWaitMs;
    this.#neverWait = database.prepare('PRAGMA busy_timeout = 0');
    this.#waitAgain = database.prepare(`PRAGMA busy_timeout = ${lockWaitMs}`);
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#savepoint = database.prepare('SAVEPOINT job');
    this.#release = database.prepare('RELEASE job');
  }

  readonly write: Writer['write'] = (work, survives = 'power_cut') =>
    this.#add(work, { isAtomic: true, survives });
  readonly transact: Writer['transact'] = (work, survives = 'power_cut') =>
    this.#add(work, { isAtomic: false, survives });

  /** Resolves when everything committed so far is on the disk; rejects with `store_unavailable`. */
  readonly synced = (): Promise<void> =>
    new Promise((resolve, reject) => {
      this.#log.afterSync(resolve, (error) => reject(unavailable(notSynced(error))));
    });

  #add<T>(work: () => T, how: Pick<Job, 'isAtomic' | 'survives'>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ work, ...how, resolve, reject });
      if (this.#jobs.length === 1) this.#gather();
    });
  }

  #gather(): void {
    const firstMs = performance.now();
    let gathered = 0;
    const turn = (): void => {
      const isGrowing = this.#jobs.length > gathered;
      gathered = this.#jobs.length;
      const mayWait = isGrowing && !this.#keepsDiskIdle();
      if (mayWait && performance.now() - firstMs < GATHER_MS) setImmediate(turn);
      else this.#flush();
    };
    setImmediate(turn);
  }

  /** Whether one of the jobs must reach the disk, and no sync is under way. */
  #keepsDiskIdle(): boolean {
    return !this.#log.isSyncing && this.#jobs.some(({ survives }) => survives === 'power_cut');
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
    this.#neverWait.get();
    try {
      this.#begin.run();
    } finally {
      this.#waitAgain.get();
    }
  }

  /** Runs the jobs inside the open transaction, commits, and only then answers. */
  #runAll(jobs: Job[]): void {
    const answers: Answer[] = [];
    try {
      for (const job of jobs) answers.push({ job, tell: this.#run(job) });
      this.#commit.run();
    } catch (error) {
      this.#rollBack();
      refuse(jobs, error);
      return;
    }
    const synced = answers.filter(({ job }) => job.survives === 'power_cut');
    for (const { job, tell } of answers) if (job.survives === 'process_end') tell();
    if (synced.length === 0) return;
    this.#log.afterSync(
      () => {
        for (const { tell } of synced) tell();
      },
      (error) =>
        refuse(
          synced.map(({ job }) => job),
          notSynced(error),
        ),
    );
  }

  /** Runs one job; answers how to tell its caller; throws only what spoils the whole transaction. */
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

function notSynced(cause: unknown): Error {
  return new Error('the log was not synced', { cause });
}

function refuse(jobs: Job[], error: unknown): void {
  for (const job of jobs) job.reject(unavailable(error));
}
