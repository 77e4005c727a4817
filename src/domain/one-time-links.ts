import type { AuditEvent } from './audit/audit-event.ts';

/** Links that work once and expire: an admin's set-up, a client's new password. */

/** A stored link; its token is never stored. */
export interface OneTimeLink {
  /** Keyed digest of the token in the link. */
  digest: string;
  purpose: 'admin_set_up' | 'client_password';
  /** Id of the admin or client. */
  subjectId: string;
  expiresAt: Date;
}

export interface OneTimeLinkStore {
  /**
   * Stores a link; links of the same purpose and subject stop working. `event`, of the act that the
   * link is part of, is written in the same step.
   */
  insert(link: OneTimeLink, event?: AuditEvent): Promise<void>;
  /** The link while it works, or null; does not use it up. */
  find(digest: string, now: Date): Promise<OneTimeLink | null>;
  /** Uses it up: of concurrent calls exactly one gets the link, the others null. */
  consume(digest: string, now: Date): Promise<OneTimeLink | null>;
}
