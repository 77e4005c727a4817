/**
 * Lets charges run ahead of the disk. A commit survives the end of the process, but only a sync of the log
 * survives the end of the machine, and to wait for one takes longer than the charge. So the disk is told
 * ahead: a reserve is a figure that an account counts as having reached. While its figure stays within a
 * reserve that is on the disk, a charge is answered after its commit. A database that was last written
 * before the machine started is charged up to its reserves when it is opened: a power cut may cost an
 * account what was reserved, and never grants a unit too many (ADR 12).
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Connection, exclusively } from './connection.ts';

/** Units that are reserved ahead at most: what a power cut may cost an account. */
export const RESERVED_MOST = 256;
/** Of what an account has left, this share is reserved at most. */
const RESERVED_SHARE = 0.01;
/** Fewer than these are not worth a row: charges of small limits wait for the disk. */
const RESERVED_LEAST = 8;
/** Accounts whose reserves are remembered; one that is forgotten waits for the disk once. */
const REMEMBERED_MOST = 50_000;

/** The reserve of one account, as far as this process knows. */
export class Reserve {
  /** What is on the disk. */
  synced = 0;
  /** What is written, and may be on its way to the disk. */
  written = 0;
  /** When the row that is written goes. */
  untilMs = 0;
}

/** What is charged: the quota of a client in a window, or the uses of a token. */
export interface ReservedAccount {
  kind: 'quota' | 'uses';
  /** Client or token. */
  id: string;
  /** Of a quota; empty for uses. */
  window: string;
  /** null = none. */
  limit: number | null;
  /** When its row goes; null = never. */
  expiresAtMs: number | null;
  /** What it has come to. */
  figure: number;
  reserve: Reserve;
}

/** A reserve that a transaction wrote, and the figure that it wrote. */
export interface WrittenReserve {
  reserve: Reserve;
  figure: number;
  untilMs: number;
}

/** The reserves of one process. */
export class Reserves {
  readonly #connection: Connection;
  readonly #boot: string | null;
  readonly #owner = randomUUID();
  /** The one used longest ago comes first. */
  readonly #byAccount = new Map<string, Reserve>();
  readonly #put;

  /** @param boot names the start of the machine; null where it is not known: nothing is reserved then */
  constructor(connection: Connection, boot: string | null) {
    this.#connection = connection;
    this.#boot = boot;
    // Never lower: a sync that is under way may yet tell that the higher one is on the disk.
    this.#put = connection.prepare(
      `INSERT INTO reserves (owner, boot, kind, id, window, figure, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (owner, kind, id, window) DO UPDATE
       SET figure = max(figure, excluded.figure), expires_at = max(expires_at, excluded.expires_at)`,
    );
  }

  /** The reserve of an account, by any key that no other of its kind has. */
  of(kind: ReservedAccount['kind'], key: string): Reserve {
    const account = `${kind} ${key}`;
    const reserve = this.#byAccount.get(account) ?? new Reserve();
    this.#byAccount.delete(account);
    this.#byAccount.set(account, reserve);
    if (this.#byAccount.size > REMEMBERED_MOST) this.#forgetOldest();
    return reserve;
  }

  #forgetOldest(): void {
    const [oldest] = this.#byAccount.keys();
    if (oldest !== undefined) this.#byAccount.delete(oldest);
  }

  /**
   * Within a transaction that charges: reserves more where less than half is left ahead of the figure, and
   * keeps what is reserved as long as the account; null where nothing had to be written.
   */
  extend(account: ReservedAccount): WrittenReserve | null {
    const { kind, id, window, figure, expiresAtMs, reserve } = account;
    const ahead = this.#boot === null ? 0 : aheadOf(account);
    const reserved = Math.max(reserve.written, figure + ahead);
    const untilMs = endOf(account);
    const isEnough = reserve.written - figure >= ahead / 2 && untilMs <= reserve.untilMs;
    if (reserved === figure || isEnough) return null;
    this.#put.run(this.#owner, this.#boot, kind, id, window, reserved, expiresAtMs);
    return { reserve, figure: reserved, untilMs };
  }

  /** After the commit: resolves when it is on the disk, and with it the reserves that it wrote. */
  async sync(written: readonly WrittenReserve[]): Promise<void> {
    for (const { reserve, figure, untilMs } of written)
      Object.assign(reserve, { written: figure, untilMs });
    try {
      await this.#connection.synced();
    } catch (error) {
      // The next charge writes them again.
      for (const { reserve } of written) reserve.written = reserve.synced;
      throw error;
    }
    for (const { reserve, figure } of written) reserve.synced = Math.max(reserve.synced, figure);
  }

  /** Of a process that ends in order nothing is left to be charged. */
  async release(): Promise<void> {
    const drop = this.#connection.prepare('DELETE FROM reserves WHERE owner = ?');
    await this.#connection.write(() => drop.run(this.#owner));
  }
}

/** Whether what an account has come to is charged also should the machine stop now. */
export function isWithinReserve(account: ReservedAccount): boolean {
  // A reserve that goes before its account may be gone: another process may have moved the end.
  return account.figure <= account.reserve.synced && endOf(account) <= account.reserve.untilMs;
}

function endOf({ expiresAtMs }: ReservedAccount): number {
  return expiresAtMs ?? Number.POSITIVE_INFINITY;
}

function aheadOf({ limit, figure }: ReservedAccount): number {
  if (limit === null) return RESERVED_MOST;
  const ahead = Math.min(RESERVED_MOST, Math.floor((limit - figure) * RESERVED_SHARE));
  return ahead < RESERVED_LEAST ? 0 : ahead;
}

/**
 * Charges every account up to the reserves that were written before the machine started; of several
 * processes that open the file, the first does it.
 */
export function chargeReserves({ database, prepare }: Connection, boot: string | null): void {
  const before = "FROM reserves WHERE boot <> ? AND kind = '";
  const charges = [
    `UPDATE quotas SET used = max(used, lost.figure)
     FROM (SELECT id, window, max(figure) AS figure ${before}quota' GROUP BY id, window) AS lost
     WHERE quotas.client_id = lost.id AND quotas.window = lost.window`,
    `UPDATE tokens SET uses = max(uses, lost.figure)
     FROM (SELECT id, max(figure) AS figure ${before}uses' GROUP BY id) AS lost
     WHERE tokens.token_id = lost.id`,
    'DELETE FROM reserves WHERE boot <> ?',
  ];
  exclusively(database, () => {
    for (const sql of charges) prepare(sql).run(boot ?? '');
  });
}

/** What names the start of this machine, on Linux; null elsewhere. */
export function bootOfMachine(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() || null;
  } catch {
    return null;
  }
}
