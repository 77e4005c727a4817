/** Audit events on MongoDB: what its profiler says of the commands that read those of one client. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mongo } from 'mongoose';
import { openMongoStores } from '../../adapters/mongo/index.ts';
import { LAST_PAGE } from '../../src/domain/records.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { START_MS, useServer } from '../contract/mongo.ts';
import { mongodFor, startStandalone } from '../support/mongod.ts';

const EVENTS = 20_000;
/** Of each of 100 clients and its keys. */
const OF_CLIENT = EVENTS / 100;

const mongod = await mongodFor('test/adapters/mongo-audit-plans.test.ts', true);

(mongod ? describe : describe.skip)('audit events of a client on MongoDB', () => {
  const server = useServer(startStandalone);
  let stores: Stores;
  let driver: mongo.MongoClient;
  let db: mongo.Db;

  beforeAll(async () => {
    const url = server().uri(`audit_${randomUUID()}`);
    driver = await mongo.MongoClient.connect(url);
    db = driver.db();
    stores = await openMongoStores({ url });
    // Event i happened at i: to a client, or each second one to a key of it.
    const events = Array.from({ length: EVENTS }, (_, i) => {
      const clientId = `c-${Math.floor(i / 2) % 100}`;
      return {
        _id: `e-${String(i).padStart(5, '0')}`,
        at: new Date(i),
        actor: { kind: 'system', id: 'system', address: null },
        action: 'x.update',
        object:
          i % 2 === 0
            ? { kind: 'client', id: clientId }
            : { kind: 'api_key', id: `${clientId}/key-${i % 3}` },
        changes: [],
        searchText: '',
      };
    });
    await db.collection('auditEvents').insertMany(events as unknown as mongo.Document[]);
  }, START_MS);
  afterAll(async () => {
    await stores?.close();
    await driver?.close();
  });

  it('are read and counted in ranges of an index, from either end and from within', async () => {
    await db.command({ profile: 2 });
    const query = { filter: { clientId: 'c-7' }, limit: 25 };
    const first = await stores.audit.list(query);
    const times = first.items.map(({ at }) => at.getTime());
    expect(times.slice(0, 4)).toEqual([19815, 19814, 19615, 19614]);
    expect(first.total).toBe(OF_CLIENT);
    for (const cursor of [LAST_PAGE, first.nextCursor ?? '']) {
      await stores.audit.list({ ...query, cursor });
    }
    await db.command({ profile: 0 });
    const reads = await db
      .collection('system.profile')
      .find({ ns: { $regex: /\.auditEvents$/ }, op: { $in: ['query', 'command'] } })
      .toArray();
    expect(reads).toHaveLength(6);
    for (const read of reads) {
      expect(read['planSummary']).toContain('{ object.kind: 1, object.id: 1, at: 1 }');
      expect(read['docsExamined']).toBeLessThanOrEqual(OF_CLIENT);
    }
  });
});
