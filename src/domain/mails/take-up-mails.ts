/**
 * Mails that a process left behind when it died: a node that has their files in its outbox sends them.
 * A mail is claimed before it is sent, so of several nodes one sends it; where the mail server took it
 * in the very moment of the death it arrives twice, as no mail server can be asked what it took.
 */
import type { Actor } from '../audit/audit-event.ts';
import { plusSeconds } from '../clock.ts';
import type { Services } from '../services.ts';
import { FORGOTTEN_SECONDS, queuedAgain, sendAgain } from './retry-mail.ts';

/** Mails that are looked at in one batch, and sent at the same time at most. */
export const TAKE_UP_BATCH = 20;

const SERVER: Actor = { kind: 'system', id: 'system', address: null };

/**
 * Looks at a batch of forgotten mails and sends those that this node keeps.
 *
 * @param after what the batch before answered; empty = from the first
 * @returns where the next batch begins: mails that only other nodes keep hold up none behind them
 */
export async function takeUpMails(
  services: Pick<Services, 'clock' | 'mailer' | 'stores'>,
  after: string,
): Promise<string> {
  const { clock, mailer, stores } = services;
  const now = clock.now();
  const before = plusSeconds(now, -FORGOTTEN_SECONDS);
  const mails = await stores.mails.forgotten({ now, before, after, limit: TAKE_UP_BATCH });
  for (const was of mails) {
    if ((await mailer.canResend(was.mailId)) !== 'possible') continue;
    await sendAgain(services, SERVER, { was, mail: queuedAgain(was, now) });
  }
  return mails.length < TAKE_UP_BATCH ? '' : (mails.at(-1)?.mailId ?? '');
}
