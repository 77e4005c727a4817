/** Last uses of secrets, clients and keys. */
import {
  clientOfSubject,
  LAST_USE_STEP_SECONDS,
  type LastUse,
  type LastUseStore,
} from '../../src/domain/last-uses.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';

interface UseRow {
  subject: string;
  at: number;
  address: string | null;
}

/** The last uses of a connection. */
export function lastUseStore({ prepare, transact }: Connection): LastUseStore {
  const record = prepare(
    `INSERT INTO last_uses (subject, at, address) VALUES (?, ?, ?)
     ON CONFLICT (subject) DO UPDATE SET at = excluded.at, address = excluded.address
     WHERE excluded.at >= last_uses.at`,
  );
  const moveClient = prepare(
    `UPDATE clients SET last_used_at = ?1
     WHERE id = ?2 AND last_used_at <= ?1 - ${LAST_USE_STEP_SECONDS * 1000}`,
  );
  const find = prepare<UseRow>('SELECT subject, at, address FROM last_uses WHERE subject = ?');
  return {
    async record(uses) {
      if (uses.length === 0) return;
      await transact(() => {
        for (const { subject, at, address } of uses) {
          record.run(subject, at.getTime(), address);
          const clientId = clientOfSubject(subject);
          if (clientId !== null) moveClient.run(at.getTime(), clientId);
        }
      }, 'process_end');
    },
    find: (subjects) =>
      reading(() => {
        const rows = subjects
          .map((subject) => find.get(subject))
          .filter((row) => row !== undefined);
        return new Map(rows.map((row) => [row.subject, useOf(row)]));
      }),
  };
}

function useOf({ subject, at, address }: UseRow): LastUse {
  return { subject, at: new Date(at), address };
}
