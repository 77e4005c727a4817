/** The contract of filters that tell who uses what: exact, and in step with every change. */
import { describe, expect, it } from '@jest/globals';
import type { ApiGroupFilter } from '../../src/domain/apis/api-group.ts';
import type { Client } from '../../src/domain/clients/client.ts';
import type { ClientReference } from '../../src/domain/clients/client-store.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  apiGroupFixture,
  apiKeyFixture,
  apiScopeFixture,
  clientFixture,
  eventOf,
  NOW,
} from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';
import { nextVersion } from './record-store.contract.ts';

const FIELDS = ['apiGroups', 'servedApiGroups', 'apiScopes', 'userAllowlist'] as const;
const NOTHING = { apiGroups: [], servedApiGroups: [], apiScopes: [], userAllowlist: [] };
/** As many users as an allowlist may name. */
const MOST_USERS = 10_000;

async function inserted(stores: Stores, changes: Partial<Client>): Promise<Client> {
  const client = clientFixture({ ...NOTHING, ...changes });
  await stores.clients.insert(client, eventOf('client.create', client.clientId));
  return client;
}

async function updated(stores: Stores, client: Client, changes: Partial<Client>): Promise<void> {
  const after = nextVersion({ ...client, ...changes });
  await stores.clients.update(after, eventOf('client.update', client.clientId));
}

/** Describes the contract. */
export function describeUsedBy(open: Open): void {
  describe('who uses what', () => {
    describeClients(useStores(open));
    describeKeys(useStores(open));
    describeBundles(useStores(open));
  });
}

function describeClients(stores: () => Stores): void {
  const naming = async (fields: readonly ClientReference[], ...anyOf: string[]) => {
    const filter = { at: NOW, naming: { fields, anyOf } };
    const page = await stores().clients.list({ filter, limit: 100 });
    expect(page.total).toBe(page.items.length);
    expect((await stores().clients.countByStatus(filter)).all).toBe(page.total);
    return page.items.map(({ clientId }) => clientId).sort();
  };

  it.each(FIELDS)(
    'follows what clients name in %s, and nothing that is named alike',
    async (field) => {
      const name = `named-in-${field}`;
      const [one, two] = [
        await inserted(stores(), { [field]: [name, 'else'] }),
        await inserted(stores(), { [field]: ['else', name] }),
      ];
      const others = FIELDS.filter((other) => other !== field).map((other) => [other, [name]]);
      const elsewhere = await inserted(stores(), Object.fromEntries(others));
      await inserted(stores(), { [field]: [`${name}.more`, name.slice(0, -1)] });
      expect(await naming([field], name)).toEqual([one.clientId, two.clientId].sort());
      await updated(stores(), elsewhere, { [field]: [name] });
      await updated(stores(), one, { [field]: ['else'] });
      expect(await naming([field], name)).toEqual([two.clientId, elsewhere.clientId].sort());
      await stores().clients.remove(two.clientId, eventOf('client.delete', two.clientId));
      expect(await naming([field], name)).toEqual([elsewhere.clientId]);
    },
  );

  it('names a client once, whatever it names and wherever', async () => {
    const [group, scope, both] = [
      await inserted(stores(), { apiGroups: ['g-1', 'g-2'] }),
      await inserted(stores(), { apiScopes: ['s-1'] }),
      await inserted(stores(), { apiGroups: ['g-2', 'g-1'], apiScopes: ['s-1', 's-2'] }),
    ].map(({ clientId }) => clientId);
    const fields = ['apiGroups', 'apiScopes'] as const;
    expect(await naming(fields, 'g-1', 'g-2', 's-1')).toEqual([group, scope, both].sort());
    expect(await naming(fields, 's-2')).toEqual([both]);
    expect(await naming(['apiScopes'], 'g-1')).toEqual([]);
    expect(await naming(fields)).toEqual([]);
  });

  it('combines with other members and with words', async () => {
    const allowed = { userAllowlist: ['user-7'] };
    const one = await inserted(stores(), { ...allowed, kind: 'partner', note: 'combined' });
    await inserted(stores(), { ...allowed, kind: 'resource_server', note: 'combined' });
    await inserted(stores(), { ...allowed, kind: 'partner', note: 'other' });
    const user = { fields: ['userAllowlist'] as const, anyOf: ['user-7'] };
    const filter = { at: NOW, naming: user, kind: 'partner' as const };
    const { items } = await stores().clients.list({ filter, search: 'combined', limit: 10 });
    expect(items.map(({ clientId }) => clientId)).toEqual([one.clientId]);
  });

  it('takes the longest allowlist, and what is changed of it', async () => {
    const userAllowlist = Array.from({ length: MOST_USERS }, (_, i) => `of-many-${i}`);
    const client = await inserted(stores(), { userAllowlist });
    expect(await naming(['userAllowlist'], `of-many-${MOST_USERS - 1}`)).toEqual([client.clientId]);
    await updated(stores(), client, { userAllowlist: userAllowlist.slice(1) });
    expect(await naming(['userAllowlist'], 'of-many-0')).toEqual([]);
    expect(await naming(['userAllowlist'], 'of-many-1')).toEqual([client.clientId]);
  });

  it('pages, with the number of all', async () => {
    const made: string[] = [];
    for (let i = 0; i < 7; i += 1) {
      made.push((await inserted(stores(), { apiScopes: ['paged'] })).clientId);
    }
    const filter = { at: NOW, naming: { fields: ['apiScopes'] as const, anyOf: ['paged'] } };
    const first = await stores().clients.list({ filter, limit: 4 });
    const cursor = first.nextCursor ?? '';
    const second = await stores().clients.list({ filter, limit: 4, cursor });
    expect([first.total, second.total, second.nextCursor]).toEqual([7, 7, null]);
    const ids = [...first.items, ...second.items].map(({ clientId }) => clientId);
    expect(ids.toSorted()).toEqual(made.toSorted());
  });
}

function describeKeys(stores: () => Stores): void {
  const having = async (apiGroup: string) => {
    const page = await stores().apiKeys.list({ filter: { apiGroup }, limit: 10 });
    expect(page.total).toBe(page.items.length);
    return page.items.map(({ apiKeyId }) => apiKeyId).sort();
  };

  it('follows the API groups of keys, also where the client loses or takes them', async () => {
    const client = await inserted(stores(), { apiGroups: ['k-1', 'k-2'] });
    const { clientId } = client;
    const keys = [['k-1'], ['k-1', 'k-2'], ['k-2']].map((apiGroups) =>
      apiKeyFixture({ clientId, apiGroups }),
    );
    for (const key of keys) {
      await stores().apiKeys.insert(key, eventOf('api_key.create', key.apiKeyId));
    }
    const [one = '', two = '', three = ''] = keys.map(({ apiKeyId }) => apiKeyId);
    expect(await having('k-1')).toEqual([one, two].sort());
    const moved = nextVersion(apiKeyFixture({ ...keys[0], apiGroups: ['k-2'] }));
    await stores().apiKeys.update(moved, eventOf('api_key.update', one));
    expect([await having('k-1'), await having('k-2')]).toEqual([[two], [one, two, three].sort()]);
    await updated(stores(), client, { apiGroups: ['k-1'] });
    expect([await having('k-1'), await having('k-2')]).toEqual([[two], []]);
    const filter = { clientId: 'somebody-else', apiGroup: 'k-1' };
    expect((await stores().apiKeys.list({ filter, limit: 1 })).total).toBe(0);
    await stores().clients.remove(clientId, eventOf('client.delete', clientId));
    expect(await having('k-1')).toEqual([]);
  });

  it('lets go of a key that is removed, which kept no API group from going', async () => {
    const group = apiGroupFixture();
    const { name } = group;
    await stores().apiGroups.insert(group, eventOf('api_group.create', name));
    const key = apiKeyFixture({ clientId: 'of-nobody', apiGroups: [name] });
    await stores().apiKeys.insert(key, eventOf('api_key.create', key.apiKeyId));
    expect(await having(name)).toEqual([key.apiKeyId]);
    expect(await stores().apiGroups.remove(name, eventOf('api_group.delete', name))).toBe(true);
    await stores().apiKeys.remove(key.apiKeyId, eventOf('api_key.delete', key.apiKeyId));
    expect(await having(name)).toEqual([]);
  });
}

const BUNDLES = [
  [
    'API groups',
    ({ apiGroups }: Stores) => apiGroups,
    ({ apiScopes }: Stores) => apiScopes,
    apiGroupFixture,
  ],
  [
    'API scopes',
    ({ apiScopes }: Stores) => apiScopes,
    ({ apiGroups }: Stores) => apiGroups,
    apiScopeFixture,
  ],
] as const;

function describeBundles(stores: () => Stores): void {
  it.each(BUNDLES)('follows the APIs and the level of %s', async (_, storeOf, otherOf, fixture) => {
    const store = storeOf(stores()) as Stores['apiGroups'];
    const make = fixture as typeof apiGroupFixture;
    const wanted = async (filter: ApiGroupFilter) => {
      const page = await store.list({ filter, limit: 10 });
      expect(page.total).toBe(page.items.length);
      return page.items.map(({ name }) => name);
    };
    const one = make({ apis: ['api-1', 'api-2'], securityLevel: 'L1' });
    const two = make({ apis: ['api-2'], securityLevel: 'L2' });
    for (const group of [one, two]) await store.insert(group, eventOf('x.create', group.name));
    expect(await wanted({ api: 'api-1' })).toEqual([one.name]);
    expect(await wanted({ api: 'api-2' })).toEqual([one.name, two.name].sort());
    expect(await wanted({ api: 'api-2', securityLevel: 'L2' })).toEqual([two.name]);
    expect(await wanted({ securityLevel: 'L1' })).toEqual([one.name]);
    expect((await otherOf(stores()).list({ filter: { api: 'api-2' }, limit: 1 })).total).toBe(0);
    const after = nextVersion({ ...one, apis: ['api-1'], securityLevel: 'L2' });
    await store.update(after, eventOf('x.update', one.name));
    await store.remove(two.name, eventOf('x.delete', two.name));
    expect([await wanted({ api: 'api-2' }), await wanted({ securityLevel: 'L2' })]).toEqual([
      [],
      [one.name],
    ]);
  });
}
