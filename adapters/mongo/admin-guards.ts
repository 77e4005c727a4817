/** What guards the sign-in of admins: one document an admin, each step one atomic update of it. */
import {
  type AdminGuard,
  type AdminGuardStore,
  EMPTY_GUARD,
} from '../../src/domain/admins/admin-guard.ts';
import { type Database, inSession, text } from './connection.ts';
import { collection } from './schema.ts';
import type { Transactions, Unit } from './unit-of-work.ts';

interface GuardDocument extends Omit<AdminGuard, 'adminId'> {
  _id: string;
}

export const adminGuardSchema = collection({
  failedLogins: Number,
  lockedAt: Date,
  totpStep: Number,
  pendingTotpSecret: String,
  recoveryCodes: [String],
});

/** Guards of a database. */
export function adminGuardStore(database: Database, transactions: Transactions): AdminGuardStore {
  const guards = adminGuards(database);
  return {
    async find(adminId) {
      const found = await guards.findOne({ _id: text(adminId) });
      if (found === null) return { adminId, ...EMPTY_GUARD, recoveryCodes: [] };
      const { _id, ...fields } = found;
      return { adminId: _id, ...fields };
    },
    set: (adminId, change, event) =>
      transactions.governed(async ({ session, audited }) => {
        await ensure(guards, adminId, session);
        await guards.updateOne({ _id: text(adminId) }, { $set: change }, inSession(session));
        if (event !== null) audited(event);
      }),
    async takeTotpStep(adminId, step) {
      await ensure(guards, adminId);
      const earlier = { _id: text(adminId), totpStep: { $lt: step } };
      const { modifiedCount } = await guards.updateOne(earlier, { $set: { totpStep: step } });
      return modifiedCount === 1;
    },
    async takeRecoveryCode(adminId, digests) {
      const held = { $in: digests.map(text) };
      const { modifiedCount } = await guards.updateOne(
        { _id: text(adminId), recoveryCodes: held },
        { $pull: { recoveryCodes: held } },
      );
      return modifiedCount === 1;
    },
    ...lockout(guards, transactions),
  };
}

function lockout(
  guards: Guards,
  { governed }: Transactions,
): Pick<AdminGuardStore, 'countFailure' | 'clearFailures'> {
  return {
    async countFailure(adminId, at, { limit, endedUntil }) {
      await ensure(guards, adminId);
      const after = await guards.findOneAndUpdate(
        { _id: text(adminId), ...openSince(endedUntil) },
        [
          { $set: { failedLogins: { $cond: [LOCKED, 1, { $add: ['$failedLogins', 1] }] } } },
          { $set: { lockedAt: { $cond: [{ $gte: ['$failedLogins', limit] }, at, null] } } },
        ],
        { returnDocument: 'after' },
      );
      return { counted: after !== null, locked: after !== null && after.lockedAt !== null };
    },
    clearFailures: (adminId, liftsUntil, event) =>
      governed(async ({ session, audited }) => {
        const wanted = { _id: text(adminId), ...(liftsUntil && openSince(liftsUntil)) };
        const cleared = { $set: { failedLogins: 0, lockedAt: null } };
        await guards.updateOne(wanted, cleared, inSession(session));
        if (event !== null) audited(event);
      }),
  };
}

/** Stores an empty guard where there is none. Only the id is in the filter: two at once do not collide. */
async function ensure(guards: Guards, adminId: string, session?: Unit['session']): Promise<void> {
  const empty = { ...EMPTY_GUARD, recoveryCodes: [] };
  const options = { upsert: true, ...inSession(session) };
  await guards.updateOne({ _id: text(adminId) }, { $setOnInsert: empty }, options);
}

/** Not locked, or by a lock from this instant or before. */
function openSince(endedUntil: Date) {
  return { $or: [{ lockedAt: null }, { lockedAt: { $lte: endedUntil } }] };
}

/** A lock, and, as the filter lets no other through, one that has ended. */
const LOCKED = { $ne: ['$lockedAt', null] };

type Guards = ReturnType<typeof adminGuards>;

/** The collection, which admins leave when they go. */
export function adminGuards(database: Database) {
  return database.native<GuardDocument>('adminGuards');
}
