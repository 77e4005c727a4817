/** What became of mails: one document a mail, replaced at each state. */
import { trusted } from 'mongoose';
import type { MailFilter, MailRecord, MailStore } from '../../src/domain/mails/mail.ts';
import { type Database, inSession } from './connection.ts';
import { type Condition, pageOf, type Sort } from './paging.ts';
import { collection, folded, part, type Stored } from './schema.ts';
import type { Transactions } from './unit-of-work.ts';

export const mailSchema = collection({
  at: Date,
  to: [String],
  pending: [String],
  subject: String,
  template: String,
  object: part({ kind: String, id: String }),
  state: String,
  attempts: Number,
  nextAttemptAt: Date,
  error: String,
  updatedAt: Date,
  expiresAt: Date,
  searchText: String,
});

const SORTS: readonly [Sort, ...Sort[]] = [{ field: 'at', path: 'at', type: 'date' }];
mailSchema.index({ at: 1, _id: 1 });
mailSchema.index({ state: 1, at: 1 });
mailSchema.index({ 'object.kind': 1, 'object.id': 1, at: 1 });
mailSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** The mails of a database. */
export function mailStore({ connection }: Database, { governed }: Transactions): MailStore {
  const model = connection.model<Stored>('Mail', mailSchema, 'mails');
  return {
    async record(mail) {
      await model.replaceOne({ _id: mail.mailId }, encode(mail), { upsert: true });
    },
    async find(mailId, now) {
      const found = await model.findOne({ _id: mailId, ...unexpired(now) }).lean<Stored>();
      return found && decode(found);
    },
    list: ({ now, filter = {}, ...query }) =>
      pageOf<MailRecord, MailFilter>(
        {
          model,
          sorts: SORTS,
          descending: true,
          conditions: (wanted) => [unexpired(now), ...conditions(wanted)],
          decode,
        },
        { ...query, filter },
      ),
    async forgotten({ before, now, after, limit }) {
      const found = await model
        .find({
          ...unexpired(now),
          state: trusted({ $in: ['queued', 'retrying'] }),
          _id: trusted({ $gt: after }),
          $or: [
            { nextAttemptAt: trusted({ $lt: before }) },
            { nextAttemptAt: null, updatedAt: trusted({ $lt: before }) },
          ],
        })
        .sort({ _id: 1 })
        .limit(limit)
        // Those on their way are few among the mails of 90 days.
        .hint({ state: 1, at: 1 })
        .lean<Stored[]>();
      return found.map(decode);
    },
    requeue: (mail, { state, updatedAt }, event) =>
      governed(async ({ session, audited }) => {
        const asRead = { _id: mail.mailId, state, updatedAt };
        const { matchedCount } = await model.replaceOne(asRead, encode(mail), inSession(session));
        if (matchedCount === 0) return false;
        audited(event);
        return true;
      }),
  };
}

function unexpired(now: Date): Condition {
  return { expiresAt: trusted({ $gt: now }) };
}

function conditions({ state, template, objectKind, objectId }: MailFilter): Condition[] {
  const equal = { state, template, 'object.kind': objectKind, 'object.id': objectId };
  return Object.entries(equal)
    .filter(([, value]) => value !== undefined)
    .map(([path, value]) => ({ [path]: value }));
}

function encode({ mailId, ...mail }: MailRecord): Stored {
  const searched = [...mail.to, mail.subject, mail.object?.id ?? ''];
  return { _id: mailId, ...mail, searchText: folded(searched.join('\n')) };
}

function decode({ _id, searchText: _, ...mail }: Stored): MailRecord {
  return { mailId: _id, ...mail } as unknown as MailRecord;
}
