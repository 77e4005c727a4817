/** Everything that is stored, as one value: what an adapter opens and the rest of the server receives. */
import type { AdminStore, PersonalAccessTokenStore } from './admins/admin.ts';
import type { AdminGuardStore } from './admins/admin-guard.ts';
import type { AdminSessionStore } from './admins/admin-session.ts';
import type { ApiKeyStore } from './api-keys/api-key.ts';
import type { ApiStore } from './apis/api.ts';
import type { ApiGroupStore } from './apis/api-group.ts';
import type { ApiScopeStore } from './apis/api-scope.ts';
import type { SecurityLevelStore } from './apis/security-level.ts';
import type { ArtifactStore } from './artifacts.ts';
import type { AuditStore } from './audit/audit-event.ts';
import type { ChangeFeed } from './changes.ts';
import type { ClientDraftStore } from './clients/client-drafts.ts';
import type { ClientStore } from './clients/client-store.ts';
import type { DecisionStore } from './decision/decision-store.ts';
import type { LastUseStore } from './last-uses.ts';
import type { MailStore } from './mails/mail.ts';
import type { OneTimeLinkStore } from './one-time-links.ts';
import type { SigningKeyStore } from './signing-keys.ts';
import type { TokenStore } from './tokens/token-store.ts';
import type { ChargeStore } from './usage/charge-store.ts';
import type { UsageStore } from './usage/usage-store.ts';
import type { UserStore } from './users/user.ts';

/** Rows of each kind that one removal of expired rows takes, so that it locks for milliseconds only. */
export const EXPIRED_BATCH = 1000;

/**
 * The stores of one database. Every method throws `store_unavailable` when the database does not
 * answer; then nothing was done, or it was done whole.
 */
export interface Stores {
  adminGuards: AdminGuardStore;
  admins: AdminStore;
  adminSessions: AdminSessionStore;
  apiGroups: ApiGroupStore;
  apiKeys: ApiKeyStore;
  apis: ApiStore;
  apiScopes: ApiScopeStore;
  artifacts: ArtifactStore;
  audit: AuditStore;
  changes: ChangeFeed;
  charges: ChargeStore;
  clientDrafts: ClientDraftStore;
  clients: ClientStore;
  decisions: DecisionStore;
  lastUses: LastUseStore;
  mails: MailStore;
  oneTimeLinks: OneTimeLinkStore;
  personalAccessTokens: PersonalAccessTokenStore;
  securityLevels: SecurityLevelStore;
  signingKeys: SigningKeyStore;
  tokens: TokenStore;
  usage: UsageStore;
  users: UserStore;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  /**
   * Removes what expired, at most `EXPIRED_BATCH` rows of each kind; answers how many rows. Databases
   * with TTL indexes answer 0.
   */
  removeExpired(now: Date): Promise<number>;
  close(): Promise<void>;
}
