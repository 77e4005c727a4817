/** The change feed: one row for each change, the latest 10,000 of them. */
import type { Change, ChangeFeed, ChangesSince } from '../../src/domain/changes.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';

/** Changes that are kept; who is further behind drops everything. */
const KEPT = 10_000;

interface ChangeRow extends Change {
  position: number;
}

/** The feed, and how stores write to it. */
export interface Changes extends ChangeFeed {
  /** Enters a change; to be called inside the transaction that makes it. */
  enter(kind: Change['kind'], id: string): void;
}

/** The change feed of a connection. */
export function changeFeed({ prepare }: Connection): Changes {
  const insert = prepare('INSERT INTO changes (kind, id) VALUES (?, ?)');
  const trim = prepare('DELETE FROM changes WHERE position <= ?');
  const select = prepare<ChangeRow>(
    'SELECT position, kind, id FROM changes WHERE position > ? ORDER BY position',
  );
  return {
    enter(kind, id) {
      const { lastInsertRowid } = insert.run(kind, id);
      trim.run(Number(lastInsertRowid) - KEPT);
    },
    since: (position) => reading(() => changesIn(select.all(position), position)),
  };
}

function changesIn(rows: ChangeRow[], asked: number): ChangesSince | null {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return null;
  // Positions have no gaps, so a first one that is not the next was preceded by others, now trimmed.
  const missed = first.position > asked + 1;
  return {
    position: last.position,
    changed: missed ? 'everything' : rows.map(({ kind, id }) => ({ kind, id })),
  };
}
