/** kill -9 while a mail is on its way: the next upkeep of a node that has the outbox sends it, once. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { SMTPServer } from 'smtp-server';
import { openMailer } from '../../adapters/smtp/index.ts';
import { type OpenServices, openServices } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/load.ts';
import { plusSeconds, systemClock } from '../../src/domain/clock.ts';
import { MAIL_KEPT_SECONDS, type MailRecord } from '../../src/domain/mails/mail.ts';
import { FORGOTTEN_SECONDS } from '../../src/domain/mails/retry-mail.ts';
import { TAKE_UP_BATCH, takeUpMails } from '../../src/domain/mails/take-up-mails.ts';
import { startUpkeep } from '../../src/upkeep.ts';
import { movableClock, openBeside } from '../support/app.ts';
import { mailFixture } from '../support/contract-fixtures.ts';
import { startServer, type TestServer, until } from '../support/server.ts';

const TIMEOUT_MS = 60_000;
const ADMIN_API_TOKEN = '0123456789-token-of-forgotten-mails';
const log = pino({ level: 'silent' });

describe('a mail that was on its way when its process was killed', () => {
  let smtp: SMTPServer;
  let smtpUrl: string;
  /** Ids of the mails that the mail server has taken. */
  let taken: string[];
  /** What the mail server has been asked, and does not answer. */
  let held: (() => void)[] | null;
  let server: TestServer;
  const clock = movableClock();
  const nodes: OpenServices[] = [];

  beforeAll(async () => {
    smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onMailFrom(_address, _session, done) {
        if (held === null) done();
        else held.push(done);
      },
      onData(stream, _session, done) {
        let text = '';
        stream.on('data', (chunk: Buffer) => {
          text += chunk;
        });
        stream.on('end', () => {
          taken.push(/^Message-ID: <([^@]+)@/im.exec(text)?.[1] ?? '');
          done();
        });
      },
    });
    smtp.on('error', () => {});
    smtp.listen(0, '127.0.0.1');
    await once(smtp.server, 'listening');
    smtpUrl = `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise<void>((resolve) => smtp.close(resolve)));

  beforeEach(async () => {
    [taken, held] = [[], []];
    server = await startServer({ env: { SMTP_URL: smtpUrl, ADMIN_API_TOKEN } });
  }, TIMEOUT_MS);
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.close();
    await server.stop();
  }, TIMEOUT_MS);

  /** Another node on the data of the server. */
  async function openNode(): Promise<OpenServices> {
    const node = await openServices({ config: loadConfig(server.env), log, clock });
    nodes.push(node);
    return node;
  }

  /** A mail of which the mail server knows the sender only, and no process any more; moves the clock. */
  async function leftBehind(): Promise<MailRecord> {
    const records = await openBeside(server.env);
    const { clientId } = await records.createClient({ emails: ['ops@partner.example'] });
    await fetch(`${server.url}/api/v1/clients/${clientId}/password-reset-mail`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ADMIN_API_TOKEN}` },
    });
    await until(() => held?.length === 1);
    const list = { limit: 9, filter: { objectId: clientId }, now: systemClock.now() };
    const [mail, ...more] = (await records.services.stores.mails.list(list)).items;
    await records.close();
    await server.kill('SIGKILL');
    if (mail === undefined || more.length > 0) throw new Error('one mail was asked for');
    expect(mail).toMatchObject({ state: 'queued', attempts: 0 });
    held = null;
    clock.set(plusSeconds(mail.updatedAt, FORGOTTEN_SECONDS + 0.001));
    return mail;
  }

  const find = ({ services }: OpenServices, { mailId }: MailRecord) =>
    services.stores.mails.find(mailId, clock.now());
  const retries = async ({ services }: OpenServices) =>
    (await services.stores.audit.list({ limit: 9, filter: { action: 'mail.retry' } })).items;

  it(
    'is sent by the next upkeep of another node, which leaves an event',
    async () => {
      const mail = await leftBehind();
      const node = await openNode();
      const stop = startUpkeep(node.services, { log, everyMs: 1 });
      await until(async () => (await find(node, mail))?.state === 'sent');
      await stop();
      expect(taken).toEqual([mail.mailId]);
      expect(await find(node, mail)).toMatchObject({ pending: [], attempts: 1, error: null });
      expect(await retries(node)).toMatchObject([
        {
          actor: { kind: 'system', address: null },
          object: { kind: 'mail', id: mail.mailId },
        },
      ]);
    },
    TIMEOUT_MS,
  );

  it(
    'is sent by one of two nodes that look at the same moment',
    async () => {
      const mail = await leftBehind();
      const node = await openNode();
      const { services } = node;
      // The mails of a second node; its own connection to SQLite would stop this thread at each wait.
      const mailer = openMailer({
        smtpUrl,
        from: 'Tollgate <tollgate@auth.example.test>',
        outbox: join(server.dataDir, 'outbox'),
        render: () => ({ subject: 'none', text: 'none' }),
        clock,
        onState: (state) => services.stores.mails.record(state),
      });
      const both = [services, { ...services, mailer }];
      await Promise.all([...both, ...both].map((each) => takeUpMails(each, '')));
      await until(async () => (await find(node, mail))?.state === 'sent');
      await Promise.all(both.map((each) => takeUpMails(each, '')));
      await mailer.close();
      expect(taken).toEqual([mail.mailId]);
      expect(await retries(node)).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  it(
    'is left alone before it counts as forgotten, once it has expired, and where nobody keeps it',
    async () => {
      const mail = await leftBehind();
      const node = await openNode();
      clock.advance(-0.001);
      expect(await takeUpMails(node.services, '')).toBe('');
      clock.set(plusSeconds(mail.at, MAIL_KEPT_SECONDS));
      expect(await takeUpMails(node.services, '')).toBe('');
      clock.set(plusSeconds(mail.updatedAt, FORGOTTEN_SECONDS + 0.001));
      const { mails } = node.services.stores;
      // Their ids come before those of all mails that a node gives one.
      for (let i = 0; i < TAKE_UP_BATCH; i += 1) {
        const mailId = `!of-another-node-${String(i).padStart(3, '0')}`;
        const { at, updatedAt, expiresAt } = mail;
        const times = { at, updatedAt, expiresAt, nextAttemptAt: null };
        await mails.record(mailFixture({ mailId, state: 'queued', ...times }));
      }
      const next = await takeUpMails(node.services, '');
      expect(next).toBe(`!of-another-node-0${TAKE_UP_BATCH - 1}`);
      expect([taken, await retries(node)]).toEqual([[], []]);
      expect(await takeUpMails(node.services, next)).toBe('');
      await until(async () => (await find(node, mail))?.state === 'sent');
      expect(taken).toEqual([mail.mailId]);
    },
    TIMEOUT_MS,
  );
});
