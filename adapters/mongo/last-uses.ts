/** Last uses: one document a subject, replaced only by a newer observation. */
import { plusSeconds } from '../../src/domain/clock.ts';
import {
  clientOfSubject,
  LAST_USE_STEP_SECONDS,
  type LastUse,
  type LastUseStore,
} from '../../src/domain/last-uses.ts';
import { type Database, text } from './connection.ts';
import { collection } from './schema.ts';

interface LastUseDocument {
  _id: string;
  at: Date;
  address: string | null;
}

/** What lists of clients know of their last use. */
interface ListedClient {
  _id: string;
  lastUsedAt: Date;
}

export const lastUseSchema = collection({ at: Date, address: String });

/** Last uses of a database. */
export function lastUseStore(database: Database): LastUseStore {
  const documents = database.native<LastUseDocument>('lastUses');
  const clients = database.native<ListedClient>('clients');
  return {
    async record(uses) {
      if (uses.length === 0) return;
      const latest = newest(uses);
      await documents.bulkWrite(latest.map(replacement), { ordered: false });
      const moves = latest.flatMap(moveOf);
      if (moves.length > 0) await clients.bulkWrite(moves, { ordered: false });
    },
    async find(subjects) {
      const found = await documents.find({ _id: { $in: subjects.map(text) } }).toArray();
      return new Map(found.map(({ _id, at, address }) => [_id, { subject: _id, at, address }]));
    },
  };
}

/** One observation a subject. */
function newest(uses: LastUse[]): LastUse[] {
  const bySubject = new Map<string, LastUse>();
  for (const use of uses) {
    const known = bySubject.get(use.subject);
    if (known === undefined || known.at <= use.at) bySubject.set(use.subject, use);
  }
  return [...bySubject.values()];
}

/** Moves a client in lists by last use, where the subject is one and has advanced by a step. */
function moveOf({ subject, at }: LastUse) {
  const clientId = clientOfSubject(subject);
  if (clientId === null) return [];
  const before = plusSeconds(at, -LAST_USE_STEP_SECONDS);
  const filter = { _id: text(clientId), lastUsedAt: { $lte: before } };
  return [{ updateOne: { filter, update: { $set: { lastUsedAt: at } } } }];
}

/** A value under `$literal` is never read as a path; a missing `at` is older than any date. */
function replacement({ subject, at, address }: LastUse) {
  const isOlder = { $lt: ['$at', at] };
  return {
    updateOne: {
      filter: { _id: text(subject) },
      update: [
        {
          $set: {
            at: { $cond: [isOlder, at, '$at'] },
            address: { $cond: [isOlder, { $literal: address }, '$address'] },
          },
        },
      ],
      upsert: true,
    },
  };
}
