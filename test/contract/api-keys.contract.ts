/** The contract of ApiKeyStore, and of ClientStore on the keys of a client. */
import { describe, expect, it } from '@jest/globals';
import type { ApiKey, ApiKeyFilter } from '../../src/domain/api-keys/api-key.ts';
import type { Client } from '../../src/domain/clients/client.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  apiKeyFixture,
  clientFixture,
  digestOf,
  eventOf,
  fresh,
  fromNow,
} from '../support/contract-fixtures.ts';
import {
  conflictOn,
  eventsAbout,
  expectNothingWritten,
  feedPosition,
  invalidOn,
  type Open,
  useStores,
} from './contract.ts';
import { describeRecordStore, type NounUnderTest, nextVersion } from './record-store.contract.ts';

const KEYS: NounUnderTest<ApiKey, ApiKeyFilter> = {
  noun: 'api_key',
  changeKind: 'api_key',
  store: ({ apiKeys }) => apiKeys,
  fixture: apiKeyFixture,
  id: ({ apiKeyId }) => apiKeyId,
  changed: (apiKey) => ({
    ...apiKey,
    alias: apiKey.alias.toUpperCase(),
    startsAt: null,
    expiresAt: fromNow(60),
    apiGroups: ['stock.read'],
    status: 'enabled',
    current: { digest: digestOf(fresh('value')), lastFour: 'nEw1' },
    previous: null,
  }),
  collisions: {
    apiKeyId: ({ apiKeyId }) => {
      const other = fresh('other');
      const current = { digest: digestOf(other), lastFour: 'xxxx' };
      return { apiKeyId, alias: other, current, previous: null };
    },
    alias: ({ alias }) => ({ alias: alias.toUpperCase() }),
  },
  sorts: {
    createdAt: ({ createdAt }) => createdAt.getTime(),
    alias: ({ alias }) => alias.toLowerCase(),
    expiresAt: ({ expiresAt }) => expiresAt.getTime(),
  },
  searchable: {
    alias: ({ alias }) => alias,
    apiKeyId: ({ apiKeyId }) => apiKeyId,
    lastFour: ({ current }) => current.lastFour,
  },
};

/** Describes the contract. */
export function describeApiKeys(open: Open): void {
  describeRecordStore(open, KEYS);
  describe('api keys', () => describeKeys(useStores(open)));
  describe('the keys of a client that changes', () => describeLostGroups(useStores(open)));
  describe('the keys of a client that goes', () => describeRemoval(useStores(open)));
}

async function inserted(stores: Stores, changes: Partial<ApiKey> = {}): Promise<ApiKey> {
  const apiKey = apiKeyFixture(changes);
  await stores.apiKeys.insert(apiKey, eventOf('api_key.create', apiKey.apiKeyId));
  return apiKey;
}

async function insertedClient(stores: Stores): Promise<Client> {
  const client = clientFixture({ apiGroups: ['a', 'b', 'c'] });
  await stores.clients.insert(client, eventOf('client.create', client.clientId));
  return client;
}

function describeKeys(stores: () => Stores): void {
  it('finds by the digest of the current and of the previous value', async () => {
    const apiKey = await inserted(stores());
    const { current, previous } = apiKey;
    expect(await stores().apiKeys.findByDigest(current.digest)).toStrictEqual(apiKey);
    expect(await stores().apiKeys.findByDigest(previous?.digest ?? '')).toStrictEqual(apiKey);
    expect(await stores().apiKeys.findByDigest('other')).toBeNull();
  });

  it('forgets digests that a key no longer has', async () => {
    const apiKey = await inserted(stores());
    const { current, previous } = apiKey;
    const newest = { digest: digestOf(fresh('value')), lastFour: 'nEw1' };
    const rotated = { ...current, expiresAt: fromNow(60) };
    const after = nextVersion({ ...apiKey, current: newest, previous: rotated });
    await stores().apiKeys.update(after, eventOf('api_key.rotate', apiKey.apiKeyId));
    expect(await stores().apiKeys.findByDigest(newest.digest)).toStrictEqual(after);
    expect(await stores().apiKeys.findByDigest(current.digest)).toStrictEqual(after);
    expect(await stores().apiKeys.findByDigest(previous?.digest ?? '')).toBeNull();
    await stores().apiKeys.remove(apiKey.apiKeyId, eventOf('api_key.delete', apiKey.apiKeyId));
    expect(await stores().apiKeys.findByDigest(newest.digest)).toBeNull();
    expect(await stores().apiKeys.findByDigest(current.digest)).toBeNull();
  });

  it('have aliases of their own within a client only', async () => {
    const apiKey = await inserted(stores());
    await inserted(stores(), { alias: apiKey.alias, clientId: 'somebody-else' });
    const alias = apiKey.alias.toUpperCase();
    await expect(inserted(stores(), { alias })).rejects.toMatchObject(conflictOn('alias'));
  });

  it('are filtered by client', async () => {
    const clientId = fresh('client');
    const apiKey = await inserted(stores(), { clientId });
    const page = await stores().apiKeys.list({ filter: { clientId }, limit: 10 });
    expect(page).toEqual({ items: [apiKey], nextCursor: null, previousCursor: null, total: 1 });
  });

  it('are filtered by when they expire, both ends left out', async () => {
    const clientId = fresh('client');
    const keys: ApiKey[] = [];
    for (const seconds of [10, 20, 30, 40]) {
      keys.push(await inserted(stores(), { clientId, expiresAt: fromNow(seconds) }));
    }
    const { items, total } = await stores().apiKeys.list({
      filter: { clientId, expiring: { after: fromNow(10), before: fromNow(40) } },
      sort: { field: 'expiresAt', descending: false },
      limit: 10,
    });
    expect([items, total]).toEqual([[keys[1], keys[2]], 2]);
  });

  it('name only groups that their client holds', async () => {
    const { clientId } = await insertedClient(stores());
    const apiKey = apiKeyFixture({ clientId, apiGroups: ['a', 'not-held'] });
    const create = eventOf('api_key.create', apiKey.apiKeyId);
    const insert = () => stores().apiKeys.insert(apiKey, create);
    const refused = invalidOn('apiGroups.1');
    await expectNothingWritten(stores(), create.object.id, insert, refused);
    const held = { ...apiKey, apiGroups: ['a'] };
    await stores().apiKeys.insert(held, create);
    const event = eventOf('api_key.update', apiKey.apiKeyId);
    const update = () => stores().apiKeys.update(nextVersion(apiKey), event);
    await expectNothingWritten(stores(), event.object.id, update, refused);
    expect(await stores().apiKeys.find(apiKey.apiKeyId)).toStrictEqual(held);
  });
}

function describeLostGroups(stores: () => Stores): void {
  async function changeGroups(client: Client, apiGroups: string[]): Promise<Client> {
    const after = nextVersion({ ...client, apiGroups });
    await stores().clients.update(after, eventOf('client.update', client.clientId));
    return after;
  }

  it('lose the groups that the client loses, in the same step', async () => {
    const client = await insertedClient(stores());
    const { clientId } = client;
    const both = await inserted(stores(), { clientId, apiGroups: ['b', 'a'] });
    const only = await inserted(stores(), { clientId, apiGroups: ['b'] });
    const untouched = await inserted(stores(), { clientId, apiGroups: ['c', 'a'] });
    const foreign = await inserted(stores(), { apiGroups: ['b'] });
    const position = await feedPosition(stores());
    const { updatedAt } = await changeGroups(client, ['c', 'a']);
    const after = { version: both.version + 1, updatedAt };
    const { apiKeys } = stores();
    expect(await apiKeys.find(both.apiKeyId)).toStrictEqual({
      ...both,
      ...after,
      apiGroups: ['a'],
    });
    expect(await apiKeys.find(only.apiKeyId)).toStrictEqual({ ...only, ...after, apiGroups: [] });
    expect(await apiKeys.find(untouched.apiKeyId)).toStrictEqual(untouched);
    expect(await apiKeys.find(foreign.apiKeyId)).toStrictEqual(foreign);
    const news = await stores().changes.since(position);
    const changed = news?.changed === 'everything' ? [] : (news?.changed ?? []);
    const named = changed.filter(({ kind }) => kind === 'api_key').map(({ id }) => id);
    expect(named.sort()).toEqual([both.apiKeyId, only.apiKeyId].sort());
    expect(await eventsAbout(stores(), both.apiKeyId)).toHaveLength(1);
  });

  it('are left without any when the client is', async () => {
    const client = await insertedClient(stores());
    const apiKey = await inserted(stores(), { clientId: client.clientId, apiGroups: ['a', 'b'] });
    await changeGroups(client, []);
    expect((await stores().apiKeys.find(apiKey.apiKeyId))?.apiGroups).toEqual([]);
    const { current } = apiKey;
    expect((await stores().apiKeys.findByDigest(current.digest))?.version).toBe(2);
  });

  it('get nothing back when the client does, and can be changed at their new version', async () => {
    const client = await insertedClient(stores());
    const apiKey = await inserted(stores(), { clientId: client.clientId, apiGroups: ['a', 'b'] });
    await changeGroups(await changeGroups(client, ['a']), ['a', 'b']);
    const left = await stores().apiKeys.find(apiKey.apiKeyId);
    expect(left?.apiGroups).toEqual(['a']);
    const event = eventOf('api_key.update', apiKey.apiKeyId);
    const stale = () => stores().apiKeys.update(nextVersion(apiKey), event);
    const refused = { code: 'version_conflict', current: left };
    await expectNothingWritten(stores(), apiKey.apiKeyId, stale, refused);
    const again = nextVersion({ ...apiKey, version: 2 });
    await stores().apiKeys.update(again, event);
    expect(await stores().apiKeys.find(apiKey.apiKeyId)).toStrictEqual(again);
  });

  it('keep everything when the change of the client is refused', async () => {
    const client = await insertedClient(stores());
    const taken = await insertedClient(stores());
    const apiKey = await inserted(stores(), { clientId: client.clientId, apiGroups: ['a'] });
    const { clientId } = client;
    const event = eventOf('client.update', clientId);
    const stale = { ...client, version: 5, apiGroups: [] };
    const update = () => stores().clients.update(stale, event);
    await expectNothingWritten(stores(), clientId, update, { code: 'version_conflict' });
    const twin = nextVersion({ ...client, clientName: taken.clientName, apiGroups: [] });
    const collide = () => stores().clients.update(twin, event);
    await expectNothingWritten(stores(), clientId, collide, conflictOn('clientName'));
    expect(await stores().apiKeys.find(apiKey.apiKeyId)).toStrictEqual(apiKey);
  });

  it('never keep a group that a concurrent change takes from the client', async () => {
    for (let round = 0; round < 5; round += 1) {
      const client = await insertedClient(stores());
      const apiKey = await inserted(stores(), { clientId: client.clientId, apiGroups: ['a'] });
      const more = nextVersion({ ...apiKey, apiGroups: ['a', 'b'] });
      await Promise.allSettled([
        stores().apiKeys.update(more, eventOf('api_key.update', apiKey.apiKeyId)),
        changeGroups(client, ['a']),
      ]);
      expect((await stores().apiKeys.find(apiKey.apiKeyId))?.apiGroups).toEqual(['a']);
    }
  });
}

function describeRemoval(stores: () => Stores): void {
  const remove = ({ clientId }: Client, version?: number) =>
    stores().clients.remove(clientId, eventOf('client.delete', clientId), version);

  it('go with it, each with its entry in the change feed', async () => {
    const client = await insertedClient(stores());
    const of = { clientId: client.clientId, apiGroups: ['a'] };
    const keys = [await inserted(stores(), of), await inserted(stores(), of)];
    const other = await inserted(stores());
    const position = await feedPosition(stores());
    expect(await remove(client)).toBe(true);
    const news = await stores().changes.since(position);
    for (const { apiKeyId, current, previous } of keys) {
      expect(news?.changed).toContainEqual({ kind: 'api_key', id: apiKeyId });
      expect(await stores().apiKeys.find(apiKeyId)).toBeNull();
      expect(await stores().apiKeys.findByDigest(current.digest)).toBeNull();
      expect(await stores().apiKeys.findByDigest(previous?.digest ?? '')).toBeNull();
    }
    const filter = { clientId: client.clientId };
    expect((await stores().apiKeys.list({ filter, limit: 10 })).total).toBe(0);
    expect(await stores().apiKeys.find(other.apiKeyId)).toStrictEqual(other);
  });

  it('stay when the removal is refused', async () => {
    const client = await insertedClient(stores());
    const apiKey = await inserted(stores(), { clientId: client.clientId, apiGroups: ['a'] });
    await expect(remove(client, 7)).rejects.toMatchObject({ code: 'version_conflict' });
    expect(await stores().apiKeys.find(apiKey.apiKeyId)).toStrictEqual(apiKey);
  });

  it('are followed by no more', async () => {
    const client = await insertedClient(stores());
    await remove(client);
    const apiKey = apiKeyFixture({ clientId: client.clientId, apiGroups: [] });
    const event = eventOf('api_key.create', apiKey.apiKeyId);
    const insert = () => stores().apiKeys.insert(apiKey, event);
    await expectNothingWritten(stores(), event.object.id, insert, { code: 'not_found' });
  });
}
