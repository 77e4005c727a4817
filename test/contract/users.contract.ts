/** The contract of UserStore. */
import { describe, expect, it } from '@jest/globals';
import type { Stores } from '../../src/domain/stores.ts';
import type { User, UserFilter } from '../../src/domain/users/user.ts';
import {
  accessTokenFixture,
  eventOf,
  familyFixture,
  fresh,
  fromNow,
  NOW,
  spendUse,
  userFixture,
} from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';
import { describeLockout } from './lockout.contract.ts';
import { describeRecordStore } from './record-store.contract.ts';

async function inserted(stores: Stores, user: User): Promise<User> {
  await stores.users.insert(user, eventOf('user.create', user.userId));
  return user;
}

/** Describes the contract. */
export function describeUsers(open: Open): void {
  describeRecordStore<User, UserFilter>(open, {
    noun: 'user',
    changeKind: 'user',
    store: ({ users }) => users,
    fixture: userFixture,
    id: ({ userId }) => userId,
    changed: (user) => ({
      ...user,
      userName: user.userName.toUpperCase(),
      displayName: '',
      email: null,
      status: 'enabled',
      passwordHash: '$2b$12$changed',
    }),
    collisions: {
      userId: ({ userId }) => ({ userId, userName: fresh('name'), email: null }),
      userName: ({ userName }) => ({ userName: userName.toLowerCase() }),
      email: ({ email }) => ({ email: email?.toUpperCase() ?? '' }),
    },
    sorts: {
      createdAt: ({ createdAt }) => createdAt.getTime(),
      userName: ({ userName }) => userName.toLowerCase(),
    },
    searchable: {
      userId: ({ userId }) => userId,
      userName: ({ userName }) => userName,
      displayName: ({ displayName }) => displayName.slice(2),
      email: ({ email }) => email ?? '',
    },
  });
  describeLockout(open, {
    noun: 'user',
    changeKind: 'user',
    store: ({ users }) => users,
    insert: async (stores) => (await inserted(stores, userFixture())).userId,
  });
  describe('users', () => {
    const stores = useStores(open);
    describeUsersAlone(stores);
  });
}

function describeUsersAlone(stores: () => Stores): void {
  it('finds by name without regard to case', async () => {
    const user = await inserted(stores(), userFixture());
    for (const name of [user.userName.toUpperCase(), user.userName.toLowerCase()]) {
      expect(await stores().users.findByName(name)).toStrictEqual(user);
    }
    expect(await stores().users.findByName('nobody')).toBeNull();
  });

  it('lets any number of users have no mail address', async () => {
    const users = [userFixture({ email: null }), userFixture({ email: null })];
    for (const user of users) await inserted(stores(), user);
    expect(await stores().users.find(users[1]?.userId ?? '')).toStrictEqual(users[1]);
  });

  it('filters by status, the first that applies: disabled, locked, enabled', async () => {
    const lock = { failedLogins: 5, lockedAt: fromNow(-1), failures: [] };
    const made = {
      enabled: await inserted(
        stores(),
        userFixture({ status: 'enabled', displayName: 'filtered' }),
      ),
      locked: await inserted(
        stores(),
        userFixture({ status: 'enabled', displayName: 'filtered', lock }),
      ),
      disabled: await inserted(stores(), userFixture({ displayName: 'filtered', lock })),
    };
    for (const status of ['enabled', 'locked', 'disabled'] as const) {
      const query = { filter: { status }, search: 'filtered', limit: 10 };
      expect((await stores().users.list(query)).items).toStrictEqual([made[status]]);
    }
  });

  it('revokes the tokens of a removed user in the same step, and no others', async () => {
    const { userId } = await inserted(stores(), userFixture());
    const access = accessTokenFixture({ userId });
    const other = accessTokenFixture({ userId: 'someone-else' });
    const family = familyFixture({ userId });
    await stores().tokens.issue(access, family);
    await stores().tokens.issue(other, null);
    await stores().users.remove(userId, eventOf('user.delete', userId, NOW));
    expect((await stores().tokens.findAccess(access.tokenId))?.revokedAt).toEqual(NOW);
    expect((await stores().tokens.findFamily(family.tokenId))?.revokedAt).toEqual(NOW);
    expect(await spendUse(stores(), other.tokenId, NOW)).toBe(1);
  });
}
