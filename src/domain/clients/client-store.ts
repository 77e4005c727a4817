/** Port of client storage. */
import type { AuditEvent } from '../audit/audit-event.ts';
import type { ListQuery, Page, RecordStore } from '../records.ts';
import type { Client, FailedLogin, Lock } from './client.ts';

/**
 * Status words that a list can be filtered by, judged at `at`. `outside_service_hours` is none of them:
 * it follows from a weekly plan in a time zone, which no index answers; such clients are `enabled`.
 */
export const CLIENT_STATUS_FILTERS = [
  'enabled',
  'disabled',
  'locked',
  'not_started',
  'expired',
] as const;
export type ClientStatusFilter = (typeof CLIENT_STATUS_FILTERS)[number];

/** How many clients have each status, and how many there are. */
export type ClientCounts = Record<ClientStatusFilter | 'all', number>;

/** Fields by which a client names groups, scopes and users. */
export type ClientReference = 'apiGroups' | 'apiScopes' | 'servedApiGroups' | 'userAllowlist';

/** Which clients are wanted; members are combined with AND. */
export interface ClientFilter {
  /** Instant at which `status` and `expiringBefore` are judged. */
  at: Date;
  status?: ClientStatusFilter;
  audience?: Client['audience'];
  securityLevel?: string;
  /** Holds this API group. */
  apiGroup?: string;
  /** Names one of these, in one of these fields; at least one field. */
  naming?: { fields: readonly ClientReference[]; anyOf: readonly string[] };
  environment?: Client['environment'];
  kind?: Client['kind'];
  /** Expires after `at`, and before this instant. */
  expiringBefore?: Date;
  /** Created before this instant, and not used since; as exact as `LAST_USE_STEP_SECONDS`. */
  idleSince?: Date;
}

/** What an unlock was decided from. */
export interface SeenLock extends Pick<Lock, 'lockedAt'> {
  /** Version of the record. */
  version: number;
}

/** Records that failed secrets can lock. */
export interface LockableStore {
  /**
   * Counts one failed secret, keeps it among the latest failures and locks the record when the count
   * reaches `limit`, in one atomic step; null when there is no such record. Enters the change feed.
   */
  recordFailedLogin(id: string, failure: FailedLogin, limit: number): Promise<Lock | null>;
  /**
   * Sets the count to 0; keeps the failures for the record. With an event, of an act that unlocks, it
   * also unlocks. Without one, after a success, it leaves a locked record as it is, in the same
   * conditional step: a success that was under way when the limit was reached undoes no lock.
   *
   * With `seen`, only a record that still has that version and was locked then, or was not, and has
   * something to clear: of concurrent unlocks from one sight exactly one answers true; the others
   * answer false and write nothing, the event included.
   */
  clearFailedLogins(id: string, event: AuditEvent | null, seen?: SeenLock): Promise<boolean>;
}

/**
 * Clients. `list` searches clientId, clientName, displayName, applicationNo, emails, note, host names,
 * addresses, and names and display names of API groups; sorts by `createdAt`, `clientName`,
 * `displayName`, `expiresAt` (those without end last) or `lastUsedAt` (those never used first; see
 * `LAST_USE_STEP_SECONDS`). A page among 100,000 clients takes milliseconds, a search some tens. `insert`
 * also refuses the id of a deleted client (`conflict` on `clientId`). `update` leaves `lock` alone.
 * `remove` also revokes the client's tokens, removes its API keys and reserves its id for ever, in the
 * same step; what `update` does to its keys stands at `ApiKeyStore`.
 * Unique: clientId, clientName (without regard to case), displayName.
 */
export interface ClientStore extends RecordStore<Client, ClientFilter>, LockableStore {
  list(query: ListQuery<ClientFilter>): Promise<Page<Client>>;
  /** A page, and what `countByStatus` says under its filter and search: cheaper than one after the other. */
  listWithCounts(
    query: ListQuery<ClientFilter> & { filter: ClientFilter },
  ): Promise<Page<Client> & { counts: ClientCounts }>;
  /** Counts by status what a list with this filter and search would hold, whatever status it asks for. */
  countByStatus(filter: ClientFilter, search?: string): Promise<ClientCounts>;
}
