/** Admins, and their personal access tokens, which go when the admin goes, as sessions and guards do. */
import { type Model, trusted } from 'mongoose';
import type {
  Admin,
  AdminStore,
  PersonalAccessToken,
  PersonalAccessTokenFilter,
  PersonalAccessTokenStore,
} from '../../src/domain/admins/admin.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { adminGuards } from './admin-guards.ts';
import { adminSessions } from './admin-sessions.ts';
import { type Database, inSession, text } from './connection.ts';
import type { Sort } from './paging.ts';
import { recordStore } from './record-store.ts';
import { collection, folded, type Stored, VERSIONED } from './schema.ts';
import type { Transactions, Unit } from './unit-of-work.ts';

const CREATED: Sort = { field: 'createdAt', path: 'createdAt', type: 'date' };

export const adminSchema = collection({
  ...VERSIONED,
  userName: String,
  userNameKey: String,
  displayName: String,
  email: String,
  role: String,
  status: String,
  passwordHash: String,
  totpSecret: String,
});
adminSchema.index({ userNameKey: 1 }, { unique: true });
adminSchema.index({ userNameKey: 1, _id: 1 });
adminSchema.index({ createdAt: 1, _id: 1 });

export const personalAccessTokenSchema = collection({
  ...VERSIONED,
  adminId: String,
  label: String,
  role: String,
  digest: String,
  lastFour: String,
  expiresAt: Date,
});
personalAccessTokenSchema.index({ digest: 1 }, { unique: true });
personalAccessTokenSchema.index({ adminId: 1 });
personalAccessTokenSchema.index({ createdAt: 1, _id: 1 });

const ENABLED_OWNER = { role: 'owner', status: 'enabled' };

/** Models of both nouns. */
export function adminModels({ connection }: Database) {
  return {
    admins: connection.model<Stored>('Admin', adminSchema, 'admins'),
    accessTokens: connection.model<Stored>(
      'PersonalAccessToken',
      personalAccessTokenSchema,
      'personalAccessTokens',
    ),
  };
}

/** Admins of a database. */
export function adminStore(database: Database, transactions: Transactions): AdminStore {
  const { admins, accessTokens } = adminModels(database);
  const { find, findBy, list, insert, update, remove } = recordStore<Admin>(
    {
      ...{ model: admins, word: 'admin', change: 'admin', id: 'adminId' },
      sorts: [{ field: 'userName', path: 'userNameKey', type: 'string' }, CREATED],
      unique: { userNameKey: 'userName' },
      searched: (admin) => [admin.userName, admin.displayName, admin.email ?? ''],
      derived: (admin) => ({ userNameKey: folded(admin.userName) }),
      hidden: ['userNameKey'],
      async beforeUpdate(admin, { session }) {
        const stays = admin.role === 'owner' && admin.status === 'enabled';
        if (!stays) await refuseLastOwner(admins, admin.adminId, session);
      },
      async beforeRemove(adminId, unit) {
        await refuseLastOwner(admins, adminId, unit.session);
        await removeAccessTokens(accessTokens, adminId, unit);
        const options = inSession(unit.session);
        await adminSessions(database).deleteMany({ adminId: text(adminId) }, options);
        await adminGuards(database).deleteOne({ _id: text(adminId) }, options);
      },
    },
    transactions,
  );
  return {
    ...{ find, list, insert, update, remove },
    count: () => admins.countDocuments({}).exec(),
    findByName: (userName) => findBy({ userNameKey: folded(userName) }),
  };
}

/** Personal access tokens of a database. */
export function personalAccessTokenStore(
  database: Database,
  transactions: Transactions,
): PersonalAccessTokenStore {
  const { accessTokens } = adminModels(database);
  const { find, findBy, list, insert, update, remove } = recordStore<
    PersonalAccessToken,
    PersonalAccessTokenFilter
  >(
    {
      ...{ model: accessTokens, word: 'access token', change: 'access_token' },
      ...{ id: 'accessTokenId', sorts: [CREATED], unique: { digest: 'digest' } },
      searched: ({ label }) => [label],
      conditions: ({ adminId }) => (adminId === undefined ? [] : [{ adminId }]),
    },
    transactions,
  );
  const findByDigest = (digest: string) => findBy({ digest });
  return { find, list, insert, update, remove, findByDigest };
}

/** Throws `last_owner` when this admin is the only enabled owner. */
async function refuseLastOwner(
  admins: Model<Stored>,
  adminId: string,
  session: Unit['session'],
): Promise<void> {
  const options = inSession(session);
  const isOwner = await admins.countDocuments({ ...ENABLED_OWNER, _id: adminId }, options);
  if (isOwner === 0) return;
  const others = { ...ENABLED_OWNER, _id: trusted({ $ne: adminId }) };
  if ((await admins.countDocuments(others, options)) > 0) return;
  throw new DomainError('last_owner', { hint: 'make another admin an enabled owner first' });
}

async function removeAccessTokens(
  accessTokens: Model<Stored>,
  adminId: string,
  { session, changed }: Unit,
): Promise<void> {
  const options = inSession(session);
  const held = await accessTokens.find({ adminId }, { _id: 1 }, options).lean<Stored[]>();
  await accessTokens.deleteMany({ adminId }, options);
  changed(...held.map(({ _id }) => ({ kind: 'access_token', id: _id }) as const));
}
