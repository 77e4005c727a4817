/** MongoDB without transactions, frozen, and killed: what its adapter promises then. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openMongoStores } from '../../adapters/mongo/index.ts';
import type { DomainError } from '../../src/domain/errors.ts';
import type { Stores } from '../../src/domain/stores.ts';
import type { QuotaLine } from '../../src/domain/usage/charge-store.ts';
import {
  accessTokenFixture,
  billFixture,
  clientFixture,
  eventOf,
  NOW,
  quotaFixture,
  retryFixture,
  spendUse,
} from '../support/contract-fixtures.ts';
import {
  type MongodServer,
  mongodFor,
  startReplicaSet,
  startStandalone,
} from '../support/mongod.ts';
import { describePortContracts } from './all.ts';
import { START_MS, useServer, withStores } from './mongo.ts';

/** Nodes of Tollgate on one replica set. */
const NODES = 4;
const ELECTION_MS = 30_000;

// Servers of a test's own: one that MONGODB_TEST_URI names is not there to be killed.
const mongod = await mongodFor('test/contract/mongo-outages.test.ts', true);

(mongod ? describe : describe.skip)('MongoDB, standalone server', () => {
  const server = useServer(startStandalone);
  const url = () => server().uri(`tollgate_${randomUUID()}`);
  describePortContracts('mongo, without transactions', () => openMongoStores({ url: url() }));
  describeRestart(url);
  describeOutage(url, server);
});

(mongod ? describe : describe.skip)('MongoDB, fail-over of a replica set of three', () => {
  describeFailOver(useServer(() => startReplicaSet({ count: 3 })));
});

// A set of its own: one that has lost a member does not survive the loss of another.
(mongod ? describe : describe.skip)('MongoDB, retries in the fail-over of a replica set', () => {
  describeRetriesInFailOver(useServer(() => startReplicaSet({ count: 3 })));
});

function describeRestart(url: () => string): void {
  it('makes every cache read anew when a process starts, since the last may have crashed', async () => {
    const here = url();
    const open = () => openMongoStores({ url: here });
    let position = 0;
    await withStores(open, async (stores) => {
      const client = clientFixture();
      await stores.clients.insert(client, eventOf('client.create', client.clientId));
      position = (await stores.changes.since(0))?.position ?? 0;
      expect(await stores.changes.since(position)).toBeNull();
    });
    await withStores(open, async (stores) => {
      expect(await stores.changes.since(position)).toMatchObject({ changed: 'everything' });
    });
  });
}

function describeOutage(url: () => string, server: () => MongodServer): void {
  it(
    'answers store_unavailable within seconds while the server hangs, and recovers',
    () =>
      withStores(
        () => openMongoStores({ url: url() }),
        async (stores) => {
          const pid = await server().primaryPid();
          process.kill(pid, 'SIGSTOP');
          try {
            const answers = await Promise.allSettled(callsOf(stores).map((call) => call()));
            const reason = { code: 'store_unavailable' };
            for (const answer of answers) {
              expect(answer).toMatchObject({ status: 'rejected', reason });
            }
          } finally {
            process.kill(pid, 'SIGCONT');
          }
          await eventually(() => stores.ping());
        },
      ),
    20_000,
  );

  it('does not open where nothing listens', async () => {
    const opening = openMongoStores({ url: 'mongodb://127.0.0.1:1/none' });
    await expect(opening).rejects.toMatchObject({ code: 'store_unavailable' });
  });
}

function callsOf(stores: Stores): (() => Promise<unknown>)[] {
  return [
    () => stores.ping(),
    () => stores.clients.find('any'),
    () => stores.clients.remove('any', eventOf('client.delete', 'any')),
    () => stores.clients.list({ limit: 1 }),
    () => stores.tokens.findAccess('any'),
    () => spendUse(stores, 'any', NOW),
    () => stores.charges.book(billFixture({ quota: quotaFixture() }), NOW),
    () => stores.charges.book(billFixture({ retry: retryFixture() }), NOW),
    () => stores.charges.quotaUsed('any', 'total'),
    () => stores.tokens.issue(accessTokenFixture(), null),
    () => stores.changes.since(0),
  ];
}

/** Repeats a call while the store is unavailable, for as long as an election may take. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + ELECTION_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if ((error as DomainError).code !== 'store_unavailable') throw error;
      if (performance.now() > deadline) throw error;
    }
  }
}

/** Nodes of Tollgate on one replica set, for the tests of the surrounding `describe`. */
function useNodes(server: () => MongodServer): Stores[] {
  const nodes: Stores[] = [];
  beforeAll(async () => {
    const url = server().uri('failover');
    for (let i = 0; i < NODES; i += 1) nodes.push(await openMongoStores({ url }));
  }, START_MS);
  afterAll(async () => {
    await Promise.all(nodes.map((stores) => stores.close()));
  });
  return nodes;
}

function describeFailOver(server: () => MongodServer): void {
  const nodes = useNodes(server);

  it('never grants one use too many when the primary is killed, and no write is half done', async () => {
    const [stores] = nodes as [Stores];
    const token = accessTokenFixture({ maxUses: 100 });
    await stores.tokens.issue(token, null);
    const grants: number[] = [];
    const pid = await server().primaryPid();
    const spending = [...nodes, ...nodes].map((node) =>
      spendAll(node, token.tokenId, (uses) => {
        grants.push(uses);
        if (grants.length === 30) process.kill(pid, 'SIGKILL');
      }),
    );
    const written = Promise.all(nodes.map(insertClients));
    await Promise.all(spending);

    expect(grants.length).toBeGreaterThanOrEqual(30);
    expect(grants.length).toBeLessThanOrEqual(100);
    expect(new Set(grants).size).toBe(grants.length);
    expect((await eventually(() => stores.tokens.findAccess(token.tokenId)))?.uses).toBe(100);
    for (const clientId of (await written).flat()) await expectWhole(stores, clientId);

    const next = accessTokenFixture({ maxUses: 1 });
    await stores.tokens.issue(next, null);
    expect(await spendUse(stores, next.tokenId, NOW)).toBe(1);
    expect(await spendUse(stores, next.tokenId, NOW)).toBeNull();
  }, 90_000);
}

function describeRetriesInFailOver(server: () => MongodServer): void {
  const nodes = useNodes(server);

  it('books every call under a retry key exactly once when the primary is killed', async () => {
    const quota = quotaFixture({ limit: 200 });
    const booked: number[] = [];
    const pid = await server().primaryPid();
    const booking = [...nodes, ...nodes].map((node) =>
      bookAll(node, quota, (quotaUsed) => {
        booked.push(quotaUsed);
        if (booked.length === 60) process.kill(pid, 'SIGKILL');
      }),
    );
    await Promise.all(booking);
    expect(booked.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    const [{ charges }] = nodes as [Stores];
    expect(await charges.quotaUsed(quota.clientId, quota.window)).toBe(200);
  }, 90_000);
}

/** Books calls, each under a retry key until it is answered, until the quota is full. */
async function bookAll(
  { charges }: Stores,
  quota: QuotaLine,
  booked: (quotaUsed: number) => void,
): Promise<void> {
  for (;;) {
    const bill = billFixture({ quota, retry: retryFixture() });
    const receipt = await eventually(() => charges.book(bill, NOW));
    if (receipt.outcome === 'refused') return;
    booked(receipt.quotaUsed ?? 0);
  }
}

/** Spends until refused; anything but a use, a refusal or `store_unavailable` fails the test. */
async function spendAll(
  stores: Stores,
  tokenId: string,
  granted: (uses: number) => void,
): Promise<void> {
  for (;;) {
    const uses = await eventually(() => spendUse(stores, tokenId, NOW));
    if (uses === null) return;
    granted(uses);
  }
}

/** Writes clients while the election goes on; answers the ids of all that were tried. */
async function insertClients({ clients }: Stores): Promise<string[]> {
  const tried: string[] = [];
  for (let i = 0; i < 10; i += 1) {
    const client = clientFixture();
    tried.push(client.clientId);
    await clients
      .insert(client, eventOf('client.create', client.clientId))
      .catch((error) => expect(error).toMatchObject({ code: 'store_unavailable' }));
  }
  return tried;
}

/** A record is there with its audit event, or neither is. */
async function expectWhole({ clients, audit }: Stores, clientId: string): Promise<void> {
  const client = await clients.find(clientId);
  const { total } = await audit.list({ limit: 1, filter: { objectId: clientId } });
  expect(total).toBe(client === null ? 0 : 1);
}
