/** The contract of the catalog on removal: nothing goes while another record names it. */
import { describe, expect, it } from '@jest/globals';
import type { Client } from '../../src/domain/clients/client.ts';
import type { Versioned } from '../../src/domain/records.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  apiFixture,
  apiGroupFixture,
  clientFixture,
  eventOf,
} from '../support/contract-fixtures.ts';
import { API_GROUPS, API_SCOPES, APIS, SECURITY_LEVELS } from './catalog.contract.ts';
import { expectNothingWritten, type Open, useStores } from './contract.ts';
import { type NounUnderTest, nextVersion } from './record-store.contract.ts';

type NoFilter = Record<string, never>;

/** A record in use: what holds it, and how to let go of it. */
type Case = [
  held: string,
  holder: string,
  make: (
    stores: Stores,
  ) => Promise<{ remove(): Promise<boolean>; release(): Promise<void>; holder: string }>,
];

function held<T extends Versioned, H extends Versioned>(
  of: NounUnderTest<T, NoFilter>,
  by: Pick<NounUnderTest<H, never>, 'noun' | 'store' | 'fixture' | 'id'>,
  naming: { hold(id: string): Partial<H>; letGo: Partial<H> },
): Case {
  return [
    of.noun,
    by.noun,
    async (stores) => {
      const record = of.fixture();
      const [id, store, holders] = [of.id(record), of.store(stores), by.store(stores)];
      await store.insert(record, eventOf(`${of.noun}.create`, id));
      const holder = by.fixture(naming.hold(id));
      await holders.insert(holder, eventOf(`${by.noun}.create`, by.id(holder)));
      return {
        holder: by.id(holder),
        async release() {
          const released = nextVersion({ ...holder, ...naming.letGo });
          await holders.update(released, eventOf(`${by.noun}.update`, by.id(holder)));
        },
        async remove() {
          const event = eventOf(`${of.noun}.delete`, id);
          return store.remove(id, event);
        },
      };
    },
  ];
}

const CLIENTS = {
  noun: 'client',
  store: ({ clients }: Stores) => clients,
  fixture: clientFixture,
  id: ({ clientId }: Client) => clientId,
};

const CASES: Case[] = [
  held(APIS, API_GROUPS, { hold: (id) => ({ apis: [id] }), letGo: { apis: [] } }),
  held(APIS, API_SCOPES, { hold: (id) => ({ apis: ['x', id] }), letGo: { apis: ['x'] } }),
  held(API_GROUPS, CLIENTS, { hold: (id) => ({ apiGroups: [id] }), letGo: { apiGroups: [] } }),
  held(API_GROUPS, CLIENTS, {
    hold: (id) => ({ servedApiGroups: [id] }),
    letGo: { servedApiGroups: [] },
  }),
  held(API_SCOPES, CLIENTS, { hold: (id) => ({ apiScopes: [id] }), letGo: { apiScopes: [] } }),
  held(SECURITY_LEVELS, CLIENTS, atLevel()),
  held(SECURITY_LEVELS, API_GROUPS, atLevel()),
  held(SECURITY_LEVELS, API_SCOPES, atLevel()),
];

function atLevel() {
  return { hold: (id: string) => ({ securityLevel: id }), letGo: { securityLevel: 'SYSTEM' } };
}

/** Describes the contract. */
export function describeInUse(open: Open): void {
  describe('records in use', () => {
    const stores = useStores(open);

    it.each(CASES)('keeps an %s while a %s names it', async (_held, _holder, make) => {
      const { remove, release, holder } = await make(stores());
      const inUse = { code: 'in_use', hint: expect.stringContaining(holder) };
      await expect(remove()).rejects.toMatchObject(inUse);
      await release();
      expect(await remove()).toBe(true);
    });

    it('writes nothing when it refuses, and names up to ten holders', async () => {
      const group = apiGroupFixture();
      await stores().apiGroups.insert(group, eventOf('api_group.create', group.name));
      const ids: string[] = [];
      for (let i = 0; i < 12; i += 1) {
        const client = clientFixture({ apiGroups: [group.name], servedApiGroups: [group.name] });
        await stores().clients.insert(client, eventOf('client.create', client.clientId));
        ids.push(client.clientId);
      }
      const event = eventOf('api_group.delete', group.name);
      const remove = () => stores().apiGroups.remove(group.name, event);
      await expectNothingWritten(stores(), event.object.id, remove, { code: 'in_use' });
      const error = (await remove().catch((caught: unknown) => caught)) as { hint: string };
      expect(ids.filter((id) => error.hint.includes(id))).toHaveLength(10);
      expect(await stores().apiGroups.find(group.name)).toStrictEqual(group);
    });

    it('lets go of what a removed record named', async () => {
      const api = apiFixture();
      const group = apiGroupFixture({ apis: [api.apiId] });
      await stores().apis.insert(api, eventOf('api.create', api.apiId));
      await stores().apiGroups.insert(group, eventOf('api_group.create', group.name));
      await stores().apiGroups.remove(group.name, eventOf('api_group.delete', group.name));
      expect(await stores().apis.remove(api.apiId, eventOf('api.delete', api.apiId))).toBe(true);
    });
  });
}
