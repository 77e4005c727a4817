/** What migrations do with records that are stored already. */
import { readdirSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from '@jest/globals';

const FOLDER = new URL('../../adapters/sqlite/migrations/', import.meta.url);
const LISTS = '0007_index_client_lists.sql';
const REFERENCES = '0010_index_references.sql';

/** Rows as version 0006 stored them. */
const STORED = `
  INSERT INTO clients (id, client_name, display_name, created_at, starts_at, expires_at, status,
    audience, security_level, environment, kind, search, failed_logins, locked_at, failures)
  VALUES
    ('used', 'used', 'Used', 2, 0, 9, 'enabled', 'both', 'A', 'testing', 'partner', 'orders', 3, 7, '[1]'),
    ('unused', 'unused', 'Unused', 1, 0, 9, 'disabled', 'internal', 'B', 'production', 'partner', 'stock', 0, NULL, '[]');
  INSERT INTO documents (kind, id, version, document) VALUES
    ('client', 'used', 1, '{"ipBindings":[{"hostName":"Gate-West","address":"192.0.2.1"},{"hostName":"","address":"192.0.2.2"}]}'),
    ('client', 'unused', 1, '{"ipBindings":[]}'),
    ('api key', 'Key-1', 1, '{"current":{"digest":"d","lastFour":"aB9_"}}');
  INSERT INTO last_uses (subject, at, address) VALUES ('client:used', 123, NULL);
  INSERT INTO api_keys (id, client_id, alias, digest, created_at, expires_at, search)
  VALUES ('Key-1', 'used', 'night', 'd', 1, 2, 'night');
  INSERT INTO apis (id, method, path, created_at, search) VALUES ('Api-1', 'GET', '/o', 1, 'orders')`;

describe('the migration of lists', () => {
  const database = new DatabaseSync(':memory:');
  const files = readdirSync(FOLDER).sort();
  const apply = (names: string[]) => {
    for (const name of names) database.exec(readFileSync(new URL(name, FOLDER), 'utf8'));
  };
  const rows = (sql: string) =>
    database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));

  it('keeps every column, and adds the last use and what is searched now', () => {
    apply(files.filter((name) => name < LISTS));
    database.exec(STORED);
    const columns = Object.keys(rows('SELECT * FROM clients')[0] ?? {});
    const others = columns.filter((column) => column !== 'search').join(', ');
    const before = rows(`SELECT ${others} FROM clients ORDER BY id`);
    expect(before).toHaveLength(2);
    apply([LISTS]);
    expect(rows(`SELECT ${others} FROM clients ORDER BY id`)).toEqual(before);
    expect(rows('SELECT id, last_used_at, search FROM clients ORDER BY number')).toEqual([
      { id: 'unused', last_used_at: -8.64e15, search: 'stock' },
      { id: 'used', last_used_at: 123, search: 'orders\ngate-west\n' },
    ]);
    expect(rows('SELECT search FROM api_keys')).toEqual([{ search: 'night\nkey-1\nab9_' }]);
    expect(rows('SELECT search FROM apis')).toEqual([{ search: 'orders\napi-1' }]);
  });

  it('finds stored clients by the index of trigrams', () => {
    const found = `SELECT id FROM clients WHERE number IN
      (SELECT rowid FROM clients_search WHERE clients_search MATCH '"gate-we"')`;
    expect(rows(found)).toEqual([{ id: 'used' }]);
    database.close();
  });
});

describe('the migration of references', () => {
  it('tells of stored clients and keys whom and what they name', () => {
    const database = new DatabaseSync(':memory:');
    const files = readdirSync(FOLDER).sort();
    const apply = (name: string) => database.exec(readFileSync(new URL(name, FOLDER), 'utf8'));
    for (const name of files.filter((file) => file < REFERENCES)) apply(name);
    database.exec(`
      INSERT INTO documents (kind, id, version, document) VALUES
        ('client', 'c-1', 1, '{"userAllowlist":["u-1","u-2"],"apiGroups":["g-1"]}'),
        ('client', 'c-2', 1, '{"userAllowlist":[],"apiGroups":["g-1"]}'),
        ('user', 'c-3', 1, '{"userAllowlist":["u-9"]}'),
        ('api key', 'k-1', 1, '{"apiGroups":["g-2","g-1"]}'),
        ('api key', 'k-2', 1, '{"apiGroups":[]}');
      INSERT INTO holdings (held_kind, held_id, holder_kind, holder_id)
      VALUES ('api_group', 'g-1', 'client', 'c-1')`);
    apply(REFERENCES);
    const rows = database.prepare('SELECT * FROM holdings ORDER BY 1, 2').all();
    expect(rows.map((row) => Object.values(row).join(' '))).toEqual([
      'allowed_user u-1 client c-1',
      'allowed_user u-2 client c-1',
      'api_group g-1 client c-1',
      'key_api_group g-1 api key k-1',
      'key_api_group g-2 api key k-1',
    ]);
    database.close();
  });
});
