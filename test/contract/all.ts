/**
 * The contract of every port, as tests that an adapter runs against its own database. The contracts
 * are the specification of storage: what they do not say, an adapter may decide.
 */
import { describe } from '@jest/globals';
import type { Stores } from '../../src/domain/stores.ts';
import { describeActRaces } from './act-races.contract.ts';
import { describeAdminSessions } from './admin-sessions.contract.ts';
import { describeAdmins } from './admins.contract.ts';
import { describeApiKeys } from './api-keys.contract.ts';
import { describeArtifacts } from './artifacts.contract.ts';
import { describeAudit } from './audit.contract.ts';
import { describeCatalog } from './catalog.contract.ts';
import { describeChanges } from './changes.contract.ts';
import { describeChargeRaces } from './charge-races.contract.ts';
import { describeCharges } from './charges.contract.ts';
import { describeClientDrafts } from './client-drafts.contract.ts';
import { describeClientRows } from './client-rows.contract.ts';
import { describeClients } from './clients.contract.ts';
import type { Open } from './contract.ts';
import { describeDecisions } from './decisions.contract.ts';
import { describeEvents } from './events.contract.ts';
import { describeInUse } from './in-use.contract.ts';
import { describeLastUses } from './last-uses.contract.ts';
import { describeMails } from './mails.contract.ts';
import { describeOneTimeLinks } from './one-time-links.contract.ts';
import { describeRaces } from './races.contract.ts';
import { describeSecrets } from './secrets.contract.ts';
import { describeSigningKeys } from './signing-keys.contract.ts';
import { describeStores } from './stores.contract.ts';
import { describeTokens } from './tokens.contract.ts';
import { describeUsage, describeUsageRaces } from './usage.contract.ts';
import { describeUsedBy } from './used-by.contract.ts';
import { describeUsers } from './users.contract.ts';

/** What an adapter gives so that the contracts can be run against it. */
export interface ContractSetup {
  /** Opens a new, empty database; called once or more by each contract, which closes what it opened. */
  open(): Promise<Stores>;
  /** Every raw row or document of the database behind these stores, as one text. */
  dump(stores: Stores): Promise<string>;
  /** Connection string, for child processes, of the database that `open` opened last. */
  url(): string;
}

/**
 * Describes every contract, races between operating-system processes included.
 *
 * @param adapter name in the test report, such as `sqlite`
 */
export function describeAllContracts(adapter: string, setup: ContractSetup): void {
  describePortContracts(adapter, setup.open);
  describe(adapter, () => {
    describeSecrets(setup.open, setup.dump);
    describeEvents(setup.open);
    describeActRaces(setup.open, setup.url);
    describeRaces(setup.open, setup.url);
    describeChargeRaces(setup.open, setup.url);
    describeUsageRaces(setup.open, setup.url);
  });
}

/** Describes the contracts that one process can check through the ports alone. */
export function describePortContracts(adapter: string, open: Open): void {
  describe(adapter, () => {
    describeStores(open);
    describeClients(open);
    describeClientRows(open);
    describeClientDrafts(open);
    describeUsers(open);
    describeCatalog(open);
    describeInUse(open);
    describeUsedBy(open);
    describeAdmins(open);
    describeAdminSessions(open);
    describeApiKeys(open);
    describeTokens(open);
    describeCharges(open);
    describeAudit(open);
    describeChanges(open);
    describeOneTimeLinks(open);
    describeArtifacts(open);
    describeSigningKeys(open);
    describeLastUses(open);
    describeMails(open);
    describeDecisions(open);
    describeUsage(open);
  });
}
