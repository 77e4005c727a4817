/** The contract of DecisionStore. */
import { describe, expect, it } from '@jest/globals';
import { type DecisionFilter, MOST_COUNTED } from '../../src/domain/decision/decision-store.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { decisionFixture, fresh, fromNow, NOW } from '../support/contract-fixtures.ts';
import { allPages, invalidOn, type Open, sameBothWays, useStores } from './contract.ts';

/** Describes the contract. */
export function describeDecisions(open: Open): void {
  describe('recorded decisions', () => {
    const stores = useStores(open);
    describeRecords(stores);
    describeFilters(stores);
    describePages(stores);
    describeCount(open);
  });
}

function describeRecords(stores: () => Stores): void {
  it('round-trip every field', async () => {
    const record = decisionFixture();
    await stores().decisions.record([record]);
    expect(await stores().decisions.find(record.decisionId, NOW)).toStrictEqual(record);
    const { items } = await list(stores(), {});
    expect(items).toContainEqual(record);
  });

  it('round-trip an allowed sample of which nothing more is known', async () => {
    const record = decisionFixture({
      ...{ reason: null, clientId: null, userId: null, callerId: null, address: null },
      ...{ method: null, path: null, apiId: null, grantType: null, trace: [] },
      credential: { kind: 'missing', id: null, scopes: [] },
    });
    await stores().decisions.record([record]);
    expect(await stores().decisions.find(record.decisionId, NOW)).toStrictEqual(record);
  });

  it('give instants that a check saw or wanted back as ISO 8601 text', async () => {
    const [entry] = decisionFixture().trace;
    if (entry === undefined) throw new Error('the fixture has a trace');
    const seen = { expiresAt: fromNow(1), at: [fromNow(2)], text: fromNow(3).toISOString() };
    const record = decisionFixture({ trace: [{ ...entry, seen, wanted: fromNow(4) }] });
    await stores().decisions.record([record]);
    const found = await stores().decisions.find(record.decisionId, NOW);
    const asText = JSON.parse(JSON.stringify(seen)) as unknown;
    const wanted = fromNow(4).toISOString();
    expect(found?.trace).toStrictEqual([{ ...entry, seen: asText, wanted }]);
  });

  it('are not found by an unknown id, nor once they have expired', async () => {
    const clientId = fresh('client');
    const record = decisionFixture({ clientId, expiresAt: fromNow(60) });
    await stores().decisions.record([record]);
    const { decisions } = stores();
    expect(await decisions.find('unknown', NOW)).toBeNull();
    expect(await decisions.find(record.decisionId, fromNow(59))).toStrictEqual(record);
    expect(await decisions.find(record.decisionId, fromNow(60))).toBeNull();
    const listed = async (at: Date) => await list(stores(), { clientId, at });
    expect(await listed(fromNow(59))).toMatchObject({ items: [record], total: 1 });
    expect(await listed(fromNow(60))).toMatchObject({ items: [], total: 0 });
  });

  it('stay as they are when their id is recorded again, beside new ones', async () => {
    const first = decisionFixture();
    const again = { ...first, reason: 'client_locked', weight: 9 } as const;
    const other = decisionFixture();
    await stores().decisions.record([first]);
    await stores().decisions.record([again, other, { ...other, weight: 9 }]);
    expect(await stores().decisions.find(first.decisionId, NOW)).toStrictEqual(first);
    expect(await stores().decisions.find(other.decisionId, NOW)).toStrictEqual(other);
  });

  it('may be none', async () => {
    await expect(stores().decisions.record([])).resolves.toBeUndefined();
  });
}

function describeFilters(stores: () => Stores): void {
  it('are found by client, reason, address, outcome and time, each and together', async () => {
    const [clientId, otherClient] = [fresh('client'), fresh('client')];
    const address = fresh('2001:db8::');
    const known = { clientId, address };
    const one = decisionFixture({ ...known, at: fromNow(10), reason: 'client_locked' });
    const two = decisionFixture({ ...known, at: fromNow(20), reason: 'token_expired' });
    const three = decisionFixture({ clientId, at: fromNow(30), reason: 'client_locked' });
    const other = decisionFixture({ clientId: otherClient, address, at: fromNow(40) });
    const allowed = decisionFixture({ ...known, at: fromNow(50), reason: null });
    await stores().decisions.record([one, two, three, other, allowed]);
    const found = async (filter: DecisionFilter) => {
      const page = await list(stores(), filter);
      expect(page.total).toBe(page.items.length);
      return page.items;
    };
    expect(await found({ clientId })).toStrictEqual([three, two, one]);
    expect(await found({ clientId, outcome: 'refused' })).toStrictEqual([three, two, one]);
    expect(await found({ clientId, outcome: 'allowed' })).toStrictEqual([allowed]);
    expect(await found({ clientId, reason: 'client_locked' })).toStrictEqual([three, one]);
    expect(await found({ address })).toStrictEqual([other, two, one]);
    expect(await found({ address, clientId })).toStrictEqual([two, one]);
    expect(await found({ address, clientId, reason: 'client_locked' })).toStrictEqual([one]);
    expect(await found({ clientId, from: fromNow(20) })).toStrictEqual([three, two]);
    expect(await found({ clientId, to: fromNow(20) })).toStrictEqual([one]);
    expect(await found({ clientId, from: fromNow(11), to: fromNow(30) })).toStrictEqual([two]);
    const together = { ...known, from: fromNow(20), to: fromNow(60), at: NOW };
    expect(await found({ ...together, outcome: 'allowed' })).toStrictEqual([allowed]);
    expect(await found({ ...together, reason: 'token_expired' })).toStrictEqual([two]);
    expect(await found({ ...together, reason: 'client_locked' })).toEqual([]);
    const never = { clientId, outcome: 'allowed', reason: 'client_locked' } as const;
    expect(await found(never)).toEqual([]);
  });

  it('are found by reason alone, and allowed ones alone', async () => {
    const refused = decisionFixture({ reason: 'api_unknown' });
    const allowed = decisionFixture({ reason: null });
    await stores().decisions.record([refused, allowed]);
    const byReason = await list(stores(), { reason: 'api_unknown' });
    expect(byReason.items).toStrictEqual([refused]);
    const { items } = await list(stores(), { outcome: 'allowed' });
    expect(items).toContainEqual(allowed);
    expect(items.every(({ reason }) => reason === null)).toBe(true);
    const unfiltered = await stores().decisions.list({ limit: 100 });
    expect(unfiltered.items).toContainEqual(refused);
    expect(unfiltered.items).not.toContainEqual(allowed);
  });
}

function describePages(stores: () => Stores): void {
  it('page newest first, then by id, while others arrive', async () => {
    const clientId = fresh('client');
    // Three at each instant, so that ties are paged across.
    const records = Array.from({ length: 9 }, (_, i) =>
      decisionFixture({ clientId, at: fromNow(Math.floor(i / 3)) }),
    );
    await stores().decisions.record([...records.slice(4).toReversed(), ...records.slice(0, 4)]);
    let arrived = 0;
    const seen = await allPages(
      (query) => stores().decisions.list(query),
      { filter: { clientId }, limit: 2 },
      async () => {
        arrived += 1;
        const at = fromNow(100 + arrived);
        await stores().decisions.record([decisionFixture({ clientId, at })]);
      },
    );
    expect(seen).toStrictEqual(records.toReversed());
  });

  it('page oldest first where that is asked for', async () => {
    const clientId = fresh('client');
    const records = [0, 0, 1, 1, 2].map((s) => decisionFixture({ clientId, at: fromNow(s) }));
    await stores().decisions.record(records);
    const sort = { field: 'at', descending: false };
    const query = { filter: { clientId }, sort, limit: 2 };
    expect(await allPages((page) => stores().decisions.list(page), query)).toStrictEqual(records);
    for (const descending of [false, true]) {
      const either = { ...query, sort: { field: 'at', descending } };
      const pages = await sameBothWays((page) => stores().decisions.list(page), either);
      expect(pages).toHaveLength(3);
    }
  });

  it('refuse an unreadable cursor, and a sort by another field', async () => {
    const { decisions } = stores();
    await expect(decisions.list({ limit: 2, cursor: 'e30' })).rejects.toMatchObject(
      invalidOn('cursor'),
    );
    const sort = { field: 'weight', descending: true };
    await expect(decisions.list({ limit: 2, sort })).rejects.toMatchObject(invalidOn('sort'));
  });
}

function describeCount(open: Open): void {
  it(`are counted up to ${MOST_COUNTED}, and paged beyond that`, async () => {
    const stores = await open();
    const first = decisionFixture({ at: fromNow(-1), trace: [] });
    await stores.decisions.record([first]);
    for (let left = MOST_COUNTED + 49; left > 0; left -= 1005) {
      const length = Math.min(left, 1005);
      await stores.decisions.record(
        Array.from({ length }, () => decisionFixture({ trace: [], address: null })),
      );
    }
    expect((await list(stores, {})).total).toBe(MOST_COUNTED);
    expect((await list(stores, { clientId: first.clientId ?? '' })).total).toBe(MOST_COUNTED);
    const address = first.address ?? '';
    expect(await list(stores, { address })).toMatchObject({ items: [first], total: 1 });
    const last = await stores.decisions.list({
      ...{ filter: {}, limit: 1, sort: { field: 'at', descending: false } },
    });
    expect(last).toMatchObject({ items: [first], total: MOST_COUNTED });
    await stores.close();
  }, 60_000);
}

function list(stores: Stores, filter: DecisionFilter) {
  return stores.decisions.list({ filter, limit: 100 });
}
