/** Users. */
import { trusted } from 'mongoose';
import type { User, UserFilter, UserStore } from '../../src/domain/users/user.ts';
import type { Database } from './connection.ts';
import { lockableStore } from './lockable.ts';
import type { Condition, Sort } from './paging.ts';
import { recordStore } from './record-store.ts';
import { collection, folded, LOCK, type Stored, VERSIONED } from './schema.ts';
import type { Tokens } from './tokens.ts';
import type { Transactions } from './unit-of-work.ts';

export const userSchema = collection({
  ...VERSIONED,
  userName: String,
  userNameKey: String,
  displayName: String,
  email: String,
  /** Null where there is no address; the unique index passes over null. */
  emailKey: String,
  status: String,
  passwordHash: String,
  lock: LOCK,
});

const SORTS: readonly [Sort, ...Sort[]] = [
  { field: 'createdAt', path: 'createdAt', type: 'date' },
  { field: 'userName', path: 'userNameKey', type: 'string' },
];
userSchema.index({ userNameKey: 1 }, { unique: true });
userSchema.index(
  { emailKey: 1 },
  { unique: true, partialFilterExpression: { emailKey: { $type: 'string' } } },
);
for (const { path } of SORTS) userSchema.index({ [path]: 1, _id: 1 });

/** The first that applies is a user's status: disabled, locked, enabled. */
const STATUS: Record<NonNullable<UserFilter['status']>, Condition> = {
  disabled: { status: 'disabled' },
  locked: { status: 'enabled', 'lock.lockedAt': trusted({ $ne: null }) },
  enabled: { status: 'enabled', 'lock.lockedAt': null },
};

/** Users of a database; removing one also revokes its tokens. */
export function userStore(
  database: Database,
  transactions: Transactions,
  tokens: Tokens,
): UserStore {
  const model = database.connection.model<Stored>('User', userSchema, 'users');
  const { find, findBy, list, insert, update, remove } = recordStore<User, UserFilter>(
    {
      ...{ model, word: 'user', change: 'user', id: 'userId', sorts: SORTS },
      unique: { userNameKey: 'userName', emailKey: 'email' },
      searched: (user) => [user.userId, user.userName, user.displayName, user.email ?? ''],
      derived: (user) => ({
        userNameKey: folded(user.userName),
        emailKey: user.email && folded(user.email),
      }),
      hidden: ['userNameKey', 'emailKey'],
      conditions: ({ status }) => (status === undefined ? [] : [STATUS[status]]),
      keptByUpdate: ['lock'],
      beforeRemove: async (userId, { session }, event) => {
        await tokens.revokeOwned({ userId }, event.at, session);
      },
    },
    transactions,
  );
  return {
    ...{ find, list, insert, update },
    findByName: (userName) => findBy({ userNameKey: folded(userName) }),
    remove: (userId, event, version) =>
      tokens.removing({ userId }, event.at, () => remove(userId, event, version)),
    ...lockableStore(database.native('users'), 'user', transactions),
  };
}
