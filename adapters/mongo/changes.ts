/**
 * The change feed: one document that holds the position and the latest changes, one for each of the
 * last positions. One atomic update moves it, so no reader sees a position before the ones below it.
 * Read with the majority's eyes: a position that an election could undo is never handed out.
 */
import type { ClientSession, mongo } from 'mongoose';
import type { Change, ChangeFeed, ChangesSince } from '../../src/domain/changes.ts';
import { type Database, inSession } from './connection.ts';
import { gathering } from './gathering.ts';
import { collection, part } from './schema.ts';

const FEED_ID = 'changes';
/** Changes that the feed remembers; a reader further behind drops everything. */
const KEPT = 1000;

interface FeedDocument {
  _id: string;
  position: number;
  recent: Change[];
}

export const changesSchema = collection({
  position: Number,
  recent: [part({ kind: String, id: String })],
});

/** The feed of a database. */
export function changeFeed(database: Database) {
  const feed = database.native<FeedDocument>('changes');
  // One read at a time: what calls wait for it share the next.
  const since = gathering<number, ChangesSince | null>(async (positions) => {
    const found = await read(feed, Math.min(...positions));
    return positions.map((position) => ({ value: after(position, found) }));
  }, 1);
  const store: ChangeFeed = { since };
  return {
    store,
    /** Adds changes. */
    async bump(changes: Change[], session: ClientSession | undefined): Promise<void> {
      await feed.updateOne(
        { _id: FEED_ID },
        {
          $inc: { position: changes.length },
          $push: { recent: { $each: changes, $slice: -KEPT } },
        },
        { upsert: true, ...inSession(session) },
      );
    },
    /** Creates the feed of a new database; with `forget`, makes every cache read everything anew. */
    async prepare(forget: boolean): Promise<void> {
      await feed.updateOne(
        { _id: FEED_ID },
        { $setOnInsert: { position: 0, recent: [] } },
        { upsert: true },
      );
      if (forget) {
        await feed.updateOne(
          { _id: FEED_ID, position: { $gt: 0 } },
          { $inc: { position: 1 }, $set: { recent: [] } },
        );
      }
    },
  };
}

/** The feed as far as it lies after a position; at that position itself, it is not even sent. */
async function read(feed: mongo.Collection<FeedDocument>, position: number) {
  const behind = { $subtract: [position, '$position'] };
  const found = await feed.findOne(
    { _id: FEED_ID, position: { $ne: position } },
    {
      projection: {
        position: 1,
        recent: { $cond: [{ $lt: [behind, 0] }, { $slice: ['$recent', behind] }, []] },
      },
    },
  );
  return found ?? { position, recent: [] };
}

/** A database restored from a copy may stand before the reader: then nothing it knows is sure. */
function after(position: number, feed: Omit<FeedDocument, '_id'>): ChangesSince | null {
  const missing = feed.position - position;
  if (missing === 0) return null;
  const reaches = missing > 0 && missing <= feed.recent.length;
  return {
    position: feed.position,
    changed: reaches ? feed.recent.slice(-missing) : 'everything',
  };
}
