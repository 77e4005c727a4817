/**
 * What became of a mail: to whom, about what, and whether it arrived. Its text is never part of the
 * record, because it can hold a link that works once.
 */
import type { AuditEvent } from '../audit/audit-event.ts';
import type { MailTemplate } from '../mailer.ts';
import type { ListQuery, Page } from '../records.ts';

/** How far a mail has come. */
export const MAIL_STATES = ['queued', 'retrying', 'sent', 'failed', 'outbox'] as const;

/**
 * `queued`: about to be sent. `retrying`: refused for now, tried again at `nextAttemptAt`. `sent`: the
 * mail server took it. `failed`: refused for good, or as often as it is tried. `outbox`: no mail
 * server took it yet, because none is configured or Tollgate stopped first. All but `sent` are kept
 * in the outbox.
 */
export type MailState = (typeof MAIL_STATES)[number];

/** What a mail is about, as audit events name it. */
export interface MailObject {
  kind: string;
  id: string;
}

/** A mail and its state. */
export interface MailRecord {
  mailId: string;
  /** When it was asked for. */
  at: Date;
  to: string[];
  /** Those of `to` for whom no server has taken it. */
  pending: string[];
  subject: string;
  template: MailTemplate;
  object: MailObject | null;
  state: MailState;
  attempts: number;
  nextAttemptAt: Date | null;
  /** What the last attempt failed with, in the server's words; null when it did not. */
  error: string | null;
  updatedAt: Date;
  /** When the record is removed. */
  expiresAt: Date;
}

/** How long the record of a mail is kept: 90 days. */
export const MAIL_KEPT_SECONDS = 90 * 24 * 3600;

/** Which mails are wanted. */
export interface MailFilter {
  state?: MailState;
  template?: MailTemplate;
  objectKind?: string;
  objectId?: string;
}

/** Which mails seem forgotten, a batch at a time. */
export interface ForgottenQuery {
  now: Date;
  /** Told of no state since, and due for no attempt since. */
  before: Date;
  /** Id of the last mail of the batch before; empty = from the first. */
  after: string;
  /** Mails wanted. */
  limit: number;
}

/** Storage of what became of mails. */
export interface MailStore {
  /** Stores the state of a mail, in place of the state before. */
  record(mail: MailRecord): Promise<void>;
  /** The mail until it expires, or null. */
  find(mailId: string, now: Date): Promise<MailRecord | null>;
  /** A page of the mails that have not expired, newest first. */
  list(query: ListQuery<MailFilter> & { now: Date }): Promise<Page<MailRecord>>;
  /**
   * Unexpired mails, `queued` or `retrying`, whose next attempt, or last state where none is planned,
   * was before an instant; in the order of their ids.
   */
  forgotten(query: ForgottenQuery): Promise<MailRecord[]>;
  /**
   * Replaces a mail that is still in the state and of the time that were read, together with the
   * event; of concurrent calls exactly one answers true, the others write nothing.
   */
  requeue(
    mail: MailRecord,
    was: Pick<MailRecord, 'state' | 'updatedAt'>,
    event: AuditEvent,
  ): Promise<boolean>;
}
