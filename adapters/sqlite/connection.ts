/** One connection to the database file: how it is opened, and what the stores share. */
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { isBusy } from './errors.ts';
import { LogSync, type SyncFile } from './log-sync.ts';
import { GroupWriter, type Writer } from './writer.ts';

/** A value that SQLite stores. */
export type SqlValue = string | number | null;

/** A prepared statement whose rows are known. */
export interface Statement<Row> {
  get(...values: SqlValue[]): Row | undefined;
  all(...values: SqlValue[]): Row[];
  run(...values: SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
}

/** What the stores share. */
export interface Connection extends Writer {
  database: DatabaseSync;
  log: LogSync;
  /** Resolves when everything committed so far is on the disk; rejects with `store_unavailable`. */
  synced(): Promise<void>;
  /** Prepares a statement; the caller names the columns that it gives. */
  prepare<Row = unknown>(sql: string): Statement<Row>;
}

/** How to open a database. */
export interface SqliteOptions {
  /** File, created (0600, its folder 0700) when missing, or `:memory:`. */
  path: string;
  /** Longest wait for a lock of another process, in milliseconds; default 5000. */
  lockWaitMs?: number;
  /** Names the start of the machine, null where it is not known; default what Linux says. */
  boot?: string | null;
  /** Brings a file to the disk; default `fdatasync`. */
  syncFile?: SyncFile;
}

/** Opens a connection; the schema may still be missing. */
export async function openConnection(options: SqliteOptions): Promise<Connection> {
  const { path, lockWaitMs = 5000 } = options;
  if (path !== ':memory:') createFile(path);
  const database = new DatabaseSync(path, { timeout: lockWaitMs });
  try {
    await useWriteAheadLog(database, lockWaitMs);
    // Seldom checkpoints: pages that change again and again are then copied once (measured: -30 % CPU).
    database.exec(`
      PRAGMA synchronous = NORMAL;
      PRAGMA foreign_keys = ON;
      PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -65536;
      PRAGMA mmap_size = 268435456;
      PRAGMA wal_autocheckpoint = 16000;
      PRAGMA journal_size_limit = 67108864;
    `);
  } catch (error) {
    database.close();
    throw error;
  }
  const log = new LogSync(path === ':memory:' ? null : path, options.syncFile);
  const { write, transact, synced } = new GroupWriter(database, log, lockWaitMs);
  const prepare = <Row>(sql: string) => database.prepare(sql) as unknown as Statement<Row>;
  return { database, log, prepare, write, transact, synced };
}

/**
 * Creates the file where it is missing, for its owner only. It is never opened here under its own
 * name: closing it would drop the locks that other connections of this process hold on it.
 */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, '', { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
}

/** Of several processes that start at once one makes the change; SQLite does not wait for it by itself. */
async function useWriteAheadLog(database: DatabaseSync, lockWaitMs: number): Promise<void> {
  const giveUpAt = performance.now() + lockWaitMs;
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAt) throw error;
      await pause(5 + Math.random() * 20);
    }
  }
}

/** Runs statements in a transaction that has the write lock from its beginning, as a process starts. */
export function exclusively(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
