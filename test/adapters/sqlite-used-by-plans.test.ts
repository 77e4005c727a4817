/** Who uses what on SQLite: by which indexes it is found and counted. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apiGroupStore } from '../../adapters/sqlite/api-groups.ts';
import { apiKeyStore } from '../../adapters/sqlite/api-keys.ts';
import { apiScopeStore } from '../../adapters/sqlite/api-scopes.ts';
import { auditStore } from '../../adapters/sqlite/audit.ts';
import { changeFeed } from '../../adapters/sqlite/changes.ts';
import { clientStore } from '../../adapters/sqlite/clients.ts';
import { type Connection, openConnection } from '../../adapters/sqlite/connection.ts';
import { holdingsOf } from '../../adapters/sqlite/holdings.ts';
import { migrate } from '../../adapters/sqlite/migrate.ts';
import type { Shared } from '../../adapters/sqlite/noun.ts';
import { tokenStore } from '../../adapters/sqlite/tokens.ts';
import type { ClientFilter } from '../../src/domain/clients/client-store.ts';
import type { Page } from '../../src/domain/records.ts';
import { noting } from './noting.ts';

const AT = new Date('2027-03-31T16:00:00Z');
const CLIENTS = 12_000;

/** Clients at two levels; each names a group, a scope and a user that a hundredth of the others name too. */
const FILL = `
  WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${CLIENTS - 1})
  INSERT INTO clients (id, client_name, display_name, created_at, starts_at, expires_at, status,
    audience, security_level, environment, kind, search, failed_logins, failures)
  SELECT printf('c-%05d', i), printf('name-%05d', i), printf('Display %05d', i), i, -8.64e15, 8.64e15,
    'enabled', 'internal', iif(i % 100 = 7, 'A', 'SYSTEM'), 'production', 'partner',
    printf('c-%05d%scommon', i, char(10)), 0, '[]'
  FROM numbers;
  INSERT INTO documents (kind, id, version, document)
  SELECT 'client', id, 1, json_object('clientId', id) FROM clients;
  INSERT INTO holdings (held_kind, held_id, holder_kind, holder_id)
  SELECT value, 'h-' || (created_at % 100), 'client', clients.id FROM clients,
    json_each('["api_group", "served_api_group", "api_scope", "allowed_user"]');`;

describe('who uses what on SQLite', () => {
  let connection: Connection;
  let shared: Shared;
  let prepared: string[] = [];

  beforeAll(async () => {
    connection = await openConnection({ path: ':memory:' });
    migrate(connection);
    connection.database.exec(FILL);
    const watched = noting(connection, (sql) => void prepared.push(sql));
    const [audit, changes] = [auditStore(watched), changeFeed(watched)];
    shared = { connection: watched, audit, changes, holdings: holdingsOf(watched) };
  });
  afterAll(() => connection.database.close());

  /** A page, and the steps by which `EXPLAIN QUERY PLAN` says that it was counted and read. */
  async function explained<T>(list: () => Promise<Page<T>>) {
    prepared = [];
    const page = await list();
    const stepsOf = (sql: string) =>
      connection
        .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => detail);
    const counted = prepared.filter((sql) => sql.includes('count(*)')).map(stepsOf);
    const read = prepared.filter((sql) => sql.includes('pageKey')).map(stepsOf);
    expect([counted.length, read.length]).toEqual([1, 1]);
    return { page, counted: counted.flat(), read: read.flat() };
  }

  const listed = (filter: Omit<ClientFilter, 'at'>, search = '') => {
    const tokens = tokenStore(shared.connection, shared);
    const clients = clientStore(shared, tokens);
    return explained(() => clients.list({ filter: { at: AT, ...filter }, search, limit: 25 }));
  };

  const NAMED = 'SEARCH holdings USING PRIMARY KEY (held_kind=? AND held_id=? AND holder_kind=?)';

  it.each([
    [['apiGroups']],
    [['servedApiGroups']],
    [['apiScopes']],
    [['userAllowlist']],
    [['apiGroups', 'apiScopes']],
  ] as const)('is found for %j by what is named, and no client is passed over', async (fields) => {
    const { page, counted, read } = await listed({ naming: { fields, anyOf: ['h-7', 'h-8'] } });
    expect([page.total, page.items.length]).toEqual([CLIENTS / 50, 25]);
    for (const steps of [counted, read]) {
      expect(steps).toContain(NAMED);
      expect(steps.join()).toMatch(/SEARCH clients USING (COVERING )?INDEX \S+ \(id=\?\)/);
      expect(steps.join()).not.toMatch(/SCAN (clients|holdings|documents)/);
    }
  });

  it('is found for a level by its index', async () => {
    const { page, counted, read } = await listed({ securityLevel: 'A' });
    expect(page.total).toBe(CLIENTS / 100);
    const index = 'INDEX clients_security_level (security_level=?)';
    expect(counted).toEqual([`SEARCH clients USING COVERING ${index}`]);
    expect(read).toEqual([`SEARCH clients USING ${index}`, 'USE TEMP B-TREE FOR ORDER BY']);
  });

  it('is searched at a level by the index of the search, as levels have many clients', async () => {
    const { page, counted, read } = await listed({ securityLevel: 'A' }, 'c-00107');
    expect(page.total).toBe(1);
    for (const steps of [counted, read]) {
      expect(steps).toContain('SEARCH clients USING INTEGER PRIMARY KEY (rowid=?)');
      expect(steps.join()).not.toContain('clients_security_level');
    }
  });

  it('is found for the keys of an API group by what is named', async () => {
    const keys = apiKeyStore(shared);
    const { counted, read } = await explained(() =>
      keys.list({ filter: { apiGroup: 'g' }, limit: 25 }),
    );
    for (const steps of [counted, read]) {
      expect(steps).toContain(NAMED);
      expect(steps.join()).toMatch(/SEARCH api_keys USING PRIMARY KEY \(id=\?\)/);
    }
  });

  it.each([
    ['api_groups', () => apiGroupStore(shared)],
    ['api_scopes', () => apiScopeStore(shared)],
  ] as const)('is found for %s by what is named', async (table, open) => {
    const store = open();
    for (const filter of [{ api: 'a' }, { securityLevel: 'A' }]) {
      const { counted, read } = await explained<unknown>(() => store.list({ filter, limit: 25 }));
      for (const steps of [counted, read]) {
        expect(steps).toContain(NAMED);
        expect(steps.join()).toContain(`SEARCH ${table} USING PRIMARY KEY (id=?)`);
      }
    }
  });
});
