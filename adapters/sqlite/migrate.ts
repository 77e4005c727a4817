/** Brings a database to the schema that this code knows: each file of `migrations/`, in order, once. */
import { readdirSync, readFileSync } from 'node:fs';
import { type Connection, exclusively } from './connection.ts';

const FOLDER = new URL('./migrations/', import.meta.url);

/**
 * Applies the migrations that are missing, under the write lock, so that of several processes one
 * does it and the others wait.
 *
 * @throws Error when the database is newer than this code
 */
export function migrate(connection: Connection): void {
  const { database } = connection;
  const files = readdirSync(FOLDER)
    .filter((name) => /^\d{4}_\w+\.sql$/.test(name))
    .sort();
  exclusively(database, () => {
    const applied = appliedCount(connection);
    if (applied > files.length) {
      throw new Error(
        `the database has ${applied} migrations, this code knows ${files.length}: ` +
          'run the newer Tollgate that made it, or restore a backup from before',
      );
    }
    const record = connection.prepare('INSERT INTO migrations (number, name) VALUES (?, ?)');
    for (const [index, name] of files.entries()) {
      if (index < applied) continue;
      database.exec(readFileSync(new URL(name, FOLDER), 'utf8'));
      record.run(index + 1, name);
    }
  });
}

function appliedCount({ database, prepare }: Connection): number {
  database.exec(`CREATE TABLE IF NOT EXISTS migrations (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
  ) STRICT`);
  const row = prepare<{ applied: number }>(
    'SELECT coalesce(max(number), 0) AS applied FROM migrations',
  ).get();
  return row?.applied ?? 0;
}
