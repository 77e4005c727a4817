/**
 * A machine whose power can be cut: SQLite files, and what of them is sure to be on the disk. The worst
 * disk is assumed: a sync brings what was written when it began, and nothing gets there without one.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fdatasync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteStores, type SqliteOptions } from '../../adapters/sqlite/index.ts';
import type { SyncFile } from '../../adapters/sqlite/log-sync.ts';
import type { Stores } from '../../src/domain/stores.ts';

/** The database and its log at some moment. */
export interface Picture {
  database: Buffer;
  log: Buffer;
}

/** Ends a sync, with an error or null. */
export type Settle = (error: Error | null) => void;

/** A row of `reserves`. */
export interface ReserveRow {
  owner: string;
  boot: string;
  kind: string;
  id: string;
  figure: number;
}

/** The start of the machine before its power is cut, and the one after. */
export const [FIRST_BOOT, SECOND_BOOT] = ['first-boot', 'second-boot'];

/** A folder of databases; each machine starts with an empty one. */
export class MachineRoom {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tollgate-power-'));
  readonly #machines: Machine[] = [];
  #made = 0;

  /** Creates the schema, which every machine then has on its disk. */
  async prepare(): Promise<void> {
    await (await openSqliteStores({ path: this.#file('empty') })).close();
  }

  /** @param picture what is on its disk; default an empty database */
  machine(picture?: Picture): Machine {
    this.#made += 1;
    const path = this.#file(String(this.#made));
    if (picture === undefined) copyFileSync(this.#file('empty'), path);
    else {
      writeFileSync(path, picture.database);
      writeFileSync(`${path}-wal`, picture.log);
    }
    const machine = new Machine(this, path);
    this.#machines.push(machine);
    return machine;
  }

  /** Closes what is still open, and removes every file. */
  async clear(): Promise<void> {
    for (const machine of this.#machines) await machine.end();
    rmSync(this.#folder, { recursive: true });
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.db`);
  }
}

/** One machine with one database. */
export class Machine {
  readonly path: string;
  /** Syncs that began. */
  syncs = 0;
  /** Holds each sync back until it settles it; default at once. */
  gate: (settle: Settle) => void = (settle) => settle(null);
  /** Called when a sync begins and when it ends. */
  onMoment: () => void = () => undefined;
  readonly #room: MachineRoom;
  readonly #opened: Stores[] = [];
  /** Stays open: to close it would drop the locks that SQLite holds on the file in this process. */
  readonly #file: number;
  #synced: Picture;
  #lastSynced = 0;

  constructor(room: MachineRoom, path: string) {
    this.#room = room;
    this.path = path;
    this.#file = openSync(path, 'r');
    this.#synced = this.cached();
  }

  async open(changes: Partial<SqliteOptions> = {}): Promise<Stores> {
    const { path, syncFile } = this;
    const stores = await openSqliteStores({ path, boot: FIRST_BOOT, syncFile, ...changes });
    this.#opened.push(stores);
    return stores;
  }

  /** What the operating system holds: all of it survives the end of a process, none need survive its own. */
  cached(): Picture {
    const database = Buffer.alloc(fstatSync(this.#file).size);
    readSync(this.#file, database, 0, database.length, 0);
    const log = `${this.path}-wal`;
    return { database, log: existsSync(log) ? readFileSync(log) : Buffer.alloc(0) };
  }

  /** What is sure to be on the disk. */
  synced(): Picture {
    return this.#synced;
  }

  /** A machine that finds what is on a picture. */
  restored(picture: Picture): Machine {
    return this.#room.machine(picture);
  }

  /** What a statement selects, or changes, through a connection of its own. */
  query<Row>(sql: string): Row[] {
    const database = new DatabaseSync(this.path);
    try {
      return database.prepare(sql).all() as Row[];
    } finally {
      database.close();
    }
  }

  reserves(): ReserveRow[] {
    return this.query(
      'SELECT owner, boot, kind, id, figure FROM reserves ORDER BY owner, kind, id',
    );
  }

  /** Closes what is still open. */
  async end(): Promise<void> {
    this.gate = (settle) => settle(null);
    for (const stores of this.#opened) await stores.close();
    closeSync(this.#file);
  }

  readonly syncFile: SyncFile = (file, done) => {
    this.syncs += 1;
    const [number, picture] = [this.syncs, this.cached()];
    this.onMoment();
    fdatasync(file, (failure) => {
      this.gate((error) => {
        if ((failure ?? error) === null && number > this.#lastSynced) {
          [this.#synced, this.#lastSynced] = [picture, number];
        }
        this.onMoment();
        done(failure ?? error);
      });
    });
  };
}
