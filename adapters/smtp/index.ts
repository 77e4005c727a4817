/**
 * Outgoing mail: through a mail server, or into an outbox folder. Sending goes on behind the action
 * that caused it; what no server takes after some tries is kept in the outbox, so nothing is lost.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import nodemailer from 'nodemailer';
import type { Mail, Mailer } from '../../src/domain/mailer.ts';

/** Where mail goes. */
export interface MailerOptions {
  /** `smtp://` or `smtps://` URL; without it every mail goes to the outbox. */
  smtpUrl?: string | undefined;
  /** Sender. */
  from: string;
  /** Folder for mails that no server took; made when needed. */
  outbox: string;
  /** Pauses between tries, in milliseconds; default 1 s, 10 s, 60 s. */
  retryDelaysMs?: readonly number[];
  /** How long a silent server is waited for, in milliseconds; default 10 s. A stop waits no longer. */
  timeoutMs?: number;
  /** Told about mails that went to the outbox although there is a server. */
  onGivenUp?(error: unknown, file: string): void;
}

/** A mailer that also waits for what is under way. */
export interface BackgroundMailer extends Mailer {
  /** Ends waiting for retries and keeps what is unsent in the outbox. */
  close(): Promise<void>;
}

/** Opens the mailer. */
export function openMailer(options: MailerOptions): BackgroundMailer {
  const { from, outbox, retryDelaysMs = [1_000, 10_000, 60_000] } = options;
  const transport = openTransport(options);
  const underWay = new Set<Promise<void>>();
  const closing = new AbortController();

  async function keep(mail: Mail): Promise<string> {
    await mkdir(outbox, { recursive: true, mode: 0o700 });
    const file = join(outbox, `${randomUUID()}.eml`);
    const headers = [`From: ${from}`, `To: ${mail.to.join(', ')}`, `Subject: ${mail.subject}`];
    await writeFile(
      file,
      `${headers.join('\r\n')}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${mail.text}\r\n`,
      { mode: 0o600 },
    );
    return file;
  }

  async function deliver(mail: Mail): Promise<void> {
    if (transport === null) {
      await keep(mail);
      return;
    }
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { rejected } = await transport.sendMail(mail);
        return keepRejected(mail, rejected.map(String));
      } catch (error) {
        const delay = retryDelaysMs[attempt];
        if (delay === undefined || !(await pause(delay, closing.signal))) {
          options.onGivenUp?.(error, await keep(mail));
          return;
        }
      }
    }
  }

  async function keepRejected(mail: Mail, to: string[]): Promise<void> {
    if (to.length === 0) return;
    const error = new Error(`the mail server refused ${to.length} of ${mail.to.length} addresses`);
    options.onGivenUp?.(error, await keep({ ...mail, to }));
  }

  return {
    async send(mail) {
      const delivery = deliver(mail).catch((error) => options.onGivenUp?.(error, ''));
      underWay.add(delivery);
      void delivery.finally(() => underWay.delete(delivery));
      // The outbox is a local file: once it is written, the mail is safe.
      if (transport === null) await delivery;
    },
    async close() {
      closing.abort();
      await Promise.all(underWay);
      transport?.close();
    },
  };
}

function openTransport({ smtpUrl, from, timeoutMs = 10_000 }: MailerOptions) {
  if (smtpUrl === undefined) return null;
  const timeouts = {
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  };
  return nodemailer.createTransport({ url: smtpUrl, ...timeouts }, { from });
}

/** Waits; answers false when the wait was cut short. */
function pause(delayMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const timer = setTimeout(() => resolve(true), delayMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}
