/** Who uses what on MongoDB: what its profiler says of the commands that find and count it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mongo } from 'mongoose';
import { clientDocument } from '../../adapters/mongo/clients.ts';
import { openMongoStores } from '../../adapters/mongo/index.ts';
import { clientNumber } from '../../scripts/bench/many-clients.ts';
import type { ClientReference } from '../../src/domain/clients/client-store.ts';
import type { Page } from '../../src/domain/records.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { START_MS, useServer } from '../contract/mongo.ts';
import { mongodFor, startStandalone } from '../support/mongod.ts';

const AT = new Date('2027-03-31T16:00:00Z');
const CLIENTS = 6000;
/** Records beside the clients: keys, groups, scopes. */
const OTHERS = 3000;
const PAGE = 25;

/** What the profiler tells of a command. */
interface Profiled {
  command: { aggregate?: string; find?: string };
  planSummary: string;
  docsExamined: number;
}

const mongod = await mongodFor('test/adapters/mongo-used-by-plans.test.ts', true);

(mongod ? describe : describe.skip)('who uses what on MongoDB', () => {
  const server = useServer(startStandalone);
  let stores: Stores;
  let driver: mongo.MongoClient;
  let db: mongo.Db;

  beforeAll(async () => {
    const url = server().uri(`used_${randomUUID()}`);
    driver = await mongo.MongoClient.connect(url);
    db = driver.db();
    await (await openMongoStores({ url })).close();
    const named = (i: number) => [`h-${i % 100}`, 'else'];
    const clients = Array.from({ length: CLIENTS }, (_, i) => ({
      ...clientDocument(clientNumber(i, AT)),
      ...{ apiGroups: named(i), servedApiGroups: named(i), apiScopes: named(i) },
      ...{ userAllowlist: named(i), securityLevel: i % 100 === 7 ? 'RARE' : 'SYSTEM' },
    }));
    const others = Array.from({ length: OTHERS }, (_, i) => ({
      ...{
        _id: `r-${i}`,
        createdAt: AT,
        clientId: `c-${i}`,
        aliasKey: `a-${i}`,
        securityLevel: `l-${i % 100}`,
      },
      ...{ apis: named(i), apiGroups: named(i), current: { digest: `d-${i}` } },
    }));
    const insert = (name: string, documents: object[]) =>
      db.collection(name).insertMany(documents as mongo.Document[]);
    await insert('clients', clients);
    for (const name of ['apiKeys', 'apiGroups', 'apiScopes']) await insert(name, others);
    stores = await openMongoStores({ url });
  }, START_MS);
  afterAll(async () => {
    await stores?.close();
    await driver?.close();
  }, START_MS);

  /** Expects one read and one count by an index whose key starts so, with few records beside the page's. */
  async function expectIndexed(
    collection: string,
    key: string,
    list: () => Promise<Page<unknown>>,
  ) {
    await db.command({ profile: 0 });
    await db.collection('system.profile').drop();
    await db.command({ profile: 2 });
    const { total } = await list();
    await db.command({ profile: 0 });
    expect(total).toBeGreaterThan(PAGE);
    const found = await db.collection<Profiled>('system.profile').find().toArray();
    const commands = found.filter(
      ({ command }) => command.find === collection || command.aggregate === collection,
    );
    expect(commands).toHaveLength(2);
    for (const { planSummary, docsExamined } of commands) {
      expect(planSummary).toMatch(/^(IXSCAN|COUNT_SCAN)/);
      expect(planSummary).toContain(`{ ${key}: 1 }`);
      expect(docsExamined).toBeLessThanOrEqual(2 * total + 10 * PAGE);
    }
  }

  const naming = (fields: readonly ClientReference[]) => () =>
    stores.clients.list({ filter: { at: AT, naming: { fields, anyOf: ['h-7'] } }, limit: PAGE });

  it.each(['apiGroups', 'servedApiGroups', 'apiScopes', 'userAllowlist'] as const)(
    'is found by the index of %s',
    (field) => expectIndexed('clients', field, naming([field])),
  );

  it('is found in two fields by the indexes of both', async () => {
    const list = naming(['apiGroups', 'apiScopes']);
    await expectIndexed('clients', 'apiGroups', list);
    await expectIndexed('clients', 'apiScopes', list);
  });

  it('is found for a level, and for the keys of an API group', async () => {
    const filter = { at: AT, securityLevel: 'RARE' };
    const { apiKeys, clients } = stores;
    await expectIndexed('clients', 'securityLevel', () => clients.list({ filter, limit: PAGE }));
    await expectIndexed('apiKeys', 'apiGroups', () =>
      apiKeys.list({ filter: { apiGroup: 'h-7' }, limit: PAGE }),
    );
  });

  it.each(['apiGroups', 'apiScopes'] as const)(
    'is found for %s by API and by level',
    async (name) => {
      const list = (filter: object) => () => stores[name].list({ filter, limit: PAGE });
      await expectIndexed(name, 'apis', list({ api: 'h-7' }));
      await expectIndexed(name, 'securityLevel', list({ securityLevel: 'l-7' }));
    },
  );
});
