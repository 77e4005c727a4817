import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { API_ROUTES } from '../../src/api/index.ts';
import { CONSOLE_ROUTES } from '../../src/web/admin/index.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { signedIn } from '../web/console-support.ts';

/** How a request arrives. */
interface Sent {
  method?: string;
  /** Default: the OpenAPI document, which needs no credential. */
  path?: string;
  /** Address of its socket; default 127.0.0.1. */
  socket?: string;
  xff?: string;
  forwarded?: string;
  headers?: Record<string, string>;
}

interface Received {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

function open(app: TestApp, { method = 'GET', path = '/api/openapi.json', ...sent }: Sent) {
  const headers = {
    ...(sent.xff !== undefined && { 'X-Forwarded-For': sent.xff }),
    ...(sent.forwarded !== undefined && { Forwarded: sent.forwarded }),
    ...sent.headers,
  };
  return request(app.url, { method, path, headers, localAddress: sent.socket ?? '127.0.0.1' });
}

async function send(app: TestApp, sent: Sent): Promise<Received> {
  return receive(open(app, sent).end());
}

async function receive(sent: ReturnType<typeof request>): Promise<Received> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

const OFFICE = '203.0.113.7, 198.51.100.0/24, 2001:db8:a::/48, ::ffff:192.0.2.0/120';
const INSIDE = '203.0.113.7';
const OUTSIDE = '203.0.113.99';

type Row = [title: string, sent: Sent, isLetIn: boolean];
const TABLES: { list: string; proxies: string; rows: Row[] }[] = [
  {
    list: '',
    proxies: '',
    rows: [
      ['anybody', {}, true],
      ['anybody behind a proxy that nobody knows', { xff: OUTSIDE }, true],
    ],
  },
  {
    list: OFFICE,
    proxies: 'loopback',
    rows: [
      ['an address of the list', { xff: INSIDE }, true],
      ['the address beside it', { xff: '203.0.113.8' }, false],
      ['the last address of a range', { xff: '198.51.100.255' }, true],
      ['the first address past a range', { xff: '198.51.101.0' }, false],
      ['an IPv6 address of a range', { xff: '2001:db8:a::1' }, true],
      ['the same in another spelling', { xff: '2001:0DB8:000A:0:0:0:0:1' }, true],
      ['an IPv6 address past the range', { xff: '2001:db8:b::1' }, false],
      ['an address of the list, IPv4-mapped', { xff: '::ffff:203.0.113.7' }, true],
      ['the same, its IPv4 part in hex', { xff: '::ffff:cb00:7107' }, true],
      ['another, IPv4-mapped', { xff: '::ffff:203.0.113.8' }, false],
      ['an IPv4 address of a mapped range', { xff: '192.0.2.200' }, true],
      ['an address of the list, with a port', { xff: '203.0.113.7:4711' }, true],
      ['an IPv6 address in Forwarded', { forwarded: 'for="[2001:db8:a::1]:4711"' }, true],
      ['another in Forwarded', { forwarded: 'for="[2001:db8:b::1]:4711"' }, false],
      ['an address of the list past two proxies', { xff: `${INSIDE}, 127.0.0.9` }, true],
      ['an outsider who wrote an address of the list', { xff: `${INSIDE}, ${OUTSIDE}` }, false],
      [
        'an outsider who wrote it into the other header',
        { xff: OUTSIDE, forwarded: `for=${INSIDE}` },
        false,
      ],
      ['a hop that cannot be read', { xff: `${INSIDE}, unknown` }, false],
      ['the proxy itself', {}, false],
    ],
  },
  {
    list: '127.0.0.2',
    proxies: '',
    rows: [
      ['a socket of the list', { socket: '127.0.0.2' }, true],
      ['a socket beside it', { socket: '127.0.0.3' }, false],
      ['a forged X-Forwarded-For', { socket: '127.0.0.3', xff: '127.0.0.2' }, false],
      ['a forged Forwarded', { socket: '127.0.0.3', forwarded: 'for=127.0.0.2' }, false],
      ['a forged X-Real-IP', { socket: '127.0.0.3', headers: { 'X-Real-IP': '127.0.0.2' } }, false],
    ],
  },
  {
    list: 'loopback',
    proxies: '',
    rows: [
      ['this machine', {}, true],
      ['whoever comes through a proxy on it that is not trusted', { xff: OUTSIDE }, false],
      ['the same when it claims to be this machine', { xff: '127.0.0.1' }, false],
    ],
  },
  {
    list: 'loopback, private',
    proxies: 'loopback',
    rows: [
      ['this machine', {}, true],
      ['this machine through its proxy', { xff: '127.0.0.1' }, true],
      ['a private address through the proxy', { xff: '192.168.1.20' }, true],
      ['an outsider through the proxy', { xff: OUTSIDE }, false],
      [
        'an outsider who hides behind the proxy by a second header',
        { xff: OUTSIDE, forwarded: 'for=127.0.0.1' },
        false,
      ],
      ['an outsider whom the proxy hides', { forwarded: 'for=_hidden' }, false],
    ],
  },
];

describe.each(TABLES)('ADMIN_ADDRESSES=$list TRUSTED_PROXIES=$proxies', (table) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({
      env: { ADMIN_ADDRESSES: table.list, TRUSTED_PROXIES: table.proxies },
    });
  });
  afterAll(() => app.close());

  it.each(table.rows)('%s: %j is let in: %j', async (_, sent, isLetIn) => {
    const [api, console] = [
      await send(app, sent),
      await send(app, { ...sent, path: '/admin/sign-in' }),
    ];
    expect([api.status, console.status]).toEqual(isLetIn ? [200, 200] : [403, 403]);
  });
});

describe('with ADMIN_ADDRESSES set', () => {
  const TOKEN = 'Zr4uVnq8Lw2sXc6bKj0pTe5yHd9gMf1a';
  let app: TestApp;
  beforeAll(async () => {
    const env = { ADMIN_ADDRESSES: INSIDE, TRUSTED_PROXIES: 'loopback', ADMIN_API_TOKEN: TOKEN };
    app = await startApp({ env });
  });
  afterAll(() => app.close());

  const outside = (path: string, sent: Sent = {}) => send(app, { xff: OUTSIDE, path, ...sent });
  const inside = (path: string, sent: Sent = {}) => send(app, { xff: INSIDE, path, ...sent });

  it.each([
    ...[
      '/admin',
      '/admin/',
      '/admin?x=1',
      '/admin/sign-in',
      '/admin/set-up?token=x',
      '/admin/nothing',
    ],
    ...['/ADMIN', '/Admin/sign-in', '/API/v1/clients', '/Api/openapi.json'],
    ...['/api', '/api/', '/api/v1/clients', '/api/openapi.json', '/api/nothing'],
    ...['http://elsewhere.test/admin', 'http://elsewhere.test/api/v1/clients'],
  ])('%s is closed to an outsider, whatever the method', async (path) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
      expect([method, (await outside(path, { method })).status]).toEqual([method, 403]);
    }
    expect((await inside(path)).status).not.toBe(403);
  });

  it('every route of the console and of the REST API is closed to an outsider', async () => {
    const routes = [
      ...CONSOLE_ROUTES.map(({ method, path }) => ({ method, path })),
      ...API_ROUTES.map(({ method, path }) => ({ method, path: `/api${path}` })),
    ];
    expect(routes.length).toBeGreaterThan(100);
    const opened: string[] = [];
    for (const { method, path } of routes) {
      const { status } = await outside(path.replaceAll(/:\w+/g, 'x'), { method });
      if (status !== 403) opened.push(`${method} ${path}: ${status}`);
    }
    expect(opened).toEqual([]);
  });

  it.each([
    ['GET', '/healthz', 200],
    ['GET', '/readyz', 200],
    ['GET', '/metrics', 401],
    ['GET', '/docs/errors', 200],
    ['GET', '/reset-password?token=x', 410],
    ['GET', '/.well-known/oauth-authorization-server', 200],
    ['GET', '/oauth2/jwks', 200],
    ['POST', '/oauth2/token', 400],
    ['POST', '/decide', 401],
    ['GET', '/forward-auth/traefik', 503],
    ['GET', '/administrator', 404],
    ['GET', '/apis', 404],
    ['GET', '/%61dmin', 404],
    ['GET', '//admin', 404],
  ])('%s %s answers an outsider as ever', async (method, path, status) => {
    expect((await outside(path, { method })).status).toBe(status);
    expect((await inside(path, { method })).status).toBe(status);
  });

  it('refuses at the REST API with a problem document that tells nothing of the list', async () => {
    const { headers, text } = await outside('/api/v1/clients');
    expect(headers['content-type']).toBe('application/problem+json');
    expect(headers['cache-control']).toBe('no-store');
    expect(JSON.parse(text)).toMatchObject({
      ...{ status: 403, code: 'address_not_allowed', errors: [] },
      detail: expect.stringContaining('X-Request-Id'),
    });
    expect(text).not.toMatch(/ADMIN_ADDRESSES|\d+\.\d+\.\d+/);
    expect((await outside('/docs/errors')).text).toContain('address_not_allowed');
  });

  it('refuses at the console with a plain page that names the request and nothing of the list', async () => {
    const { headers, text } = await outside('/admin/clients');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['set-cookie']).toBeUndefined();
    expect(text).toContain('<body class="bare">');
    expect(text).toContain('This address is not allowed');
    expect(text).toContain(String(headers['x-request-id']));
    expect(text).not.toMatch(/ADMIN_ADDRESSES|\d+\.\d+\.\d+|<form|<nav|<script/);
    const stylesheet = /href="(\/static\/[^"]+)"/.exec(text)?.[1] ?? '';
    expect((await outside(stylesheet)).status).toBe(200);
  });

  it('has no use for the token of an owner, nor for the session of one, from outside', async () => {
    const headers = { Authorization: `Bearer ${TOKEN}` };
    expect((await outside('/api/v1/clients', { headers })).status).toBe(403);
    expect((await inside('/api/v1/clients', { headers })).status).toBe(200);
    const { jar } = await signedIn(app);
    const Cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    expect((await outside('/admin', { headers: { Cookie } })).status).toBe(403);
    expect((await inside('/admin', { headers: { Cookie } })).status).toBe(200);
  });

  it.each(['/admin/sign-in', '/api/v1/clients'])(
    'answers POST %s without waiting for its body',
    async (path) => {
      const sent = open(app, { method: 'POST', path, xff: OUTSIDE });
      sent.write('userName=');
      expect((await receive(sent)).status).toBe(403);
      sent.destroy();
    },
  );

  it('says in the log who was refused and how to let them in, of each kind once a second', async () => {
    const warnings = () =>
      app.log
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ level, route }) => level === 40 && route !== undefined)
        .map(({ address, route, untold, msg }) => ({ address, route, untold, msg }));
    app.clock.advance(60);
    for (const xff of ['203.0.113.50', '203.0.113.51', '203.0.113.52']) {
      await outside('/admin/clients/secret-path', { xff });
      await outside('/api/v1/clients/secret-path', { xff });
    }
    app.clock.advance(0.999);
    await outside('/admin', { xff: '203.0.113.53' });
    app.clock.advance(0.001);
    await outside('/admin', { xff: '203.0.113.54' });

    const msg = expect.stringMatching(/ADMIN_ADDRESSES: add it/);
    expect(warnings().slice(-3)).toEqual([
      { address: '203.0.113.50', route: '/admin{/*rest}', untold: expect.any(Number), msg },
      { address: '203.0.113.50', route: '/api{/*rest}', untold: expect.any(Number), msg },
      { address: '203.0.113.54', route: '/admin{/*rest}', untold: 3, msg },
    ]);
    expect(app.log.join('')).not.toContain('secret-path');
    const requests = app.log.filter((line) => line.includes('"203.0.113.52"'));
    expect(requests.map((line) => JSON.parse(line).status)).toEqual([403, 403]);
  });
});

describe('the log of a caller whom a forwarding header hides', () => {
  it('says to name the proxy, where the address that can be read would be let in', async () => {
    const app = await startApp({ env: { ADMIN_ADDRESSES: 'loopback' } });
    await send(app, { xff: OUTSIDE });
    await app.close();
    const lines = app.log.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter(({ level }) => level === 40)).toEqual([
      expect.objectContaining({
        address: '127.0.0.1',
        msg: expect.stringContaining('name the proxy in TRUSTED_PROXIES'),
      }),
    ]);
  });
});
