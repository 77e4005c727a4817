/** Usage counts in memory: what is added up, what an outage leaves, and where the memory ends. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSqliteStores } from '../../adapters/sqlite/index.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { COUNTS_MOST, UsageBuffer } from '../../src/domain/usage/usage-buffer.ts';
import type { UsageCount, UsageStore } from '../../src/domain/usage/usage-store.ts';
import { fromNow, NOW } from './support.ts';

const HOUR = new Date('2027-03-31T16:00:00.000Z');
const CALL = { clientId: 'orders', apiId: 'api-1', at: NOW, outcome: 'allowed' } as const;
const COUNT = { clientId: 'orders', apiId: 'api-1', hour: HOUR, outcome: 'allowed' } as const;

describe('UsageBuffer', () => {
  let stores: Stores;
  let buffer: UsageBuffer;
  /** Sizes of the batches that reached the store, failed ones included. */
  let batches: number[];
  /** Batches that the store still takes before it stops answering. */
  let answersLeft: number;

  beforeEach(async () => {
    stores = await openSqliteStores({ path: ':memory:' });
    batches = [];
    answersLeft = Number.POSITIVE_INFINITY;
    const failing: UsageStore = {
      ...stores.usage,
      async add(counts) {
        batches.push(counts.length);
        if (answersLeft <= 0) throw new DomainError('store_unavailable');
        answersLeft -= 1;
        await stores.usage.add(counts);
      },
    };
    buffer = new UsageBuffer(failing);
  });
  afterEach(() => stores.close());

  const stored = () =>
    stores.usage.list({ from: new Date(0), to: fromNow(1e6), limit: 2 * COUNTS_MOST });
  const sumOf = (counts: UsageCount[]) => counts.reduce((sum, { calls }) => sum + calls, 0);

  it('adds up calls by client, API, hour of UTC and outcome, and writes them once', async () => {
    const calls = [
      CALL,
      CALL,
      { ...CALL, at: new Date('2027-03-31T16:59:59.999Z') },
      { ...CALL, at: new Date('2027-03-31T17:00:00.000Z') },
      { ...CALL, apiId: null },
      { ...CALL, apiId: null },
      { ...CALL, outcome: 'token_expired' } as const,
      { ...CALL, clientId: 'stock' },
    ];
    for (const call of calls) buffer.note(call);
    expect(await stored()).toEqual([]);
    await buffer.flush();
    await buffer.flush();
    expect(await stored()).toStrictEqual([
      { ...COUNT, apiId: null, calls: 2 },
      { ...COUNT, calls: 3 },
      { ...COUNT, outcome: 'token_expired', calls: 1 },
      { ...COUNT, clientId: 'stock', calls: 1 },
      { ...COUNT, hour: new Date('2027-03-31T17:00:00.000Z'), calls: 1 },
    ]);
    expect(batches).toEqual([5]);
  });

  it('adds later calls to what is stored already', async () => {
    for (let i = 0; i < 3; i += 1) {
      buffer.note(CALL);
      await buffer.flush();
    }
    expect(await stored()).toStrictEqual([{ ...COUNT, calls: 3 }]);
  });

  it('loses nothing and counts nothing twice when the store fails midway', async () => {
    for (let i = 0; i < 2500; i += 1) buffer.note({ ...CALL, apiId: `api-${i}` });
    answersLeft = 1;
    await expect(buffer.flush()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(batches).toEqual([1000, 1000]);
    buffer.note({ ...CALL, apiId: 'api-0' });
    buffer.note({ ...CALL, apiId: 'api-2000' });
    await expect(buffer.flush()).rejects.toMatchObject({ code: 'store_unavailable' });
    answersLeft = Number.POSITIVE_INFINITY;
    await buffer.flush();
    const counts = await stored();
    expect(counts).toHaveLength(2500);
    expect(sumOf(counts)).toBe(2502);
    const calls = new Map(counts.map((count) => [count.apiId, count.calls]));
    expect([calls.get('api-0'), calls.get('api-2000'), calls.get('api-1')]).toEqual([2, 2, 1]);
  });

  it('counts calls that come while it writes for the next flush', async () => {
    buffer.note(CALL);
    const flush = buffer.flush();
    await Promise.resolve();
    buffer.note(CALL);
    const next = buffer.flush();
    await flush;
    await next;
    expect(batches).toEqual([1, 1]);
    expect(await stored()).toStrictEqual([{ ...COUNT, calls: 2 }]);
  });

  it('ends a second flush no sooner than the one under way', async () => {
    buffer.note(CALL);
    const first = buffer.flush();
    await buffer.flush();
    expect(await stored()).toStrictEqual([{ ...COUNT, calls: 1 }]);
    await first;
  });

  it(`counts new APIs beyond ${COUNTS_MOST} counts as no API`, async () => {
    const calls = COUNTS_MOST + 10;
    for (let i = 0; i < calls; i += 1) buffer.note({ ...CALL, apiId: `api-${i}` });
    buffer.note({ ...CALL, apiId: 'api-0' });
    answersLeft = 0;
    await expect(buffer.flush()).rejects.toMatchObject({ code: 'store_unavailable' });
    buffer.note({ ...CALL, apiId: 'another' });
    answersLeft = Number.POSITIVE_INFINITY;
    await buffer.flush();
    const counts = await stored();
    expect(counts).toHaveLength(COUNTS_MOST + 1);
    expect(counts[0]).toStrictEqual({ ...COUNT, apiId: null, calls: 11 });
    expect(counts.find(({ apiId }) => apiId === 'api-0')?.calls).toBe(2);
    expect(sumOf(counts)).toBe(calls + 2);
  });
});
