/** Clients. */
import { trusted } from 'mongoose';
import type { Client } from '../../src/domain/clients/client.ts';
import type { ClientFilter, ClientStore } from '../../src/domain/clients/client-store.ts';
import { conflict } from '../../src/domain/errors.ts';
import { clientKeys } from './api-keys.ts';
import { quotasOf } from './charge-quotas.ts';
import { type Database, inSession } from './connection.ts';
import { lockableStore } from './lockable.ts';
import type { Condition, Sort } from './paging.ts';
import { recordStore } from './record-store.ts';
import { collection, folded, LOCK, part, type Stored, VERSIONED } from './schema.ts';
import type { Tokens } from './tokens.ts';
import type { Transactions } from './unit-of-work.ts';

/** The ends of time, for clients that are open on one side. */
const BEGINNING = new Date(-8.64e15);
const FOREVER = new Date(8.64e15);

const TOKEN_SETTING = part({ lifetimeSeconds: Number, maxUses: Number });

export const clientSchema = collection({
  ...VERSIONED,
  clientName: String,
  clientNameKey: String,
  applicationNo: String,
  displayName: String,
  displayNameKey: String,
  description: String,
  ipBindings: [part({ hostName: String, address: String })],
  startsAt: Date,
  expiresAt: Date,
  opensAt: Date,
  closesAt: Date,
  serviceHours: part({
    timeZone: String,
    windows: [part({ days: [String], from: String, to: String })],
  }),
  apiQuota: part({ calls: Number, period: String }),
  timeZone: String,
  tps: Number,
  priority: Number,
  note: String,
  status: String,
  audience: String,
  emails: [String],
  remark: String,
  environment: String,
  userAllowlist: [String],
  securityLevel: String,
  apiGroups: [String],
  apiScopes: [String],
  grantTypes: [String],
  accessToken: TOKEN_SETTING,
  refreshToken: TOKEN_SETTING,
  redirectUris: [String],
  failedLoginLimit: Number,
  kind: String,
  servedApiGroups: [String],
  /** JSON text: the members of a key are its owner's, whatever their names. */
  jwks: String,
  secrets: [
    part({
      secretId: String,
      label: String,
      kind: String,
      hash: String,
      createdAt: Date,
      expiresAt: Date,
    }),
  ],
  lock: LOCK,
});

const SORTS: readonly [Sort, ...Sort[]] = [
  { field: 'createdAt', path: 'createdAt', type: 'date' },
  { field: 'clientName', path: 'clientNameKey', type: 'string' },
  { field: 'displayName', path: 'displayNameKey', type: 'string' },
  { field: 'expiresAt', path: 'closesAt', type: 'date' },
];
clientSchema.index({ clientNameKey: 1 }, { unique: true });
clientSchema.index({ displayName: 1 }, { unique: true });
for (const { path } of SORTS) clientSchema.index({ [path]: 1, _id: 1 });
clientSchema.index({ apiGroups: 1 });
clientSchema.index({ servedApiGroups: 1 });
clientSchema.index({ apiScopes: 1 });
clientSchema.index({ securityLevel: 1 });

/** Ids of deleted clients, never given again. */
export const deletedClientSchema = collection({ deletedAt: Date });

/** Clients of a database; removing one also removes its keys, revokes its tokens and reserves its id. */
export function clientStore(
  database: Database,
  transactions: Transactions,
  tokens: Tokens,
): ClientStore {
  const model = database.connection.model<Stored>('Client', clientSchema, 'clients');
  const deleted = database.connection.model<Stored>(
    'DeletedClient',
    deletedClientSchema,
    'deletedClients',
  );
  const keys = clientKeys(database);
  const quotas = database.native('quotas');
  const { find, list, insert, update, remove } = recordStore<Client, ClientFilter>(
    {
      ...{ model, word: 'client', change: 'client', id: 'clientId', sorts: SORTS },
      unique: { clientNameKey: 'clientName', displayName: 'displayName' },
      searched,
      derived: (client) => ({
        clientNameKey: folded(client.clientName),
        displayNameKey: folded(client.displayName),
        opensAt: client.startsAt ?? BEGINNING,
        closesAt: client.expiresAt ?? FOREVER,
        jwks: client.jwks && JSON.stringify(client.jwks),
      }),
      restored: ({ jwks }) => ({ jwks: jwks === null ? null : JSON.parse(String(jwks)) }),
      hidden: ['clientNameKey', 'displayNameKey', 'opensAt', 'closesAt'],
      conditions,
      keptByUpdate: ['lock'],
      async beforeInsert({ clientId }, { session }) {
        const reserved = await deleted.countDocuments({ _id: clientId }, inSession(session));
        if (reserved > 0) throw conflict('clientId', clientId);
      },
      afterUpdate: keys.keepHeldGroups,
      async beforeRemove(clientId, unit, event) {
        const { session } = unit;
        await keys.removeAll(clientId, unit);
        await tokens.revokeOwned({ clientId }, event.at, session);
        await quotas.deleteMany(quotasOf(clientId), inSession(session));
        await new deleted({ _id: clientId, deletedAt: event.at }).save({
          session: session ?? null,
        });
      },
    },
    transactions,
  );
  return {
    ...{ find, list, insert, update },
    remove: (clientId, event, version) =>
      tokens.removing({ clientId }, event.at, () => remove(clientId, event, version)),
    ...lockableStore(database.native('clients'), 'client', transactions),
  };
}

function searched(client: Client): string[] {
  const { clientId, clientName, displayName, applicationNo, note, emails, apiGroups } = client;
  const addresses = client.ipBindings.map(({ address }) => address);
  return [
    clientId,
    clientName,
    displayName,
    applicationNo,
    note,
    ...emails,
    ...addresses,
    ...apiGroups,
  ];
}

function conditions(filter: ClientFilter): Condition[] {
  const { at, status, apiGroup, ...equal } = filter;
  const { audience, securityLevel, environment, kind } = equal;
  const wanted = Object.entries({
    audience,
    securityLevel,
    environment,
    kind,
    apiGroups: apiGroup,
  });
  return [
    ...(status === undefined ? [] : [statusCondition(status, at)]),
    ...wanted
      .filter(([, value]) => value !== undefined)
      .map(([path, value]) => ({ [path]: value })),
  ];
}

/** The first that applies is a client's status: disabled, locked, not started, expired, enabled. */
function statusCondition(status: NonNullable<ClientFilter['status']>, at: Date): Condition {
  const live = { status: 'enabled', 'lock.lockedAt': null };
  const started = { opensAt: trusted({ $lte: at }) };
  switch (status) {
    case 'disabled':
      return { status: 'disabled' };
    case 'locked':
      return { status: 'enabled', 'lock.lockedAt': trusted({ $ne: null }) };
    case 'not_started':
      return { ...live, opensAt: trusted({ $gt: at }) };
    case 'expired':
      return { ...live, ...started, closesAt: trusted({ $lte: at }) };
    case 'enabled':
      return { ...live, ...started, closesAt: trusted({ $gt: at }) };
  }
}
