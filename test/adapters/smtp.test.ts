import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerAuthentication, type SMTPServerOptions } from 'smtp-server';
import { type MailerOptions, openMailer } from '../../adapters/smtp/index.ts';
import type { OutgoingMail } from '../../src/domain/mailer.ts';
import type { MailRecord } from '../../src/domain/mails/mail.ts';

const NOW = new Date('2035-01-01T12:00:00.123Z');
const LINK = `https://auth.example.test/reset-password?token=tgl_${'a'.repeat(43)}`;
const RENDERED = {
  subject: 'Choose a new password for 訂單 "Orders"',
  text: `Choose it here:\n\n${LINK}\n\n.\nA line of dots above — and ünicode.`,
};
const [OPS, DEV] = ['ops@partner.example', 'dev@Partner.example'];

/** What the domain asks for; the text stands in `RENDERED`. */
function mailTo(...to: string[]): OutgoingMail {
  const client = { clientId: 'orders', displayName: 'Orders', by: 'an admin', timeZone: 'UTC' };
  return {
    to,
    object: { kind: 'client', id: 'orders' },
    template: 'client-password-link',
    locals: { ...client, url: LINK, expiresAt: NOW },
  };
}
const MAIL = mailTo(OPS, DEV);

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

/** A mailer that tries three times without pauses, and everything that it told. */
function open(options: Partial<MailerOptions> = {}) {
  const states: MailRecord[] = [];
  const problems: { problem: string; mailId: string; error: string }[] = [];
  const mailer = openMailer({
    from: 'Tollgate <tollgate@auth.example.test>',
    outbox,
    clock: { now: () => NOW },
    render: () => RENDERED,
    retryDelaysMs: [0, 0],
    onState: async (mail) => void states.push(mail),
    onProblem: (problem, details) => problems.push({ problem, ...details }),
    ...options,
  });
  closing.push(() => mailer.close());
  const last = () => states.at(-1);
  /** Waits for a state of the latest mail. */
  const reached = (state: MailRecord['state']) => until(() => last()?.state === state);
  const names = () => states.map(({ state }) => state);
  return { mailer, states, names, problems, last, reached };
}

/** A mail server on loopback, and the mails that it took. */
async function startSmtp(options: SMTPServerOptions = {}) {
  const taken: ParsedMail[] = [];
  const raw: string[] = [];
  const envelopes: string[][] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData(stream, session, done) {
      envelopes.push(session.envelope.rcptTo.map(({ address }) => address));
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        raw.push(Buffer.concat(chunks).toString());
        simpleParser(Buffer.concat(chunks)).then((mail) => done(null, void taken.push(mail)), done);
      });
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(resolve));
  closing.push(close);
  return { smtpUrl: `smtp://127.0.0.1:${port}`, port, taken, raw, envelopes, close };
}

/** A reply of a server that refuses. */
function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
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

/** Waits until something holds, turn by turn of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe('without a mail server', () => {
  it('a mail goes to the outbox, for its owner only', async () => {
    const { mailer, names, problems, last } = open();
    mailer.send(MAIL);
    await mailer.close();
    const [mail, ...more] = await inOutbox();
    expect(more).toEqual([]);
    expect(recipients(mail)).toEqual(MAIL.to);
    expect(mail).toMatchObject({ subject: RENDERED.subject, date: new Date('2035-01-01T12:00Z') });
    expect(mail?.text?.trimEnd()).toBe(RENDERED.text);
    const [file = ''] = await readdir(outbox);
    expect(file).toBe(`${last()?.mailId}.eml`);
    expect((await stat(join(outbox, file))).mode & 0o777).toBe(0o600);
    expect((await stat(outbox)).mode & 0o777).toBe(0o700);
    expect([names(), problems]).toEqual([['queued', 'outbox'], []]);
  });

  it('its link can be read and copied from the file', async () => {
    const { mailer } = open();
    mailer.send(MAIL);
    await mailer.close();
    const [file = ''] = await readdir(outbox);
    expect(await readFile(join(outbox, file), 'utf8')).toContain(`\r\n${LINK}\r\n`);
  });

  it('each mail has a file of its own', async () => {
    const { mailer } = open();
    for (let i = 0; i < 10; i += 1) mailer.send(MAIL);
    await mailer.close();
    expect(await inOutbox()).toHaveLength(10);
  });

  it('an outbox that cannot be written fails no action, and is told', async () => {
    const { mailer, problems, last } = open({ outbox: '/dev/null/outbox' });
    mailer.send(MAIL);
    await mailer.close();
    expect(last()).toMatchObject({ state: 'failed', error: expect.stringContaining('/dev/null') });
    expect(problems).toMatchObject([{ problem: 'a mail was not delivered' }]);
  });

  it('a retry is refused', async () => {
    const { mailer, last } = open();
    mailer.send(MAIL);
    await mailer.close();
    expect(await mailer.canResend(last()?.mailId ?? '')).toBe('no_mail_server');
  });
});

describe('the record of a mail', () => {
  it('tells everything but the text', async () => {
    const { mailer, states } = open();
    mailer.send(MAIL);
    await mailer.close();
    expect(states[0]).toEqual({
      mailId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      at: NOW,
      to: [OPS, DEV],
      pending: [OPS, DEV],
      subject: RENDERED.subject,
      template: 'client-password-link',
      object: { kind: 'client', id: 'orders' },
      state: 'queued',
      attempts: 0,
      nextAttemptAt: null,
      error: null,
      updatedAt: NOW,
      expiresAt: new Date('2035-04-01T12:00:00.123Z'),
    });
    expect(JSON.stringify(states)).not.toContain('tgl_');
  });

  it('that cannot be stored costs no mail', async () => {
    const { smtpUrl, taken } = await startSmtp();
    const onState = () => Promise.reject(new Error('no database'));
    const { mailer, problems } = open({ smtpUrl, onState });
    mailer.send(MAIL);
    await mailer.close();
    expect(taken).toHaveLength(1);
    const problem = 'the state of a mail was not stored';
    const mailId = problems[0]?.mailId ?? '';
    expect(problems).toEqual(Array(2).fill({ problem, mailId, error: 'no database' }));
  });

  it('that is never stored holds up neither the mail nor a stop', async () => {
    const { smtpUrl, taken } = await startSmtp();
    const { mailer } = open({ smtpUrl, onState: () => new Promise(() => {}), timeoutMs: 500 });
    mailer.send(MAIL);
    await until(() => taken.length === 1);
    await mailer.close();
  });

  it('is told in the order of the states, however long each takes to store', async () => {
    const stored: string[] = [];
    const { smtpUrl } = await startSmtp();
    const { mailer } = open({
      smtpUrl,
      async onState({ state }) {
        if (state === 'queued') await new Promise((resolve) => setTimeout(resolve, 20));
        stored.push(state);
      },
    });
    mailer.send(MAIL);
    await mailer.close();
    expect(stored).toEqual(['queued', 'sent']);
  });

  it('says so when the mail could not be worded, and the action stands', async () => {
    const render = () => {
      throw new Error('no view');
    };
    const { mailer, last } = open({ render });
    expect(() => mailer.send(MAIL)).not.toThrow();
    await mailer.close();
    expect(last()).toMatchObject({ state: 'failed', error: 'no view' });
    expect(await inOutbox()).toEqual([]);
  });
});

describe('with a mail server', () => {
  it('a mail arrives as it is, and nothing stays behind', async () => {
    const { smtpUrl, taken, envelopes } = await startSmtp();
    const { mailer, names, problems, last } = open({ smtpUrl });
    mailer.send(MAIL);
    await mailer.close();
    expect(taken).toHaveLength(1);
    expect(taken[0]).toMatchObject({ subject: RENDERED.subject, html: false, attachments: [] });
    expect(taken[0]?.text?.trimEnd()).toBe(RENDERED.text);
    expect(taken[0]?.from?.text).toContain('tollgate@auth.example.test');
    expect(taken[0]?.messageId).toBe(`<${last()?.mailId}@auth.example.test>`);
    expect(taken[0]?.headers.get('auto-submitted')).toBe('auto-generated');
    expect(envelopes).toEqual([[OPS, 'dev@partner.example']]);
    expect(names()).toEqual(['queued', 'sent']);
    expect(last()).toMatchObject({ pending: [], attempts: 1, error: null });
    expect([await inOutbox(), problems]).toEqual([[], []]);
  });

  it('send returns before anything is stored or sent', async () => {
    const { smtpUrl, envelopes } = await startSmtp();
    const { mailer, states } = open({ smtpUrl });
    expect(mailer.send(MAIL)).toBeUndefined();
    expect([states.length, envelopes.length]).toEqual([0, 0]);
    await mailer.close();
  });

  it('is in the outbox while the server thinks, so that a crash loses nothing', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const { smtpUrl } = await startSmtp({
      onMailFrom(_address, _session, done) {
        asked.resolve();
        void answer.promise.then(() => done());
      },
    });
    const { mailer } = open({ smtpUrl });
    mailer.send(MAIL);
    await asked.promise;
    expect((await inOutbox())[0]?.text).toContain(LINK);
    answer.resolve();
    await mailer.close();
    expect(await inOutbox()).toEqual([]);
  });

  it('is sent even when the outbox cannot be written', async () => {
    const { smtpUrl, taken } = await startSmtp();
    const { mailer, problems, last } = open({ smtpUrl, outbox: '/dev/null/outbox' });
    mailer.send(MAIL);
    await mailer.close();
    expect([taken.length, last()?.state]).toEqual([1, 'sent']);
    expect(problems[0]?.problem).toBe('a mail could not be kept in the outbox');
  });

  it('takes mail over STARTTLS, signed in, and the password shows nowhere', async () => {
    const users: unknown[] = [];
    const { port, taken } = await startSmtp({
      authOptional: false,
      disabledCommands: [],
      onAuth(auth, session, done) {
        users.push([auth.username, auth.password, session.secure]);
        done(null, { user: auth.username });
      },
    });
    const smtpUrl = `smtp://mail%40x:p%2Fss-w0rd@127.0.0.1:${port}/?tls.rejectUnauthorized=false`;
    const { mailer, states } = open({ smtpUrl });
    mailer.send(MAIL);
    await mailer.close();
    expect(users).toEqual([['mail@x', 'p/ss-w0rd', true]]);
    expect(taken).toHaveLength(1);
    expect(JSON.stringify(states)).not.toContain('w0rd');
  });

  it('is not trusted over STARTTLS with a certificate that nobody signed', async () => {
    const { smtpUrl, taken } = await startSmtp({ disabledCommands: [] });
    const { mailer, reached } = open({ smtpUrl });
    mailer.send(MAIL);
    await reached('failed');
    expect([taken.length, (await inOutbox()).length]).toEqual([0, 1]);
  });
});

describe('a mail that is refused', () => {
  it('for now is tried again', async () => {
    let tries = 0;
    const { smtpUrl, taken } = await startSmtp({
      onMailFrom(_address, _session, done) {
        tries += 1;
        done(tries < 3 ? reply(451, 'greylisted') : null);
      },
    });
    const { mailer, states, names, problems, reached } = open({ smtpUrl, retryDelaysMs: [0, 1] });
    mailer.send(MAIL);
    await reached('sent');
    await mailer.close();
    expect(names()).toEqual(['queued', 'retrying', 'retrying', 'sent']);
    expect(states[1]).toMatchObject({ attempts: 1, error: '451 greylisted', nextAttemptAt: NOW });
    expect(states[2]?.nextAttemptAt).toEqual(new Date(NOW.getTime() + 1));
    expect(states[3]).toMatchObject({ attempts: 3, error: null, nextAttemptAt: null });
    expect([taken.length, problems, await inOutbox()]).toEqual([1, [], []]);
  });

  it('for now as often as it is tried is kept', async () => {
    const { smtpUrl } = await startSmtp({
      onMailFrom: (_address, _session, done) => done(reply(421, 'busy')),
    });
    const { mailer, names, problems, last, reached } = open({ smtpUrl });
    mailer.send(MAIL);
    await reached('failed');
    expect(names()).toEqual(['queued', 'retrying', 'retrying', 'failed']);
    expect(last()).toMatchObject({ attempts: 3, pending: [OPS, DEV], nextAttemptAt: null });
    expect(problems).toEqual([
      { problem: 'a mail was not delivered', mailId: last()?.mailId, error: last()?.error },
    ]);
    expect(await inOutbox()).toHaveLength(1);
  });

  it.each<[string, SMTPServerOptions]>([
    ['sender', { onMailFrom: (_a, _s, done) => done(reply(550, 'no')) }],
    ['addresses', { onRcptTo: (_a, _s, done) => done(reply(550, 'no')) }],
    [
      'text',
      {
        onData: (stream, _s, done) => void stream.resume().on('end', () => done(reply(554, 'no'))),
      },
    ],
  ])('for good (its %s) is kept and not tried again', async (_, options) => {
    const { smtpUrl } = await startSmtp(options);
    const { mailer, names, last, reached } = open({ smtpUrl });
    mailer.send(MAIL);
    await reached('failed');
    expect(names()).toEqual(['queued', 'failed']);
    expect(last()).toMatchObject({ attempts: 1, pending: [OPS, DEV] });
    expect(last()?.error).toMatch(/55[04] no$/);
    expect(recipients((await inOutbox())[0])).toEqual(MAIL.to);
  });

  it('at the door, with the wrong password, tells no password', async () => {
    const echo = (auth: SMTPServerAuthentication) =>
      reply(535, `${auth.username} ${auth.password} is wrong`);
    const { port } = await startSmtp({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: (auth, _session, done) => done(echo(auth)),
    });
    const smtpUrl = `smtp://mail%40x:p%2Fss-w0rd@127.0.0.1:${port}`;
    const { mailer, problems, last, reached } = open({ smtpUrl });
    mailer.send(MAIL);
    await reached('failed');
    expect(last()).toMatchObject({ attempts: 1, error: '535 mail@x … is wrong' });
    expect(JSON.stringify(problems)).not.toContain('w0rd');
  });

  it('tells no link that the server repeats, and no more than a line', async () => {
    const { smtpUrl } = await startSmtp({
      onMailFrom: (_a, _s, done) => done(reply(554, `spam: ${LINK}\u0007 ${'x'.repeat(900)}`)),
    });
    const { mailer, last, reached } = open({ smtpUrl });
    mailer.send(MAIL);
    await reached('failed');
    expect(last()?.error).toMatch(/^554 spam: https:\S+token=… {2}x+$/);
    expect(last()?.error).toHaveLength(300);
  });

  it('for one address arrives at the other, and is kept for the one', async () => {
    const { smtpUrl, envelopes } = await startSmtp({
      onRcptTo: ({ address }, _session, done) =>
        done(address.startsWith('dev') ? reply(550, 'no such user') : null),
    });
    const { mailer, names, last, reached } = open({ smtpUrl });
    mailer.send(MAIL);
    await reached('failed');
    expect(envelopes).toEqual([[OPS]]);
    expect(names()).toEqual(['queued', 'failed']);
    expect(last()).toMatchObject({ to: [OPS, DEV], pending: [DEV] });
    expect(last()?.error).toBe('dev@partner.example: 550 no such user');
    expect(await inOutbox()).toHaveLength(1);
  });

  it('for one address for now is sent to that one again, and to no other twice', async () => {
    let tries = 0;
    const { smtpUrl, envelopes } = await startSmtp({
      onRcptTo({ address }, _session, done) {
        if (address.startsWith('old')) return done(reply(550, 'gone'));
        if (address.startsWith('dev')) tries += 1;
        return done(address.startsWith('dev') && tries < 2 ? reply(450, 'busy') : null);
      },
    });
    const { mailer, names, last, reached } = open({ smtpUrl });
    mailer.send(mailTo(OPS, DEV, 'old@partner.example'));
    await reached('failed');
    expect(envelopes).toEqual([[OPS], ['dev@partner.example']]);
    expect(names()).toEqual(['queued', 'retrying', 'failed']);
    expect(last()).toMatchObject({ pending: ['old@partner.example'], attempts: 2 });
  });
});

describe('a server that is gone', () => {
  it('costs no mail', async () => {
    const { smtpUrl, close } = await startSmtp();
    await close();
    const { mailer, last, reached } = open({ smtpUrl });
    mailer.send(MAIL);
    await reached('failed');
    expect(last()).toMatchObject({ attempts: 3, error: expect.stringContaining('ECONNREFUSED') });
    expect((await inOutbox())[0]?.text).toContain(LINK);
  });

  it('by name costs no mail', async () => {
    const { mailer, last, reached } = open({ smtpUrl: 'smtp://nowhere.invalid' });
    mailer.send(MAIL);
    await reached('failed');
    expect(last()?.attempts).toBe(3);
    expect(await inOutbox()).toHaveLength(1);
  });

  it('in the middle costs no mail', async () => {
    const hangUp = createServer((socket) =>
      socket
        .resume()
        .end('220 hello\r\n')
        .on('error', () => {}),
    );
    const { mailer, reached } = open({ smtpUrl: await startSilent(hangUp) });
    mailer.send(MAIL);
    await reached('failed');
    expect(await inOutbox()).toHaveLength(1);
  });

  it('while the text is on its way costs no mail', async () => {
    const sockets = new Set<Socket>();
    const { smtpUrl, taken } = await startSmtp({
      onData(stream) {
        stream.resume();
        for (const socket of sockets) socket.destroy();
      },
    });
    const relay = await startRelay(smtpUrl, sockets);
    const { mailer, names, reached } = open({ smtpUrl: relay });
    mailer.send(MAIL);
    await reached('failed');
    expect(names()).toEqual(['queued', 'retrying', 'retrying', 'failed']);
    expect([taken.length, (await inOutbox()).length]).toEqual([0, 1]);
  });

  it('silent holds up no stop, and costs no mail', async () => {
    const sockets: { destroy(): void }[] = [];
    const smtpUrl = await startSilent(
      createServer((socket) => void sockets.push(socket.on('error', () => {}))),
    );
    const { mailer, last } = open({ smtpUrl, timeoutMs: 100 });
    mailer.send(MAIL);
    await mailer.close();
    expect(last()).toMatchObject({ state: 'outbox', pending: [OPS, DEV], nextAttemptAt: null });
    expect(await inOutbox()).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
  });
});

describe('a stop', () => {
  it('ends the pauses between tries and keeps the mail', async () => {
    const { smtpUrl, close } = await startSmtp();
    await close();
    const { mailer, names, problems } = open({ smtpUrl, retryDelaysMs: [3_600_000] });
    mailer.send(MAIL);
    await mailer.close();
    expect(names()).toEqual(['queued', 'retrying', 'outbox']);
    expect([problems.length, (await inOutbox()).length]).toEqual([1, 1]);
  });

  it('does not wait for a server that never comes to an end', async () => {
    const chatty = await startSilent(
      createServer((socket) => {
        // It greets line after line, so that the socket is never silent.
        const timer = setInterval(() => socket.write('220-hello\r\n'), 5);
        socket.on('error', () => {}).on('close', () => clearInterval(timer));
        closing.push(async () => socket.destroy());
      }),
    );
    const { mailer, last } = open({ smtpUrl: chatty, timeoutMs: 60 });
    mailer.send(MAIL);
    await mailer.close();
    expect(last()?.state).toBe('outbox');
    expect(await inOutbox()).toHaveLength(1);
  });
});

describe('a retry', () => {
  /** A mail that a mailer without a server has kept. */
  async function kept(mail = MAIL): Promise<MailRecord> {
    const { mailer, last } = open();
    mailer.send(mail);
    await mailer.close();
    const record = last();
    if (record === undefined) throw new Error('nothing was kept');
    return record;
  }

  it('sends a kept mail word for word, and its file goes', async () => {
    const record = await kept();
    const { smtpUrl, taken } = await startSmtp();
    const { mailer, names, last } = open({ smtpUrl });
    expect(await mailer.canResend(record.mailId)).toBe('possible');
    mailer.resend({ ...record, state: 'queued', attempts: 3 });
    await mailer.close();
    expect(taken[0]).toMatchObject({ subject: RENDERED.subject });
    expect(taken[0]?.text?.trimEnd()).toBe(RENDERED.text);
    expect(taken[0]?.messageId).toContain(record.mailId);
    expect(names()).toEqual(['sent']);
    expect(last()).toMatchObject({ mailId: record.mailId, attempts: 4, pending: [] });
    expect(await inOutbox()).toEqual([]);
  });

  it('is not possible for a mail that this process is sending', async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const { smtpUrl } = await startSmtp({
      onMailFrom(_address, _session, done) {
        asked.resolve();
        void answer.promise.then(() => done(reply(550, 'no')));
      },
    });
    const { mailer, last, reached } = open({ smtpUrl });
    mailer.send(MAIL);
    await asked.promise;
    const { mailId = '' } = last() ?? {};
    expect(await mailer.canResend(mailId)).toBe('under_way');
    answer.resolve();
    await reached('failed');
    expect(await mailer.canResend(mailId)).toBe('possible');
  });

  it('goes only to the addresses that have not got it, and shows all of them', async () => {
    const record = await kept();
    const { smtpUrl, taken, envelopes } = await startSmtp();
    const { mailer } = open({ smtpUrl });
    mailer.resend({ ...record, pending: [DEV] });
    await mailer.close();
    expect(envelopes).toEqual([['dev@partner.example']]);
    expect(recipients(taken[0])).toEqual([OPS, 'dev@partner.example']);
  });

  it('of a mail whose file is gone, or is none of ours, fails', async () => {
    const record = await kept();
    const { smtpUrl, taken } = await startSmtp();
    const { mailer, last } = open({ smtpUrl });
    await rm(join(outbox, `${record.mailId}.eml`));
    expect(await mailer.canResend(record.mailId)).toBe('not_kept');
    await mkdir(join(outbox, 'folder.eml'));
    expect(await mailer.canResend('folder')).toBe('not_kept');
    await writeFile(join(folder, 'outside.eml'), 'A: b\r\n\r\nsecret\r\n');
    expect(await mailer.canResend('../outside')).toBe('not_kept');
    mailer.resend(record);
    await mailer.close();
    expect(last()).toMatchObject({ state: 'failed', error: 'its file in the outbox is gone' });
    expect(taken).toEqual([]);
  });
});

describe('no header or address can be forged', () => {
  const EVIL = ['\r\n', '\n', '\r', '\u2028', '\u0085', '\0'].map(
    (end) => `x${end}Bcc: spy@evil.example${end}${end}forged`,
  );

  it.each(EVIL)('by the subject %j', async (subject) => {
    const { smtpUrl, raw, taken, envelopes } = await startSmtp();
    const render = () => ({ ...RENDERED, subject });
    for (const options of [{ smtpUrl, render }, { render }]) {
      const { mailer, last } = open(options);
      mailer.send(mailTo(OPS));
      await mailer.close();
      expect(last()?.subject).toBe('x Bcc: spy@evil.example forged');
    }
    const [file = ''] = await readdir(outbox);
    for (const text of [raw[0] ?? '', await readFile(join(outbox, file), 'utf8')]) {
      expect(text).not.toMatch(/^Bcc:/im);
    }
    for (const mail of [taken[0], (await inOutbox())[0]]) {
      expect(mail?.subject?.replace(/\s+/g, ' ')).toBe('x Bcc: spy@evil.example forged');
      expect(mail?.text?.trimEnd()).toBe(RENDERED.text);
    }
    expect(envelopes).toEqual([[OPS]]);
  });

  it.each([
    ...EVIL,
    'ops@partner.example\r\nRCPT TO:<spy@evil.example>',
    'ops@partner.example>\r\nDATA',
    'ops@partner.example, spy@evil.example',
    'Spy <spy@evil.example>',
    'group: spy@evil.example;',
    '"spy@evil.example"@partner.example',
    'spy',
    '',
  ])('by the address %j', async (address) => {
    const { smtpUrl, raw, envelopes } = await startSmtp();
    for (const options of [{ smtpUrl }, {}]) {
      const { mailer, last } = open(options);
      mailer.send(mailTo(OPS, address));
      await mailer.close();
      if ('smtpUrl' in options) {
        expect(last()).toMatchObject({ state: 'failed', pending: [address], attempts: 1 });
        expect(last()?.error).toBe(`${JSON.stringify(address)} is not a mail address`);
      }
    }
    expect(envelopes).toEqual([[OPS]]);
    expect(raw[0]).not.toContain('spy@evil.example');
    const [kept] = await readdir(outbox);
    expect(await readFile(join(outbox, kept ?? ''), 'utf8')).not.toMatch(/^(?:Bcc|RCPT|DATA)/im);
  });
});

/** Passes bytes on to a server, through sockets that a test can cut. */
async function startRelay(smtpUrl: string, sockets: Set<Socket>): Promise<string> {
  const port = Number(new URL(smtpUrl).port);
  return startSilent(
    createServer((socket) => {
      const upstream = connect(port, '127.0.0.1');
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => upstream.destroy());
      upstream.on('error', () => {});
      socket.pipe(upstream).pipe(socket);
    }),
  );
}
