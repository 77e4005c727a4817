/** Recorded decisions. Lists walk an index and end with their page, since there may be millions. */
import {
  type DecisionFilter,
  type DecisionRecord,
  type DecisionStore,
  MOST_COUNTED,
} from '../../src/domain/decision/decision-store.ts';
import type { TraceEntry } from '../../src/domain/decision/explain.ts';
import { invalidField } from '../../src/domain/errors.ts';
import type { ListQuery, Page } from '../../src/domain/records.ts';
import { encode } from './codec.ts';
import type { Connection, SqlValue } from './connection.ts';
import { reading } from './errors.ts';
import { type Condition, equalities, orderOf } from './page.ts';

interface DecisionRow {
  decision_id: string;
  at: number;
  reason: DecisionRecord['reason'];
  client_id: string | null;
  address: string | null;
  expires_at: number;
  document: string;
}

/** What the JSON document holds: the fields that have no column, instants as text. */
type Document = Omit<
  DecisionRecord,
  'decisionId' | 'at' | 'reason' | 'clientId' | 'address' | 'expiresAt' | 'trace'
> & { trace: (Omit<TraceEntry, 'passesAt'> & { passesAt: string | null })[] };

const COLUMNS = 'decision_id, at, reason, client_id, address, expires_at, document';
const NEWEST_FIRST = { field: 'at', descending: true };

/** The recorded decisions of a connection. */
export function decisionStore(connection: Connection): DecisionStore {
  const { prepare, transact } = connection;
  const insert = prepare(
    `INSERT INTO decisions (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (decision_id) DO NOTHING`,
  );
  const find = prepare<DecisionRow>(
    `SELECT ${COLUMNS} FROM decisions WHERE decision_id = ? AND expires_at > ?`,
  );
  return {
    async record(records) {
      if (records.length === 0) return;
      const rows = records.map(rowOf);
      await transact(() => {
        for (const row of rows) insert.run(...row);
      }, 'process_end');
    },
    find: (decisionId, now) =>
      reading(() => {
        const row = find.get(decisionId, now.getTime());
        return row === undefined ? null : recordOf(row);
      }),
    list: (query) => reading(() => pageOf(connection, query)),
  };
}

function pageOf(
  { prepare }: Connection,
  { filter = {}, sort = NEWEST_FIRST, limit, cursor }: ListQuery<DecisionFilter>,
): Page<DecisionRecord> {
  const { descending } = orderOf({ at: 'at' }, sort, 'decision_id');
  const wanted = conditions(filter);
  const [where, values] = clause([...wanted, ...startingAfter(descending, cursor)]);
  const direction = descending ? 'DESC' : 'ASC';
  const rows = prepare<DecisionRow>(
    `SELECT ${COLUMNS} FROM decisions WHERE ${where}
     ORDER BY at ${direction}, decision_id ${direction} LIMIT ?`,
  ).all(...values, limit + 1);
  const [counted, countedValues] = clause(wanted);
  const total = prepare<{ total: number }>(
    `SELECT count(*) AS total FROM (SELECT 1 FROM decisions WHERE ${counted} LIMIT ?)`,
  ).get(...countedValues, MOST_COUNTED);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    items: rows.slice(0, limit).map(recordOf),
    nextCursor: last === undefined ? null : cursorAt(descending, last),
    total: total?.total ?? 0,
  };
}

function conditions(filter: DecisionFilter): Condition[] {
  const { outcome = 'refused', clientId, reason, address, from, to, at } = filter;
  return [
    { sql: outcome === 'refused' ? 'reason IS NOT NULL' : 'reason IS NULL', values: [] },
    ...equalities({ client_id: clientId, reason, address }),
    ...(from ? [{ sql: 'at >= ?', values: [from.getTime()] }] : []),
    ...(to ? [{ sql: 'at < ?', values: [to.getTime()] }] : []),
    // The plus keeps SQLite from the index of expiries, by which it would have to sort.
    ...(at ? [{ sql: '+expires_at > ?', values: [at.getTime()] }] : []),
  ];
}

function clause(parts: readonly Condition[]): [sql: string, values: SqlValue[]] {
  return [parts.map(({ sql }) => `(${sql})`).join(' AND '), parts.flatMap(({ values }) => values)];
}

function startingAfter(descending: boolean, cursor: string | undefined): Condition[] {
  if (cursor === undefined) return [];
  const [at, id] = readCursor(descending, cursor);
  const beyond = descending ? '<' : '>';
  return [
    {
      sql: `at ${beyond}= ? AND (at ${beyond} ? OR decision_id ${beyond} ?)`,
      values: [at, at, id],
    },
  ];
}

function cursorAt(descending: boolean, { at, decision_id }: DecisionRow): string {
  return Buffer.from(JSON.stringify([descending, at, decision_id])).toString('base64url');
}

function readCursor(descending: boolean, cursor: string): [at: number, id: string] {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(position) && position.length === 3 && position[0] === descending) {
      const [, at, id] = position;
      if (typeof at === 'number' && typeof id === 'string') return [at, id];
    }
  } catch {
    // Not JSON: the same answer as any other cursor that this list never gave.
  }
  throw invalidField(
    'cursor',
    'unreadable',
    'is not a cursor of this list; start at the first page',
  );
}

function rowOf(record: DecisionRecord): SqlValue[] {
  const { decisionId, at, reason, clientId, address, expiresAt, ...document } = record;
  const [atMs, expiresMs] = [at.getTime(), expiresAt.getTime()];
  return [decisionId, atMs, reason, clientId, address, expiresMs, encode(document)];
}

/** Of the document only `passesAt` is an instant; text that looks like one may be what a check saw. */
function recordOf(row: DecisionRow): DecisionRecord {
  const { trace, ...document } = JSON.parse(row.document) as Document;
  return {
    decisionId: row.decision_id,
    at: new Date(row.at),
    reason: row.reason,
    clientId: row.client_id,
    address: row.address,
    ...document,
    trace: trace.map((entry) => ({
      ...entry,
      passesAt: entry.passesAt === null ? null : new Date(entry.passesAt),
    })),
    expiresAt: new Date(row.expires_at),
  };
}
