/**
 * Charges: quotas, uses of access tokens and retries. A bill is one job of the writer, and jobs run one
 * after the other under the write lock, so what a statement of it has seen still holds at the next.
 */
import {
  type Bill,
  type ChargeStore,
  type PaidRetry,
  QUOTA_KEPT_MS,
  type QuotaLine,
  type Receipt,
  type RetryLine,
  type Spent,
} from '../../src/domain/usage/charge-store.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';
import { FAMILY_IS_LIVE } from './token-rows.ts';

interface RetryRow {
  decision_id: string;
  quota_used: number | null;
  uses: number | null;
}

/** Thrown inside a job, so that the lines booked before it are undone. */
class Refusal extends Error {
  readonly line: 'quota' | 'uses';

  constructor(line: Refusal['line']) {
    super(`no room for the line ${line}`);
    this.line = line;
  }
}

/** The charges of a connection. */
export function chargeStore(connection: Connection): ChargeStore {
  const sql = chargeStatements(connection);
  const bookNow = booker(sql);
  const { write, transact } = connection;

  async function book(bill: Bill, now: Date): Promise<Receipt> {
    const lines = [bill.quota, bill.uses, bill.retry].filter((line) => line !== null);
    try {
      return await (lines.length > 1 ? transact : write)(() => bookNow(bill, now));
    } catch (error) {
      if (error instanceof Refusal) return { outcome: 'refused', line: error.line };
      throw error;
    }
  }

  return {
    book,
    findRetry: (key, now) => reading(() => paidRetry(sql.findRetry.get(key, now.getTime()))),
    quotaUsed: (clientId, window) => reading(() => sql.used.get(clientId, window)?.used ?? 0),
  };
}

type Statements = ReturnType<typeof chargeStatements>;

function chargeStatements({ prepare }: Connection) {
  return {
    // A time zone that changes within the window may move its end: the later one holds.
    chargeQuota: prepare<{ used: number }>(
      `INSERT INTO quotas (client_id, window, used, purge_at)
       SELECT ?1, ?2, ?3, ?4 WHERE ?3 <= ?5
       ON CONFLICT (client_id, window) DO UPDATE
       SET used = used + excluded.used, purge_at = max(purge_at, excluded.purge_at)
       WHERE used + excluded.used <= ?5
       RETURNING used`,
    ),
    chargeUses: prepare<{ uses: number }>(
      `UPDATE tokens AS t SET uses = uses + ?1
       WHERE t.token_id = ?2 AND t.kind = 'access_token' AND t.revoked_at IS NULL
         AND t.expires_at > ?3 AND (t.max_uses = 0 OR t.uses + ?1 <= t.max_uses)
         AND (${FAMILY_IS_LIVE})
       RETURNING uses`,
    ),
    findRetry: prepare<RetryRow>(
      'SELECT decision_id, quota_used, uses FROM retries WHERE key = ? AND expires_at > ?',
    ),
    // Where a row is there already, it has expired and is yet to be removed.
    keepRetry: prepare(
      `INSERT INTO retries (key, decision_id, quota_used, uses, expires_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET decision_id = excluded.decision_id,
         quota_used = excluded.quota_used, uses = excluded.uses, expires_at = excluded.expires_at`,
    ),
    used: prepare<{ used: number }>('SELECT used FROM quotas WHERE client_id = ? AND window = ?'),
  };
}

/** Books a bill inside the caller's job; throws `Refusal` when a line has no room. */
function booker(sql: Statements): (bill: Bill, now: Date) => Receipt {
  function chargeQuota({ clientId, window, limit, endsAt }: QuotaLine, weight: number): number {
    const purgeAt = endsAt && endsAt.getTime() + QUOTA_KEPT_MS;
    const row = sql.chargeQuota.get(clientId, window, weight, purgeAt, limit);
    if (row === undefined) throw new Refusal('quota');
    return row.used;
  }
  function chargeUses(tokenId: string, weight: number, now: Date): number {
    const row = sql.chargeUses.get(weight, tokenId, now.getTime());
    if (row === undefined) throw new Refusal('uses');
    return row.uses;
  }
  function keepRetry({ key, decisionId, expiresAt }: RetryLine, { quotaUsed, uses }: Spent): void {
    sql.keepRetry.run(key, decisionId, quotaUsed, uses, expiresAt.getTime());
  }
  return ({ weight, quota, uses, retry }, now) => {
    const paid = retry && paidRetry(sql.findRetry.get(retry.key, now.getTime()));
    if (paid !== null) return { outcome: 'repeated', ...paid };
    const spent: Spent = {
      quotaUsed: quota && chargeQuota(quota, weight),
      uses: uses && chargeUses(uses.tokenId, weight, now),
    };
    if (retry !== null) keepRetry(retry, spent);
    return { outcome: 'booked', ...spent };
  };
}

function paidRetry(row: RetryRow | undefined): PaidRetry | null {
  if (row === undefined) return null;
  return { decisionId: row.decision_id, quotaUsed: row.quota_used, uses: row.uses };
}
