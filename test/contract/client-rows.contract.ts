/** The contracts that a row of a list rests on, and the list and the search that are made of them. */
import { describe, expect, it } from '@jest/globals';
import { listClients } from '../../src/domain/clients/list-clients.ts';
import { clientSubject } from '../../src/domain/last-uses.ts';
import { searchAll } from '../../src/domain/search.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { quotaWindow } from '../../src/domain/usage/quota-window.ts';
import {
  apiFixture,
  apiGroupFixture,
  apiKeyFixture,
  apiScopeFixture,
  billFixture,
  decisionFixture,
  eventOf,
  fresh,
  fromNow,
  NOW,
  openClientFixture,
  quotaFixture,
  userFixture,
} from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';
import { issued, issuedPair } from './issued-tokens.ts';

/** Describes the contracts. */
export function describeClientRows(open: Open): void {
  describe('facts of many clients at once', () => describeFacts(useStores(open)));
  describe('the list of clients', () => describeList(useStores(open)));
  describe('the search over everything', () => describeSearchAll(useStores(open)));
}

const servicesOver = (stores: Stores) => ({
  stores,
  clock: { now: () => NOW },
  timeZone: 'UTC',
});

async function client(stores: Stores, changes: Parameters<typeof openClientFixture>[0] = {}) {
  const made = openClientFixture(changes);
  await stores.clients.insert(made, eventOf('client.create', made.clientId));
  return made;
}

async function key(stores: Stores, changes: Parameters<typeof apiKeyFixture>[0]) {
  const made = apiKeyFixture(changes);
  await stores.apiKeys.insert(made, eventOf('api_key.create', made.apiKeyId));
  return made;
}

function describeFacts(stores: () => Stores): void {
  it('counts live tokens of both kinds by client', async () => {
    const [a, b, c] = [fresh('a'), fresh('b'), fresh('c')];
    const live = { expiresAt: fromNow(60) };
    await issuedPair(stores(), {
      access: { clientId: a, ...live },
      family: { clientId: a, ...live },
    });
    await issued(stores(), { clientId: a, expiresAt: NOW });
    await issued(stores(), { clientId: b, ...live });
    await issued(stores(), { clientId: c, ...live, revokedAt: NOW });
    const ended = await issuedPair(stores(), {
      access: { clientId: c, ...live },
      family: { clientId: c, ...live },
    });
    await stores().tokens.revoke(ended.family.tokenId, NOW);
    const counts = await stores().tokens.countLive([a, b, c, 'nobody'], NOW);
    expect(counts).toEqual(
      new Map([
        [a, 2],
        [b, 1],
      ]),
    );
    expect(await stores().tokens.countLive([], NOW)).toEqual(new Map());
  });

  it('reads the use of many quota windows, in the order asked', async () => {
    const [a, b] = [
      quotaFixture({ clientId: fresh('client'), limit: 100 }),
      quotaFixture({ clientId: fresh('client'), limit: 100 }),
    ];
    await stores().charges.book(billFixture({ quota: a, weight: 3 }), NOW);
    await stores().charges.book(billFixture({ quota: b, weight: 5 }), NOW);
    const unused = { clientId: a.clientId, window: 'total' };
    expect(await stores().charges.quotasUsed([b, unused, a])).toEqual([5, 0, 3]);
    expect(await stores().charges.quotasUsed([])).toEqual([]);
  });

  it('counts keys by client', async () => {
    const { clientId, apiGroups } = await client(stores());
    await key(stores(), { clientId, apiGroups });
    await key(stores(), { clientId, apiGroups, status: 'disabled' });
    const counts = await stores().apiKeys.countOf([clientId, 'nobody']);
    expect(counts).toEqual(new Map([[clientId, 2]]));
  });
}

function describeList(stores: () => Stores): void {
  it('gives each row its facts, and counts by status', async () => {
    const limited = await client(stores(), {
      createdAt: fromNow(-20),
      apiQuota: { calls: 100, period: 'day' },
      timeZone: 'Asia/Taipei',
    });
    const plain = await client(stores(), {
      createdAt: fromNow(-10),
      apiQuota: { calls: 0, period: 'day' },
      status: 'disabled',
    });
    const { clientId, apiGroups } = limited;
    const { window, endsAt } = quotaWindow(limited.apiQuota, 'Asia/Taipei', NOW);
    const quota = quotaFixture({ clientId, window, limit: 100, endsAt });
    await stores().charges.book(billFixture({ quota, weight: 7 }), NOW);
    await issued(stores(), { clientId, expiresAt: fromNow(60) });
    await key(stores(), { clientId, apiGroups });
    const use = { subject: clientSubject(clientId), at: fromNow(-5), address: null };
    await stores().lastUses.record([use]);
    const list = await listClients(servicesOver(stores()), { limit: 10 });
    expect(list).toEqual({
      items: [
        {
          client: limited,
          state: { status: 'enabled', cause: null, since: null },
          quota: { used: 7, limit: 100, resetsAt: endsAt },
          liveTokens: 1,
          lastUsedAt: use.at,
          apiKeys: 1,
        },
        {
          client: plain,
          state: { status: 'disabled', cause: 'disabled by an admin', since: null },
          quota: null,
          liveTokens: 0,
          lastUsedAt: null,
          apiKeys: 0,
        },
      ],
      nextCursor: null,
      previousCursor: null,
      total: 2,
      counts: { all: 2, enabled: 1, disabled: 1, locked: 0, not_started: 0, expired: 0 },
    });
    const disabled = { limit: 10, filter: { status: 'disabled' } } as const;
    const few = await listClients(servicesOver(stores()), disabled);
    expect(few.items.map((row) => row.client.clientId)).toEqual([plain.clientId]);
    expect(few.counts).toEqual(list.counts);
  });
}

function describeSearchAll(stores: () => Stores): void {
  const NOTHING = { items: [], total: 0 };

  it('finds records of every noun, at most five of each, with their totals', async () => {
    const word = fresh('shared');
    for (let i = 0; i < 7; i += 1) await client(stores(), { note: word });
    const { clientId, apiGroups } = await client(stores());
    const user = userFixture({ displayName: word });
    const group = apiGroupFixture({ description: word });
    const scope = apiScopeFixture({ displayName: word });
    const api = apiFixture({ name: word });
    await stores().users.insert(user, eventOf('user.create', user.userId));
    await stores().apiGroups.insert(group, eventOf('api_group.create', group.name));
    await stores().apiScopes.insert(scope, eventOf('api_scope.create', scope.name));
    await stores().apis.insert(api, eventOf('api.create', api.apiId));
    const apiKey = await key(stores(), { clientId, apiGroups, alias: word });
    const found = await searchAll(servicesOver(stores()), ` ${word.toUpperCase()} `);
    expect(found.clients).toMatchObject({ total: 7 });
    expect(found.clients.items).toHaveLength(5);
    expect(found).toMatchObject({
      users: { items: [user], total: 1 },
      apiGroups: { items: [group], total: 1 },
      apiScopes: { items: [scope], total: 1 },
      apis: { items: [api], total: 1 },
      apiKeys: { items: [apiKey], total: 1 },
      decisions: NOTHING,
    });
  });

  it('finds a decision by its whole id, keys by their last four characters, and each by its id', async () => {
    const decision = decisionFixture({ expiresAt: fromNow(60) });
    await stores().decisions.record([decision]);
    const { clientId, apiGroups } = await client(stores());
    const apiKey = await key(stores(), {
      clientId,
      apiGroups,
      current: { digest: fresh('digest'), lastFour: 'qZ7-' },
    });
    const search = (text: string) => searchAll(servicesOver(stores()), text);
    const byId = await search(decision.decisionId);
    expect(byId.decisions).toEqual({ items: [decision], total: 1 });
    expect((await search(decision.decisionId.slice(0, -1))).decisions).toEqual(NOTHING);
    expect((await search('qz7-')).apiKeys).toEqual({ items: [apiKey], total: 1 });
    expect((await search(apiKey.apiKeyId)).apiKeys).toEqual({ items: [apiKey], total: 1 });
    expect((await search(clientId)).clients.items).toMatchObject([{ clientId }]);
  });

  it('puts the record of the very id first, and counts it once', async () => {
    const clientId = fresh('exact');
    for (let i = 0; i < 6; i += 1) {
      await client(stores(), { note: clientId, createdAt: fromNow(-100 + i) });
    }
    await client(stores(), { clientId, createdAt: NOW });
    const { clients } = await searchAll(servicesOver(stores()), clientId);
    expect(clients.items[0]?.clientId).toBe(clientId);
    expect(clients.items).toHaveLength(5);
    expect(clients.total).toBe(7);
  });

  it.each(['', '   '])('finds nothing for %j', async (text) => {
    const found = await searchAll(servicesOver(stores()), text);
    expect(Object.values(found)).toEqual(Object.keys(found).map(() => NOTHING));
    expect(Object.keys(found)).toHaveLength(7);
  });
}
