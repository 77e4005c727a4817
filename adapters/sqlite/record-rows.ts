/** Rows and documents of governed records, and the statements on them. */
import { decode, encode, searchText } from './codec.ts';
import type { Connection, SqlValue } from './connection.ts';
import { LOCK_COLUMNS, type LockRow, lockOf } from './locks.ts';
import type { GovernedRecord, Noun } from './noun.ts';

/** A record as it is read. */
export type DocumentRow = { document: string } & Partial<LockRow>;

/** The statements of one noun. */
export function recordStatements<T extends GovernedRecord, Filter>(
  { prepare }: Connection,
  noun: Noun<T, Filter>,
) {
  const { table } = noun;
  const columns = [...Object.keys(noun.columns), 'search'];
  const inserted = ['id', ...columns, ...(noun.lockable ? LOCK_COLUMNS : [])];
  const lockColumns = LOCK_COLUMNS.map((column) => `t.${column}`).join(', ');
  const select = noun.lockable
    ? `SELECT d.document, ${lockColumns} FROM documents d JOIN ${table} t ON t.id = d.id`
    : 'SELECT d.document FROM documents d';
  return {
    find: prepare<DocumentRow>(`${select} WHERE d.kind = ? AND d.id = ?`),
    findBy: (column: string) =>
      prepare<DocumentRow>(
        `${select} WHERE d.kind = ? AND d.id = (SELECT id FROM ${table} WHERE ${column} = ?)`,
      ),
    all: prepare<DocumentRow>(`${select} WHERE d.kind = ? ORDER BY d.id`),
    insert: prepare(
      `INSERT INTO ${table} (${inserted.join(', ')}) VALUES (${inserted.map(() => '?').join(', ')})`,
    ),
    insertDocument: prepare(
      'INSERT INTO documents (kind, id, version, document) VALUES (?, ?, ?, ?)',
    ),
    update: prepare(
      `UPDATE ${table} SET ${columns.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`,
    ),
    updateDocument: prepare(
      'UPDATE documents SET version = ?, document = ? WHERE kind = ? AND id = ? AND version = ?',
    ),
    remove: prepare(`DELETE FROM ${table} WHERE id = ?`),
    removeDocument: prepare(
      'DELETE FROM documents WHERE kind = ? AND id = ? AND version = coalesce(?, version)',
    ),
  };
}

/** Values of a record's columns, the search column last. */
export function rowOf<T extends GovernedRecord, Filter>(
  noun: Noun<T, Filter>,
  record: T,
): SqlValue[] {
  const values = Object.values(noun.columns).map((valueIn) => valueIn(record));
  return [...values, searchText(noun.searched(record))];
}

/** The document of a record: all of it but its lock, which has columns of its own. */
export function documentOf<T extends GovernedRecord, Filter>(
  noun: Noun<T, Filter>,
  record: T,
): string {
  return encode(noun.lockable ? { ...record, lock: undefined } : record);
}

/** The record that a row holds, or null without a row. */
export function recordOf<T>(row: DocumentRow | undefined): T | null {
  if (row === undefined) return null;
  const record = decode(row.document) as T;
  return row.failures === undefined ? record : { ...record, lock: lockOf(row as LockRow) };
}
