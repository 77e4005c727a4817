/**
 * Outgoing mail: through a mail server, or into an outbox folder. A mail is written into the outbox
 * first and leaves it when a server has taken it, so neither a stop nor a crash loses one. All of that
 * goes on behind the action that caused the mail; every step is told as a new state of its record.
 */
import type { Clock } from '../../src/domain/clock.ts';
import type { Mailer, RenderMail } from '../../src/domain/mailer.ts';
import type { MailRecord } from '../../src/domain/mails/mail.ts';
import { Deliveries } from './deliveries.ts';

/** Where mail goes. */
export interface MailerOptions {
  /** `smtp://` or `smtps://` URL; without it every mail goes to the outbox. */
  smtpUrl?: string | undefined;
  /** Sender. */
  from: string;
  /** Folder for mails that no server took; made when needed. */
  outbox: string;
  render: RenderMail;
  /** Default: the clock of the machine. */
  clock?: Clock;
  /** Pauses between tries, in milliseconds; default 1 s, 10 s, 1 min, 5 min, 15 min. */
  retryDelaysMs?: readonly number[];
  /** How long a silent server is waited for, in milliseconds; default 10 s. */
  timeoutMs?: number;
  /** Stores a state; when it fails or does not answer, the mail goes on all the same. */
  onState?(mail: MailRecord): Promise<void>;
  /** Told what an admin should know of, for the log; never holds a secret. */
  onProblem?(problem: string, details: { mailId: string; error: string }): void;
}

/** A mailer that also waits for what is under way. */
export interface BackgroundMailer extends Mailer {
  /**
   * Ends the pauses between tries and waits for what is under way, at most twice `timeoutMs`; what no
   * server has taken stays in the outbox.
   */
  close(): Promise<void>;
}

/** Opens the mailer. */
export function openMailer(options: MailerOptions): BackgroundMailer {
  return new Deliveries(options);
}
