/** The lockout of clients and users: columns of their own, so that counting changes no version. */
import type { Change } from '../../src/domain/changes.ts';
import { type FailedLogin, KEPT_FAILURES, type Lock } from '../../src/domain/clients/client.ts';
import type { LockableStore } from '../../src/domain/clients/client-store.ts';
import type { Audit } from './audit.ts';
import type { Changes } from './changes.ts';
import { decode, encode, fromMs, toMs } from './codec.ts';
import type { Connection, SqlValue } from './connection.ts';

/** Lock columns as a row holds them. */
export interface LockRow {
  failed_logins: number;
  locked_at: number | null;
  failures: string;
}

/** Names of the lock columns. */
export const LOCK_COLUMNS = ['failed_logins', 'locked_at', 'failures'] as const;

/** The lock that a row holds. */
export function lockOf(row: LockRow): Lock {
  return {
    failedLogins: row.failed_logins,
    lockedAt: fromMs(row.locked_at),
    failures: decode(row.failures) as FailedLogin[],
  };
}

/** Values of the lock columns. */
export function lockValues(lock: Lock): SqlValue[] {
  return [lock.failedLogins, toMs(lock.lockedAt), encode(lock.failures)];
}

/** Where a store's locks are, and what else it writes to. */
export interface LockTable {
  /** Word of the documents of its records. */
  kind: string;
  table: string;
  changeKind: Change['kind'];
  audit: Audit;
  changes: Changes;
}

/** Counting and clearing of failed logins in a table. */
export function lockableStore(connection: Connection, of: LockTable): LockableStore {
  const { prepare, transact } = connection;
  const count = prepare<LockRow>(`
    UPDATE ${of.table} SET
      failed_logins = failed_logins + 1,
      locked_at = CASE
        WHEN locked_at IS NULL AND failed_logins + 1 >= ?2 THEN ?3 ELSE locked_at END,
      failures = (
        SELECT json_group_array(json(failure) ORDER BY age) FROM (
          SELECT ?4 AS failure, -1 AS age
          UNION ALL SELECT value, key FROM json_each(failures)
          ORDER BY age LIMIT ${KEPT_FAILURES}))
    WHERE id = ?1
    RETURNING ${LOCK_COLUMNS.join(', ')}`);
  const unlock = prepare(`
    UPDATE ${of.table} SET failed_logins = 0, locked_at = NULL
    WHERE id = ? AND (failed_logins > 0 OR locked_at IS NOT NULL)`);
  const unlockSeen = prepare(`
    UPDATE ${of.table} SET failed_logins = 0, locked_at = NULL
    WHERE id = ?1 AND (failed_logins > 0 OR locked_at IS NOT NULL) AND locked_at IS ?2
      AND EXISTS (SELECT 1 FROM documents WHERE kind = ?3 AND id = ?1 AND version = ?4)`);
  const forget = prepare(`
    UPDATE ${of.table} SET failed_logins = 0
    WHERE id = ? AND failed_logins > 0 AND locked_at IS NULL`);
  const exists = prepare(`SELECT 1 FROM ${of.table} WHERE id = ?`);
  return {
    recordFailedLogin: (id, failure, limit) =>
      transact(() => {
        const row = count.get(id, limit, failure.at.getTime(), encode(failure));
        if (row === undefined) return null;
        of.changes.enter(of.changeKind, id);
        return lockOf(row);
      }),
    clearFailedLogins: (id, event, seen) =>
      transact(() => {
        const { changes } =
          seen === undefined
            ? (event === null ? forget : unlock).run(id)
            : unlockSeen.run(id, toMs(seen.lockedAt), of.kind, seen.version);
        if (changes > 0) of.changes.enter(of.changeKind, id);
        if (seen !== undefined && changes === 0) return false;
        if (event !== null && exists.get(id) !== undefined) of.audit.enter(event);
        return true;
      }),
  };
}
