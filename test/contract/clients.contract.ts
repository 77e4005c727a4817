/** The contract of ClientStore. */
import { describe, expect, it } from '@jest/globals';
import type { Client } from '../../src/domain/clients/client.ts';
import type { ClientFilter } from '../../src/domain/clients/client-store.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  accessTokenFixture,
  clientFixture,
  eventOf,
  familyFixture,
  fresh,
  fromNow,
  NOW,
  openClientFixture,
  spendUse,
} from '../support/contract-fixtures.ts';
import { describeClientFilters } from './client-filters.contract.ts';
import { describeClientLists } from './client-lists.contract.ts';
import { conflictOn, expectNothingWritten, type Open, useStores } from './contract.ts';
import { describeLockout } from './lockout.contract.ts';
import { describeRecordStore } from './record-store.contract.ts';

function changed(client: Client): Client {
  const { clientId, version, createdAt, updatedAt, lock, clientName } = client;
  return {
    ...openClientFixture({
      expiresAt: fromNow(5),
      audience: 'both',
      apiGroups: [],
      environment: 'development',
      jwks: null,
      secrets: [],
    }),
    ...{ clientId, version, createdAt, updatedAt, lock },
    clientName: clientName.toUpperCase(),
  };
}

const LOCKED = {
  failedLogins: 3,
  lockedAt: fromNow(-10),
  failures: [{ at: fromNow(-10), address: null }],
};

/** More than one transaction of any adapter revokes. */
const MANY_TOKENS = 5500;

async function inserted(stores: Stores, client: Client): Promise<Client> {
  await stores.clients.insert(client, eventOf('client.create', client.clientId));
  return client;
}

/** Describes the contract. */
export function describeClients(open: Open): void {
  describeRecordStore<Client, ClientFilter>(open, {
    noun: 'client',
    changeKind: 'client',
    store: ({ clients }) => clients,
    fixture: clientFixture,
    id: ({ clientId }) => clientId,
    changed,
    collisions: {
      clientId: ({ clientId }) => ({
        clientId,
        clientName: fresh('Name'),
        displayName: fresh('Display'),
      }),
      clientName: ({ clientName }) => ({ clientName: clientName.toLowerCase() }),
      displayName: ({ displayName }) => ({ displayName }),
    },
    sorts: {
      createdAt: ({ createdAt }) => createdAt.getTime(),
      clientName: ({ clientName }) => clientName.toLowerCase(),
      // None was used.
      lastUsedAt: () => 0,
      displayName: ({ displayName }) => displayName,
      expiresAt: ({ expiresAt }) => expiresAt?.getTime() ?? 0,
    },
    searchable: {
      clientId: ({ clientId }) => clientId,
      clientName: ({ clientName }) => clientName,
      displayName: () => '訂單',
      applicationNo: ({ applicationNo }) => applicationNo,
      emails: () => 'dev@partner',
      note: () => 'Nightly',
      hostNames: () => 'hq',
      addresses: () => '192.0.2.0/24',
      apiGroups: () => 'orders.write',
    },
  });
  describeLockout(open, {
    noun: 'client',
    changeKind: 'client',
    store: ({ clients }) => clients,
    insert: async (stores) => (await inserted(stores, clientFixture())).clientId,
  });
  describe('clients', () => {
    const stores = useStores(open);
    describeIds(stores);
    describeRemoval(stores);
  });
  describeClientFilters(open);
  describeClientLists(open);
}

function describeIds(stores: () => Stores): void {
  it('stores the lock that a new client comes with', async () => {
    const client = await inserted(stores(), clientFixture({ lock: LOCKED }));
    expect((await stores().clients.find(client.clientId))?.lock).toStrictEqual(LOCKED);
  });

  it('tells ids that differ only in case apart', async () => {
    const lower = await inserted(stores(), clientFixture({ clientId: fresh('case') }));
    const upper = clientFixture({ clientId: lower.clientId.toUpperCase(), clientName: fresh('n') });
    await inserted(stores(), upper);
    expect(await stores().clients.find(upper.clientId)).toStrictEqual(upper);
    expect(await stores().clients.find(lower.clientId)).toStrictEqual(lower);
  });

  it('never gives the id of a deleted client again; its names are free', async () => {
    const client = await inserted(stores(), clientFixture());
    const { clientId, clientName, displayName } = client;
    await stores().clients.remove(clientId, eventOf('client.delete', clientId));
    await expect(inserted(stores(), client)).rejects.toMatchObject(conflictOn('clientId'));
    await inserted(stores(), clientFixture({ clientName, displayName }));
    expect(await stores().clients.find(clientId)).toBeNull();
  });
}

function describeRemoval(stores: () => Stores): void {
  it('revokes the tokens of a removed client in the same step, and no others', async () => {
    const { clientId } = await inserted(stores(), clientFixture());
    const access = accessTokenFixture({ clientId });
    const other = accessTokenFixture();
    const family = familyFixture({ clientId });
    await stores().tokens.issue(access, family);
    await stores().tokens.issue(other, null);
    await stores().clients.remove(clientId, eventOf('client.delete', clientId, NOW));
    expect(await spendUse(stores(), access.tokenId, NOW)).toBeNull();
    expect((await stores().tokens.findAccess(access.tokenId))?.revokedAt).toEqual(NOW);
    expect((await stores().tokens.findFamily(family.tokenId))?.revokedAt).toEqual(NOW);
    expect(await spendUse(stores(), other.tokenId, NOW)).toBe(1);
  });

  it('revokes no token of a client whose removal is refused, however many there are', async () => {
    const { clientId } = await inserted(stores(), clientFixture());
    const issue = () => stores().tokens.issue(accessTokenFixture({ clientId }), null);
    await Promise.all(Array.from({ length: MANY_TOKENS }, issue));
    const event = eventOf('client.delete', clientId);
    const live = async () =>
      (await stores().tokens.list({ clientId }, { limit: 1, now: NOW })).total;
    const stale = () => stores().clients.remove(clientId, event, 2);
    await expectNothingWritten(stores(), clientId, stale, { code: 'version_conflict' });
    expect(await live()).toBe(MANY_TOKENS);
    expect(await stores().clients.remove(clientId, event, 1)).toBe(true);
    expect(await live()).toBe(0);
  });
}
