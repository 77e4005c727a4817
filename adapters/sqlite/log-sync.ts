/**
 * Brings commits to the disk, off the event loop. SQLite runs with `synchronous = NORMAL`: a commit is
 * in the write-ahead log, which the operating system holds, so it survives the end of the process. To
 * survive a power cut the log must be synced, as `FULL` would do within the commit, stopping every
 * request for that long. Here a thread syncs it, once for all commits that wait, and they are answered
 * after that. (SQLite itself syncs the log before it is checkpointed and reused.)
 */
import { closeSync, fdatasync, openSync } from 'node:fs';

/** Brings a file to the disk, off the event loop. */
export type SyncFile = (file: number, done: (error: Error | null) => void) => void;

/** A commit that waits. */
interface Waiting {
  done(): void;
  failed(error: unknown): void;
}

/**
 * Syncs at a time. A sync is mostly waiting for the disk, and a commit need not wait for the end of one that
 * began before it (measured at 16 callers with quota and uses: 16 to 65 % more calls). Three were no better:
 * the groups that share a sync become smaller.
 */
const AT_ONCE = 2;

/** Syncs the log of one database. */
export class LogSync {
  readonly #path: string | null;
  readonly #syncFile: SyncFile;
  /**
   * Files that no sync uses now. Each sync has one of its own: the system tells of a failed write once on
   * each, so that of two syncs under way neither takes the other's failure.
   */
  #idle: number[] = [];
  #underWay = 0;
  #isClosed = false;
  #waiting: Waiting[] = [];

  /**
   * @param databasePath file of the database; null where nothing can survive
   * @param syncFile default `fdatasync`
   */
  constructor(databasePath: string | null, syncFile: SyncFile = fdatasync) {
    this.#syncFile = syncFile;
    this.#path = databasePath === null ? null : `${databasePath}-wal`;
  }

  /** Whether a sync is under way. */
  get isSyncing(): boolean {
    return this.#underWay > 0;
  }

  /** Calls `done` once everything committed so far is on the disk, or `failed`. */
  afterSync(done: () => void, failed: (error: unknown) => void): void {
    if (this.#path === null) {
      done();
      return;
    }
    this.#waiting.push({ done, failed });
    if (this.#underWay < AT_ONCE) this.#sync(this.#path);
  }

  /** Lets go of the log; a sync that is under way keeps its file until it ends. */
  close(): void {
    this.#isClosed = true;
    for (const file of this.#idle) closeSync(file);
    this.#idle = [];
  }

  #sync(path: string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#underWay += 1;
    let file: number | undefined;
    const settle = (error: unknown): void => {
      this.#underWay -= 1;
      if (file !== undefined) this.#putBack(file);
      if (this.#waiting.length > 0) this.#sync(path);
      for (const { done, failed } of waiting) error ? failed(error) : done();
    };
    try {
      // The log exists from the first commit on, and stays while a connection is open.
      file = this.#idle.pop() ?? openSync(path, 'r+');
      this.#syncFile(file, settle);
    } catch (error) {
      settle(error);
    }
  }

  #putBack(file: number): void {
    if (this.#isClosed) closeSync(file);
    else this.#idle.push(file);
  }
}
