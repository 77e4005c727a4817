/** What becomes of calls when Tollgate is down, slow, failing or not itself. */
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openBeside } from '../support/app.ts';
import { freePort, startServer } from '../support/server.ts';
import {
  ALLOWED,
  FRAMEWORKS,
  type Guarded,
  json,
  type Options,
  type StandIn,
  startGuarded,
  startStandIn,
} from './support.ts';

const TOKEN = 'the-end-clients-token';
const SECRET = 'the secret of the resource server';
const BEARER = { headers: { Authorization: `Bearer ${TOKEN}` } };

const open: Guarded[] = [];
let standIn: StandIn;

beforeEach(async () => {
  standIn = await startStandIn();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
  await standIn.close();
});

/** Outages: an answer, and the code that onError hears. */
const BAD_ANSWERS: [string, string, (standIn: StandIn) => void][] = [
  ['500', 'server_error', (peer) => peer.answer((r) => json(r, 500, { code: 'internal_error' }))],
  ['502 of a proxy', 'server_error', (peer) => peer.answer((r) => r.writeHead(502).end('<html>'))],
  ['a redirect', 'unreadable', (peer) => peer.answer((r) => r.writeHead(301).end())],
  ['no JSON', 'unreadable', (peer) => peer.answer((r) => r.end('it works!'))],
  ['null', 'unreadable', (peer) => peer.answer((r) => json(r, 200, null))],
  ['a list', 'unreadable', (peer) => peer.answer((r) => json(r, 200, [ALLOWED]))],
  [
    'truthy instead of true',
    'unreadable',
    (peer) => peer.answer((r) => json(r, 200, { ...ALLOWED, allowed: 'yes' })),
  ],
  [
    'allowed with a status of refusal',
    'unreadable',
    (peer) => peer.answer((r) => json(r, 200, { ...ALLOWED, status: 403 })),
  ],
  [
    'a refusal without a status',
    'unreadable',
    (peer) => peer.answer((r) => json(r, 200, { ...ALLOWED, allowed: false, reason: 'x' })),
  ],
  [
    'a decision id that is no header value',
    'unreadable',
    (peer) => peer.answer((r) => json(r, 200, { ...ALLOWED, decisionId: 'a\r\nb: c' })),
  ],
  [
    'an endless answer',
    'unreadable',
    (peer) => peer.answer((r) => void r.write('x'.repeat(300_000))),
  ],
  [
    'half an answer',
    'unreachable',
    (peer) => peer.answer((r) => void r.write('{', () => r.destroy())),
  ],
  ['no HTTP', 'unreadable', (peer) => peer.answer((r) => void r.socket?.end('hello\r\n\r\n'))],
  ['nothing', 'timeout', () => {}],
  [
    'the beginning of an answer',
    'timeout',
    (peer) => peer.answer((r) => void r.write('{"allowed":true')),
  ],
];

/** Little time where none is enough; else more than a busy machine needs. */
const timeFor = (code: string) => ({ timeoutMs: code === 'timeout' ? 150 : 10_000 });

describe.each(FRAMEWORKS)('an outage behind %s', (framework) => {
  async function guard(options: Partial<Options> = {}): Promise<Guarded> {
    const own = { clientId: 'shop-api', clientSecret: SECRET, timeoutMs: 10_000 };
    const app = await startGuarded(framework, { url: standIn.url, ...own, ...options });
    open.push(app);
    return app;
  }

  it.each(BAD_ANSWERS)('(%s) fails closed: 503, Retry-After, %s', async (_, code, arrange) => {
    arrange(standIn);
    const app = await guard(timeFor(code));
    const answer = await app.call('/orders/1', BEARER);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('Retry-After')).toBe('1');
    expect(answer.body).toEqual({
      reason: 'tollgate_unavailable',
      status: 503,
      decisionId: null,
      message: 'the call could not be checked; retry later',
    });
    expect(app.errors.map((error) => error.code)).toEqual([code]);
    expect(app.handled()).toBe(0);
  });

  it.each(BAD_ANSWERS)('(%s) fails open where that is chosen', async (_, code, arrange) => {
    arrange(standIn);
    const app = await guard({ failOpen: true, ...timeFor(code) });
    const answer = await app.call('/orders/1', BEARER);
    expect(answer.status).toBe(200);
    expect(answer.body['decision']).toEqual({ allowed: true, failedOpen: true });
    expect(app.errors.map((error) => error.code)).toEqual([code]);
  });

  it('of a Tollgate that is not there fails closed or open', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const closed = await guard({ url });
    expect((await closed.call('/orders/1', BEARER)).status).toBe(503);
    const opened = await guard({ url, failOpen: true });
    expect((await opened.call('/orders/1', BEARER)).status).toBe(200);
    expect([...closed.errors, ...opened.errors]).toMatchObject([
      { code: 'unreachable', message: expect.stringContaining('ECONNREFUSED') },
      { code: 'unreachable', message: expect.stringContaining('check url') },
    ]);
  });

  it('passes on the Retry-After of a 503', async () => {
    standIn.answer((response) => {
      response.setHeader('Retry-After', '17');
      json(response, 503, { code: 'store_unavailable', detail: 'the store does not answer' });
    });
    const app = await guard();
    const answer = await app.call('/orders/1', BEARER);
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '17']);
    expect(app.errors).toMatchObject([
      { code: 'server_error', message: expect.stringContaining('store_unavailable') },
    ]);
  });

  it('never lets a call pass that shows no credential', async () => {
    standIn.answer((response) => json(response, 500, {}));
    const app = await guard({ failOpen: true });
    const answer = await app.call('/orders/1');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="tollgate"');
    expect(answer.body['reason']).toBe('credential_missing');
    expect(app.handled()).toBe(0);
  });

  it.each([
    [400, 'question_refused'],
    [401, 'own_credentials'],
    [403, 'own_credentials'],
    [404, 'question_refused'],
    [413, 'question_refused'],
    [429, 'own_credentials'],
  ])('is no %i: that never fails open (%s)', async (status, code) => {
    const errors = [{ field: 'clientIp', code: 'invalid', message: 'must be an address' }];
    standIn.answer((response) => json(response, status, { code: 'some_code', errors }));
    const app = await guard({ failOpen: true });
    expect((await app.call('/orders/1', BEARER)).status).toBe(503);
    expect(app.errors).toMatchObject([
      { code, message: expect.stringMatching(/some_code \(clientIp\); \w+/) },
    ]);
    expect(app.handled()).toBe(0);
  });

  it('is no refusal with 503: a decision of Tollgate is kept, and its Retry-After', async () => {
    const refused = { ...ALLOWED, allowed: false, status: 503, reason: 'overloaded' };
    standIn.answer((response) => json(response, 200, { ...refused, retryAfterSeconds: 3 }));
    const app = await guard({ failOpen: true });
    const answer = await app.call('/orders/1', BEARER);
    expect(answer.headers.get('Retry-After')).toBe('3');
    expect(answer.body).toMatchObject({ status: 503, reason: 'overloaded' });
    expect(app.errors).toEqual([]);
  });

  it('does not repeat credentials in any error, even when the other side sends them back', async () => {
    const app = await guard({ failOpen: true });
    const echoes = [400, 401, 403, 404, 500, 200];
    for (const status of echoes) {
      standIn.answer((response, { headers, question }) => {
        const text = `${headers.authorization} ${question['token']} ${SECRET}`;
        const errors = [{ field: text, code: text, message: text }];
        json(response, status, { code: text, detail: text, title: text, reason: text, errors });
      });
      await app.call('/orders/1', BEARER);
    }
    standIn.answer((response, { headers, question }) => {
      response.socket?.end(`${headers.authorization} ${question['token']} ${SECRET}\r\n\r\n`);
    });
    await app.call('/orders/1', BEARER);
    await app.call('/orders/1', { headers: { 'X-Api-Key': TOKEN } });
    const basic = Buffer.from(`shop-api:${new URLSearchParams({ '': SECRET })}`.replace('=', ''));
    const told = inspect(app.errors, { depth: 10, showHidden: true });
    expect(app.errors).toHaveLength(echoes.length + 2);
    expect(standIn.asked.at(-1)?.headers.authorization).toBe(`Basic ${basic.toString('base64')}`);
    for (const secret of [TOKEN, SECRET, basic.toString('base64')])
      expect(told).not.toContain(secret);
  });

  it('costs no more than timeoutMs', async () => {
    const app = await guard({ timeoutMs: 100 });
    const start = performance.now();
    await app.call('/orders/1', BEARER);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(app.errors).toMatchObject([
      { message: expect.stringMatching(/did not answer within 100 ms.* raise timeoutMs$/) },
    ]);
  });
});

describe.each(FRAMEWORKS)('functions of the options behind %s', (framework) => {
  async function guard(options: Partial<Options>): Promise<Guarded> {
    standIn.answer((response) => json(response, 200, ALLOWED));
    const own = { url: standIn.url, clientId: 'shop-api', clientSecret: SECRET, failOpen: true };
    const app = await startGuarded(framework, { ...own, ...options });
    open.push(app);
    return app;
  }

  const nonsense = (value: unknown) => () => value as never;

  it.each([
    ['weight', 0, /^tollgate: weight answered 0; answer a whole number from 1 up$/],
    ['weight', '5', /weight answered 5/],
    ['weight', Number.NaN, /weight answered NaN/],
    ['idempotencyKey', '', /idempotencyKey must answer a string of 1 to 255 characters/],
    ['idempotencyKey', 'k'.repeat(256), /idempotencyKey must answer/],
    ['credential', { token: 7 }, /credential must answer \{ token \}, \{ apiKey \} or null$/],
  ])('that answer nonsense (%s: %p) let nothing pass', async (name, value, message) => {
    const app = await guard({ [name]: nonsense(value) });
    expect((await app.call('/orders/1', BEARER)).status).toBe(500);
    expect(app.thrown).toMatchObject([{ message: expect.stringMatching(message) }]);
    expect([app.handled(), standIn.asked.length]).toEqual([0, 0]);
  });

  it.each([undefined, null, 'route', 'router', 0])(
    'that throw %p let nothing pass',
    async (thrown) => {
      const app = await guard({
        onDecision() {
          throw thrown;
        },
      });
      expect((await app.call('/orders/1', BEARER)).status).toBe(500);
      expect(app.thrown).toMatchObject([
        { message: expect.stringMatching(/^a function of the options threw a value of type/) },
      ]);
      expect(app.handled()).toBe(0);
    },
  );

  it('that answer no address let nothing pass, and the error names the option', async () => {
    const app = await guard({ clientIp: () => 'unknown' });
    expect((await app.call('/orders/1', BEARER)).status).toBe(503);
    expect(app.errors).toMatchObject([
      {
        code: 'client_ip_unknown',
        message:
          'the address of the client is "unknown"; mend the option clientIp to answer one such as 192.0.2.10',
      },
    ]);
    expect(standIn.asked).toEqual([]);
  });

  it('that read the credential replace the usual places', async () => {
    const cookie = (value: string) =>
      guard({
        credential: async ({ headers }) =>
          headers.cookie === undefined ? null : { [value]: headers.cookie },
      });
    await (await cookie('token')).call('/orders/1', { headers: { Cookie: 'from-a-cookie' } });
    await (await cookie('apiKey')).call('/orders/1', { headers: { Cookie: 'another' } });
    await (await cookie('token')).call('/orders/1', BEARER);
    const asked = standIn.asked.map(({ question: { token, apiKey } }) => [token, apiKey]);
    expect(asked).toEqual([
      ['from-a-cookie', undefined],
      [undefined, 'another'],
      [undefined, undefined],
    ]);
  });

  it('are not needed: a question says who calls what, under a key of its own', async () => {
    const app = await guard({});
    const both = { headers: { ...BEARER.headers, 'X-Api-Key': 'k' }, method: 'PUT', body: '{}' };
    await app.call('/orders/1?token=in-the-query', both);
    await app.call('/orders/1', { headers: { 'X-Api-Key': 'k' } });
    expect(standIn.asked.map(({ url, question }) => ({ url, question }))).toEqual([
      {
        url: '/decide',
        question: {
          token: TOKEN,
          clientIp: expect.stringMatching(/^(::ffff:)?127\.0\.0\.1$/),
          method: 'PUT',
          path: '/orders/1',
          idempotencyKey: expect.stringMatching(/^[0-9a-f-]{36}$/),
          idempotencySeconds: 60,
        },
      },
      { url: '/decide', question: expect.objectContaining({ apiKey: 'k', method: 'GET' }) },
    ]);
    const keys = standIn.asked.map(({ question }) => question['idempotencyKey']);
    expect(new Set(keys).size).toBe(2);
  });

  it('leave the path of url in place', async () => {
    const app = await guard({ url: `${standIn.url}/auth` });
    await app.call('/orders/1', BEARER);
    expect(standIn.asked.map(({ url }) => url)).toEqual(['/auth/decide']);
  });
});

describe.each(FRAMEWORKS)('a Tollgate that is killed between calls of %s', (framework) => {
  it('is asked again once it is back', async () => {
    const server = await startServer();
    try {
      const records = await openBeside(server.env);
      const own = await records.createResourceServer();
      await records.createGroup('orders.read', {}, ['GET /orders/:id']);
      const fields = { apiGroups: ['orders.read'] };
      const { accessToken } = await server.grant(await records.createClient(fields));
      await records.close();
      const headers = { Authorization: `Bearer ${accessToken}` };
      const credentials = { clientId: own.clientId, clientSecret: own.secret };
      const app = await startGuarded(framework, { url: server.url, ...credentials });
      open.push(app);
      expect((await app.call('/orders/1', { headers })).status).toBe(200);
      await server.kill('SIGKILL');
      expect((await app.call('/orders/1', { headers })).status).toBe(503);
      const again = await server.restart();
      expect((await app.call('/orders/1', { headers })).status).toBe(200);
      await again.kill('SIGTERM');
    } finally {
      await server.stop();
    }
  });
});
