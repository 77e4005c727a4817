/** Recorded decisions. Lists walk an index and end with their page, since there may be millions. */
import { cutPage, positionOf } from '../../src/domain/cursors.ts';
import {
  type DecisionFilter,
  type DecisionRecord,
  type DecisionStore,
  MOST_COUNTED,
} from '../../src/domain/decision/decision-store.ts';
import type { TraceEntry } from '../../src/domain/decision/explain.ts';
import type { ListQuery, Page } from '../../src/domain/records.ts';
import { encode } from './codec.ts';
import type { Connection, SqlValue } from './connection.ts';
import { reading } from './errors.ts';
import { type Condition, clause, equalities, orderOf, turn } from './page.ts';

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
  const order = orderOf({ at: 'at' }, sort, 'decision_id');
  const { beyond, orderBy } = turn(order, cursor);
  const wanted = conditions(filter);
  const [where, values] = clause([...wanted, ...beyond]);
  const rows = prepare<DecisionRow>(
    `SELECT ${COLUMNS} FROM decisions ${where} ORDER BY ${orderBy} LIMIT ?`,
  ).all(...values, limit + 1);
  const [counted, countedValues] = clause(wanted);
  const { total } = prepare<{ total: number }>(
    `SELECT count(*) AS total FROM (SELECT 1 FROM decisions ${counted} LIMIT ?)`,
  ).get(...countedValues, MOST_COUNTED) ?? { total: 0 };
  const reading = { position: positionOf(cursor, order), rows, limit, total };
  const page = cutPage(reading, order, (row) => [row.at, row.decision_id]);
  return { ...page, items: page.items.map(recordOf) };
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
