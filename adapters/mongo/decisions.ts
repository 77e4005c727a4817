/**
 * Recorded decisions. A trace is JSON text: what its checks saw has members of any name. Lists say the
 * outcome by a field of its own, so that every filter is an equality that an index begins with.
 */
import { trusted } from 'mongoose';
import {
  type DecisionFilter,
  type DecisionRecord,
  type DecisionStore,
  MOST_COUNTED,
} from '../../src/domain/decision/decision-store.ts';
import type { TraceEntry } from '../../src/domain/decision/explain.ts';
import { type Database, text } from './connection.ts';
import { type Condition, pageOf, type Sort } from './paging.ts';
import { collection, part, type Stored } from './schema.ts';

type DecisionDocument = Omit<DecisionRecord, 'decisionId' | 'trace'> & {
  _id: string;
  outcome: 'refused' | 'allowed';
  trace: string;
};

export const decisionSchema = collection({
  outcome: String,
  at: Date,
  place: String,
  reason: String,
  clientId: String,
  userId: String,
  callerId: String,
  address: String,
  method: String,
  path: String,
  apiId: String,
  grantType: String,
  credential: part({ kind: String, id: String, scopes: [String] }),
  weight: Number,
  trace: String,
  expiresAt: Date,
});
decisionSchema.index({ outcome: 1, at: 1, _id: 1 });
decisionSchema.index({ clientId: 1, outcome: 1, at: 1, _id: 1 });
decisionSchema.index({ address: 1, outcome: 1, at: 1, _id: 1 });
decisionSchema.index({ reason: 1, outcome: 1, at: 1, _id: 1 });
decisionSchema.index({ clientId: 1, reason: 1, outcome: 1, at: 1, _id: 1 });
decisionSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });
decisionSchema.pre('countDocuments', function stopEarly() {
  this.limit(MOST_COUNTED);
});

const SORTS: readonly [Sort] = [{ field: 'at', path: 'at', type: 'date' }];

/** Recorded decisions of a database. */
export function decisionStore(database: Database): DecisionStore {
  const documents = database.native<DecisionDocument>('decisions');
  const model = database.connection.model<Stored>('Decision', decisionSchema, 'decisions');
  return {
    async record(records) {
      if (records.length === 0) return;
      await documents.bulkWrite(records.map(insertion), { ordered: false });
    },
    async find(decisionId, now) {
      const found = await documents.findOne({ _id: text(decisionId), expiresAt: { $gt: now } });
      return found === null ? null : decode(found);
    },
    list: (query) =>
      pageOf<DecisionRecord, DecisionFilter>(
        {
          ...{ model, sorts: SORTS, descending: true, conditions },
          decode: (stored) => decode(stored as unknown as DecisionDocument),
        },
        { ...query, search: '', filter: query.filter ?? {} },
      ),
  };
}

function conditions(filter: DecisionFilter): Condition[] {
  const { outcome = 'refused', clientId, reason, address, from, to, at } = filter;
  const wanted = Object.entries({ outcome, clientId, reason, address });
  return [
    ...wanted
      .filter(([, value]) => value !== undefined)
      .map(([path, value]) => ({ [path]: value })),
    ...(from === undefined ? [] : [{ at: trusted({ $gte: from }) }]),
    ...(to === undefined ? [] : [{ at: trusted({ $lt: to }) }]),
    ...(at === undefined ? [] : [{ expiresAt: trusted({ $gt: at }) }]),
  ];
}

/** An upsert that leaves what is there, so that no error has to be told from another. */
function insertion({ decisionId, trace, ...record }: DecisionRecord) {
  const outcome = record.reason === null ? ('allowed' as const) : ('refused' as const);
  return {
    updateOne: {
      filter: { _id: text(decisionId) },
      update: { $setOnInsert: { ...record, outcome, trace: JSON.stringify(trace) } },
      upsert: true,
    },
  };
}

function decode({ _id, outcome: _, trace, ...record }: DecisionDocument): DecisionRecord {
  const entries = JSON.parse(trace) as (Omit<TraceEntry, 'passesAt'> & {
    passesAt: string | null;
  })[];
  return {
    decisionId: _id,
    ...record,
    trace: entries.map((entry) => ({
      ...entry,
      passesAt: entry.passesAt === null ? null : new Date(entry.passesAt),
    })),
  };
}
