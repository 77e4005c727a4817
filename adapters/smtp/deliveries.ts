/** Mails on their way: kept, offered to the mail server again and again, and told of. */
import { randomUUID } from 'node:crypto';
import { type Clock, plusSeconds, systemClock } from '../../src/domain/clock.ts';
import type { OutgoingMail, Resending } from '../../src/domain/mailer.ts';
import { MAIL_KEPT_SECONDS, type MailRecord } from '../../src/domain/mails/mail.ts';
import type { BackgroundMailer, MailerOptions } from './index.ts';
import { Outbox } from './outbox.ts';
import { type Message, type Outcome, oneLine, Transport } from './transport.ts';
import { pause, unlessCut, within } from './waiting.ts';

/** A mail on its way. */
interface Delivery {
  mail: MailRecord;
  text: string;
  /** Resolves when the states so far are stored. */
  told: Promise<void>;
}

const RETRY_DELAYS_MS = [1_000, 10_000, 60_000, 300_000, 900_000];
const TIMEOUT_MS = 10_000;

/** The mailer: each mail is a delivery in the background. */
export class Deliveries implements BackgroundMailer {
  readonly #options: MailerOptions;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #outbox: Outbox;
  readonly #transport: Transport | null;
  readonly #underWay = new Set<Promise<void>>();
  /** Mails that this process sends, whatever their records say while no state can be stored. */
  readonly #sending = new Set<string>();
  /** Aborted when the mailer closes: no more pauses. */
  readonly #closing = new AbortController();
  /** Aborted some time later: no more waiting for the mail server. */
  readonly #closed = new AbortController();

  constructor(options: MailerOptions) {
    const { smtpUrl, timeoutMs = TIMEOUT_MS, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#outbox = new Outbox(options.outbox);
    this.#transport = smtpUrl === undefined ? null : new Transport({ smtpUrl, timeoutMs });
  }

  send(mail: OutgoingMail): void {
    const delivery = { mail: queued(mail, this.#clock.now()), text: '', told: Promise.resolve() };
    this.#inBackground(delivery, async () => {
      const { subject, text } = this.#options.render(mail);
      delivery.text = text;
      this.#move(delivery, { subject: oneLine(subject) });
      await this.#keep(delivery);
      await this.#deliver(delivery);
    });
  }

  async canResend(mailId: string): Promise<Resending> {
    if (this.#transport === null) return 'no_mail_server';
    if (this.#sending.has(mailId)) return 'under_way';
    return (await this.#outbox.has(mailId)) ? 'possible' : 'not_kept';
  }

  resend(mail: MailRecord): void {
    const delivery = { mail, text: '', told: Promise.resolve() };
    this.#inBackground(delivery, async () => {
      const text = await this.#outbox.textOf(mail.mailId);
      if (text === null) throw new Error('its file in the outbox is gone');
      delivery.text = text;
      await this.#deliver(delivery);
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await within(this.#timeoutMs, Promise.all(this.#underWay));
    this.#closed.abort();
    await within(this.#timeoutMs, Promise.all(this.#underWay));
    this.#transport?.close();
  }

  #inBackground(delivery: Delivery, work: () => Promise<void>): void {
    const { mailId } = delivery.mail;
    this.#sending.add(mailId);
    const done = work()
      .catch((error: Error) => {
        this.#endUnsent(delivery, { state: 'failed', error: oneLine(error.message) });
      })
      .then(() => {
        this.#sending.delete(mailId);
        return delivery.told;
      });
    this.#underWay.add(done);
    void done.then(() => this.#underWay.delete(done));
  }

  /** A full disk must not keep a mail from its readers. */
  async #keep(delivery: Delivery): Promise<void> {
    try {
      await this.#outbox.keep(this.#messageOf(delivery));
    } catch (error) {
      if (this.#transport === null) throw error;
      this.#problem('a mail could not be kept in the outbox', delivery, (error as Error).message);
    }
  }

  async #deliver(delivery: Delivery): Promise<void> {
    if (this.#transport === null) return this.#move(delivery, { state: 'outbox' });
    const { retryDelaysMs = RETRY_DELAYS_MS } = this.#options;
    const refused = new Set<string>();
    let open = delivery.mail.pending;
    for (const delayMs of [...retryDelaysMs, null]) {
      const outcome = await this.#offer(this.#transport, delivery, open);
      for (const address of outcome.refused) refused.add(address);
      open = outcome.deferred;
      const tried = triedMail(delivery.mail, outcome, new Set([...refused, ...open]));
      if (tried.pending.length === 0) return this.#endSent(delivery, tried);
      const isLast = delayMs === null && !this.#closed.signal.aborted;
      if (open.length === 0 || isLast) {
        return this.#endUnsent(delivery, { ...tried, state: 'failed' });
      }
      const nextAttemptAt = plusSeconds(this.#clock.now(), (delayMs ?? 0) / 1000);
      this.#move(delivery, { ...tried, state: 'retrying', nextAttemptAt });
      if (!(await pause(delayMs ?? 0, this.#closing.signal))) {
        return this.#endUnsent(delivery, { state: 'outbox', nextAttemptAt: null });
      }
    }
  }

  #offer(transport: Transport, delivery: Delivery, to: string[]): Promise<Outcome> {
    return unlessCut(() => transport.deliver(this.#messageOf(delivery), to), this.#closed.signal, {
      deferred: to,
      refused: [],
      error: 'Tollgate stopped before the mail server answered',
    });
  }

  async #endSent(delivery: Delivery, tried: Partial<MailRecord>): Promise<void> {
    this.#move(delivery, { ...tried, state: 'sent' });
    await this.#outbox.remove(delivery.mail.mailId).catch((error: Error) => {
      this.#problem('a mail that was sent is still in the outbox', delivery, error.message);
    });
  }

  #endUnsent(delivery: Delivery, end: Partial<MailRecord>): void {
    this.#move(delivery, end);
    this.#problem('a mail was not delivered', delivery, delivery.mail.error ?? '');
  }

  /** Tells a state; the states of a mail are stored in their order. */
  #move(delivery: Delivery, change: Partial<MailRecord>): void {
    const mail = { ...delivery.mail, ...change, updatedAt: this.#clock.now() };
    delivery.mail = mail;
    delivery.told = delivery.told
      .then(() => this.#options.onState?.(mail))
      .catch((error: Error) => {
        this.#problem('the state of a mail was not stored', delivery, error.message);
      });
  }

  #problem(problem: string, { mail }: Delivery, error: string): void {
    this.#options.onProblem?.(problem, { mailId: mail.mailId, error });
  }

  #messageOf({ mail, text }: Delivery): Message {
    const { from } = this.#options;
    const { mailId, at, to, subject } = mail;
    const domain = /@([^>]+)/.exec(from)?.[1] ?? 'localhost';
    return { mailId, messageId: `<${mailId}@${domain}>`, at, from, to, subject, text };
  }
}

/** The record of a mail that was just asked for. */
function queued({ to, template, object }: OutgoingMail, now: Date): MailRecord {
  return {
    mailId: randomUUID(),
    at: now,
    to: [...to],
    pending: [...to],
    subject: '',
    template,
    object,
    state: 'queued',
    attempts: 0,
    nextAttemptAt: null,
    error: null,
    updatedAt: now,
    expiresAt: plusSeconds(now, MAIL_KEPT_SECONDS),
  };
}

/** What one more attempt changes. */
function triedMail(mail: MailRecord, { error }: Outcome, hasNot: ReadonlySet<string>) {
  const pending = mail.pending.filter((address) => hasNot.has(address));
  return {
    pending,
    attempts: mail.attempts + 1,
    nextAttemptAt: null,
    error: pending.length === 0 ? null : (error ?? mail.error),
  };
}
