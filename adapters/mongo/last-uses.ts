/** Last uses: one document a subject, replaced only by a newer observation. */
import type { LastUse, LastUseStore } from '../../src/domain/last-uses.ts';
import { type Database, text } from './connection.ts';
import { collection } from './schema.ts';

interface LastUseDocument {
  _id: string;
  at: Date;
  address: string | null;
}

export const lastUseSchema = collection({ at: Date, address: String });

/** Last uses of a database. */
export function lastUseStore(database: Database): LastUseStore {
  const documents = database.native<LastUseDocument>('lastUses');
  return {
    async record(uses) {
      if (uses.length === 0) return;
      await documents.bulkWrite(newest(uses).map(replacement), { ordered: false });
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
