/** Charges on SQLite: bills that share a transaction, and those whose transaction never begins. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openSqliteStores } from '../../adapters/sqlite/index.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { type Bill, QUOTA_KEPT_MS, type Receipt } from '../../src/domain/usage/charge-store.ts';
import {
  type accessTokenFixture,
  billFixture,
  fromNow,
  NOW,
  quotaFixture,
} from '../support/contract-fixtures.ts';
import { issued } from './issued-tokens.ts';

/** Tokens of every kind that a bill meets; `gone` was never issued. */
const TOKENS = ['three-uses', 'seven-uses', 'unlimited', 'ends-soon', 'revoked', 'gone'] as const;
const WINDOWS = ['day:2027-03-31', 'day:2027-04-01'] as const;

async function issueAll(stores: Stores): Promise<void> {
  const access = (tokenId: string, changes: Parameters<typeof accessTokenFixture>[0] = {}) =>
    issued(stores, { tokenId, familyId: null, uses: 0, maxUses: 0, revokedAt: null, ...changes });
  await access('three-uses', { maxUses: 3 });
  await access('seven-uses', { maxUses: 7 });
  await access('unlimited');
  await access('ends-soon', { maxUses: 9, expiresAt: fromNow(1) });
  await access('revoked', { revokedAt: NOW });
}

/** A bill as it is drawn, and seconds from `NOW` at which it is asked for. */
interface Drawn {
  bill: Bill;
  at: number;
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  at: fc.integer({ min: 0, max: 2 }),
  bill: fc.record({
    weight: fc.integer({ min: 1, max: 3 }),
    quota: fc.option(
      fc.record({
        clientId: fc.constantFrom('c', 'd'),
        window: fc.constantFrom(...WINDOWS),
        limit: fc.integer({ min: 0, max: 12 }),
        endsAt: fc.constantFrom(null, fromNow(60), fromNow(120)),
      }),
    ),
    uses: fc.option(fc.record({ tokenId: fc.constantFrom(...TOKENS) })),
    retry: fc.option(
      fc.record({
        key: fc.constantFrom('k', 'l'),
        decisionId: fc.constantFrom('1', '2', '3'),
        expiresAt: fc.constantFrom(fromNow(1), fromNow(60)),
      }),
    ),
  }),
});

/** What is stored after the bills, and their receipts. */
async function outcomeOf(book: (stores: Stores) => Promise<Receipt[]>) {
  const stores = await openSqliteStores({ path: ':memory:' });
  try {
    await issueAll(stores);
    const receipts = await book(stores);
    const uses = await Promise.all(
      TOKENS.map(async (tokenId) => (await stores.tokens.findAccess(tokenId))?.uses),
    );
    const used = await Promise.all(
      ['c', 'd'].flatMap((id) => WINDOWS.map((window) => stores.charges.quotaUsed(id, window))),
    );
    const retries = await Promise.all(['k', 'l'].map((key) => stores.charges.findRetry(key, NOW)));
    return { receipts, uses, used, retries };
  } finally {
    await stores.close();
  }
}

describe('charges on SQLite', () => {
  it('books bills of one moment as if each had come after the one before', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(drawn, { maxLength: 30 }), async (bills) => {
        const atOnce = await outcomeOf((stores) =>
          Promise.all(bills.map(({ bill, at }) => stores.charges.book(bill, fromNow(at)))),
        );
        const inTurn = await outcomeOf(async (stores) => {
          const receipts: Receipt[] = [];
          for (const { bill, at } of bills)
            receipts.push(await stores.charges.book(bill, fromNow(at)));
          return receipts;
        });
        expect(atOnce).toEqual(inTurn);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['at once', async (books: (() => Promise<Receipt>)[]) => Promise.all(books.map((b) => b()))],
    [
      'one after the other',
      async (books: (() => Promise<Receipt>)[]) => {
        for (const book of books) await book();
      },
    ],
  ])('keeps a quota until the latest end that its bills tell, %s', async (_how, run) => {
    const stores = await openSqliteStores({ path: ':memory:' });
    const quota = quotaFixture();
    const ends = [60, 120, 90];
    await run(
      ends.map((end) => () => {
        const line = { ...quota, endsAt: fromNow(end) };
        return stores.charges.book(billFixture({ quota: line }), NOW);
      }),
    );
    const usedAfter = async (seconds: number) => {
      await stores.removeExpired(new Date(fromNow(seconds).getTime() + QUOTA_KEPT_MS));
      return stores.charges.quotaUsed(quota.clientId, quota.window);
    };
    expect(await usedAfter(119)).toBe(3);
    expect(await usedAfter(121)).toBe(0);
    await stores.close();
  });

  it('spends nothing of bills that the lock was refused to, and books the next one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tollgate-charges-'));
    const path = join(folder, 'charges.db');
    const stores = await openSqliteStores({ path, lockWaitMs: 20 });
    const other = new DatabaseSync(path);
    try {
      const quota = quotaFixture();
      const book = () => stores.charges.book(billFixture({ quota }), NOW);
      other.exec('BEGIN IMMEDIATE');
      const refused = await Promise.allSettled([book(), book()]);
      other.exec('ROLLBACK');
      const reason = expect.objectContaining({ code: 'store_unavailable' });
      expect(refused).toEqual(refused.map(() => ({ status: 'rejected', reason })));
      expect(await book()).toEqual({ outcome: 'booked', quotaUsed: 1, uses: null });
      expect(await stores.charges.quotaUsed(quota.clientId, quota.window)).toBe(1);
    } finally {
      other.close();
      await stores.close();
      await rm(folder, { recursive: true });
    }
  });
});
