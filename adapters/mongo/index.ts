/**
 * The MongoDB adapter: every port of `src/domain/stores.ts` over MongoDB through Mongoose. It knows
 * documents and indexes and no rule of OAuth. Writes are of the majority and reads go to the primary,
 * so several nodes of Tollgate share one truth; what remains is MongoDB's own: a primary that the
 * network cut off may answer reads, never writes, until it notices (seconds).
 *
 * A replica set, even of one node, gives all-or-nothing writes. On a standalone server they are made
 * one after the other (see unit-of-work.ts): fit for one process, not for a cluster.
 */
import type { Stores } from '../../src/domain/stores.ts';
import { adminGuardStore } from './admin-guards.ts';
import { adminSessionStore } from './admin-sessions.ts';
import { adminStore, personalAccessTokenStore } from './admins.ts';
import { apiKeyStore } from './api-keys.ts';
import { artifactStore } from './artifacts.ts';
import { auditTrail } from './audit.ts';
import { type Calls, callGate } from './calls.ts';
import { catalog } from './catalog.ts';
import { changeFeed } from './changes.ts';
import { chargeStore } from './charges.ts';
import { clientDraftStore } from './client-drafts.ts';
import { repairLastUsed } from './client-lists.ts';
import { repairClientTexts } from './client-texts.ts';
import { clientStore } from './clients.ts';
import { connect, type Database } from './connection.ts';
import { decisionStore } from './decisions.ts';
import { translated } from './errors.ts';
import { createIndexes } from './indexes.ts';
import { lastUseStore } from './last-uses.ts';
import { mailStore } from './mails.ts';
import { oneTimeLinkStore } from './one-time-links.ts';
import type { Stored } from './schema.ts';
import { signingKeys } from './signing-keys.ts';
import { tokenStore } from './tokens.ts';
import { type Transactions, transactions } from './unit-of-work.ts';
import { usageStore } from './usage.ts';
import { userStore } from './users.ts';

/**
 * Opens the stores; creates collections and indexes that are missing.
 *
 * @param options.url connection string; the database is `tollgate` when it names none
 * @throws DomainError `store_unavailable` when no primary answers within seconds
 */
export async function openMongoStores({ url }: { url: string }): Promise<Stores> {
  const database = await connect(url).catch((error: unknown) => {
    throw translated(error);
  });
  try {
    return await prepared(database);
  } catch (error) {
    await database.connection.close(true).catch(() => {});
    throw translated(error);
  }
}

async function prepared(database: Database): Promise<Stores> {
  const changes = changeFeed(database);
  const keys = signingKeys(database);
  await createIndexes(database);
  await Promise.all([repairLastUsed(database), repairClientTexts(database)]);
  await Promise.all([changes.prepare(!database.transactions), keys.prepare()]);

  const audit = auditTrail(database);
  const units = transactions(database, { bump: changes.bump, append: audit.append });
  const tokens = tokenStore(database, units, changes.bump);
  const clients = clientStore(database, units, tokens);
  const { apis, apiGroups, apiScopes, securityLevels } = catalog(
    database,
    units,
    database.connection.model<Stored>('Client'),
  );
  const { answering, bounded, close } = callGate();
  return {
    ...adminStores(database, units, answering),
    apiGroups: answering(apiGroups),
    apiKeys: answering(apiKeyStore(database, units)),
    apis: answering(apis),
    apiScopes: answering(apiScopes),
    artifacts: answering(artifactStore(database)),
    audit: answering(audit.store),
    changes: answering(changes.store),
    charges: answering(chargeStore(database, units)),
    clientDrafts: answering(clientDraftStore(database)),
    clients: answering(clients),
    decisions: answering(decisionStore(database)),
    lastUses: answering(lastUseStore(database)),
    mails: answering(mailStore(database, units)),
    oneTimeLinks: answering(oneTimeLinkStore(database, units)),
    securityLevels: answering(securityLevels),
    signingKeys: answering(keys.store),
    tokens: answering(tokens),
    usage: answering(usageStore(database, units)),
    users: answering(userStore(database, units, tokens)),
    ping: bounded(database.ping),
    // TTL indexes remove what expired.
    removeExpired: async () => 0,
    close: () => close(() => database.connection.close(true)),
  };
}

/** Admins and what belongs to them. */
function adminStores(database: Database, units: Transactions, answering: Calls['answering']) {
  return {
    adminGuards: answering(adminGuardStore(database, units)),
    admins: answering(adminStore(database, units)),
    adminSessions: answering(adminSessionStore(database, units)),
    personalAccessTokens: answering(personalAccessTokenStore(database, units)),
  };
}
