import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { mailPasswordReset } from '../../src/domain/clients/manage-client-secrets.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import type { MailRecord } from '../../src/domain/mails/mail.ts';
import { FORGOTTEN_SECONDS } from '../../src/domain/mails/retry-mail.ts';
import { startApp, TESTER, type TestApp } from '../support/app.ts';
import { mailFixture } from '../support/contract-fixtures.ts';
import { type ApiAnswer, startApi, type TestApi } from './support.ts';

const MAILS = '/api/v1/mails';

describe('GET /mails', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.close());

  const record = async (changes: Partial<MailRecord>) => {
    const mail = mailFixture(changes);
    await api.services.stores.mails.record(mail);
    return mail;
  };
  const ids = async (query: string) => {
    const { body } = await api.send('GET', `${MAILS}?${query}`, { as: 'viewer' });
    return body.items.map(({ mailId }: MailRecord) => mailId);
  };

  it('shows a viewer every field, and nothing else', async () => {
    const mail = await record({});
    const answer = await api.send('GET', `${MAILS}/${mail.mailId}`, { as: 'viewer' });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual(JSON.parse(JSON.stringify(mail)));
    const list = await api.send('GET', MAILS, { as: 'viewer' });
    expect(list.body).toEqual({
      items: [answer.body],
      nextCursor: null,
      previousCursor: null,
      total: 1,
    });
  });

  it('filters by state, template, object and words, and pages newest first', async () => {
    const at = (second: number) => new Date(Date.UTC(2027, 2, 1, 0, 0, second));
    const object = { kind: 'client', id: 'orders' };
    const one = await record({ at: at(1), object, state: 'sent' });
    const two = await record({ at: at(2), object, state: 'failed', template: 'api-key-created' });
    const three = await record({ at: at(3), state: 'failed' });
    const [a, b, c] = [one.mailId, two.mailId, three.mailId];
    expect(await ids('')).toEqual([c, b, a]);
    expect(await ids('state=failed')).toEqual([c, b]);
    expect(await ids('template=api-key-created')).toEqual([b]);
    expect(await ids('objectKind=client&objectId=orders')).toEqual([b, a]);
    expect(await ids(`search=${c}`)).toEqual([c]);
    const first = await api.send('GET', `${MAILS}?limit=2`);
    expect(await ids(`limit=2&cursor=${first.body.nextCursor}`)).toEqual([a]);
  });

  it.each(['state=lost', 'template=nothing', 'sort=at', 'cursor=zzzz'])(
    'refuses %s',
    async (query) => {
      const answer = await api.send('GET', `${MAILS}?${query}`);
      const [field] = query.split('=');
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
    },
  );

  it('knows no mail that never was, or has expired', async () => {
    const { mailId, expiresAt } = await record({});
    expect((await api.send('GET', `${MAILS}/nothing`)).status).toBe(404);
    const left = expiresAt.getTime() - api.services.clock.now().getTime();
    api.pass(left / 1000);
    expect((await api.send('GET', `${MAILS}/${mailId}`)).status).toBe(404);
    expect(await ids('')).toEqual([]);
  });
});

const ADMIN_API_TOKEN = '0123456789-token-of-the-test-of-mails';

/** A whole server with a mail server that refuses, or takes, as the test says. */
describe('POST /mails/{mailId}/retry', () => {
  let app: TestApp;
  let smtp: SMTPServer;
  let taken: ParsedMail[];
  let replyCode: number | null;

  beforeEach(async () => {
    [taken, replyCode] = [[], 550];
    smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onRcptTo(_address, _session, done) {
        const refusal = Object.assign(new Error('not now'), { responseCode: replyCode });
        done(replyCode === null ? null : refusal);
      },
      onData(stream, _session, done) {
        simpleParser(stream).then((mail) => done(null, void taken.push(mail)), done);
      },
    });
    await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
    const { port } = smtp.server.address() as AddressInfo;
    app = await startApp({ env: { SMTP_URL: `smtp://127.0.0.1:${port}`, ADMIN_API_TOKEN } });
  });
  afterEach(async () => {
    await app.close();
    await new Promise<void>((resolve) => smtp.close(resolve));
  });

  const call = async (method: string, path: string): Promise<ApiAnswer> => {
    const headers = { Authorization: `Bearer ${ADMIN_API_TOKEN}` };
    const response = await fetch(`${app.url}${path}`, { method, headers });
    const text = await response.text();
    const { status } = response;
    return { status, headers: response.headers, text, body: JSON.parse(text) };
  };
  const retry = (mailId: string, query = '') => call('POST', `${MAILS}/${mailId}/retry${query}`);
  const latest = async (): Promise<MailRecord> =>
    (await call('GET', `${MAILS}?limit=1`)).body.items[0];
  const reached = async (state: MailRecord['state']): Promise<MailRecord> => {
    for (;;) {
      const mail = await latest();
      if (mail?.state === state) return mail;
    }
  };
  /** A mail that the server has refused for good. */
  const failed = async (): Promise<MailRecord> => {
    const { clientId } = await app.createClient({ emails: ['ops@partner.example'] });
    await mailPasswordReset(app.services, TESTER, clientId);
    return reached('failed');
  };
  const retries = async () =>
    (await app.services.stores.audit.list({ limit: 9, filter: { action: 'mail.retry' } })).items;

  it('sends a mail that had failed, leaves one event, and shows the link to nobody', async () => {
    const mail = await failed();
    expect(mail).toMatchObject({ attempts: 1, error: expect.stringContaining('550 not now') });
    replyCode = null;
    const answer = await retry(mail.mailId);
    expect(answer).toMatchObject({ status: 200, body: { state: 'queued', nextAttemptAt: null } });
    expect(await reached('sent')).toMatchObject({ attempts: 2, pending: [], error: null });
    const link = /token=(tgl_\S+)/.exec(taken[0]?.text ?? '')?.[1];
    expect(link).toHaveLength(47);
    const events = await retries();
    expect(events).toMatchObject([
      {
        actor: { kind: 'bootstrap_token' },
        object: { kind: 'mail', id: mail.mailId },
        changes: [{ field: 'state', before: 'failed', after: 'queued' }],
      },
    ]);
    const shown = [
      answer.text,
      (await call('GET', MAILS)).text,
      JSON.stringify(events),
      ...app.log,
    ];
    expect(shown.join('\n')).not.toContain(link);
    expect(app.log.join('\n')).toContain('a mail was not delivered');
  });

  it('is done for one of two calls at the same time', async () => {
    const { mailId } = await failed();
    replyCode = null;
    const answers = await Promise.all([retry(mailId), retry(mailId)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    await reached('sent');
    expect([taken.length, (await retries()).length]).toEqual([1, 1]);
  });

  it('only says what it would do on a dry run', async () => {
    const mail = await failed();
    const answer = await retry(mail.mailId, '?dryRun=true');
    expect(answer).toMatchObject({ status: 200, body: { state: 'queued' } });
    expect([await latest(), await retries()]).toEqual([mail, []]);
  });

  it('is refused for a mail that was sent, is unknown, or has lost its file', async () => {
    expect((await retry('nothing')).status).toBe(404);
    const { mailId } = await failed();
    replyCode = null;
    await retry(mailId);
    await reached('sent');
    const sent = await retry(mailId);
    expect(sent).toMatchObject({ status: 409, body: { code: 'not_retryable' } });
    expect(sent.body.detail).toContain('it was sent');
    const now = app.clock.now();
    const lost = mailFixture({ state: 'failed', at: now, expiresAt: plusSeconds(now, 60) });
    await app.services.stores.mails.record(lost);
    const gone = await retry(lost.mailId);
    expect(gone).toMatchObject({ status: 409 });
    expect(gone.body.detail).toContain('not in the outbox of this node');
    expect(await retries()).toHaveLength(1);
  });

  it('is refused while the mail is on its way, until its process must have died', async () => {
    const mail = await failed();
    const { stores } = app.services;
    const stored = await stores.mails.find(mail.mailId, app.clock.now());
    if (stored === null) throw new Error('it was stored');
    const nextAttemptAt = new Date(app.clock.now().getTime() + 60_000);
    for (const onItsWay of [
      { ...stored, state: 'queued' as const },
      { ...stored, state: 'retrying' as const, nextAttemptAt },
    ]) {
      await stores.mails.record(onItsWay);
      const answer = await retry(mail.mailId);
      expect(answer).toMatchObject({ status: 409 });
      expect(answer.body.detail).toContain('it is on its way');
    }
    app.clock.advance(60 + FORGOTTEN_SECONDS);
    expect((await retry(mail.mailId)).status).toBe(409);
    app.clock.advance(1);
    replyCode = null;
    expect((await retry(mail.mailId)).status).toBe(200);
    await reached('sent');
  });
});

describe('POST /mails/{mailId}/retry without a mail server', () => {
  it('is refused, and says how to change that; the mail stays in the outbox', async () => {
    const app = await startApp({ env: { ADMIN_API_TOKEN } });
    try {
      const { clientId } = await app.createClient({ emails: ['ops@partner.example'] });
      await mailPasswordReset(app.services, TESTER, clientId);
      const [mail = ''] = await app.mails();
      expect(mail).toContain('/reset-password?token=tgl_');
      const mailId = /^Message-ID: <([^@]+)@/m.exec(mail)?.[1] ?? '';
      const record = await recordOf(app, mailId, 'outbox');
      const headers = { Authorization: `Bearer ${ADMIN_API_TOKEN}` };
      const answer = await fetch(`${app.url}${MAILS}/${mailId}/retry`, { method: 'POST', headers });
      expect(answer.status).toBe(409);
      expect(await answer.text()).toContain('set SMTP_URL');
      expect(record).toMatchObject({
        object: { kind: 'client', id: clientId },
        to: ['ops@partner.example'],
      });
    } finally {
      await app.close();
    }
  });
});

/** A mail once it has come to a state. */
async function recordOf(app: TestApp, mailId: string, state: MailRecord['state']) {
  for (;;) {
    const mail = await app.services.stores.mails.find(mailId, app.clock.now());
    if (mail?.state === state) return mail;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
