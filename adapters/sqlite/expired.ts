/** Removal of what has expired, a bounded batch at a time. */
import { EXPIRED_BATCH } from '../../src/domain/stores.ts';
import type { Connection } from './connection.ts';

const EXPIRED = [
  ['tokens', 'token_id', 'purge_at'],
  ['artifacts', 'rowid', 'expires_at'],
  ['one_time_links', 'digest', 'expires_at'],
] as const;

/** Removes what expired by an instant; answers how many rows. */
export function expiredRemover({ prepare, transact }: Connection): (now: Date) => Promise<number> {
  const statements = EXPIRED.map(([table, key, expiry]) =>
    prepare(
      `DELETE FROM ${table} WHERE ${key} IN
         (SELECT ${key} FROM ${table} WHERE ${expiry} <= ? ORDER BY ${expiry} LIMIT ${EXPIRED_BATCH})`,
    ),
  );
  return (now) =>
    transact(() =>
      statements.reduce((sum, each) => sum + Number(each.run(now.getTime()).changes), 0),
    );
}
