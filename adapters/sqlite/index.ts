/**
 * Storage in one SQLite file, through the driver that is built into Node. Several processes may share
 * the file. Knows the ports of the domain and nothing else of the server.
 */
import type { Stores } from '../../src/domain/stores.ts';
import { adminGuardStore } from './admin-guards.ts';
import { adminSessionStore } from './admin-sessions.ts';
import { adminStore } from './admins.ts';
import { apiGroupStore } from './api-groups.ts';
import { apiKeyStore } from './api-keys.ts';
import { apiScopeStore } from './api-scopes.ts';
import { apiStore } from './apis.ts';
import { artifactStore } from './artifacts.ts';
import { auditStore } from './audit.ts';
import { changeFeed } from './changes.ts';
import { chargeStore } from './charges.ts';
import { clientDraftStore } from './client-drafts.ts';
import { clientStore } from './clients.ts';
import { type Connection, openConnection, type SqliteOptions } from './connection.ts';
import { decisionStore } from './decisions.ts';
import { reading, unavailable } from './errors.ts';
import { expiredRemover } from './expired.ts';
import { holdingsOf } from './holdings.ts';
import { lastUseStore } from './last-uses.ts';
import { mailStore } from './mails.ts';
import { migrate } from './migrate.ts';
import { oneTimeLinkStore } from './one-time-links.ts';
import { personalAccessTokenStore } from './personal-access-tokens.ts';
import { bootOfMachine, chargeReserves, Reserves } from './reserves.ts';
import { securityLevelStore } from './security-levels.ts';
import { signingKeyStore } from './signing-keys.ts';
import { tokenStore } from './tokens.ts';
import { usageStore } from './usage.ts';
import { userStore } from './users.ts';

export type { SqliteOptions } from './connection.ts';

/**
 * Opens a database, creating it and bringing its schema up to date as needed.
 *
 * @throws Error when the file was written by a newer version, or cannot be opened
 */
export async function openSqliteStores(options: SqliteOptions): Promise<Stores> {
  const connection = await openConnection(options);
  const { boot = bootOfMachine() } = options;
  try {
    migrate(connection);
    chargeReserves(connection, boot);
    return storesOf(connection, new Reserves(connection, boot));
  } catch (error) {
    connection.database.close();
    throw error;
  }
}

function storesOf(connection: Connection, reserves: Reserves): Stores {
  const audit = auditStore(connection);
  const changes = changeFeed(connection);
  const tokens = tokenStore(connection, { audit, changes });
  const shared = { connection, audit, changes, holdings: holdingsOf(connection) };
  const answer = connection.prepare('SELECT 1 FROM migrations LIMIT 1');
  return {
    adminGuards: adminGuardStore(connection, audit),
    admins: adminStore(shared),
    adminSessions: adminSessionStore(connection, audit),
    apiGroups: apiGroupStore(shared),
    apiKeys: apiKeyStore(shared),
    apis: apiStore(shared),
    apiScopes: apiScopeStore(shared),
    artifacts: artifactStore(connection),
    audit,
    changes,
    charges: chargeStore(connection, reserves),
    clientDrafts: clientDraftStore(connection),
    clients: clientStore(shared, tokens),
    decisions: decisionStore(connection),
    lastUses: lastUseStore(connection),
    mails: mailStore(connection, audit),
    oneTimeLinks: oneTimeLinkStore(connection, audit),
    personalAccessTokens: personalAccessTokenStore(shared),
    securityLevels: securityLevelStore(shared),
    signingKeys: signingKeyStore(connection),
    tokens,
    usage: usageStore(connection),
    users: userStore(shared, tokens),
    ping: () => reading(() => void answer.get()),
    removeExpired: expiredRemover(connection),
    close: () => close(connection, reserves),
  };
}

/** Closes after everything written before is committed; closing again does nothing. */
async function close({ database, log }: Connection, reserves: Reserves): Promise<void> {
  if (!database.isOpen) return;
  await reserves.release();
  try {
    log.close();
    if (database.isOpen) database.close();
  } catch (error) {
    throw unavailable(error);
  }
}
