/** Sessions of the console. */
import {
  type AdminSession,
  type AdminSessionStore,
  SESSION_SECONDS,
} from '../../src/domain/admins/admin-session.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import { type Database, inSession, text } from './connection.ts';
import { collection } from './schema.ts';
import type { Transactions } from './unit-of-work.ts';

interface SessionDocument extends Omit<AdminSession, 'sessionId'> {
  _id: string;
  expiresAt: Date;
}

export const adminSessionSchema = collection({
  adminId: String,
  digest: String,
  standing: String,
  createdAt: Date,
  lastSeenAt: Date,
  verifiedAt: Date,
  address: String,
  userAgent: String,
  expiresAt: Date,
});
adminSessionSchema.index({ digest: 1 }, { unique: true });
adminSessionSchema.index({ adminId: 1, lastSeenAt: -1 });
adminSessionSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** Sessions of a database. */
export function adminSessionStore(
  database: Database,
  { governed }: Transactions,
): AdminSessionStore {
  const sessions = adminSessions(database);
  return {
    insert: (admission, event) =>
      governed(async ({ session, audited }) => {
        await sessions.insertOne(documentOf(admission), inSession(session));
        audited(event);
      }),
    async findByDigest(digest) {
      const found = await sessions.findOne({ digest: text(digest) });
      return found && sessionOf(found);
    },
    async list(adminId) {
      const found = sessions.find({ adminId: text(adminId) }).sort({ lastSeenAt: -1, _id: 1 });
      return (await found.toArray()).map(sessionOf);
    },
    async change(sessionId, { lastSeenAt, verifiedAt, standing }) {
      const set = {
        ...(lastSeenAt && { lastSeenAt }),
        ...(verifiedAt && { verifiedAt }),
        ...(standing !== undefined && { standing: text(standing) }),
      };
      if (Object.keys(set).length > 0) {
        await sessions.updateOne({ _id: text(sessionId) }, { $set: set });
      }
    },
    remove: (adminId, sessionId, event) =>
      governed(async ({ session, audited }) => {
        const one = { _id: text(sessionId), adminId: text(adminId) };
        const { deletedCount } = await sessions.deleteOne(one, inSession(session));
        if (deletedCount === 0) return false;
        audited(event);
        return true;
      }),
    removeOthers: (adminId, kept, event) =>
      governed(async ({ session, audited }) => {
        const others = kept === null ? {} : { _id: { $ne: text(kept) } };
        const { deletedCount } = await sessions.deleteMany(
          { adminId: text(adminId), ...others },
          inSession(session),
        );
        if (deletedCount > 0) audited(event);
        return deletedCount;
      }),
  };
}

/** The collection, which admins empty when they go. */
export function adminSessions(database: Database) {
  return database.native<SessionDocument>('adminSessions');
}

function documentOf(session: AdminSession): SessionDocument {
  const { sessionId, ...fields } = session;
  const expiresAt = plusSeconds(session.createdAt, SESSION_SECONDS);
  return { _id: text(sessionId), ...fields, digest: text(fields.digest), expiresAt };
}

function sessionOf({ _id, expiresAt: _, ...fields }: SessionDocument): AdminSession {
  return { sessionId: _id, ...fields };
}
