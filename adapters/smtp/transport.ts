/**
 * One attempt to hand a mail to a mail server, and what it came to for each address: taken, refused
 * for now, refused for good (RFC 5321 §4.2.1: a reply of 4yz may be tried again, one of 5yz not).
 */
import nodemailer from 'nodemailer';

/** A mail as it is sent; its header fields are one line each. */
export interface Message {
  mailId: string;
  messageId: string;
  at: Date;
  from: string;
  to: string[];
  subject: string;
  text: string;
}

/** What an attempt came to; addresses in neither list have got the mail. */
export interface Outcome {
  /** Refused for now. */
  deferred: string[];
  /** Refused for good. */
  refused: string[];
  /** What went wrong, in the server's words without secrets; null = nothing. */
  error: string | null;
}

/** How to reach the mail server. */
export interface TransportOptions {
  /** `smtp://` or `smtps://` URL. */
  smtpUrl: string;
  /** How long a silent server is waited for, in milliseconds. */
  timeoutMs: number;
}

/** What nodemailer throws, and lists for addresses that were refused. */
interface SmtpError {
  message?: string;
  response?: string;
  responseCode?: number;
  recipient?: string;
  rejectedErrors?: SmtpError[];
}

const ADDRESS = /^[^\s<>()[\]\\,;:"@\p{Cc}]+@[^\s<>()[\]\\,;:"@\p{Cc}]+$/u;
const MAX_ERROR_LENGTH = 300;

/** A mail server, and one connection to it for each attempt. */
export class Transport {
  readonly #mailer: ReturnType<typeof nodemailer.createTransport>;
  readonly #secrets: string[];

  constructor({ smtpUrl, timeoutMs }: TransportOptions) {
    this.#mailer = nodemailer.createTransport({
      url: smtpUrl,
      connectionTimeout: timeoutMs,
      dnsTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
    });
    this.#secrets = secretsOf(smtpUrl);
  }

  /** Offers a mail for some of its addresses; never throws. */
  async deliver(mail: Message, to: readonly string[]): Promise<Outcome> {
    const wrong = to.filter((address) => !ADDRESS.test(address));
    const good = to.filter((address) => ADDRESS.test(address));
    const outcome = good.length === 0 ? TAKEN : await this.#offer(mail, good);
    if (wrong.length === 0) return outcome;
    const error = `${JSON.stringify(wrong[0])} is not a mail address`;
    return { ...outcome, refused: [...outcome.refused, ...wrong], error: outcome.error ?? error };
  }

  close(): void {
    this.#mailer.close();
  }

  async #offer(mail: Message, to: string[]): Promise<Outcome> {
    const { at, from, messageId, subject, text } = mail;
    // As objects, so that no address is read as a list of several.
    const addresses = (list: string[]) => list.map((address) => ({ name: '', address }));
    try {
      const { rejectedErrors = [] } = await this.#mailer.sendMail({
        from,
        to: addresses(mail.to.filter((address) => ADDRESS.test(address))),
        envelope: { from, to },
        subject,
        text,
        date: at,
        messageId,
        // RFC 3834 §5: nobody's absence notice answers it.
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      return this.#parted(to, rejectedErrors);
    } catch (error) {
      const failure = (error ?? {}) as SmtpError;
      if (failure.rejectedErrors?.length) return this.#parted(to, failure.rejectedErrors);
      const words = this.#wordsOf(failure);
      if (isFinal(failure)) return { deferred: [], refused: to, error: words };
      return { deferred: to, refused: [], error: words };
    }
  }

  #parted(to: string[], errors: SmtpError[]): Outcome {
    const of = (wanted: boolean) => {
      const named = errors.filter((error) => isFinal(error) === wanted);
      // The domain of an address comes back in lower case.
      const folded = new Set(named.map(({ recipient = '' }) => recipient.toLowerCase()));
      return to.filter((address) => folded.has(address.toLowerCase()));
    };
    const [first] = errors;
    const error = first && `${first.recipient}: ${this.#wordsOf(first)}`;
    return { deferred: of(false), refused: of(true), error: error ?? null };
  }

  /** One line of what went wrong. A server may repeat what it was told: no secret goes further. */
  #wordsOf({ response, message = 'the mail was not sent' }: SmtpError): string {
    let words = oneLine(response ?? message);
    for (const secret of this.#secrets) words = words.replaceAll(secret, '…');
    return words.replace(/tg[a-z]_[\w-]+/g, '…').slice(0, MAX_ERROR_LENGTH);
  }
}

const TAKEN: Outcome = { deferred: [], refused: [], error: null };

/** A text without the line breaks and control characters that could end a header field. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function isFinal({ responseCode = 0 }: SmtpError): boolean {
  return responseCode >= 500 && responseCode < 600;
}

/** The user and password of the URL, in every form in which a server was told them. */
function secretsOf(smtpUrl: string): string[] {
  const { username, password } = new URL(smtpUrl);
  if (password === '') return [];
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return [base64(`\0${user}\0${pass}`), base64(pass), base64(user), password, pass];
}
