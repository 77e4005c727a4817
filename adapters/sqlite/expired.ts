/** Removal of what has expired, a bounded batch at a time. */
import { EXPIRED_BATCH } from '../../src/domain/stores.ts';
import { USAGE_DAYS } from '../../src/domain/usage/usage-store.ts';
import type { Connection } from './connection.ts';

const EXPIRED = [
  ['tokens', 'token_id', 'purge_at'],
  ['artifacts', 'rowid', 'expires_at'],
  ['one_time_links', 'digest', 'expires_at'],
  ['mails', 'mail_id', 'expires_at'],
  ['client_drafts', 'draft_id', 'expires_at'],
  ['admin_sessions', 'session_id', 'expires_at'],
  ['quotas', 'rowid', 'purge_at'],
  ['reserves', 'rowid', 'expires_at'],
  ['retries', 'key', 'expires_at'],
  ['decisions', 'rowid', 'expires_at'],
] as const;

/** Removes what expired by an instant; answers how many rows. */
export function expiredRemover({ prepare, transact }: Connection): (now: Date) => Promise<number> {
  const statements = EXPIRED.map(([table, key, expiry]) =>
    prepare(
      `DELETE FROM ${table} WHERE ${key} IN
         (SELECT ${key} FROM ${table} WHERE ${expiry} <= ? ORDER BY ${expiry} LIMIT ${EXPIRED_BATCH})`,
    ),
  );
  // Counts have no rowid, and go by their hour.
  statements.push(
    prepare(
      `DELETE FROM usage_counts WHERE (client_id, hour, api_id, outcome) IN
         (SELECT client_id, hour, api_id, outcome FROM usage_counts
          WHERE hour <= ? - ${USAGE_DAYS * 86_400_000} ORDER BY hour LIMIT ${EXPIRED_BATCH})`,
    ),
  );
  return (now) =>
    transact(() =>
      statements.reduce((sum, each) => sum + Number(each.run(now.getTime()).changes), 0),
    );
}
