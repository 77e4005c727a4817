/** Users. */
import type { User, UserFilter, UserStore } from '../../src/domain/users/user.ts';
import { fold } from './codec.ts';
import { lockableStore } from './locks.ts';
import type { Noun, Shared } from './noun.ts';
import type { Condition } from './page.ts';
import { recordStore } from './record-store.ts';
import type { Tokens } from './tokens.ts';

const NOUN: Noun<User, UserFilter> = {
  kind: 'user',
  changeKind: 'user',
  table: 'users',
  id: (user) => user.userId,
  columns: {
    user_name: (user) => fold(user.userName),
    email: (user) => (user.email === null ? null : fold(user.email)),
    created_at: (user) => user.createdAt.getTime(),
    status: (user) => user.status,
  },
  unique: (user) => ({
    id: ['userId', user.userId],
    user_name: ['userName', user.userName],
    email: ['email', user.email ?? ''],
  }),
  searched: (user) => [user.userId, user.userName, user.displayName, user.email],
  sorts: { createdAt: 'created_at', userName: 'user_name' },
  conditions: ({ status }) => (status === undefined ? [] : [STATUS_CONDITIONS[status]]),
  lockable: true,
};

/** The first that applies is a user's status: disabled, locked, enabled. */
const STATUS_CONDITIONS: Record<NonNullable<UserFilter['status']>, Condition> = {
  disabled: { sql: `status = 'disabled'`, values: [] },
  locked: { sql: `status = 'enabled' AND locked_at IS NOT NULL`, values: [] },
  enabled: { sql: `status = 'enabled' AND locked_at IS NULL`, values: [] },
};

/** The users of a connection; removing one also revokes its tokens. */
export function userStore(shared: Shared, tokens: Tokens): UserStore {
  const store = recordStore(shared, {
    ...NOUN,
    afterRemove: (userId, event) => tokens.revokeAllNow({ userId }, event.at),
  });
  const findByFoldedName = store.findBy('user_name');
  return {
    ...store,
    findByName: (userName) => findByFoldedName(fold(userName)),
    ...lockableStore(shared.connection, { ...shared, ...NOUN }),
  };
}
