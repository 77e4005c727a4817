/** A store that does not answer: every gateway gets a 503 with Retry-After, and no call is let through. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainError } from '../../src/domain/errors.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { startApp, type TestApp } from '../support/app.ts';
import type { Answer, Credentials } from '../support/server.ts';
import { createApis, recordOf } from './refusals.ts';
import { DIALECTS, FROM, forward } from './support.ts';

const CALL = { clientIp: FROM, method: 'GET', path: '/orders' };

interface Scene {
  app: TestApp;
  gateway: Credentials;
  client: Credentials;
  userId: string;
  token: string;
  apiKey: string;
}

async function scene(): Promise<Scene> {
  const app = await startApp();
  await createApis(app);
  const gateway = await app.createResourceServer();
  const client = await app.createClient({
    ...{ apiGroups: ['orders.read'], grantTypes: ['password'], tps: 10 },
    apiQuota: { calls: 500, period: 'day' },
    accessToken: { lifetimeSeconds: 3600, maxUses: 10 },
  });
  const { user, username, password } = await app.createUser();
  const signIn = { grant_type: 'password', username, password };
  const { accessToken: token } = await app.grant(client, signIn);
  const { value: apiKey } = await app.createKey(client.clientId);
  return { app, gateway, client, userId: user.userId, token, apiKey };
}

function expectUnavailable({ status, headers, body }: Answer): void {
  expect(status).toBe(503);
  expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(body).toMatchObject({
    allowed: false,
    reason: 'store_unavailable',
    code: 'store_unavailable',
  });
}

async function expectNoneThrough({ app, gateway, token, apiKey }: Scene): Promise<void> {
  for (const dialect of DIALECTS) {
    for (const presented of [{ token }, { apiKey }, {}]) {
      const { status, headers } = await forward(app.url, dialect, gateway, presented);
      expect({ dialect, status }).toEqual({ dialect, status: dialect === 'nginx' ? 403 : 503 });
      expect(headers.get('X-Decision-Status')).toBe('503');
      expect(headers.get('X-Reason')).toBe('store_unavailable');
      expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
    }
  }
}

describe('a database that is gone', () => {
  it('is 503 at /decide, and for every proxy', async () => {
    const one = await scene();
    const { app, gateway, token, apiKey } = one;
    await app.services.stores.close();
    expectUnavailable(await app.decide(gateway, { ...CALL, token }));
    expectUnavailable(await app.decide(gateway, { ...CALL, apiKey, consume: false }));
    expectUnavailable(await app.decide(gateway, [{ ...CALL, token }, CALL]));
    expectUnavailable(await app.decide({ clientId: 'nobody', secret: 'x' }, { ...CALL, token }));
    await expectNoneThrough(one);
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
    await app.close();
  });
});

type Method = { [S in keyof Stores]: [S, keyof Stores[S]] }[keyof Stores];

describe('a database that fails in the middle of a decision', () => {
  let one: Scene;
  beforeAll(async () => {
    one = await scene();
  });
  afterAll(() => one.app.close());

  /** Runs something while a method of a store throws; answers how often it was called. */
  async function failing([storeName, method]: Method, work: () => Promise<void>): Promise<number> {
    const { stores } = one.app.services;
    const store = stores[storeName] as unknown as Record<string, () => Promise<never>>;
    const original = store[method as string] as () => Promise<never>;
    let calls = 0;
    store[method as string] = async () => {
      calls += 1;
      throw new DomainError('store_unavailable', { retryAfterSeconds: 2 });
    };
    try {
      await work();
    } finally {
      store[method as string] = original;
    }
    return calls;
  }

  const byToken = () => ({ ...CALL, token: one.token });
  const byKey = () => ({ ...CALL, apiKey: one.apiKey });
  const cases: [name: string, method: Method, question: () => object][] = [
    ['reading the change feed', ['changes', 'since'], byToken],
    ['reading the gateway and the client', ['clients', 'find'], byToken],
    ['reading the catalog', ['apiGroups', 'all'], byToken],
    ['reading the token', ['tokens', 'findAccess'], byToken],
    ['reading the user', ['users', 'find'], byToken],
    ['reading the API key', ['apiKeys', 'findByDigest'], byKey],
    ['charging', ['charges', 'book'], byToken],
    ['charging an API key', ['charges', 'book'], byKey],
    [
      'looking for the retry',
      ['charges', 'findRetry'],
      () => ({ ...byToken(), idempotencyKey: 'a' }),
    ],
    [
      'reading the quota for a peek',
      ['charges', 'quotaUsed'],
      () => ({ ...byToken(), consume: false }),
    ],
    [
      'reading the quota for a refusal',
      ['charges', 'quotaUsed'],
      () => ({ ...byToken(), path: '/x' }),
    ],
  ];

  it.each(cases)('is 503 at %s, and nothing is spent', async (name, method, question) => {
    const { app, client, gateway, userId } = one;
    // Whatever was in memory is read anew.
    await app.updateClient(client.clientId, { remark: `before ${name}` });
    await app.updateClient(gateway.clientId, { remark: `before ${name}` });
    await app.updateUser(userId, { displayName: `before ${name}` });
    await app.createGroup(`group-${cases.findIndex(([one]) => one === name)}`);
    await app.createKey(client.clientId);
    const calls = await failing(method, async () => {
      expectUnavailable(await app.decide(gateway, question()));
    });
    expect(calls).toBeGreaterThan(0);
    expect((await app.decide(gateway, { ...byToken(), consume: false })).body).toMatchObject({
      ...{ allowed: true, usesLeft: 10, quotaLeft: 500, callsLeftThisSecond: 10 },
    });
  });

  it('is 503 for every proxy when it cannot charge', async () => {
    const { app, gateway } = one;
    const { token, apiKey } = one;
    for (const dialect of DIALECTS) {
      await failing(['charges', 'book'], async () => {
        for (const presented of [{ token }, { apiKey }]) {
          const { headers } = await forward(app.url, dialect, gateway, presented);
          expect(headers.get('X-Decision-Status')).toBe('503');
          expect(headers.get('X-Reason')).toBe('store_unavailable');
          expect(headers.has('X-Client-Id')).toBe(false);
        }
      });
    }
    expect((await app.decide(gateway, byToken())).body).toMatchObject({
      ...{ allowed: true, usesLeft: 9, quotaLeft: 499, callsLeftThisSecond: 9 },
    });
  });

  it('answers while it cannot keep records and counts, and keeps them when it can again', async () => {
    const { app, gateway } = one;
    let decisionId: unknown;
    await failing(['decisions', 'record'], async () => {
      await failing(['usage', 'add'], async () => {
        const { body } = await app.decide(gateway, { ...byToken(), path: '/later' });
        expect(body).toMatchObject({ allowed: false, reason: 'api_unknown' });
        ({ decisionId } = body);
        await expect(app.services.decisionLog.flush()).rejects.toMatchObject({
          code: 'store_unavailable',
        });
        await expect(app.services.usage.flush()).rejects.toMatchObject({
          code: 'store_unavailable',
        });
      });
    });
    expect((await recordOf(app, decisionId)).path).toBe('/later');
    await app.services.usage.flush();
    const from = new Date('2035-01-01T12:00:00Z');
    const to = new Date('2035-01-01T13:00:00Z');
    const counts = await app.services.stores.usage.list({ from, to, limit: 100 });
    const unknown = counts.filter(({ outcome }) => outcome === 'api_unknown');
    expect(unknown.reduce((sum, { calls }) => sum + calls, 0)).toBe(1);
  });

  it('is a bare 503 or 500 at an error that nobody foresaw, and the log explains it', async () => {
    const { app, gateway } = one;
    const { charges } = app.services.stores;
    const { book } = charges;
    charges.book = async () => {
      throw new TypeError('nobody foresaw this');
    };
    const decided = await app.decide(gateway, byToken());
    const proxied = await forward(app.url, 'traefik', gateway, { token: one.token });
    charges.book = book;
    expect(decided.status).toBe(500);
    expect(decided.body).toMatchObject({ allowed: false, reason: 'internal_error' });
    expect(proxied.status).toBe(503);
    expect(proxied.headers.get('X-Reason')).toBe('internal_error');
    for (const { text } of [decided, proxied]) expect(text).not.toContain('foresaw');
    const log = app.log.join('');
    expect(log).toContain('nobody foresaw this');
    expect(log).not.toContain(one.token);
    expect(log).not.toContain(one.apiKey);
  });
});
