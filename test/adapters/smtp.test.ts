import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import {
  type BackgroundMailer,
  type MailerOptions,
  openMailer,
} from '../../adapters/smtp/index.ts';

const LINK = 'https://auth.example.test/reset-password?token=tgl_0123456789';
const MAIL = {
  to: ['ops@partner.example', 'dev@partner.example'],
  subject: 'Choose a new password for 訂單 "Orders"',
  text: `Choose it here:\n\n${LINK}\n\n.\nA line of dots above — and ünicode.`,
};

let folder = '';
let outbox = '';
const closing: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tollgate-mail-'));
  outbox = join(folder, 'outbox');
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await rm(folder, { recursive: true });
});

/** A mailer that tries three times without pauses, and what it gave up. */
function open(options: Partial<MailerOptions> = {}): {
  mailer: BackgroundMailer;
  givenUp: string[];
} {
  const givenUp: string[] = [];
  const mailer = openMailer({
    from: 'Tollgate <tollgate@auth.example.test>',
    outbox,
    retryDelaysMs: [0, 0],
    onGivenUp: (_, file) => givenUp.push(file),
    ...options,
  });
  closing.push(() => mailer.close());
  return { mailer, givenUp };
}

/** A mail server on loopback, and the mails that it took. */
async function startSmtp(options: SMTPServerOptions = {}) {
  const taken: ParsedMail[] = [];
  const envelopes: string[][] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      envelopes.push(session.envelope.rcptTo.map(({ address }) => address));
      simpleParser(stream).then((mail) => done(null, void taken.push(mail)), done);
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(resolve));
  closing.push(close);
  return { smtpUrl: `smtp://127.0.0.1:${port}`, taken, envelopes, close };
}

/** A server that speaks no SMTP. */
async function startSilent(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function inOutbox(): Promise<ParsedMail[]> {
  const files = await readdir(outbox).catch(() => []);
  return Promise.all(files.map(async (file) => simpleParser(await readFile(join(outbox, file)))));
}

/** Addresses of a parsed mail, each on its own. */
function recipients(mail: ParsedMail | undefined): string[] {
  const to = [mail?.to ?? []].flat();
  return to.flatMap(({ value }) => value.map(({ address = '' }) => address));
}

describe('without a mail server', () => {
  it('a mail is in the outbox when it is accepted, for its owner only', async () => {
    const { mailer, givenUp } = open();
    await mailer.send(MAIL);
    const [mail, ...more] = await inOutbox();
    expect(more).toEqual([]);
    expect(recipients(mail)).toEqual(MAIL.to);
    expect(mail?.subject).toBe(MAIL.subject);
    expect(mail?.text?.trimEnd()).toBe(MAIL.text);
    const [file = ''] = await readdir(outbox);
    expect(file).toMatch(/\.eml$/);
    expect((await stat(join(outbox, file))).mode & 0o777).toBe(0o600);
    expect((await stat(outbox)).mode & 0o777).toBe(0o700);
    expect(givenUp).toEqual([]);
  });

  it('each mail has a file of its own', async () => {
    const { mailer } = open();
    await Promise.all(Array.from({ length: 10 }, () => mailer.send(MAIL)));
    expect(await inOutbox()).toHaveLength(10);
  });

  it('an outbox that can not be written fails no action', async () => {
    const { mailer, givenUp } = open({ outbox: '/dev/null/outbox' });
    await mailer.send(MAIL);
    expect(givenUp).toEqual(['']);
  });
});

describe('with a mail server', () => {
  it('a mail arrives as it is, and nothing stays behind', async () => {
    const { smtpUrl, taken, envelopes } = await startSmtp();
    const { mailer, givenUp } = open({ smtpUrl });
    await mailer.send(MAIL);
    await mailer.close();
    expect(taken).toHaveLength(1);
    expect(taken[0]).toMatchObject({ subject: MAIL.subject, html: false, attachments: [] });
    expect(taken[0]?.text?.trimEnd()).toBe(MAIL.text);
    expect(taken[0]?.from?.text).toContain('tollgate@auth.example.test');
    expect(envelopes).toEqual([MAIL.to]);
    expect([await inOutbox(), givenUp]).toEqual([[], []]);
  });

  it('send returns before the server has answered', async () => {
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { smtpUrl, envelopes } = await startSmtp({
      onMailFrom: (_address, _session, done) => void asked.then(() => done()),
    });
    const { mailer } = open({ smtpUrl });
    await mailer.send(MAIL);
    expect(envelopes).toEqual([]);
    answer();
    await mailer.close();
  });

  it('a mail that is refused for now is tried again', async () => {
    let tries = 0;
    const { smtpUrl, taken } = await startSmtp({
      onMailFrom(_address, _session, done) {
        tries += 1;
        done(tries < 3 ? Object.assign(new Error('greylisted'), { responseCode: 451 }) : null);
      },
    });
    const { mailer, givenUp } = open({ smtpUrl });
    const delivered = mailer.send(MAIL);
    await delivered;
    await until(() => taken.length > 0);
    expect([tries, givenUp, await inOutbox()]).toEqual([3, [], []]);
  });

  it('a mail that is refused is kept in the outbox, and its giver told', async () => {
    const { smtpUrl, taken } = await startSmtp({
      onRcptTo: (_address, _session, done) =>
        done(Object.assign(new Error('no such user'), { responseCode: 550 })),
    });
    const { mailer, givenUp } = open({ smtpUrl });
    await mailer.send(MAIL);
    await until(() => givenUp.length > 0);
    expect(taken).toEqual([]);
    const [kept] = await inOutbox();
    expect(recipients(kept)).toEqual(MAIL.to);
    expect(givenUp[0]).toContain(outbox);
  });

  it('a mail that is refused for one address is kept for that one', async () => {
    const { smtpUrl, envelopes } = await startSmtp({
      onRcptTo({ address }, _session, done) {
        done(
          address.startsWith('dev')
            ? Object.assign(new Error('no such user'), { responseCode: 550 })
            : null,
        );
      },
    });
    const { mailer, givenUp } = open({ smtpUrl });
    await mailer.send(MAIL);
    await until(() => givenUp.length > 0);
    expect(envelopes).toEqual([['ops@partner.example']]);
    expect(recipients((await inOutbox())[0])).toEqual(['dev@partner.example']);
  });

  it('a server that is gone costs no mail', async () => {
    const { smtpUrl, close } = await startSmtp();
    await close();
    const { mailer, givenUp } = open({ smtpUrl });
    await mailer.send(MAIL);
    await until(() => givenUp.length > 0);
    expect((await inOutbox())[0]?.text).toContain(LINK);
  });

  it('a server that hangs up in the middle costs no mail', async () => {
    const smtpUrl = await startSilent(
      createServer((socket) =>
        socket
          .resume()
          .end('220 hello\r\n')
          .on('error', () => {}),
      ),
    );
    const { mailer, givenUp } = open({ smtpUrl });
    await mailer.send(MAIL);
    await until(() => givenUp.length > 0);
    expect(await inOutbox()).toHaveLength(1);
  });

  it('a server that says nothing holds up no stop, and costs no mail', async () => {
    const sockets: { destroy(): void }[] = [];
    const smtpUrl = await startSilent(
      createServer((socket) => void sockets.push(socket.on('error', () => {}))),
    );
    const { mailer } = open({ smtpUrl, timeoutMs: 100 });
    await mailer.send(MAIL);
    await mailer.close();
    expect(await inOutbox()).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
  });

  it('a stop ends the pauses between tries and keeps the mail', async () => {
    const { smtpUrl, close } = await startSmtp();
    await close();
    const { mailer, givenUp } = open({ smtpUrl, retryDelaysMs: [3_600_000] });
    await mailer.send(MAIL);
    await mailer.close();
    expect([givenUp.length, (await inOutbox()).length]).toEqual([1, 1]);
  });
});

/** Waits until something holds, turn by turn of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
