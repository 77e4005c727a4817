/** Links that work once. The purpose and subject are the id, so a new link replaces the one before. */
import type { OneTimeLink, OneTimeLinkStore } from '../../src/domain/one-time-links.ts';
import { type Database, inSession, text } from './connection.ts';
import { collection } from './schema.ts';
import type { Transactions, Unit } from './unit-of-work.ts';

interface LinkDocument extends OneTimeLink {
  _id: string;
}

export const oneTimeLinkSchema = collection({
  digest: String,
  purpose: String,
  subjectId: String,
  expiresAt: Date,
});
oneTimeLinkSchema.index({ digest: 1 }, { unique: true });
oneTimeLinkSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

const LINK = { projection: { _id: 0 } } as const;

/** One-time links of a database. */
export function oneTimeLinkStore(database: Database, { governed }: Transactions): OneTimeLinkStore {
  const links = database.native<LinkDocument>('oneTimeLinks');
  const working = (digest: string, now: Date) => ({
    digest: text(digest),
    expiresAt: { $gt: now },
  });
  async function upsert(link: OneTimeLink, session: Unit['session']): Promise<void> {
    const { digest, purpose, subjectId, expiresAt } = link;
    await links.updateOne(
      { _id: `${text(purpose)}:${text(subjectId)}` },
      { $set: { digest: text(digest), purpose, subjectId, expiresAt } },
      { upsert: true, ...inSession(session) },
    );
  }
  return {
    insert: (link, event) =>
      event === undefined
        ? upsert(link, undefined)
        : governed(async ({ session, audited }) => {
            await upsert(link, session);
            audited(event);
          }),
    find: (digest, now) => links.findOne(working(digest, now), LINK),
    consume: (digest, now) => links.findOneAndDelete(working(digest, now), LINK),
  };
}
