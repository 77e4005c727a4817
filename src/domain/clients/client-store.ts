/** Port of client storage. */
import type { AuditEvent } from '../audit/audit-event.ts';
import type { ListQuery, Page, RecordStore } from '../records.ts';
import type { Client, FailedLogin, Lock } from './client.ts';

/** Status words that a list can be filtered by; time-dependent ones are judged at `at`. */
export type ClientStatusFilter = 'enabled' | 'disabled' | 'locked' | 'not_started' | 'expired';

/** Which clients are wanted; members are combined with AND. */
export interface ClientFilter {
  /** Instant at which `status` is judged. */
  at: Date;
  status?: ClientStatusFilter;
  audience?: Client['audience'];
  securityLevel?: string;
  /** Holds this API group. */
  apiGroup?: string;
  environment?: Client['environment'];
  kind?: Client['kind'];
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
   */
  clearFailedLogins(id: string, event: AuditEvent | null): Promise<void>;
}

/**
 * Clients. `list` searches clientId, clientName, displayName, applicationNo, emails, note, addresses
 * and API group names; sorts by `createdAt`, `clientName`, `displayName` or `expiresAt`. `insert`
 * also refuses the id of a deleted client (`conflict` on `clientId`). `update` leaves `lock` alone.
 * `remove` also revokes the client's tokens, removes its API keys and reserves its id for ever, in the
 * same step; what `update` does to its keys stands at `ApiKeyStore`.
 * Unique: clientId, clientName (without regard to case), displayName.
 */
export interface ClientStore extends RecordStore<Client, ClientFilter>, LockableStore {
  list(query: ListQuery<ClientFilter>): Promise<Page<Client>>;
}
