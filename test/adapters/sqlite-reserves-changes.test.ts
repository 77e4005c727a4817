/** Reserves while their accounts change, syncs and transactions fail, and several processes open the file. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chargeStore } from '../../adapters/sqlite/charges.ts';
import { openConnection } from '../../adapters/sqlite/connection.ts';
import { openSqliteStores } from '../../adapters/sqlite/index.ts';
import { RESERVED_MOST, Reserves } from '../../adapters/sqlite/reserves.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { type Bill, QUOTA_KEPT_MS } from '../../src/domain/usage/charge-store.ts';
import { race } from '../contract/races.ts';
import {
  accessTokenFixture,
  billFixture,
  fresh,
  fromNow,
  NOW,
  quotaFixture,
  retryFixture,
} from '../support/contract-fixtures.ts';
import { FIRST_BOOT, type Machine, MachineRoom, SECOND_BOOT, type Settle } from './machine.ts';

const room = new MachineRoom();
beforeAll(() => room.prepare());
afterAll(() => room.clear());

const LIMIT = 1_000_000;
const QUOTA = quotaFixture({ limit: LIMIT });
const unavailable = expect.objectContaining({ code: 'store_unavailable' });

/** Charges one quota. */
function book({ charges }: Pick<Stores, 'charges'>, weight: number, changes: Partial<Bill> = {}) {
  return charges.book(billFixture({ weight, quota: QUOTA, ...changes }), NOW);
}

const limited = (limit: number) => ({ quota: { ...QUOTA, limit } });
const used = ({ charges }: Pick<Stores, 'charges'>) =>
  charges.quotaUsed(QUOTA.clientId, QUOTA.window);

/** What is used once the power was cut, in the worst case, and came back. */
async function usedAfterCut(machine: Machine): Promise<number> {
  return used(await machine.restored(machine.synced()).open({ boot: SECOND_BOOT }));
}

/** Resolves when whatever was booked before is committed, and answered unless it waits for the disk. */
async function twoTransactions({ tokens }: Stores): Promise<void> {
  // An issued token does not wait for it.
  for (let i = 0; i < 2; i += 1) await tokens.issue(accessTokenFixture(), null);
}

/** Has the next sync fail. */
function failOnce(machine: Machine): void {
  machine.gate = (settle) => {
    machine.gate = (next) => next(null);
    settle(new Error('the disk did not write'));
  };
}

/** Syncs that are held back, in the order of their begin. */
interface Held {
  next(): Promise<Settle>;
  /** Settles what is held and was not taken, and holds no more. */
  release(): void;
}

/** Holds syncs back. */
function hold(machine: Machine): Held {
  const held: Settle[] = [];
  const asking: ((settle: Settle) => void)[] = [];
  machine.gate = (settle) => {
    const ask = asking.shift();
    if (ask === undefined) held.push(settle);
    else ask(settle);
  };
  return {
    next: async () => held.shift() ?? new Promise((resolve) => asking.push(resolve)),
    release() {
      machine.gate = (settle) => settle(null);
      for (const settle of held.splice(0)) settle(null);
    },
  };
}

describe('a retry of a charge that is on its way to the disk', () => {
  it.each([
    ['in the same transaction', false],
    ['in a later one', true],
  ])('is not answered before the charge would survive a power cut: %s', async (_when, isLater) => {
    const machine = room.machine();
    const stores = await machine.open();
    const retry = retryFixture();
    const syncs = hold(machine);
    const first = book(stores, 1, { retry });
    const settle = isLater ? await syncs.next() : null;
    const usedAtAnswer = book(stores, 1, { retry }).then(() => usedAfterCut(machine));
    await twoTransactions(stores);
    (settle ?? (await syncs.next()))(null);
    syncs.release();
    await first;
    expect(await usedAtAnswer).toBeGreaterThanOrEqual(1);
  });

  it('is not found before the charge would survive a power cut', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    const retry = retryFixture();
    const syncs = hold(machine);
    const first = book(stores, 1, { retry });
    const settle = await syncs.next();
    const found = stores.charges.findRetry(retry.key, NOW).then(async (paid) => ({
      paid,
      usedAfterCut: await usedAfterCut(machine),
    }));
    await twoTransactions(stores);
    settle(null);
    syncs.release();
    await first;
    const { paid, usedAfterCut: kept } = await found;
    expect(paid === null || kept >= 1).toBe(true);
  });
});

describe('a sync that fails', () => {
  it('refuses the charges that needed it, which stay spent at most, and the next one asks again', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    failOnce(machine);
    const [first, second] = await Promise.allSettled([book(stores, 1), book(stores, 2)]);
    expect([first, second]).toEqual([
      { status: 'rejected', reason: unavailable },
      { status: 'rejected', reason: unavailable },
    ]);
    expect(await used(stores)).toBe(3);
    expect(await usedAfterCut(machine)).toBe(0);
    const before = machine.syncs;
    expect(await book(stores, 1)).toMatchObject({ quotaUsed: 4 });
    expect(machine.syncs).toBe(before + 1);
    expect(await usedAfterCut(machine)).toBe(4 + RESERVED_MOST);
  });

  it('lets those within a synced reserve be answered, and none rely on the one it was to bring', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    await book(stores, 1);
    const syncs = hold(machine);
    // Beyond half of the reserve of 257: a second one is written, and does not reach the disk.
    expect(await book(stores, 150)).toMatchObject({ quotaUsed: 151 });
    expect(machine.reserves()).toMatchObject([{ figure: 151 + RESERVED_MOST }]);
    (await syncs.next())(new Error('the disk did not write'));
    expect(await book(stores, 50)).toMatchObject({ quotaUsed: 201 });
    const settleAsked = await syncs.next();
    let isAnswered = false;
    const beyond = book(stores, 100).then((receipt) => {
      isAnswered = true;
      return receipt;
    });
    const settleBeyond = await syncs.next();
    await twoTransactions(stores);
    expect(isAnswered).toBe(false);
    settleAsked(null);
    settleBeyond(null);
    expect(await beyond).toMatchObject({ quotaUsed: 301 });
    syncs.release();
    expect(await usedAfterCut(machine)).toBe(201 + RESERVED_MOST);
  });

  it('counts at most once for each charge that it refused, up to the limit', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    for (let i = 0; i < 5; i += 1) {
      failOnce(machine);
      await expect(book(stores, 1, limited(8))).rejects.toMatchObject({
        code: 'store_unavailable',
      });
    }
    expect(await book(stores, 1, limited(8))).toMatchObject({ quotaUsed: 6 });
    expect(await book(stores, 3, limited(8))).toEqual({ outcome: 'refused', line: 'quota' });
    expect(await usedAfterCut(machine)).toBe(6);
  });

  it('beside a lower limit leaves no reserve that is relied upon and not stored', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    await book(stores, 1);
    const syncs = hold(machine);
    await book(stores, 150);
    const second = await syncs.next();
    await book(stores, 100);
    const third = book(stores, 50);
    const settleThird = await syncs.next();
    second(new Error('the disk did not write'));
    // Of a quota of 1,200 little is left: the reserve that is written now is a lower one.
    const fourth = book(stores, 1, limited(1200));
    const settleFourth = await syncs.next();
    settleThird(null);
    settleFourth(null);
    syncs.release();
    await Promise.all([third, fourth]);
    const answer = await book(stores, 100, limited(1200));
    expect(answer).toMatchObject({ quotaUsed: 402 });
    expect(await usedAfterCut(machine)).toBeGreaterThanOrEqual(402);
  });
});

describe('a transaction that fails', () => {
  it('at its commit leaves neither a charge nor a reserve, and the next charge is safe', async () => {
    const machine = room.machine();
    const { path, syncFile } = machine;
    const connection = await openConnection({ path, syncFile });
    connection.database.exec(`
      CREATE TABLE parents (id INTEGER PRIMARY KEY);
      CREATE TABLE children (id INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
    `);
    const charges = chargeStore(connection, new Reserves(connection, FIRST_BOOT));
    const spoil = connection.prepare('INSERT INTO children (id) VALUES (1)');
    const failed = await Promise.allSettled([
      book({ charges }, 1),
      connection.write(() => spoil.run()),
    ]);
    expect(failed).toEqual(failed.map(() => ({ status: 'rejected', reason: unavailable })));
    expect(await used({ charges })).toBe(0);
    expect(machine.reserves()).toEqual([]);
    expect(await book({ charges }, 1)).toMatchObject({ quotaUsed: 1 });
    expect(await usedAfterCut(machine)).toBe(1 + RESERVED_MOST);
    connection.log.close();
    connection.database.close();
  });

  it('at a statement leaves no reserve that the next charges count as written', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    const token = accessTokenFixture({ maxUses: 0 });
    await stores.tokens.issue(token, null);
    machine.query(`CREATE TRIGGER spoil BEFORE UPDATE OF uses ON tokens
      BEGIN SELECT raise(ABORT, 'spoiled'); END`);
    const both = { uses: { tokenId: token.tokenId } };
    await expect(book(stores, 1, both)).rejects.toThrow('spoiled');
    machine.query('DROP TRIGGER spoil');
    expect(await used(stores)).toBe(0);
    const before = machine.syncs;
    for (let figure = 1; figure <= 100; figure += 1) {
      expect(await book(stores, 1)).toMatchObject({ quotaUsed: figure });
    }
    expect(machine.syncs - before).toBeLessThan(10);
  });
});

describe('the reserve of an account that changes', () => {
  it('goes with its quota or token, and is removed with what has expired', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    const token = accessTokenFixture({ maxUses: 0, expiresAt: fromNow(600) });
    await stores.tokens.issue(token, null);
    await book(stores, 1, { quota: { ...QUOTA, endsAt: fromNow(60) } });
    await book(stores, 1, { quota: { ...QUOTA, window: 'total', endsAt: null } });
    await book(stores, 1, { quota: null, uses: { tokenId: token.tokenId } });
    const ids = () => machine.reserves().map(({ kind }) => kind);
    expect(ids()).toEqual(['quota', 'quota', 'uses']);
    await stores.removeExpired(fromNow(599));
    expect(ids()).toEqual(['quota', 'quota', 'uses']);
    await stores.removeExpired(fromNow(600));
    expect(ids()).toEqual(['quota', 'quota']);
    await stores.removeExpired(new Date(fromNow(60).getTime() + QUOTA_KEPT_MS - 1));
    expect(ids()).toEqual(['quota', 'quota']);
    await stores.removeExpired(new Date(fromNow(60).getTime() + QUOTA_KEPT_MS));
    expect(machine.query('SELECT "window" FROM reserves')).toEqual([{ window: 'total' }]);
  });

  it('stays as long as its window, where the end of that moves', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    await book(stores, 1, { quota: { ...QUOTA, endsAt: fromNow(60) } });
    const later = { quota: { ...QUOTA, endsAt: fromNow(86_400) } };
    await book(stores, 1, later);
    await stores.removeExpired(new Date(fromNow(60).getTime() + QUOTA_KEPT_MS));
    expect(await book(stores, 1, later)).toMatchObject({ quotaUsed: 3 });
    expect(await usedAfterCut(machine)).toBeGreaterThanOrEqual(3);
  });

  it('is not relied upon where another process moved the end, and nobody kept it', async () => {
    const machine = room.machine();
    const [stores, other] = [await machine.open(), await machine.open()];
    await book(stores, 1, { quota: { ...QUOTA, endsAt: fromNow(60) } });
    const later = { quota: { ...QUOTA, endsAt: fromNow(86_400) } };
    await book(other, 1, later);
    await other.close();
    await stores.removeExpired(new Date(fromNow(60).getTime() + QUOTA_KEPT_MS));
    expect(machine.reserves()).toEqual([]);
    expect(await book(stores, 1, later)).toMatchObject({ quotaUsed: 3 });
    expect(await usedAfterCut(machine)).toBeGreaterThanOrEqual(3);
  });

  it('never grants too many while its limit goes down and up', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    let answered = 0;
    for (const [i, limit] of [LIMIT, 900, LIMIT, 300, 100_000, 2000, LIMIT].entries()) {
      for (let charge = 0; charge < 40; charge += 1) {
        const receipt = await book(stores, 1 + ((i + charge) % 5), limited(limit));
        if (receipt.outcome === 'booked') answered = receipt.quotaUsed ?? 0;
        if (charge % 13 === 0) expect(await usedAfterCut(machine)).toBeGreaterThanOrEqual(answered);
      }
    }
    expect(answered).toBe(await used(stores));
    expect(await usedAfterCut(machine)).toBeGreaterThanOrEqual(answered);
  });

  it('grants nothing of a token that was revoked, before or after a power cut', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    const token = accessTokenFixture({ maxUses: 100_000 });
    await stores.tokens.issue(token, null);
    const bill = billFixture({ uses: { tokenId: token.tokenId } });
    await stores.charges.book(bill, NOW);
    await stores.tokens.revoke(token.tokenId, NOW);
    const refused = { outcome: 'refused', line: 'uses' };
    expect(await stores.charges.book(bill, NOW)).toEqual(refused);
    const restored = await machine.restored(machine.synced()).open({ boot: SECOND_BOOT });
    expect(await restored.charges.book(bill, NOW)).toEqual(refused);
    expect((await restored.tokens.findAccess(token.tokenId))?.uses).toBe(1 + RESERVED_MOST);
  });

  it('is asked for again where more accounts are charged than are remembered', async () => {
    const machine = room.machine();
    const connection = await openConnection({ path: machine.path, syncFile: machine.syncFile });
    const reserves = new Reserves(connection, FIRST_BOOT);
    const charges = chargeStore(connection, reserves);
    await book({ charges }, 1);
    const remembered = reserves.of('quota', `${QUOTA.clientId} ${QUOTA.window}`);
    expect(remembered.synced).toBe(1 + RESERVED_MOST);
    for (let i = 0; i < 50_000; i += 1) reserves.of('uses', String(i));
    const before = machine.syncs;
    expect(await book({ charges }, 1)).toMatchObject({ quotaUsed: 2 });
    expect(machine.syncs).toBe(before + 1);
    expect(await usedAfterCut(machine)).toBe(2 + RESERVED_MOST);
    connection.log.close();
    connection.database.close();
  });
});

describe('a file that several processes open', () => {
  it('is charged its reserves once, however many open it at the same moment', async () => {
    const machine = room.machine();
    await book(await machine.open(), 1);
    const restored = machine.restored(machine.synced());
    const all = await Promise.all(Array.from({ length: 4 }, () => restored.open({ boot: 'next' })));
    let figure = 1 + RESERVED_MOST;
    expect(restored.reserves()).toEqual([]);
    for (let round = 0; round < 10; round += 1) {
      for (const stores of all) {
        figure += 1;
        expect(await book(stores, 1)).toMatchObject({ quotaUsed: figure });
      }
    }
    // One that opens it later finds the reserves of its own boot, which are not charged.
    expect(await used(await restored.open({ boot: 'next' }))).toBe(figure);
  });

  it('grants exactly what a reserve left of a quota, where processes race for it', async () => {
    const machine = room.machine();
    const clientId = fresh('raced');
    const quota = quotaFixture({ clientId, limit: LIMIT });
    const stores = await machine.open();
    await stores.charges.book(billFixture({ weight: 100, quota }), NOW);
    const restored = machine.restored(machine.synced());
    const job = { name: 'bookQuota' as const, id: clientId, times: 100 };
    const answers = await race(`sqlite:${restored.path}`, job);
    const wins = (answers as (number | null)[]).filter((each) => each !== null);
    const start = 100 + RESERVED_MOST;
    expect(wins.sort((a, b) => a - b)).toEqual(
      Array.from({ length: 500 - start }, (_, i) => start + 1 + i),
    );
  }, 120_000);

  it('stays safe for one whose boot is known, where another does not know it', async () => {
    const machine = room.machine();
    const stores = await machine.open();
    expect(await book(stores, 1)).toMatchObject({ quotaUsed: 1 });
    const other = await machine.open({ boot: null });
    // The other could not tell whether the machine was started since.
    expect(await used(other)).toBe(1 + RESERVED_MOST);
    let figure = 1 + RESERVED_MOST;
    for (let i = 0; i < 20; i += 1) {
      figure += 2;
      expect(await book(stores, 1)).toMatchObject({ quotaUsed: figure - 1 });
      expect(await book(other, 1)).toMatchObject({ quotaUsed: figure });
      expect(await usedAfterCut(machine)).toBeGreaterThanOrEqual(figure);
    }
  });

  it('is charged on the next boot what a killed process had reserved, and by nobody before', async () => {
    const machine = room.machine();
    await book(await machine.open(), 1);
    const killed = machine.restored(machine.cached());
    const again = await killed.open();
    expect(await used(again)).toBe(1);
    await book(again, 10);
    await again.close();
    expect(killed.reserves()).toMatchObject([{ boot: FIRST_BOOT, figure: 1 + RESERVED_MOST }]);
    expect(await used(await killed.open({ boot: SECOND_BOOT }))).toBe(1 + RESERVED_MOST);
  });
});

describe('a power cut after a power cut', () => {
  it('before anything reached the disk charges the same reserves again, and no more', async () => {
    const machine = room.machine();
    await book(await machine.open(), 1);
    const restored = machine.restored(machine.synced());
    await restored.open({ boot: SECOND_BOOT });
    // What was charged at the open was never synced.
    const third = restored.restored(restored.synced());
    expect(await used(await third.open({ boot: 'third-boot' }))).toBe(1 + RESERVED_MOST);
  });
});

describe('a database in memory', () => {
  it('is charged exactly up to the limit', async () => {
    const stores = await openSqliteStores({ path: ':memory:', boot: FIRST_BOOT });
    expect(await book(stores, LIMIT - 1)).toMatchObject({ quotaUsed: LIMIT - 1 });
    expect(await book(stores, 2)).toEqual({ outcome: 'refused', line: 'quota' });
    expect(await book(stores, 1)).toMatchObject({ quotaUsed: LIMIT });
    await stores.close();
  });
});
