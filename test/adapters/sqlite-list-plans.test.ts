/** Lists of clients on SQLite: by which indexes they are read, and that every way to read gives one answer. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { auditStore } from '../../adapters/sqlite/audit.ts';
import { changeFeed } from '../../adapters/sqlite/changes.ts';
import { clientStore } from '../../adapters/sqlite/clients.ts';
import { type Connection, openConnection } from '../../adapters/sqlite/connection.ts';
import { holdingsOf } from '../../adapters/sqlite/holdings.ts';
import { migrate } from '../../adapters/sqlite/migrate.ts';
import { tokenStore } from '../../adapters/sqlite/tokens.ts';
import type { ClientFilter, ClientStore } from '../../src/domain/clients/client-store.ts';
import { LAST_PAGE } from '../../src/domain/records.ts';
import { noting } from './noting.ts';

const AT = new Date('2027-03-31T16:00:00Z');
/** So many that pages of what most of them meet are read in the order of the list. */
const CLIENTS = 20_400;

/** Client i was created at i; each has the word "common", each hundredth "rare"; each tenth is disabled. */
const FILL = `
  WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${CLIENTS - 1})
  INSERT INTO clients (id, client_name, display_name, created_at, starts_at, expires_at, status,
    audience, security_level, environment, kind, search, failed_logins, failures)
  SELECT printf('c-%05d', i), printf('name-%05d', i), printf('Display %05d', i), i, -8.64e15, 8.64e15,
    iif(i % 10 = 0, 'disabled', 'enabled'), 'internal', 'SYSTEM', 'production', 'partner',
    printf('c-%05d%scommon %s', i, char(10), iif(i % 100 = 7, 'rare', 'else')), 0, '[]'
  FROM numbers;
  INSERT INTO documents (kind, id, version, document)
  SELECT 'client', id, 1, json_object('clientId', id) FROM clients`;

describe('lists of clients on SQLite', () => {
  let connection: Connection;
  let clients: ClientStore;
  let prepared: string[] = [];

  beforeAll(async () => {
    connection = await openConnection({ path: ':memory:' });
    migrate(connection);
    connection.database.exec(FILL);
    const watched = noting(connection, (sql) => void prepared.push(sql));
    const [audit, changes] = [auditStore(watched), changeFeed(watched)];
    const tokens = tokenStore(watched, { audit, changes });
    const shared = { connection: watched, audit, changes, holdings: holdingsOf(watched) };
    clients = clientStore(shared, tokens);
  });
  afterAll(() => connection.database.close());
  beforeEach(() => {
    prepared = [];
  });

  /** What `EXPLAIN QUERY PLAN` says of the statements that a call prepared: pages, and counts. */
  async function plansOf(call: () => Promise<unknown>) {
    prepared = [];
    await call();
    const explain = (sql: string) =>
      connection
        .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => detail)
        .join('; ');
    const isCount = (sql: string) => sql.includes('count(*)');
    return {
      pages: prepared.filter((sql) => sql.includes('pageKey')).map(explain),
      counts: prepared.filter(isCount).map(explain),
    };
  }

  const list = (
    query: Partial<Parameters<ClientStore['list']>[0]> = {},
    filter: Omit<ClientFilter, 'at'> = {},
  ) => clients.list({ limit: 25, ...query, filter: { at: AT, ...filter } });

  const numbersOf = (page: Awaited<ReturnType<typeof list>>) =>
    page.items.map(({ clientId }) => Number(clientId.slice(2)));

  it.each([
    ['createdAt', 'clients_created_at'],
    ['clientName', 'clients_client_name'],
    ['displayName', 'clients_display_name'],
    ['expiresAt', 'clients_expires_at'],
    ['lastUsedAt', 'clients_last_used_at'],
  ])(
    'by %s are read in the order of an index, from either end and from within',
    async (field, index) => {
      for (const descending of [false, true]) {
        const sort = { field, descending };
        const first = await list({ sort });
        const last = await list({ sort, cursor: LAST_PAGE });
        const cursors = [undefined, LAST_PAGE, first.nextCursor, last.previousCursor];
        for (const cursor of cursors) {
          const { pages, counts } = await plansOf(() =>
            list({ sort, ...(cursor === undefined ? {} : { cursor: cursor ?? '' }) }),
          );
          expect(pages).toEqual([
            expect.stringMatching(
              new RegExp(`^(SCAN|SEARCH) clients USING COVERING INDEX ${index}\\b[^;]*$`),
            ),
          ]);
          expect(counts).toEqual([expect.stringMatching(/^SCAN clients USING COVERING INDEX/)]);
        }
      }
    },
  );

  it('find a word of three characters or more by the index of trigrams', async () => {
    const { pages, counts } = await plansOf(() => list({ search: 'rare' }));
    for (const plan of [...pages, ...counts]) {
      expect(plan).toContain('SEARCH clients USING INTEGER PRIMARY KEY');
      expect(plan).toContain('SCAN clients_search VIRTUAL TABLE INDEX');
    }
    expect([pages.length, counts.length]).toEqual([1, 1]);
  });

  it.each<[string, { search?: string }, Omit<ClientFilter, 'at'>]>([
    ['a word', { search: 'common' }, {}],
    ['a short word', { search: 'mo' }, {}],
    ['a filter', {}, { audience: 'internal' }],
    ['a filter and a word', { search: 'ommo' }, { kind: 'partner', environment: 'production' }],
  ])('of %s that most clients have are read in the order of the list', async (_, query, filter) => {
    const { pages } = await plansOf(() => list(query, filter));
    expect(pages).toEqual(['SCAN clients USING INDEX clients_created_at']);
    const first = await list(query, filter);
    expect(first.total).toBe(CLIENTS);
    expect(numbersOf(first)).toEqual(Array.from({ length: 25 }, (__, i) => i));
    const second = await list({ ...query, cursor: first.nextCursor ?? '' }, filter);
    expect(numbersOf(second)).toEqual(Array.from({ length: 25 }, (__, i) => 25 + i));
    const back = await list({ ...query, cursor: second.previousCursor ?? '' }, filter);
    expect(back).toEqual(first);
    const last = await list({ ...query, limit: 1000, cursor: LAST_PAGE }, filter);
    expect(numbersOf(last)).toEqual(Array.from({ length: 400 }, (__, i) => CLIENTS - 400 + i));
  });

  it('of what few clients have are gathered, with the same answers', async () => {
    const wanted = Array.from({ length: CLIENTS / 100 }, (_, i) => i * 100 + 7);
    const first = await list({ search: 'rare common' });
    expect(first.total).toBe(wanted.length);
    expect(numbersOf(first)).toEqual(wanted.slice(0, 25));
    const last = await list({ search: 'rare', cursor: LAST_PAGE }, { status: 'enabled' });
    expect(numbersOf(last)).toEqual(wanted.slice(-(wanted.length % 25)));
    expect(await list({ search: 'rare' }, { status: 'disabled' })).toMatchObject({ total: 0 });
  });

  it('are counted by status in ranges of indexes', async () => {
    const { counts } = await plansOf(() => clients.countByStatus({ at: AT }));
    const [plan = ''] = counts;
    const reads = plan.split('; ').filter((step) => step.includes('clients'));
    // The number of all of them, in whichever index is the smallest; then one range for each status.
    expect(reads[0]).toMatch(/^SCAN clients USING COVERING INDEX/);
    expect(reads.slice(1).sort()).toEqual([
      'SEARCH clients USING COVERING INDEX clients_status (status=? AND locked_at=? AND expires_at<?)',
      'SEARCH clients USING COVERING INDEX clients_status (status=? AND locked_at>?)',
      'SEARCH clients USING COVERING INDEX clients_status (status=?)',
      'SEARCH clients USING INDEX clients_starts_at (starts_at>?)',
    ]);
    expect(await clients.countByStatus({ at: AT })).toEqual({
      ...{ all: CLIENTS, disabled: CLIENTS / 10, enabled: (CLIENTS / 10) * 9 },
      ...{ locked: 0, not_started: 0, expired: 0 },
    });
  });

  it('follow a client whose text changes or that goes', async () => {
    const { database } = connection;
    database.exec(
      `UPDATE clients SET search = replace(search, 'else', 'moved') WHERE created_at = 42`,
    );
    expect(numbersOf(await list({ search: 'moved' }))).toEqual([42]);
    database.exec('DELETE FROM clients WHERE created_at = 42');
    expect((await list({ search: 'moved' })).total).toBe(0);
    database.exec(
      `INSERT INTO clients_search (clients_search, rank) VALUES ('integrity-check', 1)`,
    );
  });
});
