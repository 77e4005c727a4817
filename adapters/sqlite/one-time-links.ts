/** Links that work once; a subject has at most one of each purpose. */
import type { OneTimeLink, OneTimeLinkStore } from '../../src/domain/one-time-links.ts';
import type { Audit } from './audit.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';

interface LinkRow {
  digest: string;
  purpose: OneTimeLink['purpose'];
  subject_id: string;
  expires_at: number;
}

/** The one-time links of a connection. */
export function oneTimeLinkStore(
  { prepare, write, transact }: Connection,
  audit: Audit,
): OneTimeLinkStore {
  const insert = prepare(
    `INSERT INTO one_time_links (digest, purpose, subject_id, expires_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (purpose, subject_id) DO UPDATE
     SET digest = excluded.digest, expires_at = excluded.expires_at`,
  );
  const find = prepare<LinkRow>(
    `SELECT digest, purpose, subject_id, expires_at FROM one_time_links
     WHERE digest = ? AND expires_at > ?`,
  );
  const consume = prepare<LinkRow>(
    `DELETE FROM one_time_links WHERE digest = ? AND expires_at > ?
     RETURNING digest, purpose, subject_id, expires_at`,
  );
  return {
    insert: ({ digest, purpose, subjectId, expiresAt }, event) =>
      (event === undefined ? write : transact)(() => {
        insert.run(digest, purpose, subjectId, expiresAt.getTime());
        if (event !== undefined) audit.enter(event);
      }),
    find: (digest, now) => reading(() => linkOf(find.get(digest, now.getTime()))),
    consume: (digest, now) => write(() => linkOf(consume.get(digest, now.getTime()))),
  };
}

function linkOf(row: LinkRow | undefined): OneTimeLink | null {
  if (row === undefined) return null;
  const { digest, purpose, subject_id: subjectId, expires_at: expiresAt } = row;
  return { digest, purpose, subjectId, expiresAt: new Date(expiresAt) };
}
