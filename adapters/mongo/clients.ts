/** Clients. */
import type { Client } from '../../src/domain/clients/client.ts';
import type { ClientFilter, ClientStore } from '../../src/domain/clients/client-store.ts';
import { conflict } from '../../src/domain/errors.ts';
import { clientKeys } from './api-keys.ts';
import { quotasOf } from './charge-quotas.ts';
import {
  BEGINNING,
  CLIENT_SORTS,
  clientConditions,
  countedLists,
  FOREVER,
  indexClientLists,
} from './client-lists.ts';
import { clientTexts } from './client-texts.ts';
import { type Database, inSession } from './connection.ts';
import { lockableStore } from './lockable.ts';
import { encode, type Noun, recordStore } from './record-store.ts';
import { collection, folded, LOCK, part, type Stored, VERSIONED } from './schema.ts';
import type { Tokens } from './tokens.ts';
import type { Transactions } from './unit-of-work.ts';

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
  lastUsedAt: Date,
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

clientSchema.index({ clientNameKey: 1 }, { unique: true });
clientSchema.index({ displayName: 1 }, { unique: true });
indexClientLists(clientSchema);
clientSchema.index({ apiGroups: 1 });
clientSchema.index({ servedApiGroups: 1 });
clientSchema.index({ apiScopes: 1 });
clientSchema.index({ userAllowlist: 1 });
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
  const texts = clientTexts(database);
  const noun: Noun<Client, ClientFilter> = {
    ...{ model, word: 'client', change: 'client', sorts: CLIENT_SORTS },
    unique: { clientNameKey: 'clientName', displayName: 'displayName' },
    ...STORED,
    restored: ({ jwks }) => ({ jwks: jwks === null ? null : JSON.parse(String(jwks)) }),
    hidden: ['clientNameKey', 'displayNameKey', 'opensAt', 'closesAt', 'lastUsedAt'],
    conditions: clientConditions,
    searching: texts.searching,
    keptByUpdate: ['lock', 'lastUsedAt'],
    async beforeInsert({ clientId }, { session }) {
      const reserved = await deleted.countDocuments({ _id: clientId }, inSession(session));
      if (reserved > 0) throw conflict('clientId', clientId);
    },
    afterWrite: texts.put,
    afterUpdate: keys.keepHeldGroups,
    async beforeRemove(clientId, unit, event) {
      const { session } = unit;
      await keys.removeAll(clientId, unit);
      await texts.remove(clientId, unit);
      await tokens.revokeOwned({ clientId }, event.at, session);
      await quotas.deleteMany(quotasOf(clientId), inSession(session));
      const tomb = new deleted({ _id: clientId, deletedAt: event.at });
      await tomb.save({ session: session ?? null });
    },
  };
  const { find, list, listing, insert, update, remove } = recordStore(noun, transactions);
  return {
    ...{ find, list, insert, update },
    ...countedLists(listing),
    remove: (clientId, event, version) =>
      tokens.removing({ clientId }, event.at, () => remove(clientId, event, version)),
    ...lockableStore(database.native('clients'), 'client', transactions),
  };
}

/** What the document of a client is made of. */
const STORED = { id: 'clientId', searched, derived } as const;

/** The document of a client, for loads of many at once; opening the stores adds what searches need. */
export function clientDocument(client: Client): Stored {
  return encode<Client>(STORED, client);
}

/** Keys for sorting, and what JSON text stands for. Updates leave the last use alone. */
function derived(client: Client): Record<string, unknown> {
  return {
    clientNameKey: folded(client.clientName),
    displayNameKey: folded(client.displayName),
    opensAt: client.startsAt ?? BEGINNING,
    closesAt: client.expiresAt ?? FOREVER,
    lastUsedAt: BEGINNING,
    jwks: client.jwks && JSON.stringify(client.jwks),
  };
}

function searched(client: Client): string[] {
  const { clientId, clientName, displayName, applicationNo, note, emails, apiGroups } = client;
  const addresses = client.ipBindings.flatMap(({ hostName, address }) => [hostName, address]);
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
