/** Short-lived protocol state. */
import type { ArtifactStore } from '../../src/domain/artifacts.ts';
import { encode } from './codec.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';

/** The artifacts of a connection. */
export function artifactStore({ prepare, write }: Connection): ArtifactStore {
  const upsert = `INSERT INTO artifacts (model, digest, payload, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (model, digest) DO UPDATE
    SET payload = excluded.payload, expires_at = excluded.expires_at`;
  const sql = {
    insert: prepare(`${upsert} WHERE artifacts.expires_at <= ?`),
    upsert: prepare(upsert),
    find: prepare<{ payload: string }>(
      'SELECT payload FROM artifacts WHERE model = ? AND digest = ? AND expires_at > ?',
    ),
    consume: prepare(
      `UPDATE artifacts SET payload = json_set(payload, '$.consumed', CAST(? AS INTEGER))
       WHERE model = ? AND digest = ? AND expires_at > ?
         AND json_extract(payload, '$.consumed') IS NULL`,
    ),
    remove: prepare('DELETE FROM artifacts WHERE model = ? AND digest = ?'),
  };
  return {
    insert: ({ model, digest, payload, expiresAt }, now) =>
      write(() => {
        const values = [model, digest, encode(payload), expiresAt.getTime()] as const;
        return sql.insert.run(...values, now.getTime()).changes === 1;
      }),
    upsert: ({ model, digest, payload, expiresAt }) =>
      write(() => void sql.upsert.run(model, digest, encode(payload), expiresAt.getTime())),
    find: (model, digest, now) =>
      reading(() => {
        const row = sql.find.get(model, digest, now.getTime());
        return row === undefined ? null : (JSON.parse(row.payload) as Record<string, unknown>);
      }),
    consume: (model, digest, now) =>
      write(() => {
        const epochSeconds = Math.floor(now.getTime() / 1000);
        return sql.consume.run(epochSeconds, model, digest, now.getTime()).changes === 1;
      }),
    remove: (model, digest) => write(() => void sql.remove.run(model, digest)),
  };
}
