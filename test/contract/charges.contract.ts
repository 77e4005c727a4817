/** The contract of ChargeStore: limits hold under any concurrency, and a refused bill has spent nothing. */
import { describe, expect, it } from '@jest/globals';
import type { Stores } from '../../src/domain/stores.ts';
import type { AccessToken } from '../../src/domain/tokens/token.ts';
import {
  type Bill,
  QUOTA_KEPT_MS,
  type QuotaLine,
  type Receipt,
  type RetryLine,
} from '../../src/domain/usage/charge-store.ts';
import {
  billFixture,
  clientFixture,
  eventOf,
  fromNow,
  NOW,
  quotaFixture,
  retryFixture,
  spendUse,
} from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';
import { issued, issuedPair } from './issued-tokens.ts';

const QUOTA_FULL = { outcome: 'refused', line: 'quota' };
const USES_EXHAUSTED = { outcome: 'refused', line: 'uses' };

/** Describes the contract. */
export function describeCharges(open: Open): void {
  describe('charges', () => {
    const stores = useStores(open);
    describe('of a quota', () => describeQuotas(stores));
    describe('of the uses of a token', () => describeUses(stores));
    describe('of both', () => describeBoth(stores));
    describe('with a retry key', () => describeRetries(stores));
    describe('with a retry key, many at once', () => describeManyRetries(stores));
  });
}

type Booking = (bill: Partial<Bill>, now?: Date) => Promise<Receipt>;

const booking =
  (stores: () => Stores): Booking =>
  (bill, now = NOW) =>
    stores().charges.book(billFixture(bill), now);

const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));
const bookedOf = (receipts: Receipt[]) => receipts.filter(({ outcome }) => outcome === 'booked');

function booked(quotaUsed: number | null, uses: number | null = null): Receipt {
  return { outcome: 'booked', quotaUsed, uses };
}

function describeQuotas(stores: () => Stores): void {
  const book = booking(stores);
  const used = ({ clientId, window }: QuotaLine) => stores().charges.quotaUsed(clientId, window);

  it('books exactly the limit of 1,000 concurrent bills', async () => {
    const quota = quotaFixture({ limit: 100 });
    const receipts = await Promise.all(times(1000, () => book({ quota })));
    const figures = receipts.flatMap((each) => (each.outcome === 'booked' ? [each.quotaUsed] : []));
    expect(figures.sort((a, b) => Number(a) - Number(b))).toEqual(times(100, (i) => i + 1));
    const refused = receipts.filter(({ outcome }) => outcome !== 'booked');
    expect(refused).toEqual(times(900, () => QUOTA_FULL));
    expect(await used(quota)).toBe(100);
  });

  it('books a weight whole or not at all', async () => {
    const quota = quotaFixture({ limit: 10 });
    expect(await book({ quota, weight: 11 })).toEqual(QUOTA_FULL);
    expect(await used(quota)).toBe(0);
    expect(await book({ quota, weight: 7 })).toEqual(booked(7));
    expect(await book({ quota, weight: 4 })).toEqual(QUOTA_FULL);
    expect(await book({ quota, weight: 3 })).toEqual(booked(10));
    expect(await book({ quota, weight: 1 })).toEqual(QUOTA_FULL);
    expect(await used(quota)).toBe(10);
  });

  it('leaves no room that one of concurrent weights would fill', async () => {
    const quota = quotaFixture({ limit: 100 });
    const weights = times(90, (i) => 1 + (i % 3));
    const receipts = await Promise.all(weights.map((weight) => book({ quota, weight })));
    const sum = weights.filter((_, i) => receipts[i]?.outcome === 'booked').reduce((a, b) => a + b);
    expect(sum).toBe(await used(quota));
    expect(sum).toBe(100);
  });

  it('counts each window and each client from 0', async () => {
    const quota = quotaFixture({ limit: 1 });
    const others = [
      { ...quota, window: 'day:2027-04-01', endsAt: fromNow(90_000) },
      { ...quota, clientId: `${quota.clientId}-2` },
    ];
    expect(await book({ quota })).toEqual(booked(1));
    for (const other of others) {
      expect(await used(other)).toBe(0);
      expect(await book({ quota: other })).toEqual(booked(1));
      expect(await book({ quota: other })).toEqual(QUOTA_FULL);
    }
    expect(await used(quota)).toBe(1);
  });

  it('goes by the limit of each bill, raised or lowered in between', async () => {
    const quota = quotaFixture();
    const under = (limit: number) => book({ quota: { ...quota, limit } });
    expect([await under(2), await under(2), await under(2)]).toEqual([
      booked(1),
      booked(2),
      QUOTA_FULL,
    ]);
    expect([await under(3), await under(3)]).toEqual([booked(3), QUOTA_FULL]);
    expect(await under(1)).toEqual(QUOTA_FULL);
    const both = await Promise.all([under(1), under(4), under(1), under(5)]);
    expect(both).toEqual([QUOTA_FULL, booked(4), QUOTA_FULL, booked(5)]);
  });

  it('keeps what is used while a call may still be booked in the window, and a total for ever', async () => {
    const day = quotaFixture({ limit: 1, endsAt: fromNow(10) });
    const moved = { ...day, endsAt: fromNow(7200) };
    const total = quotaFixture({ limit: 1, window: 'total', endsAt: null });
    const later = quotaFixture({ limit: 2 });
    await book({ quota: day });
    await book({ quota: total });
    await book({ quota: later });
    await book({ quota: { ...later, endsAt: moved.endsAt } });
    await stores().removeExpired(new Date(fromNow(10).getTime() + QUOTA_KEPT_MS - 1));
    expect(await book({ quota: day })).toEqual(QUOTA_FULL);
    await stores().removeExpired(new Date(fromNow(3600).getTime() + QUOTA_KEPT_MS));
    expect(await used(later)).toBe(2);
    await stores().removeExpired(new Date(NOW.getTime() + 1e13));
    expect(await book({ quota: total })).toEqual(QUOTA_FULL);
  });

  it('removes the windows of a removed client with it, and of no other', async () => {
    const client = clientFixture();
    const { clientId } = client;
    await stores().clients.insert(client, eventOf('client.create', clientId));
    const windows = ['day:2027-03-31', 'month:2027-03', 'total'];
    const own = windows.map((window) => quotaFixture({ clientId, window }));
    const others = [`${clientId}-2`, `${clientId}_2`, clientId.slice(0, -1)].map((id) =>
      quotaFixture({ clientId: id }),
    );
    for (const quota of [...own, ...others]) await book({ quota });
    expect(await Promise.all(own.map(used))).toEqual([1, 1, 1]);
    await stores().clients.remove(clientId, eventOf('client.delete', clientId));
    expect(await Promise.all(own.map(used))).toEqual([0, 0, 0]);
    expect(await Promise.all(others.map(used))).toEqual([1, 1, 1]);
  });
}

function describeUses(stores: () => Stores): void {
  const spend = (token: AccessToken, now = NOW) => spendUse(stores(), token.tokenId, now);
  const usesOf = async ({ tokenId }: AccessToken) =>
    (await stores().tokens.findAccess(tokenId))?.uses;

  it('grants exactly the uses of a token to 1,000 concurrent calls', async () => {
    const token = await issued(stores(), { maxUses: 100 });
    const answers = await Promise.all(times(1000, () => spend(token)));
    const granted = answers.filter((uses) => uses !== null).sort((a, b) => a - b);
    expect(granted).toEqual(times(100, (i) => i + 1));
    expect(await usesOf(token)).toBe(100);
  });

  it('counts the uses of an unlimited token and never refuses', async () => {
    const token = await issued(stores(), { maxUses: 0 });
    const answers = await Promise.all(times(200, () => spend(token)));
    expect(new Set(answers).size).toBe(200);
    expect(Math.max(...answers.map(Number))).toBe(200);
  });

  it('refuses an unknown, an expired and a revoked token, and one of a revoked family', async () => {
    const token = await issued(stores(), { expiresAt: fromNow(10) });
    expect(await spend(token, fromNow(9.999))).toBe(1);
    expect(await spend(token, fromNow(10))).toBeNull();
    expect(await spendUse(stores(), 'nothing', NOW)).toBeNull();
    expect(await spend(await issued(stores(), { revokedAt: fromNow(-1) }))).toBeNull();
    expect(await usesOf(token)).toBe(1);
    const { access, family } = await issuedPair(stores());
    expect(await spendUse(stores(), family.tokenId, NOW)).toBeNull();
    await stores().tokens.revoke(family.tokenId, NOW);
    expect(await spend(access)).toBeNull();
    expect(await usesOf(access)).toBe(0);
  });

  it('books a weight whole or not at all', async () => {
    const { tokenId, ...token } = await issued(stores(), { maxUses: 5 });
    const book = (weight: number) => booking(stores)({ weight, uses: { tokenId } });
    expect([await book(6), await book(3), await book(3), await book(2), await book(1)]).toEqual([
      ...[USES_EXHAUSTED, booked(null, 3), USES_EXHAUSTED, booked(null, 5), USES_EXHAUSTED],
    ]);
    expect(await usesOf({ tokenId, ...token })).toBe(5);
  });
}

function describeBoth(stores: () => Stores): void {
  const book = booking(stores);
  const used = ({ clientId, window }: QuotaLine) => stores().charges.quotaUsed(clientId, window);

  it('answers what is spent of each', async () => {
    const [quota, token] = [quotaFixture(), await issued(stores(), { maxUses: 5, uses: 1 })];
    await book({ quota, weight: 2 });
    expect(await book({ quota, uses: token, weight: 3 })).toEqual(booked(5, 4));
  });

  it('spends neither when either is refused, and names the quota first', async () => {
    const quota = quotaFixture({ limit: 1 });
    const { tokenId } = await issued(stores(), { maxUses: 1 });
    const other = quotaFixture({ clientId: quota.clientId, window: 'total', endsAt: null });
    await book({ quota });
    expect(await book({ quota, uses: { tokenId } })).toEqual(QUOTA_FULL);
    expect((await stores().tokens.findAccess(tokenId))?.uses).toBe(0);
    expect(await book({ uses: { tokenId } })).toEqual(booked(null, 1));
    expect(await book({ quota: other, uses: { tokenId } })).toEqual(USES_EXHAUSTED);
    expect(await used(other)).toBe(0);
    expect(await book({ quota, uses: { tokenId } })).toEqual(QUOTA_FULL);
    expect(await used(quota)).toBe(1);
  });

  it('gives back all that concurrent bills could not spend', async () => {
    const quota = quotaFixture({ limit: 400 });
    const { tokenId } = await issued(stores(), { maxUses: 60 });
    const receipts = await Promise.all(times(300, () => book({ quota, uses: { tokenId } })));
    expect(bookedOf(receipts)).toHaveLength(60);
    expect(receipts.filter(({ outcome }) => outcome === 'refused')).toEqual(
      times(240, () => USES_EXHAUSTED),
    );
    expect(await used(quota)).toBe(60);
    expect((await stores().tokens.findAccess(tokenId))?.uses).toBe(60);
  });
}

/** A quota and a token to charge, and a bill over both. */
async function payable(stores: Stores, limit: number) {
  const quota = quotaFixture({ limit });
  const { tokenId } = await issued(stores, { maxUses: limit });
  const spent = async () => ({
    quotaUsed: await stores.charges.quotaUsed(quota.clientId, quota.window),
    uses: (await stores.tokens.findAccess(tokenId))?.uses,
  });
  const bill = (retry: RetryLine, weight = 1) => ({ weight, quota, uses: { tokenId }, retry });
  return { quota, tokenId, spent, bill };
}

function describeRetries(stores: () => Stores): void {
  const book = booking(stores);

  it('repeats the first decision and its figures, and spends nothing, even when no room is left', async () => {
    const { bill, spent } = await payable(stores(), 2);
    const [first, again] = [retryFixture(), retryFixture()];
    expect(await book(bill(first))).toEqual(booked(1, 1));
    expect(await book(bill(again))).toEqual(booked(2, 2));
    for (const decisionId of [first.decisionId, 'another']) {
      const receipt = await book(bill({ ...first, decisionId }), fromNow(59.999));
      expect(receipt).toEqual({
        ...{ outcome: 'repeated', decisionId: first.decisionId },
        ...{ quotaUsed: 1, uses: 1 },
      });
    }
    expect(await book(bill(retryFixture()))).toEqual(QUOTA_FULL);
    expect(await spent()).toEqual({ quotaUsed: 2, uses: 2 });
  });

  it('books anew after the expiry, purged or not', async () => {
    const { bill, spent } = await payable(stores(), 10);
    const [retry, next] = [retryFixture(), retryFixture({ expiresAt: fromNow(120) })];
    await book(bill(retry));
    const late = { ...next, key: retry.key };
    expect(await book(bill(late), fromNow(60))).toEqual(booked(2, 2));
    expect(await stores().charges.findRetry(retry.key, fromNow(119.999))).toEqual({
      ...{ decisionId: next.decisionId, quotaUsed: 2, uses: 2 },
    });
    const again = retryFixture({ key: retry.key, expiresAt: fromNow(140) });
    expect(await book(bill(again), fromNow(130))).toEqual(booked(3, 3));
    await stores().removeExpired(fromNow(140));
    expect(await book(bill(retryFixture({ key: retry.key })), fromNow(140))).toEqual(booked(4, 4));
    expect(await spent()).toEqual({ quotaUsed: 4, uses: 4 });
  });

  it('keeps no key of a bill that is refused', async () => {
    const { bill, spent, quota, tokenId } = await payable(stores(), 2);
    const [retry, uses] = [retryFixture(), { tokenId }];
    await book({ quota, weight: 2 });
    expect(await book(bill(retry))).toEqual(QUOTA_FULL);
    expect(await book({ uses, weight: 2 })).toEqual(booked(null, 2));
    const raised = { ...quota, limit: 9 };
    expect(await book({ ...bill(retry), quota: raised })).toEqual(USES_EXHAUSTED);
    expect(await stores().charges.findRetry(retry.key, NOW)).toBeNull();
    expect(await spent()).toEqual({ quotaUsed: 2, uses: 2 });
    expect(await book({ quota: raised, retry })).toEqual(booked(3));
  });

  it('finds an unexpired key only', async () => {
    const [retry, quota] = [retryFixture(), quotaFixture()];
    expect(await stores().charges.findRetry(retry.key, NOW)).toBeNull();
    await book({ quota, retry, weight: 4 });
    const paid = { decisionId: retry.decisionId, quotaUsed: 4, uses: null };
    expect(await stores().charges.findRetry(retry.key, fromNow(59.999))).toEqual(paid);
    expect(await stores().charges.findRetry(retry.key, fromNow(60))).toBeNull();
    expect(await stores().charges.findRetry(retry.key, fromNow(61))).toBeNull();
  });

  it('books a bill that has uses, or nothing, beside the key', async () => {
    const token = await issued(stores());
    const [retry, bare] = [retryFixture(), retryFixture()];
    const { tokenId } = token;
    expect(await book({ uses: { tokenId }, retry })).toEqual(booked(null, 1));
    expect(await book({ retry: bare })).toEqual(booked(null));
    const repeated = { outcome: 'repeated', quotaUsed: null };
    const { decisionId } = retry;
    expect(await book({ uses: { tokenId }, retry })).toEqual({ ...repeated, decisionId, uses: 1 });
    expect(await book({ retry: bare })).toEqual({
      ...{ ...repeated, decisionId: bare.decisionId, uses: null },
    });
  });
}

function describeManyRetries(stores: () => Stores): void {
  const book = booking(stores);

  it('books exactly one of 50 concurrent bills with one key', async () => {
    const { bill, spent } = await payable(stores(), 100);
    const { key } = retryFixture();
    const receipts = await Promise.all(times(50, () => book(bill(retryFixture({ key })))));
    const decisions = receipts.flatMap((each) => (each.outcome === 'repeated' ? [each] : []));
    expect(bookedOf(receipts)).toEqual([booked(1, 1)]);
    expect(decisions).toHaveLength(49);
    expect(new Set(decisions.map(({ decisionId }) => decisionId)).size).toBe(1);
    expect(await stores().charges.findRetry(key, NOW)).toMatchObject({
      decisionId: decisions[0]?.decisionId,
    });
    expect(await spent()).toEqual({ quotaUsed: 1, uses: 1 });
  });

  it('refuses one by one what is too heavy, and all at once when there is no room', async () => {
    const { bill, spent, quota } = await payable(stores(), 3);
    const { key } = retryFixture();
    const weights = [4, 4, 3, 1];
    const receipts = await Promise.all(
      weights.map((weight) => book(bill(retryFixture({ key }), weight))),
    );
    expect(bookedOf(receipts)).toHaveLength(1);
    expect(receipts.slice(0, 2)).toEqual([QUOTA_FULL, QUOTA_FULL]);
    expect(receipts[3]?.outcome).toBe('repeated');
    expect(await spent()).toEqual({ quotaUsed: 3, uses: 3 });
    const full = retryFixture();
    const refused = await Promise.all(times(300, () => book({ quota, retry: full })));
    expect(refused).toEqual(times(300, () => QUOTA_FULL));
  });

  it('books every different key, up to the limits', async () => {
    const { bill, spent, quota } = await payable(stores(), 60);
    const mixed = times(200, (i) => book(i % 4 === 0 ? bill(retryFixture()) : { quota }));
    expect(bookedOf(await Promise.all(mixed))).toHaveLength(60);
    expect((await spent()).quotaUsed).toBe(60);
  });

  it('gives the room of bills whose token is exhausted to others of the same moment', async () => {
    const { bill, spent, quota } = await payable(stores(), 20);
    const dead = { tokenId: 'nothing' };
    const bills = times(40, (i) =>
      i < 20 ? { quota, uses: dead, retry: retryFixture() } : bill(retryFixture()),
    );
    const receipts = await Promise.all(bills.map((each) => book(each)));
    expect(receipts.slice(0, 20)).toEqual(times(20, () => USES_EXHAUSTED));
    expect(bookedOf(receipts.slice(20))).toHaveLength(20);
    expect(await spent()).toEqual({ quotaUsed: 20, uses: 20 });
  });
}
