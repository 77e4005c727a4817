/**
 * Brings commits to the disk, off the event loop. SQLite runs with `synchronous = NORMAL`: a commit is
 * in the write-ahead log, which the operating system holds, so it survives the end of the process. To
 * survive a power cut the log must be synced, as `FULL` would do within the commit, stopping every
 * request for that long. Here a thread syncs it, once for all commits that wait, and they are answered
 * after that. (SQLite itself syncs the log before it is checkpointed and reused.)
 */
import { closeSync, fdatasync, openSync } from 'node:fs';

/** A commit that waits. */
interface Waiting {
  done(): void;
  failed(error: unknown): void;
}

/** Syncs the log of one database. */
export class LogSync {
  readonly #path: string | null;
  #file: number | null = null;
  #waiting: Waiting[] = [];
  #isSyncing = false;

  /** @param databasePath file of the database; null where nothing can survive */
  constructor(databasePath: string | null) {
    this.#path = databasePath === null ? null : `${databasePath}-wal`;
  }

  /** Calls `done` once everything committed so far is on the disk, or `failed`. */
  afterSync(done: () => void, failed: (error: unknown) => void): void {
    if (this.#path === null) {
      done();
      return;
    }
    this.#waiting.push({ done, failed });
    if (!this.#isSyncing) this.#sync(this.#path);
  }

  /** Lets go of the log; to be called when nothing waits any more. */
  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #sync(path: string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#isSyncing = true;
    const settle = (error: unknown): void => {
      this.#isSyncing = false;
      if (this.#waiting.length > 0) this.#sync(path);
      for (const { done, failed } of waiting) error ? failed(error) : done();
    };
    try {
      // The log exists from the first commit on, and stays while a connection is open.
      this.#file ??= openSync(path, 'r+');
      fdatasync(this.#file, settle);
    } catch (error) {
      settle(error);
    }
  }
}
