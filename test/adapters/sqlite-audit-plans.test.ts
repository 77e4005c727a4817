/** Audit events on SQLite: by which indexes those of one client are read. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditStore } from '../../adapters/sqlite/audit.ts';
import { type Connection, openConnection } from '../../adapters/sqlite/connection.ts';
import { migrate } from '../../adapters/sqlite/migrate.ts';
import { LAST_PAGE } from '../../src/domain/records.ts';
import { noting } from './noting.ts';

/** Event i happened at i: to one of 100 clients, each second one to a key of it. */
const FILL = `
  WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < 9999)
  INSERT INTO audit_events (event_id, at, actor_kind, actor_id, action, object_kind, object_id, changes)
  SELECT printf('e-%05d', i), i, 'system', 'system', 'x.update', iif(i % 2 = 0, 'client', 'api_key'),
    printf('c-%d', (i / 2) % 100) || iif(i % 2 = 0, '', '/key-' || (i % 3)), '[]'
  FROM numbers`;

describe('audit events of a client on SQLite', () => {
  let connection: Connection;
  const prepared: string[] = [];

  beforeAll(async () => {
    connection = await openConnection({ path: ':memory:' });
    migrate(connection);
    connection.database.exec(FILL);
  });
  afterAll(() => connection.database.close());

  it('are read and counted in ranges of an index, from either end and from within', async () => {
    const audit = auditStore(noting(connection, (sql) => void prepared.push(sql)));
    const query = { filter: { clientId: 'c-7' }, limit: 25 };
    const first = await audit.list(query);
    expect(first.total).toBe(100);
    const times = first.items.map(({ at }) => at.getTime());
    const newest = [9815, 9814, 9615, 9614];
    expect(times.slice(0, 4)).toEqual(newest);
    for (const cursor of [LAST_PAGE, first.nextCursor ?? ''])
      await audit.list({ ...query, cursor });
    const lists = prepared.filter((sql) => /pageKey|count\(/.test(sql));
    expect(lists).toHaveLength(6);
    for (const sql of lists) {
      const plan = connection
        .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => detail);
      const ranges = plan.filter((step) => step.includes('INDEX audit_events_object '));
      expect(ranges.map((step) => /\(.*/.exec(step)?.[0])).toEqual([
        expect.stringMatching(/^\(object_kind=\? AND object_id=\?( AND at<\?)?\)$/),
        '(object_kind=? AND object_id>? AND object_id<?)',
      ]);
      expect(plan.join()).not.toContain('SCAN');
    }
  });
});
