/**
 * Books the bills that share a transaction. Many of them are charged to the same client and often to the
 * same token: each account is read once and written once, however many bills are charged to it, and
 * between the two its figure is counted here. That is exact, as no other connection writes meanwhile.
 */
import {
  type Bill,
  type PaidRetry,
  QUOTA_KEPT_MS,
  type QuotaLine,
  type Receipt,
  type RetryLine,
  type Spent,
} from '../../src/domain/usage/charge-store.ts';
import type { Connection } from './connection.ts';
import {
  isWithinReserve,
  type ReservedAccount,
  type Reserves,
  type WrittenReserve,
} from './reserves.ts';
import { FAMILY_IS_LIVE } from './token-rows.ts';

/** A bill and the instant that it is judged by. */
export interface DatedBill {
  bill: Bill;
  now: Date;
}

interface RetryRow {
  decision_id: string;
  quota_used: number | null;
  uses: number | null;
}

interface QuotaRow {
  used: number;
  purge_at: number | null;
}

interface TokenRow {
  uses: number;
  max_uses: number;
  expires_at: number;
}

/** The statements that charge. */
export type BillStatements = ReturnType<typeof billStatements>;

/** Prepares the statements on a connection. */
export function billStatements({ prepare }: Connection) {
  return {
    quota: prepare<QuotaRow>(
      'SELECT used, purge_at FROM quotas WHERE client_id = ? AND window = ?',
    ),
    // Apart from the next one: to set `purge_at`, even to what it was, writes a page of its index.
    addUsed: prepare('UPDATE quotas SET used = used + ? WHERE client_id = ? AND window = ?'),
    // A time zone that changes within the window may move its end: the later one holds.
    addUsedUntil: prepare(
      `INSERT INTO quotas (client_id, window, used, purge_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (client_id, window) DO UPDATE
       SET used = used + excluded.used, purge_at = max(purge_at, excluded.purge_at)`,
    ),
    liveToken: prepare<TokenRow>(
      `SELECT t.uses, t.max_uses, t.expires_at FROM tokens t
       WHERE t.token_id = ? AND t.kind = 'access_token' AND t.revoked_at IS NULL
         AND (${FAMILY_IS_LIVE})`,
    ),
    addUses: prepare('UPDATE tokens SET uses = uses + ? WHERE token_id = ?'),
    findRetry: prepare<RetryRow>(
      'SELECT decision_id, quota_used, uses FROM retries WHERE key = ? AND expires_at > ?',
    ),
    // Where a row is there already, it has expired and is yet to be removed.
    keepRetry: prepare(
      `INSERT INTO retries (key, decision_id, quota_used, uses, expires_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET decision_id = excluded.decision_id,
         quota_used = excluded.quota_used, uses = excluded.uses, expires_at = excluded.expires_at`,
    ),
  };
}

/** What a retry has paid for, or null. */
export function paidRetry({ findRetry }: BillStatements, key: string, now: Date): PaidRetry | null {
  const row = findRetry.get(key, now.getTime());
  if (row === undefined) return null;
  return { decisionId: row.decision_id, quotaUsed: row.quota_used, uses: row.uses };
}

/** What bills are charged to, and how much of its figure is new. */
interface Account extends ReservedAccount {
  added: number;
}

interface QuotaAccount extends Account {
  /** Whether its row is stored already, for as long as it must stay. */
  isKept: boolean;
}

/** What became of a bill in its transaction. */
export interface Booked {
  receipt: Receipt;
  /** Whether the commit alone is enough: what is spent lies within reserves that are on the disk. */
  isReserved: boolean;
}

/** What became of the bills of a transaction, in their order. */
export interface BookedBills {
  booked: Booked[];
  written: WrittenReserve[];
}

/** Books bills in their order, within one job of the writer; each sees what those before it have spent. */
export function bookBills(
  sql: BillStatements,
  reserves: Reserves,
  bills: readonly DatedBill[],
): BookedBills {
  const ledger = new Ledger(sql, reserves);
  const booked = bills.map((dated) => ledger.book(dated));
  return { booked, written: ledger.write() };
}

/** The accounts of one job. */
class Ledger {
  readonly #sql: BillStatements;
  readonly #reserves: Reserves;
  readonly #quotas = new Map<string, QuotaAccount>();
  /** By token id; null where the token is revoked or gone. */
  readonly #tokens = new Map<string, Account | null>();

  constructor(sql: BillStatements, reserves: Reserves) {
    this.#sql = sql;
    this.#reserves = reserves;
  }

  book({ bill: { weight, quota, uses, retry }, now }: DatedBill): Booked {
    const paid = retry && paidRetry(this.#sql, retry.key, now);
    // What it repeats may not be on the disk yet.
    if (paid !== null) return { receipt: { outcome: 'repeated', ...paid }, isReserved: false };
    const quotaAccount = quota && this.#quotaOf(quota);
    if (quota !== null && quotaAccount !== null && quotaAccount.figure + weight > quota.limit)
      return spentNothing({ outcome: 'refused', line: 'quota' });
    const token = uses && this.#tokenOf(uses.tokenId);
    if (uses !== null && (token === null || !hasRoom(token, weight, now)))
      return spentNothing({ outcome: 'refused', line: 'uses' });
    // Every line has room: nothing that is charged from here on has to be undone.
    const quotaUsed = quotaAccount && charge(quotaAccount, weight);
    const spent = { quotaUsed, uses: token && charge(token, weight) };
    if (quotaAccount !== null) keepUntil(quotaAccount, quota?.endsAt ?? null);
    if (retry !== null) this.#keep(retry, spent);
    const isReserved = [quotaAccount, token].every((one) => one === null || isWithinReserve(one));
    return { receipt: { outcome: 'booked', ...spent }, isReserved };
  }

  /** Writes what was charged; answers the reserves that were extended. */
  write(): WrittenReserve[] {
    const charged = [...this.#quotas.values(), ...this.#tokens.values()];
    return charged.flatMap((account) => {
      if (account === null || account.added === 0) return [];
      this.#writeFigure(account);
      return this.#reserves.extend(account) ?? [];
    });
  }

  #writeFigure(account: QuotaAccount | Account): void {
    const { id, window, added, expiresAtMs } = account;
    if (account.kind === 'uses') this.#sql.addUses.run(added, id);
    else if ('isKept' in account && account.isKept) this.#sql.addUsed.run(added, id, window);
    else this.#sql.addUsedUntil.run(id, window, added, expiresAtMs);
  }

  #quotaOf({ clientId, window, limit }: QuotaLine): QuotaAccount {
    const key = `${clientId} ${window}`;
    let account = this.#quotas.get(key);
    if (account === undefined) {
      const row = this.#sql.quota.get(clientId, window);
      account = {
        ...{ kind: 'quota', id: clientId, window, limit, figure: row?.used ?? 0, added: 0 },
        expiresAtMs: row?.purge_at ?? null,
        isKept: row !== undefined,
        reserve: this.#reserves.of('quota', key),
      };
      this.#quotas.set(key, account);
    }
    return account;
  }

  #tokenOf(tokenId: string): Account | null {
    let account = this.#tokens.get(tokenId);
    if (account === undefined) {
      const row = this.#sql.liveToken.get(tokenId);
      account = row === undefined ? null : this.#tokenAccount(tokenId, row);
      this.#tokens.set(tokenId, account);
    }
    return account;
  }

  #tokenAccount(tokenId: string, { uses, max_uses, expires_at }: TokenRow): Account {
    return {
      ...{ kind: 'uses', id: tokenId, window: '', figure: uses, added: 0 },
      limit: max_uses === 0 ? null : max_uses,
      expiresAtMs: expires_at,
      reserve: this.#reserves.of('uses', tokenId),
    };
  }

  /** At once: a later bill of the same job may be its retry. */
  #keep({ key, decisionId, expiresAt }: RetryLine, { quotaUsed, uses }: Spent): void {
    this.#sql.keepRetry.run(key, decisionId, quotaUsed, uses, expiresAt.getTime());
  }
}

function spentNothing(receipt: Receipt): Booked {
  return { receipt, isReserved: true };
}

function hasRoom({ figure, limit, expiresAtMs }: Account, weight: number, now: Date): boolean {
  if (expiresAtMs !== null && expiresAtMs <= now.getTime()) return false;
  return limit === null || figure + weight <= limit;
}

function charge(account: Account, weight: number): number {
  account.added += weight;
  account.figure += weight;
  return account.figure;
}

function keepUntil(account: QuotaAccount, endsAt: Date | null): void {
  const purgeAt = endsAt && endsAt.getTime() + QUOTA_KEPT_MS;
  if (purgeAt === null || (account.isKept && purgeAt <= (account.expiresAtMs ?? 0))) return;
  account.expiresAtMs = Math.max(account.expiresAtMs ?? 0, purgeAt);
  account.isKept = false;
}
