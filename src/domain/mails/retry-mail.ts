/** What admins do with a mail that did not arrive: have it sent again. */
import { type Actor, auditEvent, diff } from '../audit/audit-event.ts';
import { plusSeconds } from '../clock.ts';
import { DomainError, notFound } from '../errors.ts';
import type { Resending } from '../mailer.ts';
import type { Services } from '../services.ts';
import type { MailRecord } from './mail.ts';

/**
 * How long after its last sign of life, or its next attempt, a mail that is on its way counts as
 * forgotten by a process that died: 5 minutes, longer than any attempt.
 */
export const FORGOTTEN_SECONDS = 5 * 60;

const REFUSALS: Record<Exclude<Resending, 'possible'>, string> = {
  no_mail_server: 'no mail server is configured; set SMTP_URL, restart, then retry',
  under_way: 'it is on its way; wait for the outcome',
  not_kept:
    'the mail is not in the outbox of this node; repeat what caused it, or retry on the node that keeps it',
};

/**
 * Sends a mail again to the addresses that have not got it.
 *
 * @returns the mail as it is now; what becomes of it is recorded later
 * @throws DomainError `not_found`, or `not_retryable` when it was sent, is on its way, is not in the
 *   outbox of this node, or when there is no mail server
 */
export async function retryMail(
  services: Services,
  actor: Actor,
  mailId: string,
  options: { dryRun?: boolean } = {},
): Promise<MailRecord> {
  const { stores, mailer, clock } = services;
  const now = clock.now();
  const mail = await stores.mails.find(mailId, now);
  if (mail === null) throw notFound('mail', mailId);
  requireAtRest(mail, now);
  const resending = await mailer.canResend(mailId);
  if (resending !== 'possible') throw refused(mail, REFUSALS[resending]);
  const queued = queuedAgain(mail, now);
  if (options.dryRun) return queued;
  if (!(await sendAgain(services, actor, { was: mail, mail: queued }))) {
    throw refused(mail, 'somebody has just retried it');
  }
  return queued;
}

/** A mail as it is when it is about to be sent again. */
export function queuedAgain(mail: MailRecord, now: Date): MailRecord {
  return { ...mail, state: 'queued', nextAttemptAt: null, updatedAt: now };
}

/**
 * Claims a mail, `was` as it was read and `mail` as it is from now on, leaves an event, and sends it.
 *
 * @returns false where somebody else claimed it since, or it has moved on by itself; nothing is done
 */
export async function sendAgain(
  { stores, mailer }: Pick<Services, 'stores' | 'mailer'>,
  actor: Actor,
  { mail, was }: { mail: MailRecord; was: MailRecord },
): Promise<boolean> {
  const object = { kind: 'mail', id: mail.mailId };
  const changes = diff({ state: was.state }, { state: mail.state });
  const event = auditEvent({ at: mail.updatedAt, actor, action: 'mail.retry', object, changes });
  const isOurs = await stores.mails.requeue(mail, was, event);
  if (isOurs) mailer.resend(mail);
  return isOurs;
}

/** Throws `not_retryable` for a mail that has arrived or is on its way. */
function requireAtRest(mail: MailRecord, now: Date): void {
  const { state, updatedAt, nextAttemptAt } = mail;
  if (state === 'sent') throw refused(mail, 'it was sent; nothing is left to do');
  if (state !== 'queued' && state !== 'retrying') return;
  if (now > plusSeconds(nextAttemptAt ?? updatedAt, FORGOTTEN_SECONDS)) return;
  throw refused(mail, 'it is on its way; wait for the outcome');
}

function refused({ mailId }: MailRecord, why: string): DomainError {
  return new DomainError('not_retryable', { hint: `mail "${mailId}" cannot be retried: ${why}` });
}
