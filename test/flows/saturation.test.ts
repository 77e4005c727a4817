/**
 * A saturated node: one request at work, a queue of four. Charges of the gated client are held until
 * the test lets go, so that everything behind it waits in a known order.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { loadConfig } from '../../src/config/load.ts';
import { type RunningServer, serve } from '../../src/serve.ts';
import { DIALECTS, forward } from '../gateway/support.ts';
import { movableClock, type Records, recordsOf } from '../support/app.ts';
import {
  type Answer,
  answerOf,
  basic,
  type Credentials,
  type Talk,
  talkTo,
  until,
} from '../support/server.ts';

const QUEUE = 4;
const USES = 100;

interface Caller extends Credentials {
  token: string;
}

let folder: string;
let server: RunningServer;
let records: Records;
let talk: Talk;
let gateway: Credentials;
/** A client whose uses are counted, so that its calls are charged. */
let gated: Caller;
let first: Caller;
let last: Caller;
/** As `last`, with counted uses. */
let counted: Caller;
let gate: PromiseWithResolvers<void> | null = null;
const lines: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tollgate-saturation-'));
  server = await serve({
    clock: movableClock(),
    config: loadConfig({
      NODE_ENV: 'test',
      PORT: '0',
      DATA_DIR: folder,
      DATABASE_URL: `sqlite:${join(folder, 'tollgate.db')}`,
      BCRYPT_COST: '4',
    }),
    log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
    admissionLimits: { atWork: 1, queued: QUEUE, waitMs: 60_000, startsPerTurn: 1 },
  });
  talk = talkTo(`http://127.0.0.1:${server.port}`);
  records = recordsOf(server.services);
  const { charges } = server.services.meters;
  server.services.meters.charges = {
    ...charges,
    async book(bill, now) {
      await gate?.promise;
      return charges.book(bill, now);
    },
  };
  await records.createGroup('orders', {}, ['GET /orders']);
  gateway = await records.createResourceServer();
  gated = await caller({ priority: 5, accessToken: { lifetimeSeconds: 3600, maxUses: USES } });
  first = await caller({ priority: 0 });
  last = await caller({ priority: 9 });
  counted = await caller({ priority: 9, accessToken: { lifetimeSeconds: 3600, maxUses: USES } });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function caller(fields: Parameters<Records['createClient']>[0]): Promise<Caller> {
  const client = await records.createClient({ apiGroups: ['orders'], ...fields });
  return { ...client, token: (await talk.grant(client)).accessToken };
}

const question = (token: string) => ({
  ...{ token, clientIp: '192.0.2.7', method: 'GET', path: '/orders' },
});

async function decide(token: string, id = 'no-id-given', init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${talk.url}/decide`, {
    method: 'POST',
    headers: {
      Authorization: basic(gateway.clientId, gateway.secret),
      'Content-Type': 'application/json',
      'X-Request-Id': id,
    },
    body: JSON.stringify(question(token)),
    ...init,
  });
  return answerOf(response);
}

async function queued(): Promise<number> {
  const text = await (await fetch(`${talk.url}/metrics`)).text();
  return Number(/^tollgate_queued_requests (\d+)$/m.exec(text)?.[1]);
}

async function usesLeft({ token }: Caller): Promise<number> {
  const asked = { ...question(token), consume: false };
  const { body } = await decide('', '', { body: JSON.stringify(asked) });
  return Number(body['usesLeft']);
}

/** Requests that wait: each is in the queue before the next is sent. */
let waiting: Promise<Answer>[] = [];

async function add(token: string, id?: string): Promise<void> {
  const before = await queued();
  waiting.push(decide(token, id));
  await until(async () => (await queued()) === before + 1);
}

/** One request at work and held there, and `length` in the queue behind it. */
async function saturate(length = QUEUE): Promise<void> {
  gate = Promise.withResolvers();
  waiting.push(decide(gated.token, 'gated-at-work'), decide(gated.token, 'gated-waits'));
  await until(async () => (await queued()) === 1);
  for (let n = 1; n < length; n += 1) await add(last.token, `last-number-${n}`);
}

function letGo(): Promise<Answer[]> {
  gate?.resolve();
  gate = null;
  return Promise.all(waiting);
}

/** The ids of requests in the order in which they were answered. */
const answeredIds = () =>
  lines
    .map((line) => JSON.parse(line) as { msg: string; requestId: string; route: string })
    .filter(({ msg, route }) => msg === 'request' && route === '/decide')
    .map(({ requestId }) => requestId);

beforeEach(() => {
  waiting = [];
  lines.length = 0;
});
afterEach(async () => {
  await letGo();
});

describe('a saturated node', () => {
  it('serves by priority, then by age', async () => {
    await saturate(3);
    await add(first.token, 'first-of-all');
    const answers = await letGo();
    expect(answers.map(({ status, body }) => [status, body['allowed']])).toEqual(
      answers.map(() => [200, true]),
    );
    const [one, ...others] = answeredIds();
    expect(one).toMatch(/^gated-/);
    expect(others).toEqual([
      'first-of-all',
      expect.stringMatching(/^gated-/),
      'last-number-1',
      'last-number-2',
    ]);
  });

  it('refuses the youngest of the lowest priority for one of a higher', async () => {
    await saturate();
    const high = decide(first.token, 'first-of-all');
    waiting.push(high);
    const refused = await waiting[QUEUE];
    expect(refused?.status).toBe(503);
    expect(await queued()).toBe(QUEUE);
    const answers = await letGo();
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 503, 200]);
    expect((await high).body).toMatchObject({ allowed: true, priority: 0 });
    expect(answeredIds()).not.toContain('last-number-3');
  });

  it('knows a token before its first use, and follows its client to another priority', async () => {
    const client = await caller({ priority: 9 });
    await saturate();
    expect((await decide(client.token)).status).toBe(503);
    await letGo();
    await records.updateClient(client.clientId, { priority: 0 });
    await decide(client.token);
    waiting = [];
    await saturate();
    waiting.push(decide(client.token));
    expect((await waiting[QUEUE])?.status).toBe(503);
    const answers = await letGo();
    expect(answers.at(-1)?.body).toMatchObject({ allowed: true, priority: 0 });
  });

  it('charges nothing for what it refuses, and once for what it serves', async () => {
    const [before, beforeGated] = [await usesLeft(counted), await usesLeft(gated)];
    await saturate(3);
    await add(counted.token);
    const refused = await Promise.all([decide(counted.token), decide(counted.token)]);
    expect(refused.map(({ status }) => status)).toEqual([503, 503]);
    const answers = await letGo();
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(await usesLeft(counted)).toBe(before - 1);
    expect(await usesLeft(gated)).toBe(beforeGated - 2);
  });

  it('drops who went away while waiting, and charges nothing', async () => {
    const before = await usesLeft(counted);
    await saturate(2);
    const length = await queued();
    const abort = new AbortController();
    const left = decide(counted.token, 'went-away', { signal: abort.signal }).catch(String);
    await until(async () => (await queued()) === length + 1);
    abort.abort();
    expect(await left).toMatch(/abort/i);
    // Two round trips: the server has read the end of that connection by then.
    await fetch(`${talk.url}/healthz`);
    await fetch(`${talk.url}/healthz`);
    await letGo();
    expect(answeredIds()).not.toContain('went-away');
    expect(await usesLeft(counted)).toBe(before);
  });

  it('goes on answering everything else', async () => {
    await saturate();
    const paths = ['/healthz', '/readyz', '/metrics', '/docs/errors', '/oauth2/jwks'];
    const statuses = await Promise.all(
      paths.map(async (path) => (await fetch(talk.url + path)).status),
    );
    expect(statuses).toEqual(paths.map(() => 200));
    expect((await fetch(`${talk.url}/api/v1/clients`)).status).toBe(401);
    expect((await talk.revoke(last, 'unknown')).status).toBe(200);
  });

  it('counts what it refuses by priority', async () => {
    const shed = async () => {
      const text = await (await fetch(`${talk.url}/metrics`)).text();
      return Number(/^tollgate_shed_requests_total\{priority="9"\} (\d+)$/m.exec(text)?.[1]);
    };
    const before = await shed();
    await saturate();
    await decide(last.token);
    expect(await shed()).toBe(before + 1);
    await until(() => lines.some((line) => line.includes('the node is saturated')));
    const told = lines.find((line) => line.includes('the node is saturated')) ?? '{}';
    const { level, refused } = JSON.parse(told) as {
      level: number;
      refused: Record<string, number>;
    };
    expect(level).toBe(40);
    expect(refused['9']).toBeGreaterThan(0);
  });

  it('keeps a connection open for the next request after a refusal', async () => {
    await saturate();
    const socket = await open();
    for (let n = 0; n < 3; n += 1) {
      socket.write(head(counted.token) + JSON.stringify(question(counted.token)));
      expect(await reply(socket)).toMatch(/^HTTP\/1.1 503 /);
    }
    await letGo();
    socket.write(head(counted.token) + JSON.stringify(question(counted.token)));
    expect(await reply(socket)).toMatch(/^HTTP\/1.1 200 .*"allowed":true/s);
    socket.destroy();
  });

  it('waits for a body that is on its way before it judges', async () => {
    await saturate();
    const socket = await open();
    socket.write(head(first.token));
    await fetch(`${talk.url}/healthz`);
    const body = JSON.stringify(question(first.token));
    socket.write(body.slice(0, 20));
    await fetch(`${talk.url}/healthz`);
    const answer = reply(socket);
    socket.write(body.slice(20));
    // Only now is it known that it goes before the others.
    expect((await waiting[QUEUE])?.status).toBe(503);
    await letGo();
    expect(await answer).toMatch(/^HTTP\/1.1 200 .*"priority":0/s);
    socket.destroy();
  });
});

/** The head of a request for a decision, as it is sent. */
function head(token: string): string {
  const length = Buffer.byteLength(JSON.stringify(question(token)));
  return [
    'POST /decide HTTP/1.1',
    'Host: localhost',
    `Authorization: ${basic(gateway.clientId, gateway.secret)}`,
    'Content-Type: application/json',
    `Content-Length: ${length}\r\n\r\n`,
  ].join('\r\n');
}

async function open(): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

async function reply(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

describe('the refusal', () => {
  beforeEach(() => saturate());

  const retryAfter = ({ headers }: Answer) => Number(headers.get('Retry-After'));

  it('of /decide is a problem that says: not allowed', async () => {
    const answer = await decide(last.token);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('Content-Type')).toBe('application/problem+json');
    expect(answer.headers.get('Cache-Control')).toBe('no-store');
    expect([1, 2, 3, 4]).toContain(retryAfter(answer));
    expect(answer.body).toEqual({
      type: '/docs/errors#overloaded',
      title: 'The server is busy; retry later',
      status: 503,
      code: 'overloaded',
      detail: 'requests of a higher priority go first',
      errors: [],
      allowed: false,
      reason: 'overloaded',
    });
  });

  it('of a batch goes by its best member', async () => {
    const batch = (tokens: string[]) =>
      decide('', '', { body: JSON.stringify(tokens.map(question)) });
    expect((await batch([last.token, last.token])).status).toBe(503);
    waiting.push(batch([last.token, first.token]));
    expect((await waiting[QUEUE])?.status).toBe(503);
    const answers = await letGo();
    expect(answers.at(-1)?.status).toBe(200);
  });

  it.each(['{"token":', 'null', '[]', '{"token":7}', ''])(
    'of /decide comes first to a body that tells no credential: %j',
    async (body) => {
      expect((await decide('', '', { body })).status).toBe(503);
    },
  );

  it('of the token endpoint is temporarily_unavailable', async () => {
    const inForm = { client_id: last.clientId, client_secret: last.secret };
    await letGo();
    const granted = await talk.post('/oauth2/token', {
      grant_type: 'client_credentials',
      ...inForm,
    });
    expect(granted.status).toBe(200);
    waiting = [];
    await saturate();
    const refused = [
      await talk.token(last),
      await talk.post('/oauth2/token', { grant_type: 'client_credentials', ...inForm }),
    ];
    for (const answer of refused) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get('Cache-Control')).toBe('no-store');
      expect([1, 2, 3, 4]).toContain(retryAfter(answer));
      expect(answer.body).toEqual({
        error: 'temporarily_unavailable',
        error_description:
          'The server is busy; retry later: requests of a higher priority go first',
      });
    }
  });

  it('spares the first priority at the token endpoint, but nobody who merely names its client', async () => {
    const others = [
      talk.token({ ...first, secret: 'a guess' }),
      talk.token({ ...first, secret: 'another guess' }),
    ];
    // Unknown credentials take the places of the lowest, not those of priority 5.
    waiting.push(...others);
    expect((await waiting[QUEUE])?.status).toBe(503);
    expect((await waiting[QUEUE - 1])?.status).toBe(503);
    const granted = talk.token(first);
    waiting.push(granted);
    expect((await waiting[QUEUE - 2])?.status).toBe(503);
    await letGo();
    expect((await granted).status).toBe(200);
    for (const other of others) expect((await other).status).toBe(401);
  });

  it('of introspection is temporarily_unavailable, never inactive', async () => {
    const answer = await talk.introspect(gateway, last.token);
    expect(answer.status).toBe(503);
    expect(answer.body.error).toBe('temporarily_unavailable');
    expect(answer.body.active).toBeUndefined();
    expect([1, 2, 3, 4]).toContain(retryAfter(answer));
  });

  it.each(DIALECTS)('of %s tells the proxy 503', async (dialect) => {
    const answer = await forward(talk.url, dialect, gateway, { token: last.token });
    // nginx passes on no other status than 401 and 403.
    expect(answer.status).toBe(dialect === 'nginx' ? 403 : 503);
    expect(answer.headers.get('X-Decision-Status')).toBe('503');
    expect(answer.headers.get('X-Reason')).toBe('overloaded');
    expect([1, 2, 3, 4]).toContain(retryAfter(answer));
    expect(answer.body).toEqual({
      reason: 'overloaded',
      status: 503,
      decisionId: null,
      message: 'The server is busy; retry later: requests of a higher priority go first',
    });
  });

  it('is no way around: a whole URL in the request line, a query or a fragment', async () => {
    for (const target of [`http://${'x'.repeat(3)}/decide`, '/decide?a', '/decide#a']) {
      const socket = await open();
      const body = JSON.stringify(question(last.token));
      socket.write(head(last.token).replace('/decide', target) + body);
      expect(await reply(socket)).toMatch(/^HTTP\/1.1 503 /);
      socket.destroy();
    }
  });
});

describe('a refresh that waited while its twin was served', () => {
  it('has lost a race, and ends no family: it arrived before the twin was answered', async () => {
    const client = await records.createClient({
      apiGroups: ['orders'],
      grantTypes: ['client_credentials', 'password', 'refresh_token'],
    });
    const user = await records.createUser();
    const { username, password } = user;
    const { refreshToken } = await talk.grant(client, {
      grant_type: 'password',
      username,
      password,
    });
    await saturate(1);
    const twins = [talk.refresh(client, refreshToken), talk.refresh(client, refreshToken)];
    await until(async () => (await queued()) === 3);
    await letGo();
    const answers = await Promise.all(twins);
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    const next = await talk.refresh(client, won[0]?.body.refresh_token ?? '');
    expect(next.status).toBe(200);
  });
});

describe('a stop', () => {
  it('serves who waits, and ends', async () => {
    await saturate();
    const closed = server.close();
    const answers = await letGo();
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    await closed;
  });
});
