/** Usage counts: one document for a client, an hour, an API and an outcome. */
import { plusSeconds } from '../../src/domain/clock.ts';
import {
  USAGE_DAYS,
  type UsageCount,
  type UsageStore,
} from '../../src/domain/usage/usage-store.ts';
import { type Database, inSession, text } from './connection.ts';
import { collection } from './schema.ts';
import type { Transactions } from './unit-of-work.ts';

interface UsageDocument extends UsageCount {
  _id: string;
  purgeAt: Date;
}

export const usageCountSchema = collection({
  clientId: String,
  apiId: String,
  hour: Date,
  outcome: String,
  calls: Number,
  purgeAt: Date,
});
usageCountSchema.index({ hour: 1, clientId: 1, apiId: 1, outcome: 1 });
usageCountSchema.index({ clientId: 1, hour: 1, apiId: 1, outcome: 1 });
usageCountSchema.index({ purgeAt: 1 }, { expireAfterSeconds: 0 });

/** Usage counts of a database. On a standalone server a batch that fails may have been added in part. */
export function usageStore(database: Database, { atomically }: Transactions): UsageStore {
  const documents = database.native<UsageDocument>('usageCounts');
  return {
    async add(counts) {
      if (counts.length === 0) return;
      // In one order on every node: of two batches that meet, the later one learns it early.
      const additions = counts.map(addition).sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
      await atomically((session) =>
        documents.bulkWrite(additions, { ordered: false, ...inSession(session) }),
      );
    },
    async list({ clientId, from, to, limit }) {
      const whose = clientId === undefined ? {} : { clientId: text(clientId) };
      const found = await documents
        .find({ ...whose, hour: { $gte: from, $lt: to } })
        .sort({ hour: 1, clientId: 1, apiId: 1, outcome: 1 })
        .limit(limit)
        .toArray();
      return found.map(({ _id, purgeAt, ...count }) => count);
    },
  };
}

function addition({ clientId, apiId, hour, outcome, calls }: UsageCount) {
  const _id = JSON.stringify([text(clientId), hour, apiId, outcome]);
  const purgeAt = plusSeconds(hour, USAGE_DAYS * 86_400);
  return {
    updateOne: {
      filter: { _id },
      update: { $inc: { calls }, $setOnInsert: { clientId, apiId, hour, outcome, purgeAt } },
      upsert: true,
    },
  };
}

function idOf({ updateOne }: ReturnType<typeof addition>): string {
  return updateOne.filter._id;
}
