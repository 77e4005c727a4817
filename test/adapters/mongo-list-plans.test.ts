/** Lists of clients on MongoDB: what its profiler says of the commands that read them. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mongo } from 'mongoose';
import { clientDocument } from '../../adapters/mongo/clients.ts';
import { openMongoStores } from '../../adapters/mongo/index.ts';
import { COMMON_WORD, clientNumber, RARE_WORD } from '../../scripts/bench/many-clients.ts';
import { clientState } from '../../src/domain/clients/client-state.ts';
import type { ClientFilter } from '../../src/domain/clients/client-store.ts';
import { LAST_PAGE } from '../../src/domain/records.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { START_MS, useServer } from '../contract/mongo.ts';
import { mongodFor, startStandalone } from '../support/mongod.ts';

const AT = new Date('2027-03-31T16:00:00Z');
/** More than a search names by their ids. */
const CLIENTS = 6000;
const PAGE = 25;

/** What the profiler tells of a command. */
interface Profiled {
  command: { aggregate?: string; find?: string };
  planSummary: string;
  docsExamined: number;
  hasSortStage?: boolean;
}

const mongod = await mongodFor('test/adapters/mongo-list-plans.test.ts', true);

(mongod ? describe : describe.skip)('lists of clients on MongoDB', () => {
  const server = useServer(startStandalone);
  const all = Array.from({ length: CLIENTS }, (_, i) => clientNumber(i, AT));
  let stores: Stores;
  let driver: mongo.MongoClient;
  let db: mongo.Db;

  beforeAll(async () => {
    const url = server().uri(`lists_${randomUUID()}`);
    driver = await mongo.MongoClient.connect(url);
    db = driver.db();
    await (await openMongoStores({ url })).close();
    const documents = all.map(clientDocument) as unknown as mongo.Document[];
    await db.collection('clients').insertMany(documents);
    stores = await openMongoStores({ url });
  }, START_MS);
  afterAll(async () => {
    await stores?.close();
    await driver?.close();
  }, START_MS);

  /** Commands of a call: reads of the clients, and all of them. */
  async function profiled(call: () => Promise<unknown>) {
    await db.command({ profile: 0 });
    await db.collection('system.profile').drop();
    await db.command({ profile: 2 });
    await call();
    await db.command({ profile: 0 });
    const found = await db
      .collection<Profiled>('system.profile')
      .find({ ns: { $regex: /\.client/ } })
      .toArray();
    const pages = found.filter(({ command }) => command.find === 'clients');
    const counts = found.filter(({ command }) => command.aggregate !== undefined);
    return { pages, counts, found };
  }

  const list = (
    query: Partial<Parameters<Stores['clients']['list']>[0]> = {},
    filter: Omit<ClientFilter, 'at'> = {},
  ) => stores.clients.list({ limit: PAGE, ...query, filter: { at: AT, ...filter } });

  it.each([
    ['createdAt', 'createdAt'],
    ['clientName', 'clientNameKey'],
    ['displayName', 'displayNameKey'],
    ['expiresAt', 'closesAt'],
    ['lastUsedAt', 'lastUsedAt'],
  ])(
    'by %s are read in the order of an index, from either end and from within',
    async (field, path) => {
      for (const descending of [false, true]) {
        const sort = { field, descending };
        const first = await list({ sort });
        for (const cursor of [undefined, LAST_PAGE, first.nextCursor ?? '']) {
          const { pages } = await profiled(() =>
            list({ sort, ...(cursor === undefined ? {} : { cursor }) }),
          );
          expect(pages).toHaveLength(1);
          expect(pages[0]?.planSummary).toContain(`{ ${path}: 1, _id: 1 }`);
          expect(pages[0]?.hasSortStage).toBeUndefined();
          expect(pages[0]?.docsExamined).toBeLessThanOrEqual(PAGE + 1);
        }
      }
    },
  );

  it('find rare words in the narrow collection of texts, whose missing ones opening has written', async () => {
    const { found, pages } = await profiled(async () => {
      const page = await list({ search: RARE_WORD });
      expect(page.items.map(({ clientName }) => clientName)).toEqual([all[4242]?.clientName]);
      expect(page.total).toBe(1);
    });
    expect(pages.map(({ docsExamined }) => docsExamined)).toEqual([1]);
    expect(found.map(({ command }) => command.find)).toEqual(['clientTexts', 'clients']);
  });

  it('of a common word are read in the order of the list', async () => {
    const sorted = all.toSorted(
      (a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.clientId < b.clientId ? -1 : 1),
    );
    const ids = sorted.map(({ clientId }) => clientId);
    const { pages } = await profiled(async () => {
      const page = await list({ search: COMMON_WORD });
      expect(page.items.map(({ clientId }) => clientId)).toEqual(ids.slice(0, PAGE));
      expect(page.total).toBe(CLIENTS);
    });
    expect(pages).toMatchObject([{ planSummary: 'IXSCAN { createdAt: 1, _id: 1 }' }]);
    expect(pages[0]?.docsExamined).toBeLessThan(500);
    const last = await list({ search: COMMON_WORD, cursor: LAST_PAGE });
    expect(last.items.map(({ clientId }) => clientId)).toEqual(ids.slice(-PAGE));
    const enabled = await list({ search: COMMON_WORD }, { status: 'enabled' });
    const wanted = sorted.filter((client) => clientState(client, AT).status === 'enabled');
    expect(enabled.items.map(({ clientId }) => clientId)).toEqual(
      wanted.slice(0, PAGE).map(({ clientId }) => clientId),
    );
    expect(enabled.total).toBe(wanted.length);
  });

  it.each<[string, Omit<ClientFilter, 'at'>]>([
    ['disabled ones', { status: 'disabled' }],
    ['locked ones', { status: 'locked' }],
    ['those not started', { status: 'not_started' }],
    ['expired ones', { status: 'expired' }],
    ['those that expire soon', { expiringBefore: new Date(AT.getTime() + 60 * 86_400_000) }],
    ['a group', { apiGroup: 'orders.v0' }],
    ['an environment', { environment: 'development' }],
  ])('of %s look at few clients beside them', async (_, filter) => {
    const { total } = await list({}, filter);
    expect(total).toBeGreaterThan(10);
    const { pages, counts } = await profiled(() => list({}, filter));
    expect(pages).toHaveLength(1);
    expect(counts).toHaveLength(1);
    for (const { planSummary, docsExamined } of [...pages, ...counts]) {
      expect(planSummary).toMatch(/^(IXSCAN|COUNT_SCAN)/);
      expect(docsExamined).toBeLessThanOrEqual(2 * total + 10 * PAGE);
    }
  });

  it('are counted by status by indexes', async () => {
    const states = all.map((client) => clientState(client, AT).status);
    const of = (status: string) => states.filter((state) => state === status).length;
    const { counts } = await profiled(async () => {
      expect(await stores.clients.countByStatus({ at: AT })).toEqual({
        ...{ all: CLIENTS, enabled: of('enabled'), disabled: of('disabled') },
        ...{ locked: of('locked'), not_started: of('not_started'), expired: of('expired') },
      });
    });
    expect(counts).toHaveLength(5);
    for (const { planSummary, docsExamined } of counts) {
      expect(planSummary).toMatch(/^(IXSCAN|COUNT_SCAN)/);
      expect(docsExamined).toBeLessThan(CLIENTS / 4);
    }
  });
});
