/** Clients. */
import type { Client } from '../../src/domain/clients/client.ts';
import type {
  ClientCounts,
  ClientFilter,
  ClientStore,
} from '../../src/domain/clients/client-store.ts';
import { conflict } from '../../src/domain/errors.ts';
import { clientKeys } from './api-keys.ts';
import {
  BEGINNING,
  clientConditions,
  clientSearch,
  countClients,
  FOREVER,
} from './client-lists.ts';
import { fold } from './codec.ts';
import { reading } from './errors.ts';
import { lockableStore } from './locks.ts';
import type { Noun, Shared } from './noun.ts';
import { conditionsOf, recordStore } from './record-store.ts';
import type { Tokens } from './tokens.ts';

const NOUN: Noun<Client, ClientFilter> = {
  kind: 'client',
  changeKind: 'client',
  table: 'clients',
  id: (client) => client.clientId,
  columns: {
    client_name: (client) => fold(client.clientName),
    display_name: (client) => client.displayName,
    created_at: (client) => client.createdAt.getTime(),
    starts_at: (client) => client.startsAt?.getTime() ?? BEGINNING,
    expires_at: (client) => client.expiresAt?.getTime() ?? FOREVER,
    status: (client) => client.status,
    audience: (client) => client.audience,
    security_level: (client) => client.securityLevel,
    environment: (client) => client.environment,
    kind: (client) => client.kind,
  },
  unique: (client) => ({
    id: ['clientId', client.clientId],
    client_name: ['clientName', client.clientName],
    display_name: ['displayName', client.displayName],
  }),
  searched: (client) => [
    client.clientId,
    client.clientName,
    client.displayName,
    client.applicationNo,
    client.note,
    ...client.emails,
    ...client.ipBindings.flatMap(({ hostName, address }) => [hostName, address]),
    ...client.apiGroups,
  ],
  sorts: {
    createdAt: 'created_at',
    clientName: 'client_name',
    displayName: 'display_name COLLATE NOCASE',
    expiresAt: 'expires_at',
    lastUsedAt: 'last_used_at',
  },
  conditions: clientConditions,
  lockable: true,
  holds: (client) => [
    { kind: 'security_level', id: client.securityLevel },
    ...client.apiGroups.map((id) => ({ kind: 'api_group', id }) as const),
    ...client.servedApiGroups.map((id) => ({ kind: 'served_api_group', id }) as const),
    ...client.apiScopes.map((id) => ({ kind: 'api_scope', id }) as const),
    ...client.userAllowlist.map((id) => ({ kind: 'allowed_user', id }) as const),
  ],
};

/** The clients of a connection; removing one also removes its keys, revokes its tokens and reserves its id. */
export function clientStore(shared: Shared, tokens: Tokens): ClientStore {
  const { prepare } = shared.connection;
  const isReserved = prepare('SELECT 1 FROM deleted_clients WHERE id = ?');
  const reserve = prepare('INSERT INTO deleted_clients (id) VALUES (?)');
  const removeQuotas = prepare('DELETE FROM quotas WHERE client_id = ?');
  const keys = clientKeys(shared);
  const noun = { ...NOUN, searching: clientSearch(shared.connection) };
  const store = recordStore(shared, {
    ...noun,
    beforeInsert({ clientId }) {
      if (isReserved.get(clientId) !== undefined) throw conflict('clientId', clientId);
    },
    beforeUpdate: keys.keepHeldGroups,
    afterRemove(clientId, event) {
      reserve.run(clientId);
      keys.removeAll(clientId);
      removeQuotas.run(clientId);
      tokens.revokeAllNow({ clientId }, event.at);
    },
  });
  function countNow({ status: _, ...filter }: ClientFilter, search?: string): ClientCounts {
    const wanted = conditionsOf(noun, filter, search);
    return countClients(shared.connection, wanted, filter.at);
  }
  const lists: Pick<ClientStore, 'countByStatus' | 'listWithCounts'> = {
    countByStatus: (filter, search) => reading(() => countNow(filter, search)),
    listWithCounts: (query) =>
      reading(() => {
        const counts = countNow(query.filter, query.search);
        return { ...store.pageNow(query, counts[query.filter.status ?? 'all']), counts };
      }),
  };
  return { ...store, ...lists, ...lockableStore(shared.connection, { ...shared, ...NOUN }) };
}
