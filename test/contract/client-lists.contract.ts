/** The contract of ClientStore on lists: what they search, dates that they filter by, counts by status. */
import { describe, expect, it } from '@jest/globals';
import { type Client, UNLOCKED } from '../../src/domain/clients/client.ts';
import type { ClientFilter } from '../../src/domain/clients/client-store.ts';
import { clientSubject, LAST_USE_STEP_SECONDS } from '../../src/domain/last-uses.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  apiGroupFixture,
  clientFixture,
  eventOf,
  fresh,
  fromNow,
  NOW,
  openClientFixture,
} from '../support/contract-fixtures.ts';
import { feedPosition, type Open, useStores } from './contract.ts';
import { nextVersion } from './record-store.contract.ts';

const DAY = 86_400;

async function inserted(stores: Stores, changes: Partial<Client>): Promise<string> {
  const client = openClientFixture(changes);
  await stores.clients.insert(client, eventOf('client.create', client.clientId));
  return client.clientId;
}

async function usedAt(stores: Stores, clientId: string, at: Date): Promise<void> {
  await stores.lastUses.record([{ subject: clientSubject(clientId), at, address: null }]);
}

/** Describes the contract. */
export function describeClientLists(open: Open): void {
  describe('lists of clients', () => {
    const stores = useStores(open);
    describeSearch(stores);
    describeDates(stores);
    describeLastUse(stores);
  });
  describe('counts of clients', () => {
    describeCounts(useStores(open));
  });
}

async function idsOf(
  stores: Stores,
  search: string,
  filter: Omit<ClientFilter, 'at'> = {},
): Promise<string[]> {
  const page = await stores.clients.list({ filter: { at: NOW, ...filter }, search, limit: 100 });
  expect(page.total).toBe(page.items.length);
  return page.items.map(({ clientId }) => clientId).sort();
}

function describeSearch(stores: () => Stores): void {
  it('finds words of one and of two characters', async () => {
    const [q, kanji] = [
      await inserted(stores(), { note: 'ǭ by itself' }),
      await inserted(stores(), { note: '今日倉庫' }),
    ];
    expect(await idsOf(stores(), 'Ǭ')).toEqual([q]);
    expect(await idsOf(stores(), '倉庫')).toEqual([kanji]);
    expect(await idsOf(stores(), '日倉庫')).toEqual([kanji]);
    expect(await idsOf(stores(), '日倉庫 ǭ')).toEqual([]);
  });

  it.each(['he"said', "o'clock", '50%_off', 'a*b?c[d]e', '$text', 'x AND y', '-near(', '(^|$'])(
    'takes the characters of %j as they are',
    async (words) => {
      const id = await inserted(stores(), { note: `said ${words} here` });
      await inserted(stores(), { note: words.replaceAll(/[^a-z0-9 ]/giu, '') });
      expect(await idsOf(stores(), words)).toContain(id);
      const marked = words.split(' ').find((word) => /[^a-z0-9]/iu.test(word));
      if (marked !== undefined) expect(await idsOf(stores(), marked)).toEqual([id]);
    },
  );

  it('finds by the display names of API groups, not by their descriptions', async () => {
    const [word, other] = [fresh('display'), fresh('described')];
    const groups = [
      apiGroupFixture({ displayName: `All ${word} reads`, description: `${other}\n${other}` }),
      apiGroupFixture({ displayName: 'None of it' }),
    ];
    for (const group of groups) {
      await stores().apiGroups.insert(group, eventOf('api_group.create', group.name));
    }
    const [held, unheld] = groups.map(({ name }) => name);
    const id = await inserted(stores(), { apiGroups: [held ?? ''], audience: 'both' });
    await inserted(stores(), { apiGroups: [unheld ?? ''] });
    expect(await idsOf(stores(), word.toUpperCase())).toEqual([id]);
    expect(await idsOf(stores(), `${word.slice(0, -1)} reads`)).toEqual([id]);
    expect(await idsOf(stores(), `${word} ${id}`, { audience: 'both' })).toEqual([id]);
    expect(await idsOf(stores(), word, { audience: 'external' })).toEqual([]);
    expect(await idsOf(stores(), other)).toEqual([]);
    const renamed = nextVersion({ ...(groups[0] ?? apiGroupFixture()), displayName: 'Another' });
    await stores().apiGroups.update(renamed, eventOf('api_group.update', renamed.name));
    expect(await idsOf(stores(), word)).toEqual([]);
  });

  it('follows an update and a removal', async () => {
    const [before, after] = [fresh('before'), fresh('after')];
    const client = clientFixture({ note: before, ipBindings: [] });
    const { clientId } = client;
    await stores().clients.insert(client, eventOf('client.create', clientId));
    const moved = nextVersion({ ...client, note: after });
    await stores().clients.update(moved, eventOf('client.update', clientId));
    expect(await idsOf(stores(), before)).toEqual([]);
    expect(await idsOf(stores(), after)).toEqual([clientId]);
    await stores().clients.remove(clientId, eventOf('client.delete', clientId));
    expect(await idsOf(stores(), after)).toEqual([]);
  });
}

function describeDates(stores: () => Stores): void {
  it('keeps to those that expire between now and an instant', async () => {
    const word = fresh('expiring');
    const made = [NOW, fromNow(1), fromNow(DAY - 1), fromNow(DAY), null].map((expiresAt) =>
      inserted(stores(), { note: word, expiresAt }),
    );
    const [, soon, later] = await Promise.all(made);
    const wanted = [soon, later].sort();
    expect(await idsOf(stores(), word, { expiringBefore: fromNow(DAY) })).toEqual(wanted);
    const forever = { expiringBefore: new Date(8.64e15) };
    expect(await idsOf(stores(), word, forever)).toHaveLength(3);
  });

  it('keeps to those that are older than an instant and were not used since', async () => {
    const word = fresh('idle');
    const made = (createdAt: Date) => inserted(stores(), { note: word, createdAt });
    const [never, young, idle, busy] = [
      await made(fromNow(-9 * DAY)),
      await made(fromNow(-DAY)),
      await made(fromNow(-9 * DAY)),
      await made(fromNow(-9 * DAY)),
    ];
    await usedAt(stores(), idle, fromNow(-6 * DAY));
    await usedAt(stores(), busy, fromNow(-4 * DAY));
    const since = fromNow(-5 * DAY);
    expect(await idsOf(stores(), word, { idleSince: since })).toEqual([never, idle].sort());
    expect(await idsOf(stores(), word, { idleSince: NOW })).toContain(young);
  });
}

function describeLastUse(stores: () => Stores): void {
  const order = async (search: string, descending: boolean) => {
    const sort = { field: 'lastUsedAt', descending };
    const page = await stores().clients.list({ filter: { at: NOW }, search, sort, limit: 9 });
    return page.items.map(({ clientId }) => clientId);
  };

  it('sorts by last use, those never used first', async () => {
    const word = fresh('used');
    const make = () => inserted(stores(), { note: word });
    const [late, never, early] = [await make(), await make(), await make()];
    await usedAt(stores(), late, fromNow(-100));
    await usedAt(stores(), early, fromNow(-1000));
    expect(await order(word, false)).toEqual([never, early, late]);
    expect(await order(word, true)).toEqual([late, early, never]);
    await usedAt(stores(), early, fromNow(-100 + LAST_USE_STEP_SECONDS));
    expect(await order(word, true)).toEqual([early, late, never]);
    await usedAt(stores(), late, fromNow(-5000));
    expect(await order(word, true)).toEqual([early, late, never]);
  });

  it('keeps the place through an update; a use is no new version and no change', async () => {
    const client = clientFixture({ note: fresh('kept') });
    const { clientId, note } = client;
    await stores().clients.insert(client, eventOf('client.create', clientId));
    const other = await inserted(stores(), { note });
    const position = await feedPosition(stores());
    await usedAt(stores(), clientId, fromNow(-100));
    expect(await stores().clients.find(clientId)).toStrictEqual(client);
    expect(await stores().changes.since(position)).toBeNull();
    const changed = nextVersion({ ...client, remark: 'changed' });
    await stores().clients.update(changed, eventOf('client.update', clientId));
    expect(await order(note, true)).toEqual([clientId, other]);
  });
}

function describeCounts(stores: () => Stores): void {
  const NONE = { all: 0, enabled: 0, disabled: 0, locked: 0, not_started: 0, expired: 0 };

  it('counts by status under the other filters and the search', async () => {
    expect(await stores().clients.countByStatus({ at: NOW })).toEqual(NONE);
    const lock = { ...UNLOCKED, failedLogins: 3, lockedAt: fromNow(-10) };
    const variants: Partial<Client>[] = [
      { status: 'disabled', lock },
      { lock, startsAt: fromNow(1) },
      { lock },
      { startsAt: fromNow(1) },
      { expiresAt: NOW },
      { startsAt: NOW },
      { note: 'found', expiresAt: fromNow(1) },
    ];
    for (const changes of variants) await inserted(stores(), { audience: 'both', ...changes });
    await inserted(stores(), { audience: 'internal', note: 'found' });
    const counts = { all: 7, enabled: 2, disabled: 1, locked: 2, not_started: 1, expired: 1 };
    const count = (filter: Omit<ClientFilter, 'at'>, search?: string) =>
      stores().clients.countByStatus({ at: NOW, ...filter }, search);
    expect(await count({})).toEqual({ ...counts, all: 8, enabled: 3 });
    expect(await count({ audience: 'both' })).toEqual(counts);
    expect(await count({ audience: 'both', status: 'locked' })).toEqual(counts);
    expect(await count({}, 'found')).toEqual({ ...NONE, all: 2, enabled: 2 });
    expect(await count({ audience: 'both' }, 'found')).toEqual({ ...NONE, all: 1, enabled: 1 });
    expect(await count({}, 'zz')).toEqual(NONE);
    const filters = [
      {},
      { audience: 'both' },
      { status: 'locked' },
      { status: 'enabled' },
    ] as const;
    for (const search of ['', 'found', 'client']) {
      for (const filter of filters) {
        const query = { filter: { at: NOW, ...filter }, search, limit: 3 };
        const { counts: counted, ...page } = await stores().clients.listWithCounts(query);
        expect(page).toEqual(await stores().clients.list(query));
        expect(counted).toEqual(await count(filter, search));
      }
    }
  });
}
