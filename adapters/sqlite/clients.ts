/** Clients. */
import type { Client } from '../../src/domain/clients/client.ts';
import type { ClientFilter, ClientStore } from '../../src/domain/clients/client-store.ts';
import { conflict } from '../../src/domain/errors.ts';
import { clientKeys } from './api-keys.ts';
import { fold } from './codec.ts';
import { lockableStore } from './locks.ts';
import type { Noun, Shared } from './noun.ts';
import { type Condition, equalities } from './page.ts';
import { recordStore } from './record-store.ts';
import type { Tokens } from './tokens.ts';

/** The ends of time, for clients that are open on one side. */
const [BEGINNING, FOREVER] = [-8.64e15, 8.64e15];

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
    ...client.ipBindings.map(({ address }) => address),
    ...client.apiGroups,
  ],
  sorts: {
    createdAt: 'created_at',
    clientName: 'client_name',
    displayName: 'display_name COLLATE NOCASE',
    expiresAt: 'expires_at',
  },
  conditions,
  lockable: true,
  holds: (client) => [
    { kind: 'security_level', id: client.securityLevel },
    ...client.apiGroups.map((id) => ({ kind: 'api_group', id }) as const),
    ...client.servedApiGroups.map((id) => ({ kind: 'served_api_group', id }) as const),
    ...client.apiScopes.map((id) => ({ kind: 'api_scope', id }) as const),
  ],
};

/** The clients of a connection; removing one also removes its keys, revokes its tokens and reserves its id. */
export function clientStore(shared: Shared, tokens: Tokens): ClientStore {
  const { prepare } = shared.connection;
  const isReserved = prepare('SELECT 1 FROM deleted_clients WHERE id = ?');
  const reserve = prepare('INSERT INTO deleted_clients (id) VALUES (?)');
  const removeQuotas = prepare('DELETE FROM quotas WHERE client_id = ?');
  const keys = clientKeys(shared);
  const store = recordStore(shared, {
    ...NOUN,
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
  return { ...store, ...lockableStore(shared.connection, { ...shared, ...NOUN }) };
}

/**
 * The first that applies is a client's status: disabled, locked, not started, expired, enabled. The
 * plus sign keeps SQLite from the index of a date that nearly every client passes.
 */
function statusCondition(status: ClientFilter['status'], at: number): Condition[] {
  const live = `status = 'enabled' AND locked_at IS NULL`;
  switch (status) {
    case undefined:
      return [];
    case 'disabled':
      return [{ sql: `status = 'disabled'`, values: [] }];
    case 'locked':
      return [{ sql: `status = 'enabled' AND locked_at IS NOT NULL`, values: [] }];
    case 'not_started':
      return [{ sql: `${live} AND starts_at > ?`, values: [at] }];
    case 'expired':
      return [{ sql: `${live} AND starts_at <= ? AND +expires_at <= ?`, values: [at, at] }];
    case 'enabled':
      return [{ sql: `${live} AND starts_at <= ? AND +expires_at > ?`, values: [at, at] }];
  }
}

function conditions(filter: ClientFilter): Condition[] {
  const { at, status, audience, securityLevel, apiGroup, environment, kind } = filter;
  return [
    ...statusCondition(status, at.getTime()),
    ...equalities({ audience, security_level: securityLevel, environment, kind }),
    ...(apiGroup === undefined ? [] : [holding(apiGroup)]),
  ];
}

function holding(apiGroup: string): Condition {
  return {
    sql: `id IN (SELECT holder_id FROM holdings
          WHERE held_kind = 'api_group' AND held_id = ? AND holder_kind = 'client')`,
    values: [apiGroup],
  };
}
