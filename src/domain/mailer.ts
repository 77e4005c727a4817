/**
 * Port of outgoing mail. The domain says which mail goes to whom, and about what; how it reads is in
 * `views/mail`, and what became of it in `mails/mail.ts`. No mail holds a secret other than a link
 * that works once.
 */
import type { MailObject, MailRecord } from './mails/mail.ts';

/** Every mail that there is; each has a view of its name. */
export const MAIL_TEMPLATES = [
  'client-password-link',
  'api-key-created',
  'api-key-rotated',
] as const;

export type MailTemplate = (typeof MAIL_TEMPLATES)[number];

/** What every mail about a client tells. */
export interface ClientMail {
  clientId: string;
  displayName: string;
  /** Who did it, in words such as `an admin`. */
  by: string;
  /** IANA zone in which the mail tells instants. */
  timeZone: string;
}

/** What a mail about an API key tells; never the key. */
export interface ApiKeyMail extends ClientMail {
  alias: string;
  /** The last four characters of the key. */
  lastFour: string;
  /** Null = works at once. */
  startsAt: Date | null;
  expiresAt: Date;
  apiGroups: string[];
}

/** Template → what it tells. */
export interface MailTemplates {
  'client-password-link': ClientMail & { url: string; expiresAt: Date };
  'api-key-created': ApiKeyMail;
  /** `previousUntil`: until when the value before still works; null = it has stopped. */
  'api-key-rotated': ApiKeyMail & { previousUntil: Date | null };
}

/** A template and what it tells. */
export type MailContent = {
  [T in MailTemplate]: { template: T; locals: MailTemplates[T] };
}[MailTemplate];

/** A mail that the domain wants sent. */
export type OutgoingMail = MailContent & {
  to: readonly string[];
  /** What it is about. */
  object: MailObject | null;
};

/** A mail as people read it. */
export interface RenderedMail {
  subject: string;
  text: string;
}

/** Words a mail. Throws when the template lacks something. */
export type RenderMail = (content: MailContent) => RenderedMail;

/** Whether a kept mail can be sent again from this node. */
export type Resending = 'possible' | 'no_mail_server' | 'not_kept' | 'under_way';

export interface Mailer {
  /**
   * Accepts a mail and returns at once. It never throws: the action that caused the mail stands,
   * and what becomes of the mail is told by its record.
   */
  send(mail: OutgoingMail): void;
  /** Whether `resend` can do anything for a mail; answers without asking the mail server. */
  canResend(mailId: string): Promise<Resending>;
  /** Sends a kept mail to the addresses that have not got it; otherwise like `send`. */
  resend(mail: MailRecord): void;
}
