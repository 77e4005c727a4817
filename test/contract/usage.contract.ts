/** The contract of UsageStore. */
import { describe, expect, it } from '@jest/globals';
import type { Stores } from '../../src/domain/stores.ts';
import type { UsageCount } from '../../src/domain/usage/usage-store.ts';
import { fresh, fromNow, usageCountFixture } from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';

const HOUR = usageCountFixture().hour;
const MOST = 10_000;

/** An hour, counted from that of the fixture. */
const hourAt = (hours: number) => new Date(HOUR.getTime() + hours * 3_600_000);

const listed = ({ usage }: Stores, clientId: string) =>
  usage.list({ clientId, from: hourAt(-1000), to: hourAt(1000), limit: MOST });

/** Describes the contract. */
export function describeUsage(open: Open): void {
  describe('usage counts', () => {
    const stores = useStores(open);
    describeAdditions(stores);
    describeLists(stores);
  });
}

function describeAdditions(stores: () => Stores): void {
  it('round-trip, with an API and without', async () => {
    const clientId = fresh('client');
    const counts = [
      usageCountFixture({ clientId, apiId: null, outcome: 'group_not_granted', calls: 1 }),
      usageCountFixture({ clientId, apiId: 'api.$x' }),
    ];
    await stores().usage.add(counts);
    expect(await listed(stores(), clientId)).toStrictEqual(counts);
  });

  it('add up by client, API, hour and outcome, also within one batch', async () => {
    const clientId = fresh('client');
    const counts = [
      usageCountFixture({ clientId, apiId: null }),
      usageCountFixture({ clientId }),
      usageCountFixture({ clientId, outcome: 'token_expired' }),
      usageCountFixture({ clientId, apiId: 'api-y' }),
      usageCountFixture({ clientId, hour: hourAt(1) }),
    ];
    const other = usageCountFixture({ clientId: fresh('client') });
    await stores().usage.add([...counts, other]);
    await stores().usage.add(counts.map((count, i) => ({ ...count, calls: i })));
    await stores().usage.add(counts.flatMap((count) => [count, { ...count, calls: 100 }]));
    const sums = counts.map((count, i) => ({ ...count, calls: 3 + i + 3 + 100 }));
    expect(new Set(await listed(stores(), clientId))).toStrictEqual(new Set(sums));
    expect(await listed(stores(), other.clientId)).toStrictEqual([other]);
  });

  it('may be none', async () => {
    await expect(stores().usage.add([])).resolves.toBeUndefined();
  });
}

function describeLists(stores: () => Stores): void {
  it('are listed by hour, client, API (null first) and outcome', async () => {
    const [a, b] = [fresh('client'), fresh('client')];
    const from = hourAt(5000);
    const ordered = [
      usageCountFixture({ clientId: a, hour: from, apiId: null, outcome: 'allowed' }),
      usageCountFixture({ clientId: a, hour: from, apiId: null, outcome: 'token_expired' }),
      usageCountFixture({ clientId: a, hour: from, apiId: 'Z' }),
      usageCountFixture({ clientId: a, hour: from, apiId: 'api-1' }),
      usageCountFixture({ clientId: b, hour: from, apiId: null }),
      usageCountFixture({ clientId: a, hour: hourAt(5001), apiId: null }),
      usageCountFixture({ clientId: b, hour: hourAt(5001), apiId: 'api-1' }),
    ];
    await stores().usage.add(ordered.toReversed());
    const range = { from, to: hourAt(5002) };
    const { usage } = stores();
    expect(await usage.list({ ...range, limit: MOST })).toStrictEqual(ordered);
    expect(await usage.list({ ...range, limit: 3 })).toStrictEqual(ordered.slice(0, 3));
    const ofA = ordered.filter(({ clientId }) => clientId === a);
    expect(await usage.list({ ...range, clientId: a, limit: MOST })).toStrictEqual(ofA);
    expect(await usage.list({ ...range, clientId: a, limit: 2 })).toStrictEqual(ofA.slice(0, 2));
  });

  it('are listed from an hour on, and before another', async () => {
    const clientId = fresh('client');
    const counts = [0, 1, 2, 3].map((hours) =>
      usageCountFixture({ clientId, hour: hourAt(hours) }),
    );
    await stores().usage.add(counts);
    const between = (from: Date, to: Date) =>
      stores().usage.list({ clientId, from, to, limit: MOST });
    expect(await between(hourAt(1), hourAt(3))).toStrictEqual(counts.slice(1, 3));
    expect(await between(fromNow(0), hourAt(4))).toStrictEqual(counts.slice(1));
    expect(await between(hourAt(4), hourAt(9))).toEqual([]);
    expect(await between(hourAt(2), hourAt(2))).toEqual([]);
  });
}

/** Batches that each of two nodes adds, counts in a batch, and the keys that they share. */
const [BATCHES, SIZE, KEYS] = [20, 20, 30];

/** Describes what two nodes may rely on. */
export function describeUsageRaces(open: Open, url: () => string): void {
  describe('usage counts of two nodes', () => {
    const first = useStores(open);

    it('lose nothing and count nothing twice', async () => {
      const second = await openAgain(url());
      const clientId = fresh('client');
      const batch = (start: number): UsageCount[] =>
        Array.from({ length: SIZE }, (_, i) =>
          usageCountFixture({ clientId, apiId: `api-${(start + i) % KEYS}`, calls: 1 }),
        );
      const adding = Array.from({ length: 2 * BATCHES }, (_, i) =>
        (i % 2 === 0 ? first() : second).usage.add(batch(i * 7)),
      );
      await Promise.all(adding);
      await second.close();
      const counts = await listed(first(), clientId);
      expect(counts).toHaveLength(KEYS);
      expect(counts.reduce((sum, { calls }) => sum + calls, 0)).toBe(2 * BATCHES * SIZE);
    }, 60_000);
  });
}

async function openAgain(url: string): Promise<Stores> {
  if (url.startsWith('sqlite:')) {
    const { openSqliteStores } = await import('../../adapters/sqlite/index.ts');
    return openSqliteStores({ path: url.slice('sqlite:'.length) });
  }
  const { openMongoStores } = await import('../../adapters/mongo/index.ts');
  return openMongoStores({ url });
}
