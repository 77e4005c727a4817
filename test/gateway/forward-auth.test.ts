/** The forward-auth doors, spoken to as the proxies do: headers in, status and headers out. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { START, startApp, type TestApp } from '../support/app.ts';
import { type Answer, basic, type Credentials, sendRaw } from '../support/server.ts';
import { DIALECTS, type DialectName, FROM, forward, type ProxiedCall } from './support.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const WITH_QUERY = DIALECTS.filter((dialect) => dialect !== 'envoy');

let app: TestApp;
let gateway: Credentials;
let client: Credentials;
beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXIES: 'loopback, 10.0.0.0/8' } });
  gateway = await app.createResourceServer();
  await app.createGroup('orders', {}, ['GET /orders', 'POST /orders', 'GET /orders/:id']);
  await app.createGroup('files', {}, ['* /files/*']);
});
afterAll(() => app.close());

let token: string;
beforeEach(async () => {
  app.clock.set(START);
  client = await app.createClient({
    ...{ apiGroups: ['orders', 'files'], tps: 50, priority: 1 },
    apiQuota: { calls: 500, period: 'day' },
    accessToken: { lifetimeSeconds: 3600, maxUses: 100 },
  });
  token = (await app.grant(client)).accessToken;
});

function ask(dialect: DialectName, call: ProxiedCall = {}, as: Credentials | null = gateway) {
  return forward(app.url, dialect, as, { token, ...call });
}

/** Uses left on the token, without a change of it. */
async function usesLeft(): Promise<unknown> {
  const call = { token, clientIp: FROM, method: 'GET', path: '/orders', consume: false };
  return (await app.decide(gateway, call)).body.usesLeft;
}

/** Nothing that a proxy could take for an answer to its end client. */
function expectNoAnswer(dialect: DialectName, { status, headers, body }: Answer, reason: string) {
  expect({ dialect, status }).toEqual({ dialect, status: dialect === 'nginx' ? 403 : 503 });
  expect(headers.get('X-Decision-Status')).toBe('503');
  expect(headers.get('X-Reason')).toBe(reason);
  expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(headers.has('WWW-Authenticate')).toBe(false);
  expect(body).toMatchObject({ reason, status: 503 });
}

describe.each(DIALECTS)('/forward-auth/%s', (dialect) => {
  it('answers an allowed call with 200 and what the API may want to know', async () => {
    const { status, headers, text } = await ask(dialect);
    expect(status).toBe(200);
    expect(text).toBe('');
    expect(headers.get('X-Decision-Status')).toBe('200');
    expect(headers.get('X-Client-Id')).toBe(client.clientId);
    expect(headers.get('X-Scopes')).toBe('orders files');
    expect(headers.get('X-Priority')).toBe('1');
    expect(headers.get('X-Decision-Id')).toMatch(UUID);
    expect(headers.get('RateLimit')).toBe('"tps";r=49;t=1, "quota";r=499;t=43200, "uses";r=99');
    expect(headers.get('RateLimit-Policy')).toBe(
      '"tps";q=50;w=1, "quota";q=500;w=86400, "uses";q=100',
    );
    for (const name of ['X-User-Id', 'X-Reason', 'Retry-After', 'WWW-Authenticate']) {
      expect(headers.has(name)).toBe(false);
    }
    expect(await usesLeft()).toBe(99);
  });

  it('tells whose a user’s token is', async () => {
    const { user, username, password } = await app.createUser();
    await app.updateClient(client.clientId, { grantTypes: ['password'] });
    const signIn = { grant_type: 'password', username, password };
    const { accessToken } = await app.grant(client, signIn);
    const { headers } = await ask(dialect, { token: accessToken });
    expect(headers.get('X-User-Id')).toBe(user.userId);
  });

  it('takes an API key, and of two credentials the token', async () => {
    const { value: apiKey } = await app.createKey(client.clientId, { apiGroups: ['files'] });
    const byKey = await forward(app.url, dialect, gateway, { apiKey, uri: '/files/a' });
    expect(byKey.headers.get('X-Scopes')).toBe('files');
    expect((await ask(dialect, { apiKey: 'tgk_junk' })).status).toBe(200);
    expect((await ask(dialect, { apiKey, token: 'junk', uri: '/files/a' })).status).toBe(401);
  });

  it.each([
    ['a scheme in small letters', 'bearer TOKEN', 200],
    ['two spaces', 'Bearer  TOKEN', 200],
    ['no token', 'Bearer', 401],
    ['two tokens', 'Bearer TOKEN TOKEN', 401],
    ['a comma', 'Bearer TOKEN, Bearer TOKEN', 401],
    ['another scheme', 'Digest TOKEN', 401],
    ['the token alone', 'TOKEN', 401],
  ])('reads an Authorization with %s', async (_, value, status) => {
    const headers = { Authorization: value.replaceAll('TOKEN', token) };
    const answer = await ask(dialect, { headers });
    expect({ value, status: answer.status }).toEqual({ value, status });
    if (status === 401) {
      expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="tollgate"');
    }
  });

  it('leaves an Authorization of the API’s own alone where there is an API key', async () => {
    const { value: apiKey } = await app.createKey(client.clientId);
    const headers = { Authorization: basic('somebody', 'of the API') };
    expect((await ask(dialect, { apiKey, headers })).status).toBe(200);
  });

  it('does not take the credentials of a client for a token', async () => {
    const headers = { Authorization: basic(client.clientId, client.secret) };
    const answer = await ask(dialect, { headers });
    expect(answer.headers.get('X-Reason')).toBe('credential_missing');
  });

  it.each<[string, (own: Credentials) => Credentials | null, string]>([
    ['sends no credentials', () => null, 'not_authenticated'],
    ['sends a wrong secret', (own) => ({ ...own, secret: 'wrong' }), 'not_authenticated'],
    ['is unknown', () => ({ clientId: 'nobody', secret: 'x' }), 'not_authenticated'],
    ['is a partner', () => client, 'not_allowed'],
  ])('is 503, and no 401 to the end client, when the gateway %s', async (_, as, reason) => {
    const own = as(await app.createResourceServer());
    expectNoAnswer(dialect, await ask(dialect, {}, own), reason);
    expectNoAnswer(dialect, await ask(dialect, { token: 'junk' }, own), reason);
    const { headers } = await ask(dialect, {}, own);
    expect(headers.has('X-Client-Id')).toBe(false);
    expect(await usesLeft()).toBe(100);
  });

  it('takes no credentials of a gateway from Authorization, which is the end client’s', async () => {
    const headers = { Authorization: basic(gateway.clientId, gateway.secret) };
    expectNoAnswer(dialect, await ask(dialect, { headers }, null), 'not_authenticated');
  });

  it('is 503 when the gateway itself is refused', async () => {
    const own = await app.createResourceServer();
    expect((await ask(dialect, {}, own)).status).toBe(200);
    await app.updateClient(own.clientId, { status: 'disabled' });
    expectNoAnswer(dialect, await ask(dialect, {}, own), 'not_allowed');
  });

  it('asks no address of a client that is bound to none, and refuses one that is', async () => {
    const junk = { from: 'unknown' };
    expect((await ask(dialect, junk)).status).toBe(200);
    const ipBindings = [{ hostName: 'hq', address: FROM }];
    await app.updateClient(client.clientId, { ipBindings });
    expect((await ask(dialect, junk)).headers.get('X-Reason')).toBe('ip_not_allowed');
    const other = await ask(dialect, { from: '198.51.100.1' });
    expect(other.headers.get('X-Reason')).toBe('ip_not_allowed');
    expect((await ask(dialect)).status).toBe(200);
  });

  it('knows the calls of every method', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
      const { status } = await ask(dialect, { method, uri: '/files/a' });
      expect({ method, status }).toEqual({ method, status: 200 });
    }
    expect((await ask(dialect, { method: 'DELETE' })).headers.get('X-Reason')).toBe('api_unknown');
  });

  it.each([
    ['//orders', 'api_unknown'],
    ['/orders//7', 'api_unknown'],
    ['/orders/%37', null],
    ['/orders%2f7', 'api_unknown'],
    ['/orders/%zz', 'api_unknown'],
    ['/orders/../files/a', 'api_unknown'],
    ['/files/..;/orders', 'api_unknown'],
    ['/orders?a=/files/../x', null],
    ['/orders?weight=0', null],
    [`/files/${'a'.repeat(8000)}`, null],
    ['/', 'api_unknown'],
  ])('judges %.40s', async (uri, reason) => {
    expect((await ask(dialect, { uri })).headers.get('X-Reason')).toBe(reason);
    expect(await usesLeft()).toBe(reason === null ? 99 : 100);
  });

  it('reads no body, and answers each of many requests on one connection', async () => {
    const method =
      dialect === 'envoy' ? {} : { sent: { method: 'POST', body: 'x'.repeat(100_000) } };
    for (let i = 0; i < 3; i += 1) {
      const answer = await ask(dialect, {
        ...(dialect === 'envoy' && { method: 'POST', sent: { body: 'x'.repeat(100_000) } }),
        ...method,
      });
      expect(answer.status).toBe(200);
    }
  });
});

describe.each(WITH_QUERY)('/forward-auth/%s, whose request is the proxy’s own', (dialect) => {
  it('answers HEAD with the same headers and no body', async () => {
    const head = { sent: { method: 'HEAD' } };
    const allowed = await ask(dialect, head);
    expect([allowed.status, allowed.text]).toEqual([200, '']);
    expect(allowed.headers.get('X-Client-Id')).toBe(client.clientId);
    const refused = await ask(dialect, { ...head, uri: '/nowhere' });
    expect([refused.status, refused.text]).toEqual([403, '']);
    expect(refused.headers.get('X-Reason')).toBe('api_unknown');
  });

  const told =
    dialect === 'nginx' || dialect === 'haproxy'
      ? ['X-Original-Method', 'X-Original-URI']
      : ['X-Forwarded-Method', 'X-Forwarded-Uri'];

  it.each(told)('is 503 without one %s', async (name) => {
    for (const value of [null, '', ['GET', '/orders']]) {
      const answer = await ask(dialect, { headers: { [name]: value } });
      expectNoAnswer(dialect, answer, 'validation_failed');
    }
    expect(await usesLeft()).toBe(100);
  });

  it.each(['*', 'orders', 'http://api.example.com/orders', 'api.example.com:443'])(
    'knows no API at the target %s',
    async (uri) => {
      expect((await ask(dialect, { uri })).headers.get('X-Reason')).toBe('api_unknown');
    },
  );

  it('charges the weight that the proxy names in its URL', async () => {
    const { headers } = await ask(dialect, { query: '?weight=30' });
    expect(headers.get('RateLimit')).toBe('"tps";r=49;t=1, "quota";r=470;t=43200, "uses";r=70');
    // The end client has no say.
    await ask(dialect, { query: '?weight=3', uri: '/orders?weight=50' });
    expect(await usesLeft()).toBe(67);
    const heavy = await ask(dialect, { query: '?weight=68' });
    expect(heavy.headers.get('X-Reason')).toBe('token_uses_exhausted');
  });

  it.each([
    '0',
    '-1',
    '1.5',
    'x',
    '',
    '1000000001',
    '1&weight=2',
    '1&consume=false',
    '1e3',
    '0x10',
    ' 1',
  ])('is 503 with the weight "%s"', async (weight) => {
    const query = `?weight=${encodeURIComponent(weight)}`;
    expectNoAnswer(dialect, await ask(dialect, { query }), 'validation_failed');
    expect(await usesLeft()).toBe(100);
  });
});

describe('/forward-auth/envoy, whose request is the call', () => {
  it('takes no weight from a query that is the end client’s', async () => {
    await ask('envoy', { uri: '/orders?weight=30' });
    expect(await usesLeft()).toBe(99);
  });

  it('judges a HEAD as HEAD', async () => {
    const call = { method: 'HEAD', uri: '/orders' };
    const { status, headers } = await ask('envoy', call);
    expect([status, headers.get('X-Reason')]).toEqual([403, 'api_unknown']);
  });

  it('knows no API at a target that is no path', async () => {
    for (const uri of ['', '?x=1']) {
      expect((await ask('envoy', { uri })).headers.get('X-Reason')).toBe('api_unknown');
    }
    // `OPTIONS *`: not a door, and not allowed.
    expect((await ask('envoy', { method: 'OPTIONS', uri: '*' })).status).toBe(404);
  });
});

describe('a dialect that reads one kind of header', () => {
  it('does not believe those of another, which an end client may have sent', async () => {
    const forged = {
      'X-Original-Method': 'GET',
      'X-Original-URI': '/orders',
      'X-Real-IP': FROM,
      'X-Forwarded-Method': 'GET',
      'X-Forwarded-Uri': '/orders',
      'X-Http-Method-Override': 'GET',
      'X-Original-Url': '/orders',
      'X-Rewrite-Url': '/orders',
      Forwarded: `for=${FROM}`,
    };
    for (const dialect of DIALECTS) {
      const { status, headers } = await ask(dialect, {
        method: 'DELETE',
        headers: Object.fromEntries(
          Object.entries(forged).filter(([name]) => !headersOf(dialect).includes(name)),
        ),
      });
      expect({ dialect, status }).toEqual({ dialect, status: 403 });
      expect(headers.get('X-Reason')).toBe('api_unknown');
    }
  });
});

function headersOf(dialect: DialectName): string[] {
  if (dialect === 'envoy') return [];
  return dialect === 'nginx' || dialect === 'haproxy'
    ? ['X-Original-Method', 'X-Original-URI', 'X-Real-IP']
    : ['X-Forwarded-Method', 'X-Forwarded-Uri', 'X-Forwarded-For'];
}

describe('a gateway that is bound to its own address', () => {
  it('is admitted there, whoever the end client is, though it is a trusted proxy as well', async () => {
    const bound = { ipBindings: [{ hostName: 'gw', address: '127.0.0.1' }] };
    const own = await app.createResourceServer(bound);
    for (const dialect of DIALECTS) {
      const { status } = await ask(dialect, { from: '203.0.113.5' }, own);
      expect({ dialect, status }).toEqual({ dialect, status: 200 });
    }
  });

  it('is refused from elsewhere', async () => {
    const bound = { ipBindings: [{ hostName: 'gw', address: '192.0.2.200' }] };
    const own = await app.createResourceServer(bound);
    for (const dialect of DIALECTS) {
      expectNoAnswer(dialect, await ask(dialect, {}, own), 'not_allowed');
    }
  });
});

describe('other paths below /forward-auth', () => {
  it.each([
    '/forward-auth',
    '/forward-auth/',
    '/forward-auth/apache',
    '/forward-auth/nginx/',
    '/forward-auth/nginx/orders',
    '/forward-auth/traefik/x',
    '/forward-auth/NGINX',
    '/forward-auth/envoyx/orders',
    '/forward-auth/__proto__',
  ])('%s is 404', async (path) => {
    expect((await sendRaw(app.url, { path })).status).toBe(404);
  });
});
