/** X-Api-Keys of clients, and what becomes of them when their client changes or goes. */
import { type Model, trusted } from 'mongoose';
import {
  type ApiKey,
  type ApiKeyFilter,
  type ApiKeyStore,
  groupProblems,
} from '../../src/domain/api-keys/api-key.ts';
import type { Client } from '../../src/domain/clients/client.ts';
import { invalid, notFound } from '../../src/domain/errors.ts';
import { type Database, inSession, text } from './connection.ts';
import type { Condition, Sort } from './paging.ts';
import { recordStore } from './record-store.ts';
import { collection, folded, part, type Stored, VERSIONED } from './schema.ts';
import type { Transactions, Unit } from './unit-of-work.ts';

export const apiKeySchema = collection({
  ...VERSIONED,
  clientId: String,
  alias: String,
  aliasKey: String,
  startsAt: Date,
  expiresAt: Date,
  apiGroups: [String],
  status: String,
  current: part({ digest: String, lastFour: String }),
  previous: part({ digest: String, lastFour: String, expiresAt: Date }),
});

const SORTS: readonly [Sort, ...Sort[]] = [
  { field: 'createdAt', path: 'createdAt', type: 'date' },
  { field: 'alias', path: 'aliasKey', type: 'string' },
  { field: 'expiresAt', path: 'expiresAt', type: 'date' },
];
apiKeySchema.index({ aliasKey: 1, clientId: 1 }, { unique: true });
apiKeySchema.index({ 'current.digest': 1 }, { unique: true });
apiKeySchema.index({ 'previous.digest': 1 }, { sparse: true });
apiKeySchema.index({ clientId: 1, createdAt: 1, _id: 1 });
apiKeySchema.index({ apiGroups: 1 });
for (const { path } of SORTS) apiKeySchema.index({ [path]: 1, _id: 1 });

/** The API keys of a database, beside its clients, which may refuse them. */
export function apiKeyStore(database: Database, transactions: Transactions): ApiKeyStore {
  const { native } = database;
  const [clients, deleted] = [native<StoredClient>('clients'), native('deletedClients')];
  /** Refuses a key whose client was deleted, or does not hold what the key names, as of this transaction. */
  async function refuseUnheld(apiKey: ApiKey, { session }: Unit): Promise<void> {
    const { clientId } = apiKey;
    const options = inSession(session);
    const client = await clients.findOne(
      { _id: text(clientId) },
      { projection: { apiGroups: 1 }, ...options },
    );
    if (client !== null) {
      const problems = groupProblems(apiKey, { clientId, apiGroups: client.apiGroups });
      if (problems.length > 0) throw invalid(problems);
      return;
    }
    const tombs = await deleted.countDocuments({ _id: clientId }, { limit: 1, ...options });
    if (tombs > 0) throw notFound('client', clientId);
  }
  const { find, findBy, list, insert, update, remove } = recordStore<ApiKey, ApiKeyFilter>(
    {
      ...{ model: apiKeyModel(database), word: 'api key', change: 'api_key', id: 'apiKeyId' },
      ...{ sorts: SORTS, unique: { aliasKey: 'alias' } },
      searched: ({ alias, apiKeyId, current }) => [alias, apiKeyId, current.lastFour],
      derived: ({ alias }) => ({ aliasKey: folded(alias) }),
      hidden: ['aliasKey'],
      conditions,
      beforeInsert: refuseUnheld,
      beforeUpdate: refuseUnheld,
    },
    transactions,
  );
  const findByDigest = (digest: string) =>
    findBy({ $or: [{ 'current.digest': digest }, { 'previous.digest': digest }] });
  const stored = native<{ _id: string; clientId: string }>('apiKeys');
  const countOf: ApiKeyStore['countOf'] = async (clientIds) => {
    const counts = await stored
      .aggregate<{ _id: string; keys: number }>([
        { $match: { clientId: { $in: clientIds.map(text) } } },
        { $group: { _id: '$clientId', keys: { $sum: 1 } } },
      ])
      .toArray();
    return new Map(counts.map(({ _id, keys }) => [_id, keys]));
  };
  return { find, list, insert, update, remove, findByDigest, countOf };
}

interface StoredClient {
  _id: string;
  apiGroups: string[];
}

function conditions({ clientId, apiGroup, expiring }: ApiKeyFilter): Condition[] {
  return [
    ...(clientId === undefined ? [] : [{ clientId }]),
    ...(apiGroup === undefined ? [] : [{ apiGroups: apiGroup }]),
    ...(expiring === undefined
      ? []
      : [{ expiresAt: trusted({ $gt: expiring.after, $lt: expiring.before }) }]),
  ];
}

/** What a client's own changes do to its keys, in the unit of the change. */
export interface ClientKeys {
  /** Takes from the keys the API groups that the client does not hold. */
  keepHeldGroups(client: Client, unit: Unit): Promise<void>;
  /** Removes the keys of a client. */
  removeAll(clientId: string, unit: Unit): Promise<void>;
}

/** The keys of clients of a database. */
export function clientKeys(database: Database): ClientKeys {
  const keys = apiKeyModel(database);
  return {
    async keepHeldGroups({ clientId, apiGroups, updatedAt }, { session, changed }) {
      const options = inSession(session);
      const lost = trusted({ $elemMatch: trusted({ $nin: apiGroups }) });
      const found = await keys
        .find({ clientId, apiGroups: lost }, { _id: 1 }, options)
        .lean<Stored[]>();
      if (found.length === 0) return;
      const ids = found.map(({ _id }) => _id);
      await keys.updateMany(
        { _id: trusted({ $in: ids }) },
        {
          $pull: { apiGroups: { $nin: apiGroups } },
          $inc: { version: 1 },
          $set: { updatedAt },
        },
        options,
      );
      changed(...ids.map((id) => ({ kind: 'api_key', id }) as const));
    },
    async removeAll(clientId, { session, changed }) {
      const options = inSession(session);
      const held = await keys.find({ clientId }, { _id: 1 }, options).lean<Stored[]>();
      await keys.deleteMany({ clientId }, options);
      changed(...held.map(({ _id: id }) => ({ kind: 'api_key', id }) as const));
    },
  };
}

function apiKeyModel({ connection }: Database): Model<Stored> {
  return connection.model<Stored>('ApiKey', apiKeySchema, 'apiKeys');
}
