/** Decisions and usage counts on SQLite: by which indexes they are read, and how they are removed. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Connection, openConnection } from '../../adapters/sqlite/connection.ts';
import { decisionStore } from '../../adapters/sqlite/decisions.ts';
import { expiredRemover } from '../../adapters/sqlite/expired.ts';
import { migrate } from '../../adapters/sqlite/migrate.ts';
import { usageStore } from '../../adapters/sqlite/usage.ts';
import type { DecisionFilter } from '../../src/domain/decision/decision-store.ts';
import { EXPIRED_BATCH } from '../../src/domain/stores.ts';
import { USAGE_DAYS } from '../../src/domain/usage/usage-store.ts';
import {
  decisionFixture,
  fresh,
  fromNow,
  NOW,
  usageCountFixture,
} from '../support/contract-fixtures.ts';

const RANGE = { from: fromNow(-86_400), to: fromNow(86_400) };
const CLIENT = { clientId: 'c' };
const REASON = { reason: 'token_expired' } as const;

describe('decisions and usage counts on SQLite', () => {
  let connection: Connection;
  let prepared: string[];
  /** The connection, which notes every statement that it prepares. */
  let watched: Connection;

  beforeEach(async () => {
    connection = await openConnection({ path: ':memory:' });
    migrate(connection);
    prepared = [];
    watched = {
      ...connection,
      prepare: <Row>(sql: string) => {
        prepared.push(sql);
        return connection.prepare<Row>(sql);
      },
    };
  });
  afterEach(() => connection.database.close());

  const plansOf = (statements: string[]) =>
    statements.map((sql) =>
      connection
        .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => detail)
        .join('; '),
    );

  it.each<[string, DecisionFilter, string]>([
    ['all', {}, 'decisions_at'],
    ['all of a time', RANGE, 'decisions_at'],
    ['those of a client', CLIENT, 'decisions_client'],
    ['those of a client and a time', { ...CLIENT, ...RANGE }, 'decisions_client'],
    ['those of a reason', REASON, 'decisions_reason'],
    ['those of a client and a reason', { ...CLIENT, ...REASON }, 'decisions_client_reason'],
    ['those of an address', { address: 'a' }, 'decisions_address'],
    ['the allowed ones', { outcome: 'allowed' }, 'decisions_reason'],
    ['the allowed ones of a client', { ...CLIENT, outcome: 'allowed' }, 'decisions_client_reason'],
  ])(
    'lists %s in the order of an index, and counts them in one alone',
    async (_, filter, index) => {
      const store = decisionStore(watched);
      await store.record(
        [1, 2, 3].map(() => decisionFixture({ ...CLIENT, ...REASON, address: 'a' })),
      );
      prepared = [];
      const first = await store.list({ filter: { ...filter, at: NOW }, limit: 1 });
      const cursor = first.nextCursor ?? undefined;
      await store.list({ filter: { ...filter, at: NOW }, limit: 1, ...(cursor && { cursor }) });
      const isCount = (sql: string) => sql.includes('count(*)');
      const pages = plansOf(prepared.filter((sql) => !isCount(sql)));
      expect(pages).toHaveLength(2);
      for (const plan of pages) {
        expect(plan).toMatch(new RegExp(`^(SEARCH|SCAN) decisions USING INDEX ${index}\\b`));
        expect(plan).not.toContain('TEMP B-TREE');
      }
      const counts = plansOf(prepared.filter(isCount));
      expect(counts).toHaveLength(2);
      for (const plan of counts) {
        expect(plan).toMatch(/(SEARCH|SCAN) decisions USING COVERING INDEX/);
      }
    },
  );

  it('lists usage counts of a client by the primary key, those of all by hour', async () => {
    usageStore(watched);
    const [ofAll, ofClient] = plansOf(prepared.filter((sql) => sql.startsWith('SELECT')));
    expect(ofAll).toMatch(/^SEARCH usage_counts USING (COVERING )?INDEX usage_counts_hour \(hour>/);
    expect(ofClient).toBe(
      'SEARCH usage_counts USING PRIMARY KEY (client_id=? AND hour>? AND hour<?)',
    );
  });

  it('finds what expired by an index', () => {
    expiredRemover(watched);
    const removals = prepared.filter((sql) => /decisions|usage_counts/.test(sql));
    const [decisions, counts] = plansOf(removals);
    expect(decisions).toContain('INDEX decisions_expires_at (expires_at<?)');
    expect(counts).toContain('INDEX usage_counts_hour (hour<?)');
    for (const plan of [decisions, counts]) {
      expect(plan).not.toMatch(/SCAN decisions|SCAN usage_counts|ORDER BY/);
    }
  });

  it('removes decisions that expired, a batch at a time', async () => {
    const store = decisionStore(connection);
    const remove = expiredRemover(connection);
    const expiring = Array.from({ length: EXPIRED_BATCH + 5 }, () =>
      decisionFixture({ expiresAt: fromNow(10) }),
    );
    const kept = decisionFixture({ expiresAt: fromNow(11) });
    await store.record([...expiring, kept]);
    expect(await remove(fromNow(9))).toBe(0);
    expect(await remove(fromNow(10))).toBe(EXPIRED_BATCH);
    expect(await remove(fromNow(10))).toBe(5);
    expect(await remove(fromNow(10))).toBe(0);
    expect((await store.list({ limit: 10 })).items).toStrictEqual([kept]);
  });

  it(`removes usage counts ${USAGE_DAYS} days after their hour, a batch at a time`, async () => {
    const store = usageStore(connection);
    const remove = expiredRemover(connection);
    const { hour } = usageCountFixture();
    const later = (ms: number) => new Date(hour.getTime() + USAGE_DAYS * 86_400_000 + ms);
    const old = Array.from({ length: EXPIRED_BATCH + 5 }, () =>
      usageCountFixture({ clientId: fresh('client'), apiId: null }),
    );
    const kept = usageCountFixture({ hour: new Date(hour.getTime() + 3_600_000) });
    await store.add([...old, kept]);
    expect(await remove(later(-1))).toBe(0);
    expect(await remove(later(0))).toBe(EXPIRED_BATCH);
    expect(await remove(later(0))).toBe(5);
    expect(await remove(later(3_599_999))).toBe(0);
    const range = { from: new Date(0), to: later(0), limit: 10 };
    expect(await store.list(range)).toStrictEqual([kept]);
  });
});
