/** The lockout of clients and users: embedded in the record, counted in one statement, no new version. */
import type { mongo } from 'mongoose';
import type { Change } from '../../src/domain/changes.ts';
import { KEPT_FAILURES, type Lock } from '../../src/domain/clients/client.ts';
import type { LockableStore, SeenLock } from '../../src/domain/clients/client-store.ts';
import { inSession, text } from './connection.ts';
import type { Transactions } from './unit-of-work.ts';

/** What this file knows of a client or user. */
interface Lockable {
  _id: string;
  version: number;
  lock: Lock;
}

/** Has failures counted, and is not locked. */
const COUNTING = { 'lock.failedLogins': { $gt: 0 }, 'lock.lockedAt': null };
/** Has failures counted, or is locked. */
const TOUCHED = { $or: [{ 'lock.failedLogins': { $gt: 0 } }, { 'lock.lockedAt': { $ne: null } }] };

/** The lockout over a collection of records that have a `lock`. */
export function lockableStore(
  records: mongo.Collection<Lockable>,
  change: Change['kind'],
  { governed }: Transactions,
): LockableStore {
  return {
    recordFailedLogin: (id, failure, limit) =>
      governed(async ({ session, changed }) => {
        const counted = await records.findOneAndUpdate(
          { _id: text(id) },
          counting(failure, limit),
          {
            returnDocument: 'after',
            projection: { lock: 1 },
            ...inSession(session),
          },
        );
        if (counted === null) return null;
        changed({ kind: change, id });
        return counted.lock;
      }),
    clearFailedLogins: (id, event, seen) =>
      governed(async ({ session, changed, audited }) => {
        const options = inSession(session);
        const { modifiedCount } = await records.updateOne(
          { _id: text(id), ...(event === null ? COUNTING : TOUCHED), ...asSeen(seen) },
          { $set: { 'lock.failedLogins': 0, 'lock.lockedAt': null } },
          options,
        );
        if (modifiedCount > 0) changed({ kind: change, id });
        if (seen !== undefined && modifiedCount === 0) return false;
        if (event === null) return true;
        if ((await records.countDocuments({ _id: text(id) }, options)) > 0) audited(event);
        return true;
      }),
  };
}

function asSeen(seen: SeenLock | undefined): mongo.Filter<Lockable> {
  if (seen === undefined) return {};
  return { version: seen.version, 'lock.lockedAt': seen.lockedAt };
}

/** Values stand under `$literal`, since a text that begins with `$` would be read as a path. */
function counting(failure: Lock['failures'][number], limit: number): mongo.Document[] {
  const { at, address } = failure;
  const latest = { $concatArrays: [[{ $literal: { at, address } }], '$lock.failures'] };
  const reached = {
    $and: [{ $eq: ['$lock.lockedAt', null] }, { $gte: ['$lock.failedLogins', limit] }],
  };
  return [
    {
      $set: {
        'lock.failedLogins': { $add: ['$lock.failedLogins', 1] },
        'lock.failures': { $slice: [latest, KEPT_FAILURES] },
      },
    },
    { $set: { 'lock.lockedAt': { $cond: [reached, at, '$lock.lockedAt'] } } },
  ];
}
