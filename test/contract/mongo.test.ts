/** The contract of every port on MongoDB, on a replica set; its indexes; values that look like operators. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { mongo } from 'mongoose';
import { openMongoStores } from '../../adapters/mongo/index.ts';
import { COLLECTIONS } from '../../adapters/mongo/indexes.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { type Bill, QUOTA_KEPT_MS } from '../../src/domain/usage/charge-store.ts';
import {
  accessTokenFixture,
  billFixture,
  clientFixture,
  eventOf,
  fromNow,
  NOW,
  quotaFixture,
  retryFixture,
} from '../support/contract-fixtures.ts';
import { mongodFor, startReplicaSet } from '../support/mongod.ts';
import { describeAllContracts } from './all.ts';
import { useServer, withStores } from './mongo.ts';

const mongod = await mongodFor('test/contract/mongo.test.ts');

(mongod ? describe : describe.skip)('MongoDB, replica set', () => {
  const server = useServer(() => startReplicaSet({ count: 1 }));
  const urls = new WeakMap<Stores, string>();
  let last = '';

  async function open(): Promise<Stores> {
    last = server().uri(`tollgate_${randomUUID()}`);
    const stores = await openMongoStores({ url: last });
    urls.set(stores, last);
    return stores;
  }

  describeAllContracts('mongo', {
    open,
    dump: (stores) => withDatabase(urls.get(stores) ?? '', dump),
    url: () => last,
  });
  describeIndexes(open, () => last);
  describeQuotaPurge(open, () => last);
  describePlans(open, () => last);
  describeInput(open, () => last);
});

async function withDatabase<T>(url: string, use: (db: mongo.Db) => Promise<T>): Promise<T> {
  const client = await mongo.MongoClient.connect(url);
  try {
    return await use(client.db());
  } finally {
    await client.close();
  }
}

async function dump(db: mongo.Db): Promise<string> {
  const collections = await db.collections();
  const all = collections.map(async (one) => [one.collectionName, await one.find().toArray()]);
  return JSON.stringify(await Promise.all(all));
}

function describeIndexes(open: () => Promise<Stores>, url: () => string): void {
  const indexesOf = (collection: string) =>
    withDatabase(url(), (db) => db.collection(collection).indexes());

  it('has the indexes of its schemas, created once however many nodes start at once', () =>
    withStores(open, async () => {
      const opened = [1, 2, 3].map(() => openMongoStores({ url: url() }));
      await Promise.all(opened.map(async (stores) => (await stores).close()));
      for (const [collection, schema] of Object.entries(COLLECTIONS)) {
        const wanted = schema.indexes().map(([key]) => key);
        if (wanted.length === 0) continue;
        const keys = (await indexesOf(collection)).map(({ key }) => key);
        expect(keys).toEqual(expect.arrayContaining(wanted));
        expect(keys).toHaveLength(wanted.length + 1);
      }
    }));

  it.each([
    ['tokens', { key: { purgeAt: 1 }, expireAfterSeconds: 0 }],
    ['artifacts', { key: { expiresAt: 1 }, expireAfterSeconds: 0 }],
    ['quotas', { key: { purgeAt: 1 }, expireAfterSeconds: 0 }],
    ['retries', { key: { expiresAt: 1 }, expireAfterSeconds: 0 }],
    ['oneTimeLinks', { key: { expiresAt: 1 }, expireAfterSeconds: 0 }],
    ['clients', { key: { clientNameKey: 1 }, unique: true }],
    ['clients', { key: { displayName: 1 }, unique: true }],
    ['users', { key: { userNameKey: 1 }, unique: true }],
    ['personalAccessTokens', { key: { digest: 1 }, unique: true }],
  ])('purges what expired or keeps values unique: %s %j', (collection, index) =>
    withStores(open, async () => {
      expect(await indexesOf(collection)).toContainEqual(expect.objectContaining(index));
    }),
  );
}

function describeQuotaPurge(open: () => Promise<Stores>, url: () => string): void {
  it('lets a quota go some time after the last end of its window, and a total never', () =>
    withStores(open, async ({ charges }) => {
      const day = quotaFixture({ clientId: 'day' });
      const total = quotaFixture({ clientId: 'total', window: 'total', endsAt: null });
      const moved = { ...day, endsAt: fromNow(7200) };
      for (const quota of [day, moved, day, total]) await charges.book(billFixture({ quota }), NOW);
      const stored = await withDatabase(url(), (db) =>
        db.collection('quotas').find().sort({ used: 1 }).toArray(),
      );
      const purgeAt = new Date(moved.endsAt.getTime() + QUOTA_KEPT_MS);
      expect(stored).toEqual([
        { _id: 'total:total', used: 1 },
        { _id: 'day:day:2027-03-31', used: 3, purgeAt },
      ]);
    }));
}

function describePlans(open: () => Promise<Stores>, url: () => string): void {
  const live = { revokedAt: null, expiresAt: { $gt: NOW } };
  it.each([
    ['a family', { $or: [{ _id: 'x' }, { familyId: 'x' }], ...live }],
    ['the tokens of a client', { clientId: 'x', ...live }],
    ['the tokens of a user', { userId: 'x', ...live }],
  ])('revokes %s without looking at every token', (_, filter) =>
    withStores(open, async () => {
      const plan = await withDatabase(url(), (db) =>
        db
          .collection('tokens')
          .find(filter as mongo.Document)
          .explain('queryPlanner'),
      );
      expect(JSON.stringify(plan)).toContain('IXSCAN');
      expect(JSON.stringify(plan)).not.toContain('COLLSCAN');
    }),
  );
}

function describeInput(open: () => Promise<Stores>, url: () => string): void {
  it('never takes a value for an operator', () =>
    withStores(open, async (stores) => {
      const client = clientFixture();
      await stores.clients.insert(client, eventOf('client.create', client.clientId));
      const token = accessTokenFixture();
      await stores.tokens.issue(token, null);
      const operators = [{ $ne: null }, { $gt: '' }, { $regex: '.*' }, ['x'], { $where: '1' }];
      for (const value of operators as unknown as string[]) {
        for (const attempt of attemptsWith(stores, value)) {
          await expect(attempt()).rejects.toMatchObject({ code: 'validation_failed' });
        }
      }
      expect(await stores.clients.find(client.clientId)).toStrictEqual(client);
      expect(await stores.tokens.findAccess(token.tokenId)).toStrictEqual(token);
    }));

  it('refuses a field that the schema does not have, and stores nothing', () =>
    withStores(open, async (stores) => {
      const client = { ...clientFixture(), surprise: 1 };
      const insert = stores.clients.insert(client, eventOf('client.create', client.clientId));
      await expect(insert).rejects.toMatchObject({ code: 'validation_failed' });
      expect(await withDatabase(url(), dump)).not.toContain(client.clientId);
    }));
}

function attemptsWith(stores: Stores, value: string): (() => Promise<unknown>)[] {
  const { clients, tokens, charges, artifacts, oneTimeLinks, lastUses, users } = stores;
  const book = (changes: Partial<Bill>) => charges.book(billFixture(changes), NOW);
  return [
    () => clients.find(value),
    () => clients.remove(value, eventOf('client.delete', 'x')),
    () => clients.recordFailedLogin(value, { at: NOW, address: null }, 1),
    () => clients.list({ limit: 1, filter: { at: NOW, securityLevel: value } }),
    () => users.findByName(value),
    () => tokens.findAccess(value),
    () => book({ uses: { tokenId: value } }),
    () => book({ uses: { tokenId: value }, retry: retryFixture() }),
    () => book({ quota: quotaFixture({ clientId: value }) }),
    () => book({ quota: quotaFixture({ window: value }) }),
    () => book({ quota: quotaFixture(), retry: retryFixture({ key: value }) }),
    () => charges.findRetry(value, NOW),
    () => charges.quotaUsed(value, 'total'),
    () => tokens.revoke(value, NOW),
    () => tokens.revokeAll({ clientId: value }, NOW),
    () => tokens.list({ userId: value }, { limit: 1, now: NOW }),
    () => artifacts.remove('Model', value),
    () => oneTimeLinks.consume(value, NOW),
    () => lastUses.find([value]),
  ];
}
