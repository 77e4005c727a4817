/** The middleware in front of real apps, asking a real Tollgate. */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createApiKey } from '../../src/domain/api-keys/manage-api-keys.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import type { Decision } from '../../src/middleware/index.js';
import { type ClientFields, fresh, START, startApp, TESTER, type TestApp } from '../support/app.ts';
import { type Answer, answerOf, type Credentials } from '../support/server.ts';
import {
  type AppSettings,
  FRAMEWORKS,
  type Guarded,
  type Options,
  type Relay,
  startGuarded,
  startRelay,
} from './support.ts';

let tollgate: TestApp;
let relay: Relay;
let resourceServer: Credentials;
const open: Guarded[] = [];

beforeAll(async () => {
  tollgate = await startApp();
  relay = await startRelay(tollgate.url);
  resourceServer = await tollgate.createResourceServer();
  await tollgate.createGroup('orders.read', {}, ['GET /orders/:id']);
  await tollgate.createGroup('orders.write', {}, ['POST /orders/:id']);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

afterAll(async () => {
  await relay?.close();
  await tollgate?.close();
});

/** A client that may read orders, without TPS. */
function client(fields: ClientFields = {}): Promise<Credentials> {
  return tollgate.createClient({ apiGroups: ['orders.read'], tps: 0, ...fields });
}

async function bearerOf(fields: ClientFields = {}): Promise<Record<string, string>> {
  const { accessToken } = await tollgate.grant(await client(fields));
  return { Authorization: `Bearer ${accessToken}` };
}

const quotaOf = (calls: number): ClientFields => ({ apiQuota: { calls, period: 'day' } });

describe.each(FRAMEWORKS)('a real Tollgate and %s', (framework) => {
  async function guard(options: Partial<Options> = {}, settings?: AppSettings): Promise<Guarded> {
    const { clientId, secret } = resourceServer;
    const own = { url: relay.url, clientId, clientSecret: secret, ...options };
    const guarded = await startGuarded(framework, own, settings);
    open.push(guarded);
    return guarded;
  }

  describe('an allowed call', () => {
    it('passes with the decision at hand', async () => {
      const credentials = await client({ ...quotaOf(500), priority: 3 });
      const { accessToken } = await tollgate.grant(credentials);
      const app = await guard();
      const answer = await app.call('/orders/1?full=yes', {
        headers: { Authorization: `bearer ${accessToken}` },
      });
      expect(answer.status).toBe(200);
      expect(answer.body['decision']).toMatchObject({
        failedOpen: false,
        allowed: true,
        status: 200,
        reason: null,
        decisionId: answer.headers.get('X-Decision-Id'),
        clientId: credentials.clientId,
        userId: null,
        scopes: ['orders.read'],
        priority: 3,
        usesLeft: null,
        quotaLeft: 499,
      });
    });

    it('is answered with what is left of the limits', async () => {
      const app = await guard();
      const { headers } = await app.call('/orders/1', { headers: await bearerOf(quotaOf(500)) });
      expect(headers.get('RateLimit-Policy')).toBe('"quota";q=500;w=86400');
      expect(headers.get('RateLimit')).toMatch(/^"quota";r=499;t=\d+$/);
      expect(headers.get('X-Decision-Id')).toMatch(/^\S+$/);
    });

    it('may show an API key instead of a token', async () => {
      const { clientId } = await client();
      const { value } = await createApiKey(tollgate.services, TESTER, clientId, {
        alias: fresh('key'),
        expiresAt: plusSeconds(START, 3600),
        apiGroups: ['orders.read'],
      });
      const app = await guard();
      const answer = await app.call('/orders/1', { headers: { 'x-API-key': value ?? '' } });
      expect(answer.body['decision']).toMatchObject({ allowed: true, clientId });
    });

    it('costs as many units as weight says', async () => {
      const headers = await bearerOf(quotaOf(500));
      const weighing = await guard({
        weight: (subject) => Number(subject.headers['x-items'] ?? 1),
      });
      await weighing.call('/orders/1', { headers: { ...headers, 'X-Items': '40' } });
      const flat = await guard({ weight: 9 });
      const answer = await flat.call('/orders/1', { headers });
      expect(answer.body['decision']).toMatchObject({ quotaLeft: 451 });
    });

    it('is charged once under an idempotency key of the app, and each time without', async () => {
      const headers = await bearerOf(quotaOf(500));
      const key = randomUUID();
      const keyed = await guard({ idempotencyKey: async () => key });
      for (const _ of [1, 2, 3]) {
        const answer = await keyed.call('/orders/1', { headers });
        expect(answer.body['decision']).toMatchObject({ quotaLeft: 499 });
      }
      const plain = await guard({ idempotencyKey: () => undefined });
      await plain.call('/orders/1', { headers });
      const last = await plain.call('/orders/1', { headers });
      expect(last.body['decision']).toMatchObject({ quotaLeft: 497 });
    });
  });

  describe('a refused call', () => {
    function expectRefusal(answer: Answer, status: number, reason: string): void {
      expect(answer.status).toBe(status);
      expect(answer.headers.get('Content-Type')).toBe('application/json; charset=utf-8');
      expect(answer.body).toEqual({
        reason,
        status,
        decisionId: expect.stringMatching(/^\S+$/),
        message: expect.stringMatching(/^[a-z ]{10,}$/i),
      });
      expect(answer.headers.get('X-Decision-Id')).toBe(answer.body['decisionId']);
    }

    it('without a credential gets 401 and a challenge that names no error (RFC 6750 §3)', async () => {
      const app = await guard();
      const answer = await app.call();
      expectRefusal(answer, 401, 'credential_missing');
      expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="tollgate"');
      expect(app.handled()).toBe(0);
    });

    it('with an unknown token gets 401 and invalid_token', async () => {
      const app = await guard();
      const answer = await app.call('/orders/1', { headers: { Authorization: 'Bearer nonsense' } });
      expectRefusal(answer, 401, 'credential_invalid');
      expect(answer.headers.get('WWW-Authenticate')).toBe(
        'Bearer realm="tollgate", error="invalid_token"',
      );
    });

    it('with Basic credentials of the app itself is one without a credential', async () => {
      const app = await guard();
      const answer = await app.call('/orders/1', { headers: { Authorization: 'Basic YTpi' } });
      expectRefusal(answer, 401, 'credential_missing');
    });

    it('to an API that is not granted gets 403 and no challenge', async () => {
      const app = await guard();
      const headers = await bearerOf();
      const answer = await app.call('/orders/1', { method: 'POST', headers });
      expectRefusal(answer, 403, 'group_not_granted');
      expect(answer.headers.get('WWW-Authenticate')).toBeNull();
      expectRefusal(await app.call('/nothing/here', { headers }), 403, 'api_unknown');
      expect(app.handled()).toBe(0);
    });

    it('beyond the quota gets 429, Retry-After and what is left', async () => {
      const app = await guard();
      const headers = await bearerOf(quotaOf(1));
      expect((await app.call('/orders/1', { headers })).status).toBe(200);
      const answer = await app.call('/orders/1', { headers });
      expectRefusal(answer, 429, 'quota_exhausted');
      expect(answer.headers.get('Retry-After')).toMatch(/^[1-9]\d*$/);
      expect(answer.headers.get('RateLimit')).toMatch(/^"quota";r=0;t=\d+$/);
    });

    it('of HEAD gets the status and no body', async () => {
      const app = await guard();
      const answer = await fetch(`${app.url}/orders/1`, { method: 'HEAD' });
      expect([answer.status, await answer.text()]).toEqual([401, '']);
      expect(answer.headers.get('X-Decision-Id')).toMatch(/^\S+$/);
    });

    it('is heard of by onDecision, like an allowed one', async () => {
      const heard: [Decision, unknown][] = [];
      const app = await guard({
        onDecision: (decision, { headers }) => void heard.push([decision, headers['x-trace']]),
      });
      await app.call('/orders/1', { headers: { 'X-Trace': 'a' } });
      await app.call('/orders/1', { headers: { ...(await bearerOf()), 'X-Trace': 'b' } });
      expect(heard.map(([{ allowed, reason }, trace]) => [allowed, reason, trace])).toEqual([
        [false, 'credential_missing', 'a'],
        [true, null, 'b'],
      ]);
    });

    it('with a token longer than Tollgate takes gets 400, also when failOpen is set', async () => {
      const app = await guard({ failOpen: true });
      const headers = { Authorization: `Bearer ${'x'.repeat(1001)}` };
      const answer = await app.call('/orders/1', { headers });
      expect(answer.status).toBe(400);
      expect(answer.body).toEqual({
        reason: 'validation_failed',
        status: 400,
        decisionId: null,
        message: 'the call cannot be read: token',
      });
      expect(app.handled()).toBe(0);
    });
  });

  describe('the address', () => {
    const bound: ClientFields = { ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }] };
    // A token of a bound client is asked for at its own address.
    async function boundBearer() {
      const credentials = await client();
      const { accessToken } = await tollgate.grant(credentials);
      await tollgate.updateClient(credentials.clientId, bound);
      return { Authorization: `Bearer ${accessToken}` };
    }

    it('is the socket’s, whatever X-Forwarded-For claims', async () => {
      const app = await guard();
      const headers = { ...(await boundBearer()), 'X-Forwarded-For': '192.0.2.7' };
      expect((await app.call('/orders/1', { headers })).body['reason']).toBe('ip_not_allowed');
    });

    it('is the forwarded one where the app itself trusts its proxy', async () => {
      const app = await guard({}, { trustProxy: true });
      const headers = { ...(await boundBearer()), 'X-Forwarded-For': '192.0.2.7' };
      expect((await app.call('/orders/1', { headers })).status).toBe(200);
    });

    it('is what clientIp answers', async () => {
      const app = await guard({ clientIp: ({ headers }) => String(headers['x-real-ip']) });
      const headers = await boundBearer();
      const from = (address: string) =>
        app.call('/orders/1', { headers: { ...headers, 'X-Real-IP': address } });
      expect((await from('192.0.2.7')).status).toBe(200);
      expect((await from('::ffff:192.0.2.7')).status).toBe(200);
      expect((await from('198.51.100.7')).body['reason']).toBe('ip_not_allowed');
      expect((await from('fe80::1%eth0')).body['reason']).toBe('ip_not_allowed');
    });
  });

  describe('the request target', () => {
    /** Sends a target byte for byte, as no client library would. */
    async function send(app: Guarded, target: string): Promise<Answer> {
      const { Authorization = '' } = await bearerOf();
      const lines = [`GET ${target} HTTP/1.1`, 'Host: shop.test', 'Connection: close'];
      const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
      socket.write(
        `${[...lines, `Authorization: ${Authorization}`].join('\r\n')}\r\n\r\n`,
        'latin1',
      );
      const text = Buffer.concat(await socket.toArray()).toString();
      const status = Number(text.split(' ', 2)[1]);
      const body = text.slice(text.indexOf('\r\n\r\n') + 4);
      return answerOf(
        new Response(body, { status, headers: { 'Content-Type': 'application/json' } }),
      );
    }

    it.each(['/orders/1?a=/../x', '/orders/1#/admin', 'http://shop.test/orders/1', '/orders/%31'])(
      'is read as the framework reads it: %s',
      async (path) => {
        expect((await send(await guard(), path)).status).toBe(200);
      },
    );

    it.each(['/x/../orders/1', '//orders/1', '/orders\\1', '/orders/1%2f..'])(
      'never passes where it can be read in two ways: %s',
      async (path) => {
        const app = await guard({ failOpen: true });
        expect((await send(app, path)).body['reason']).toBe('api_unknown');
        expect(app.handled()).toBe(0);
      },
    );

    it.each(['http://shop;x/orders/1', 'ftp://shop.test/orders/1'])(
      'is refused unasked where it is no path: %s',
      async (path) => {
        const app = await guard({ failOpen: true });
        expect(await send(app, path)).toMatchObject({
          status: 400,
          body: { reason: 'validation_failed', decisionId: null },
        });
        expect(app.handled()).toBe(0);
      },
    );
  });

  describe('connections', () => {
    it('are kept: 50 calls in a row share one', async () => {
      const app = await guard();
      const headers = await bearerOf(quotaOf(500));
      const before = relay.connections();
      for (let call = 0; call < 50; call += 1) {
        expect((await app.call('/orders/1', { headers })).status).toBe(200);
      }
      expect(relay.connections() - before).toBe(1);
    });

    it.each(['fin', 'rst'] as const)(
      'that end (%s) before an answer are replaced, and the call is charged once',
      async (cut) => {
        const credentials = await client(quotaOf(500));
        const { accessToken } = await tollgate.grant(credentials);
        const headers = { Authorization: `Bearer ${accessToken}` };
        const app = await guard();
        await app.call('/orders/1', { headers });
        const before = relay.connections();
        relay.cutNext(cut);
        const answer = await app.call('/orders/1', { headers });
        expect(answer.status).toBe(200);
        expect(relay.connections() - before).toBe(1);
        expect(app.errors).toEqual([]);
        // Tollgate had answered the first attempt too: both are one call.
        const { charges } = tollgate.services.stores;
        expect(await charges.quotaUsed(credentials.clientId, 'day:2035-01-01')).toBe(2);
      },
    );

    it('that end before an answer are not replaced for ever', async () => {
      const app = await guard();
      relay.cutNext('rst');
      // The first connection of all: nothing was kept that could be stale.
      const answer = await app.call('/orders/1', { headers: await bearerOf() });
      expect(answer.status).toBe(503);
      expect(app.errors.map(({ code }) => code)).toEqual(['unreachable']);
    });

    it('serve 200 calls at once, of which exactly the quota passes', async () => {
      const app = await guard({ timeoutMs: 30_000 });
      const headers = await bearerOf(quotaOf(150));
      const call = async () => (await app.call('/orders/1', { headers })).status;
      const statuses = await Promise.all(Array.from({ length: 200 }, call));
      expect(statuses.filter((status) => status === 200)).toHaveLength(150);
      expect(statuses.filter((status) => status === 429)).toHaveLength(50);
      expect(app.handled()).toBe(150);
    });
  });

  describe('its own credentials', () => {
    const OWN = /set clientId and clientSecret to those of an enabled resource server/;

    async function expectClosed(app: Guarded): Promise<void> {
      const answer = await app.call('/orders/1', { headers: await bearerOf() });
      expect(answer.status).toBe(503);
      expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/);
      expect(answer.body).toEqual({
        reason: 'tollgate_unavailable',
        status: 503,
        decisionId: null,
        message: 'the call could not be checked; retry later',
      });
      expect(app.errors).toMatchObject([
        { code: 'own_credentials', message: expect.stringMatching(OWN) },
      ]);
      expect(app.handled()).toBe(0);
    }

    it.each([true, false])('that are wrong let nothing pass, failOpen %s', async (failOpen) => {
      // Its own resource server: a wrong secret counts against the one of the other tests.
      const { clientId } = await tollgate.createResourceServer();
      await expectClosed(await guard({ clientId, clientSecret: 'wrong-secret-1', failOpen }));
    });

    it('of a partner let nothing pass, though failOpen is set', async () => {
      const { clientId, secret } = await client();
      await expectClosed(await guard({ clientId, clientSecret: secret, failOpen: true }));
    });

    it('of a disabled resource server let nothing pass, though failOpen is set', async () => {
      const { clientId, secret } = await tollgate.createResourceServer({ status: 'disabled' });
      await expectClosed(await guard({ clientId, clientSecret: secret, failOpen: true }));
    });

    it('may hold any character (RFC 6749 §2.3.1)', async () => {
      const password = 'p+%20:ä€ &=%zz"\\';
      const { clientId } = await tollgate.createResourceServer({ password });
      const app = await guard({ clientId, clientSecret: password });
      expect((await app.call('/orders/1', { headers: await bearerOf() })).status).toBe(200);
    });
  });
});
