/**
 * The two ways to `POST /decide`, through Koa and past it: whatever is sent, both answer the same bytes,
 * but for ids and the date, and both log and count the same. Requests are written to the socket by hand,
 * as no HTTP client would send some of them.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Koa from 'koa';
import pino from 'pino';
import { composeApp, type OpenServices, openServices } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/load.ts';
import { firstRun } from '../../src/domain/first-run.ts';
import { type ClientFields, type Records, recordsOf, START } from '../support/app.ts';
import { basic, type Credentials } from '../support/server.ts';
import { FROM } from './support.ts';

/** Who asks and who is asked about, of one of the two ways: both have the same, so that both spend the same. */
interface World {
  port: number;
  gateway: Credentials;
  /** A resource server that is bound to `FROM`. */
  bound: Credentials;
  partner: Credentials;
  unlimited: string;
  limited: string;
  quota: string;
  spent: string;
  apiKey: string;
}

let opened: OpenServices;
let app: Koa;
const servers: Server[] = [];
const lines: Record<string, unknown>[] = [];
let lean: World;
let koa: World;

beforeAll(async () => {
  const config = loadConfig({
    ...{ NODE_ENV: 'test', PORT: '0', DATABASE_URL: 'sqlite::memory:', BCRYPT_COST: '4' },
    ...{ TRUSTED_PROXIES: 'loopback', ISSUER: 'http://tollgate.test' },
    // Else they would be made and kept in a folder.
    SECRET_KEYS: randomBytes(32).toString('base64url'),
  });
  const log = pino(
    { level: 'debug' },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  const clock = { now: () => START };
  opened = await openServices({ config, log, clock });
  await firstRun(opened.services, { demo: false });
  app = await composeApp(opened.services, { config, log, isDraining: () => false });
  const records = recordsOf(opened.services);
  await records.createGroup('orders.read', {}, ['GET /orders']);
  // The application gives node:http its own callback; Koa's knows nothing of the lean door.
  lean = await world(records, 'lean', await listen(app.callback()));
  koa = await world(records, 'koas', await listen(Koa.prototype.callback.call(app)));
});
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await opened.close();
});

async function listen(listener: ReturnType<Koa['callback']>): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function world(records: Records, way: 'lean' | 'koas', port: number): Promise<World> {
  const named = (name: string) => ({ clientId: `${way}-${name}` });
  const uses = (maxUses: number) => ({ accessToken: { lifetimeSeconds: 3600, maxUses } });
  const holder = (name: string, fields: ClientFields = {}) =>
    records.createClient({ ...named(name), apiGroups: ['orders.read'], ...fields });
  const tokenOf = async (name: string, fields: ClientFields = {}): Promise<string> => {
    const { clientId, secret } = await holder(name, fields);
    const response = await fetch(`http://127.0.0.1:${port}/oauth2/token`, {
      method: 'POST',
      headers: { Authorization: basic(clientId, secret) },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    return ((await response.json()) as { access_token: string }).access_token;
  };
  const bindings = [{ hostName: 'a', address: FROM }];
  return {
    port,
    gateway: await records.createResourceServer(named('gateway')),
    bound: await records.createResourceServer({ ...named('bound'), ipBindings: bindings }),
    partner: await records.createClient(named('partner')),
    unlimited: await tokenOf('unlimited'),
    limited: await tokenOf('limited', {
      ...{ tps: 3, apiQuota: { calls: 5, period: 'day' as const } },
      ...uses(4),
    }),
    quota: await tokenOf('quota', { apiQuota: { calls: 2, period: 'total' } }),
    spent: await tokenOf('spent', uses(1)),
    apiKey: (await records.createKey((await holder('keys')).clientId, {})).value,
  };
}

/** A request as bytes. */
interface Sent {
  /** Default `POST /decide HTTP/1.1`. */
  line?: string;
  /** Added to Host, Authorization, Content-Type, Content-Length and Connection: close; null leaves one out. */
  headers?: Record<string, string | null>;
  as?: Credentials;
  body?: string;
}

function bytesOf({ gateway }: World, sent: Sent): string {
  const { line = 'POST /decide HTTP/1.1', headers = {}, as = gateway, body = '' } = sent;
  const all: Record<string, string | null> = {
    Host: 'tollgate.test',
    Authorization: basic(as.clientId, as.secret),
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
    ...headers,
  };
  const fields = Object.entries(all).filter(([, value]) => value !== null);
  return [line, ...fields.map(([name, value]) => `${name}: ${value}`), '', body].join('\r\n');
}

/** Everything that comes back until the server closes; parts are sent in packets of their own. */
async function exchange(port: number, parts: string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  const closed = once(socket, 'close');
  for (const part of parts) {
    await new Promise((resolve) => socket.write(part, resolve));
    await new Promise(setImmediate);
  }
  await closed;
  return text;
}

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Names, ids and the date are all that differs. */
function plain(text: string): string {
  return text
    .replace(UUID, '<id>')
    .replace(/\b(lean|koas)-/g, '')
    .replace(/^Date: .*$/gm, 'Date: <date>');
}

/** What the log says of the requests, in any order: two at once end as they please. */
function logged(): string[] {
  return lines
    .splice(0)
    .map(({ time: _, pid: __, hostname: ___, ms: ____, ...rest }) => plain(JSON.stringify(rest)))
    .sort();
}

async function countsOf(port: number): Promise<string[]> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return (await response.text())
    .split('\n')
    .filter((row) => /_duration_seconds_count\{route="\/decide"|_refusals_total\{/.test(row));
}

/** What a way answers, logs and counts. */
async function askOf(world: World, make: (world: World) => string[]) {
  lines.length = 0;
  const before = await countsOf(world.port);
  lines.length = 0;
  const answer = plain(await exchange(world.port, make(world)));
  const log = logged();
  const counted = new Map(before.map((row) => row.split(/ (?=\d+$)/) as [string, string]));
  const counts = (await countsOf(world.port)).flatMap((row) => {
    const [series = '', value] = row.split(/ (?=\d+$)/);
    const added = Number(value) - Number(counted.get(series) ?? 0);
    return added > 0 ? [`${series} +${added}`] : [];
  });
  return { answer, log, counts };
}

const call = { clientIp: FROM, method: 'GET', path: '/orders' };
const asking = (question: object) => JSON.stringify({ ...call, ...question });
const one =
  (make: (world: World) => Sent) =>
  (world: World): string[] => [bytesOf(world, make(world))];
const chunked = (body: string) =>
  [...(body.match(/.{1,20}/gs) ?? []), ''].map(
    (part) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`,
  );
const CHUNKED = { 'Transfer-Encoding': 'chunked', 'Content-Length': null };

/** Name, request, and the status that both must answer first. */
const CASES: [name: string, status: number, make: (world: World) => string[]][] = [
  ['an unlimited token', 200, one((w) => ({ body: asking({ token: w.unlimited }) }))],
  ['an API key', 200, one((w) => ({ body: asking({ apiKey: w.apiKey }) }))],
  ...[1, 2, 3, 4].map((n): (typeof CASES)[number] => [
    `every limit, call ${n}`,
    200,
    one((w) => ({ body: asking({ token: w.limited }) })),
  ]),
  ...[1, 2, 3].map((n): (typeof CASES)[number] => [
    `a quota in total, call ${n}`,
    200,
    one((w) => ({ body: asking({ token: w.quota }) })),
  ]),
  ...[1, 2].map((n): (typeof CASES)[number] => [
    `a token of one use, call ${n}`,
    200,
    one((w) => ({ body: asking({ token: w.spent }) })),
  ]),
  ['a peek', 200, one((w) => ({ body: asking({ token: w.limited, consume: false }) }))],
  [
    'an idempotency key',
    200,
    one((w) => ({ body: asking({ token: w.unlimited, idempotencyKey: 'k' }) })),
  ],
  ['its retry', 200, one((w) => ({ body: asking({ token: w.unlimited, idempotencyKey: 'k' }) }))],
  ['no credential', 200, one(() => ({ body: asking({}) }))],
  ['an unknown token', 200, one(() => ({ body: asking({ token: 'tga_strange' }) }))],
  ['an unknown API', 200, one((w) => ({ body: asking({ token: w.unlimited, path: '/ö' }) }))],
  [
    'an id of the caller',
    200,
    one((w) => ({
      headers: { 'X-Request-Id': 'gateway-7f3a.01' },
      body: asking({ token: w.unlimited }),
    })),
  ],
  [
    'a forwarded address',
    200,
    one((w) => ({
      ...{ as: w.bound, headers: { 'X-Forwarded-For': FROM } },
      body: asking({ token: w.unlimited }),
    })),
  ],
  [
    'a list',
    200,
    one((w) => ({
      body: JSON.stringify([{ ...call, token: w.unlimited }, { ...call, apiKey: w.apiKey }, call]),
    })),
  ],
  ['an empty list', 400, one(() => ({ body: '[]' }))],
  [
    'a list with a bad question',
    400,
    one((w) => ({ body: JSON.stringify([call, { a: w.port > 0 }]) })),
  ],
  [
    'two credentials',
    400,
    one((w) => ({ body: asking({ token: w.unlimited, apiKey: w.apiKey }) })),
  ],
  ['a bad address', 400, one(() => ({ body: asking({ clientIp: 'örtlich' }) }))],
  ['no body', 400, one(() => ({ headers: { 'Content-Type': null } }))],
  ['malformed JSON', 400, one(() => ({ body: '{"token":' }))],
  ['a member named twice', 400, one(() => ({ body: '{"token":"a","token":"b"}' }))],
  [
    'another media type',
    415,
    one(() => ({ headers: { 'Content-Type': 'text/plain' }, body: '{}' })),
  ],
  ['an encoded body', 415, one(() => ({ headers: { 'Content-Encoding': 'gzip' }, body: '{}' }))],
  [
    'a body that is announced too large',
    413,
    one(() => ({
      headers: { 'Content-Length': '300000' },
      body: ' '.repeat(70_000),
    })),
  ],
  ['a body that is too large', 413, one(() => ({ body: JSON.stringify('x'.repeat(300_000)) }))],
  ['no Authorization', 401, one(() => ({ headers: { Authorization: null }, body: '{}' }))],
  [
    'a Bearer header',
    401,
    one((w) => ({ headers: { Authorization: `Bearer ${w.unlimited}` }, body: '{}' })),
  ],
  ['a wrong secret', 401, one((w) => ({ as: { ...w.gateway, secret: 'wrong' }, body: '{}' }))],
  ['an unknown caller', 401, one(() => ({ as: { clientId: 'nobody', secret: 'x' }, body: '{}' }))],
  ['a partner', 403, one((w) => ({ as: w.partner, body: asking({ token: w.unlimited }) }))],
  ['a caller at another address', 403, one((w) => ({ as: w.bound, body: '{}' }))],
  ...['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].map((method): (typeof CASES)[number] => [
    method,
    405,
    one(() => ({ line: `${method} /decide HTTP/1.1` })),
  ]),
  [
    'a query',
    200,
    one((w) => ({
      ...{ line: 'POST /decide?a=b HTTP/1.1', body: asking({ token: w.unlimited }) },
    })),
  ],
  [
    'a whole URL',
    200,
    one((w) => ({
      ...{ line: 'POST http://else.test/decide HTTP/1.1', body: asking({ token: w.unlimited }) },
    })),
  ],
  ['a slash at the end', 404, one(() => ({ line: 'POST /decide/ HTTP/1.1' }))],
  ['upper case', 404, one(() => ({ line: 'POST /Decide HTTP/1.1' }))],
  [
    'HTTP/1.0',
    200,
    one((w) => ({
      ...{ line: 'POST /decide HTTP/1.0', headers: { Host: null, Connection: null } },
      body: asking({ token: w.unlimited }),
    })),
  ],
  [
    'Expect: 100-continue',
    100,
    one((w) => ({
      headers: { Expect: '100-continue' },
      body: asking({ token: w.unlimited }),
    })),
  ],
  ['another expectation', 417, one(() => ({ headers: { Expect: 'wonders' }, body: '{}' }))],
  [
    'chunks',
    200,
    (w) => [bytesOf(w, { headers: CHUNKED }) + chunked(asking({ token: w.unlimited })).join('')],
  ],
  [
    'chunks that come one by one',
    200,
    (w) => [bytesOf(w, { headers: CHUNKED }), ...chunked(asking({ token: w.unlimited }))],
  ],
  [
    'two that are pipelined',
    200,
    (w) => [
      bytesOf(w, { headers: { Connection: 'keep-alive' }, body: asking({ token: w.unlimited }) }) +
        bytesOf(w, { body: asking({ token: 'tga_strange' }) }),
    ],
  ],
  [
    'one behind a body that was not read',
    401,
    (w) => [
      bytesOf(w, { headers: { Authorization: null, Connection: 'keep-alive' }, body: asking({}) }) +
        bytesOf(w, { body: asking({ token: w.unlimited }) }),
    ],
  ],
];

describe('POST /decide past Koa', () => {
  it.each(CASES)('answers %s as Koa does: %i', async (_name, status, make) => {
    const [past, through] = [await askOf(lean, make), await askOf(koa, make)];
    expect(past.answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(past).toEqual(through);
  });
});
