/** The contracts of AdminStore and PersonalAccessTokenStore. */
import { describe, expect, it } from '@jest/globals';
import type {
  Admin,
  PersonalAccessToken,
  PersonalAccessTokenFilter,
} from '../../src/domain/admins/admin.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  accessKeyFixture,
  adminFixture,
  digestOf,
  eventOf,
  fresh,
} from '../support/contract-fixtures.ts';
import { expectChange, expectNothingWritten, type Open, useStores } from './contract.ts';
import { describeRecordStore, nextVersion } from './record-store.contract.ts';

/** Describes the contracts. */
export function describeAdmins(open: Open): void {
  describeRecordStore<Admin, Record<string, never>>(open, {
    noun: 'admin',
    changeKind: 'admin',
    store: ({ admins }) => admins,
    fixture: adminFixture,
    id: ({ adminId }) => adminId,
    changed: (admin) => ({
      ...admin,
      userName: admin.userName.toUpperCase(),
      displayName: '',
      email: null,
      role: 'security',
      status: 'enabled',
      passwordHash: null,
      totpSecret: null,
    }),
    collisions: {
      adminId: ({ adminId }) => ({ adminId, userName: fresh('name') }),
      userName: ({ userName }) => ({ userName: userName.toUpperCase() }),
    },
    sorts: {
      userName: ({ userName }) => userName.toLowerCase(),
      createdAt: ({ createdAt }) => createdAt.getTime(),
    },
    searchable: {
      userName: ({ userName }) => userName,
      displayName: ({ displayName }) => displayName,
      email: ({ email }) => email ?? '',
    },
  });
  describePersonalAccessTokens(open);
  describe('the last owner', () => describeLastOwner(useStores(open)));
}

function describePersonalAccessTokens(open: Open): void {
  describeRecordStore<PersonalAccessToken, PersonalAccessTokenFilter>(open, {
    noun: 'access_token',
    changeKind: 'access_token',
    store: ({ personalAccessTokens }) => personalAccessTokens,
    fixture: accessKeyFixture,
    id: ({ accessTokenId }) => accessTokenId,
    changed: (token) => ({ ...token, label: 'changed', role: 'viewer', expiresAt: null }),
    collisions: {
      accessTokenId: ({ accessTokenId }) => ({ accessTokenId, digest: digestOf(fresh('d')) }),
      digest: ({ digest }) => ({ digest }),
    },
    sorts: { createdAt: ({ createdAt }) => createdAt.getTime() },
    searchable: { label: ({ label }) => label },
  });
  describe('personal access tokens', () => {
    const stores = useStores(open);
    const insert = async (token: PersonalAccessToken) => {
      const { accessTokenId } = token;
      await stores().personalAccessTokens.insert(
        token,
        eventOf('access_token.create', accessTokenId),
      );
      return token;
    };

    it('finds by digest', async () => {
      const token = await insert(accessKeyFixture());
      expect(await stores().personalAccessTokens.findByDigest(token.digest)).toStrictEqual(token);
      expect(await stores().personalAccessTokens.findByDigest('other')).toBeNull();
    });

    it('filters by admin, and goes with its admin', async () => {
      const admin = await insertedAdmin(stores(), {});
      const { adminId } = admin;
      const token = await insert(accessKeyFixture({ adminId }));
      const other = await insert(accessKeyFixture({ adminId: 'someone-else' }));
      const page = await stores().personalAccessTokens.list({ filter: { adminId }, limit: 10 });
      expect(page).toEqual({ items: [token], nextCursor: null, previousCursor: null, total: 1 });
      const change = { kind: 'access_token', id: token.accessTokenId } as const;
      await expectChange(stores(), change, () =>
        stores().admins.remove(adminId, eventOf('admin.delete', adminId)),
      );
      expect(await stores().personalAccessTokens.findByDigest(token.digest)).toBeNull();
      expect(await stores().personalAccessTokens.find(other.accessTokenId)).toStrictEqual(other);
    });
  });
}

async function insertedAdmin(stores: Stores, changes: Partial<Admin>): Promise<Admin> {
  const admin = adminFixture(changes);
  await stores.admins.insert(admin, eventOf('admin.create', admin.adminId));
  return admin;
}

const OWNER = { role: 'owner', status: 'enabled' } as const;

/** What takes an owner away. */
const LOSSES: Record<string, (stores: Stores, admin: Admin) => Promise<unknown>> = {
  'disabling it': (stores, admin) => updated(stores, admin, { status: 'disabled' }),
  'lowering its role': (stores, admin) => updated(stores, admin, { role: 'security' }),
  'removing it': (stores, { adminId }) =>
    stores.admins.remove(adminId, eventOf('admin.delete', adminId)),
};

async function updated(stores: Stores, admin: Admin, changes: Partial<Admin>): Promise<void> {
  const event = eventOf('admin.update', admin.adminId);
  await stores.admins.update(nextVersion({ ...admin, ...changes }), event);
}

function describeLastOwner(stores: () => Stores): void {
  const enabledOwners = async () => {
    const { items } = await stores().admins.list({ limit: 100 });
    return items.filter(({ role, status }) => role === 'owner' && status === 'enabled');
  };

  it('counts admins', async () => {
    const before = await stores().admins.count();
    await insertedAdmin(stores(), {});
    expect(await stores().admins.count()).toBe(before + 1);
  });

  it('lets admins be changed while there is no owner at all', async () => {
    const admin = await insertedAdmin(stores(), {});
    await updated(stores(), admin, { status: 'enabled' });
    expect((await stores().admins.find(admin.adminId))?.status).toBe('enabled');
  });

  it('refuses to lose the last enabled owner, and writes nothing', async () => {
    await insertedAdmin(stores(), { role: 'owner', status: 'disabled' });
    const owner = await insertedAdmin(stores(), OWNER);
    for (const lose of Object.values(LOSSES)) {
      const write = () => lose(stores(), owner);
      await expectNothingWritten(stores(), owner.adminId, write, { code: 'last_owner' });
    }
    expect(await stores().admins.find(owner.adminId)).toStrictEqual(owner);
    await updated(stores(), owner, { displayName: 'still the owner' });
    expect(await enabledOwners()).toHaveLength(1);
  });

  it.each(Object.entries(LOSSES))(
    'keeps one of ten owners under concurrent %s',
    async (_, lose) => {
      const made = Array.from({ length: 9 }, () => insertedAdmin(stores(), OWNER));
      await Promise.all(made);
      const owners = await enabledOwners();
      const results = await Promise.allSettled(owners.map((owner) => lose(stores(), owner)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(
        owners.length - 1,
      );
      expect(await enabledOwners()).toHaveLength(1);
    },
  );
}
