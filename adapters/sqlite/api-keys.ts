/** X-Api-Keys of clients, and what becomes of them when their client changes or goes. */
import {
  type ApiKey,
  type ApiKeyFilter,
  type ApiKeyStore,
  groupProblems,
  keptGroups,
} from '../../src/domain/api-keys/api-key.ts';
import type { Client } from '../../src/domain/clients/client.ts';
import { invalid, notFound } from '../../src/domain/errors.ts';
import { encode, fold } from './codec.ts';
import { reading } from './errors.ts';
import { type Held, naming } from './holdings.ts';
import type { Shared } from './noun.ts';
import { type Condition, equalities } from './page.ts';
import { type DocumentRow, recordOf } from './record-rows.ts';
import { recordStore } from './record-store.ts';

/** The API keys of a connection. */
export function apiKeyStore(shared: Shared): ApiKeyStore {
  const refuseUnheld = unheldRefuser(shared);
  const store = recordStore<ApiKey, ApiKeyFilter>(shared, {
    kind: 'api key',
    changeKind: 'api_key',
    table: 'api_keys',
    id: (apiKey) => apiKey.apiKeyId,
    columns: {
      client_id: (apiKey) => apiKey.clientId,
      alias: (apiKey) => fold(apiKey.alias),
      digest: (apiKey) => apiKey.current.digest,
      previous_digest: (apiKey) => apiKey.previous?.digest ?? null,
      created_at: (apiKey) => apiKey.createdAt.getTime(),
      expires_at: (apiKey) => apiKey.expiresAt.getTime(),
    },
    unique: (apiKey) => ({
      id: ['apiKeyId', apiKey.apiKeyId],
      alias: ['alias', apiKey.alias],
    }),
    searched: ({ alias, apiKeyId, current }) => [alias, apiKeyId, current.lastFour],
    sorts: { createdAt: 'created_at', alias: 'alias', expiresAt: 'expires_at' },
    conditions: ({ clientId, apiGroup, expiring }) => [
      ...equalities({ client_id: clientId }),
      ...(apiGroup === undefined ? [] : [naming('api key', ['key_api_group'], [apiGroup])]),
      ...(expiring === undefined ? [] : [expiringWithin(expiring)]),
    ],
    holds: heldGroups,
    beforeInsert: refuseUnheld,
    beforeUpdate: refuseUnheld,
  });
  const count = shared.connection.prepare<{ client_id: string; keys: number }>(
    `SELECT client_id, count(*) AS keys FROM api_keys
     WHERE client_id IN (SELECT value FROM json_each(?)) GROUP BY client_id`,
  );
  const [findCurrent, findPrevious] = [store.findBy('digest'), store.findBy('previous_digest')];
  return {
    ...store,
    // In this order: a rotation in between makes a current value the previous one, never the reverse.
    findByDigest: async (digest) => (await findCurrent(digest)) ?? findPrevious(digest),
    countOf: (clientIds) =>
      reading(() => {
        const rows = count.all(JSON.stringify(clientIds));
        return new Map(rows.map(({ client_id, keys }) => [client_id, keys]));
      }),
  };
}

function heldGroups({ apiGroups }: ApiKey): Held[] {
  return apiGroups.map((id) => ({ kind: 'key_api_group', id }));
}

function expiringWithin({ after, before }: { after: Date; before: Date }): Condition {
  return { sql: 'expires_at > ? AND expires_at < ?', values: [after.getTime(), before.getTime()] };
}

/** What a client's own changes do to its keys; to be called inside the transaction of the change. */
export interface ClientKeys {
  /** Takes from the keys the API groups that the client does not hold. */
  keepHeldGroups(client: Client): void;
  /** Removes the keys of a client. */
  removeAll(clientId: string): void;
}

/** The keys of clients of a connection. */
export function clientKeys({ connection, changes, holdings }: Shared): ClientKeys {
  const { prepare } = connection;
  const keysOf = prepare<DocumentRow>(
    `SELECT document FROM documents
     WHERE kind = 'api key' AND id IN (SELECT id FROM api_keys WHERE client_id = ?)`,
  );
  const replace = prepare(
    `UPDATE documents SET version = ?, document = ? WHERE kind = 'api key' AND id = ?`,
  );
  const remove = prepare<{ id: string }>('DELETE FROM api_keys WHERE client_id = ? RETURNING id');
  const removeDocument = prepare(`DELETE FROM documents WHERE kind = 'api key' AND id = ?`);
  return {
    keepHeldGroups(client) {
      for (const row of keysOf.all(client.clientId)) {
        const apiKey = recordOf<ApiKey>(row);
        if (apiKey === null) continue;
        const apiGroups = keptGroups(apiKey, client);
        if (apiGroups.length === apiKey.apiGroups.length) continue;
        const version = apiKey.version + 1;
        const changed = { ...apiKey, apiGroups, version, updatedAt: client.updatedAt };
        const { apiKeyId: id } = apiKey;
        replace.run(version, encode(changed), id);
        holdings.set({ kind: 'api key', id }, heldGroups(changed));
        changes.enter('api_key', id);
      }
    },
    removeAll(clientId) {
      for (const { id } of remove.all(clientId)) {
        removeDocument.run(id);
        holdings.set({ kind: 'api key', id }, []);
        changes.enter('api_key', id);
      }
    },
  };
}

/** Refuses a key whose client was deleted, or does not hold what the key names, as of this transaction. */
function unheldRefuser({ connection: { prepare } }: Shared): (apiKey: ApiKey) => void {
  const isDeleted = prepare('SELECT 1 FROM deleted_clients WHERE id = ?');
  const findClient = prepare<DocumentRow>(
    `SELECT document FROM documents WHERE kind = 'client' AND id = ?`,
  );
  return (apiKey) => {
    const { clientId } = apiKey;
    if (isDeleted.get(clientId) !== undefined) throw notFound('client', clientId);
    const client = recordOf<Client>(findClient.get(clientId));
    const problems = client === null ? [] : groupProblems(apiKey, client);
    if (problems.length > 0) throw invalid(problems);
  };
}
