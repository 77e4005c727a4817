/** `POST /decide`: what it answers, what it charges, and what it tells of the limits. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { START, startApp, type TestApp, type TestUser } from '../support/app.ts';
import type { Answer, Credentials } from '../support/server.ts';
import { FROM } from './support.ts';

const DAY = 86_400;
const MIDNIGHT = '2035-01-02T00:00:00.000Z';
const UUID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

let app: TestApp;
let gateway: Credentials;
let user: TestUser;
beforeAll(async () => {
  app = await startApp();
  gateway = await app.createResourceServer();
  await app.createGroup('orders.read', {}, ['GET /orders', 'GET /orders/:id']);
  await app.createGroup('orders.write', {}, ['POST /orders']);
  await app.createScope('profile', {}, ['GET /me']);
  user = await app.createUser();
});
afterAll(() => app.close());
beforeEach(() => app.clock.set(START));

type Fields = Parameters<TestApp['createClient']>[0];

/** A client that holds `orders.read`, and a token of it. */
async function holder(fields: Fields = {}): Promise<Credentials & { token: string }> {
  const client = await app.createClient({
    apiGroups: ['orders.read'],
    accessToken: { lifetimeSeconds: 30 * DAY, maxUses: 0 },
    ...fields,
  });
  const { accessToken: token } = await app.grant(client);
  return { ...client, token };
}

/** Asks about `GET /orders`, unless told otherwise. */
function ask(question: object, as = gateway): Promise<Answer> {
  const call = { clientIp: FROM, method: 'GET', path: '/orders' };
  return app.decide(as, { ...call, ...question });
}

const uses = (maxUses: number) => ({ accessToken: { lifetimeSeconds: 30 * DAY, maxUses } });
const quota = (calls: number, period: 'day' | 'month' | 'total' = 'day') => ({
  apiQuota: { calls, period },
});

describe('POST /decide', () => {
  it('answers an allowed call whole: whose it is, what it may, what is left', async () => {
    const { clientId, token } = await holder({ tps: 10, priority: 2, ...quota(500), ...uses(10) });
    const { status, body, headers } = await ask({ token });
    expect(status).toBe(200);
    expect(body).toEqual({
      allowed: true,
      status: 200,
      reason: null,
      message: null,
      decisionId: UUID,
      clientId,
      userId: null,
      scopes: ['orders.read'],
      priority: 2,
      usesLeft: 9,
      quotaLeft: 499,
      quotaResetsAt: MIDNIGHT,
      callsLeftThisSecond: 9,
      retryAfterSeconds: null,
    });
    expect(headers.get('Content-Type')).toMatch(/^application\/json/);
    expect(headers.get('Cache-Control')).toBe('no-store');
  });

  it('answers a refused call whole, as 200: the refusal is the answer', async () => {
    const { clientId, token } = await holder({ tps: 10, ...quota(500), ...uses(10) });
    const { status, body } = await ask({ token, method: 'POST' });
    expect(status).toBe(200);
    expect(body).toEqual({
      allowed: false,
      status: 403,
      reason: 'group_not_granted',
      message: 'no granted group or scope holds the API',
      decisionId: UUID,
      clientId,
      userId: null,
      scopes: [],
      priority: 5,
      usesLeft: 10,
      quotaLeft: 500,
      quotaResetsAt: MIDNIGHT,
      callsLeftThisSecond: 10,
      retryAfterSeconds: null,
    });
  });

  it('tells nothing of limits where there are none', async () => {
    const { token } = await holder();
    const { body, headers } = await ask({ token });
    expect(body).toMatchObject({
      ...{ allowed: true, usesLeft: null, quotaLeft: null, quotaResetsAt: null },
      callsLeftThisSecond: null,
    });
    for (const name of ['RateLimit', 'RateLimit-Policy', 'Retry-After']) {
      expect(headers.has(name)).toBe(false);
    }
  });

  it('tells of no client where the credential is nobody’s', async () => {
    expect((await ask({ token: 'nobody' })).body).toMatchObject({
      ...{ allowed: false, status: 401, reason: 'credential_invalid' },
      ...{ clientId: null, userId: null, priority: null, quotaLeft: null },
    });
  });

  it('takes null for a member that is not there, as many callers send it', async () => {
    const { token } = await holder();
    const { body } = await ask({ token, apiKey: null, idempotencyKey: null });
    expect(body).toMatchObject({ allowed: true });
    expect((await ask({ token: null, apiKey: null })).body.reason).toBe('credential_missing');
  });

  it('reads the method in any case, and the path without its query', async () => {
    const { token } = await holder();
    expect((await ask({ token, method: 'get', path: '/orders/7?full=1' })).body.allowed).toBe(true);
  });

  it('asks with an API key as with a token, and tells what its groups are', async () => {
    const { clientId } = await holder({ ...quota(5), apiGroups: ['orders.read', 'orders.write'] });
    const key = await app.createKey(clientId, { apiGroups: ['orders.read'] });
    expect((await ask({ apiKey: key.value })).body).toMatchObject({
      ...{ allowed: true, clientId, scopes: ['orders.read'], quotaLeft: 4, usesLeft: null },
    });
    const write = await ask({ apiKey: key.value, method: 'POST' });
    expect(write.body).toMatchObject({ allowed: false, reason: 'group_not_granted' });
  });

  it('tells the user of a user’s token, and counts the scopes that were consented to', async () => {
    const { clientId, secret } = await holder({
      ...{ apiScopes: ['profile'], grantTypes: ['client_credentials', 'password'] },
    });
    const { username, password } = user;
    const signIn = { grant_type: 'password', username, password };
    const as = { clientId, secret };
    const { accessToken: token } = await app.grant(as, { ...signIn, scope: 'profile' });
    const { body } = await ask({ token, path: '/me' });
    expect(body).toMatchObject({ allowed: true, userId: user.user.userId, scopes: ['profile'] });
    expect((await ask({ token })).body.reason).toBe('group_not_granted');
    await app.updateUser(user.user.userId, { status: 'disabled' });
    expect((await ask({ token, path: '/me' })).body).toMatchObject({
      ...{ allowed: false, status: 403, reason: 'user_disabled', userId: user.user.userId },
    });
    await app.updateUser(user.user.userId, { status: 'enabled' });
  });

  it('answers a list with a decision for each, in its order', async () => {
    const [one, other] = [await holder(uses(1)), await holder()];
    const call = { clientIp: FROM, method: 'GET', path: '/orders' };
    const { status, body, headers } = await app.decide(gateway, [
      { ...call, token: one.token },
      { ...call, token: 'nobody' },
      { ...call, token: other.token, method: 'POST' },
      { ...call, token: other.token },
      { ...call, clientIp: '2001:db8::1' },
    ]);
    expect(status).toBe(200);
    expect(body).toMatchObject([
      { allowed: true, reason: null, clientId: one.clientId, usesLeft: 0 },
      { allowed: false, reason: 'credential_invalid', clientId: null },
      { allowed: false, reason: 'group_not_granted', clientId: other.clientId },
      { allowed: true, reason: null, clientId: other.clientId, usesLeft: null },
      { allowed: false, reason: 'credential_missing' },
    ]);
    const answers = body as unknown as { decisionId: string }[];
    expect(new Set(answers.map(({ decisionId }) => decisionId)).size).toBe(5);
    // They would be about which of the five?
    for (const name of ['X-Decision-Id', 'RateLimit', 'Retry-After']) {
      expect(headers.has(name)).toBe(false);
    }
  });

  it('charges a list of 100 exactly, though its members race', async () => {
    const { token } = await holder({ ...uses(30), ...quota(500) });
    const question = { token, clientIp: FROM, method: 'GET', path: '/orders' };
    const answers = await app.decide(
      gateway,
      Array.from({ length: 100 }, () => question),
    );
    const told = answers.body as unknown as {
      allowed: boolean;
      reason: string;
      usesLeft: number;
    }[];
    const left = told.flatMap((one) => (one.allowed ? [one.usesLeft] : [])).sort((a, b) => a - b);
    expect(left).toEqual(Array.from({ length: 30 }, (_, i) => i));
    const refused = told.filter(({ allowed }) => !allowed).map(({ reason }) => reason);
    expect(new Set(refused)).toEqual(new Set(['token_uses_exhausted']));
    const { body } = await ask({ token, consume: false });
    expect(body).toMatchObject({ reason: 'token_uses_exhausted', quotaLeft: 470 });
  });
});

describe('what is presented', () => {
  it('may be no refresh token, and no credential in the place of the other', async () => {
    const { clientId, secret, token } = await holder({
      grantTypes: ['password', 'refresh_token', 'client_credentials'],
    });
    const { username, password } = user;
    const tokens = await app.grant(
      { clientId, secret },
      { grant_type: 'password', username, password },
    );
    const { value } = await app.createKey(clientId);
    const refused = { allowed: false, status: 401, reason: 'credential_invalid' };
    expect((await ask({ token: tokens.refreshToken })).body).toMatchObject(refused);
    expect((await ask({ token: value })).body).toMatchObject(refused);
    expect((await ask({ apiKey: token })).body).toMatchObject(refused);
    expect((await ask({ token: secret })).body).toMatchObject(refused);
    expect((await ask({ token: `${token}x` })).body).toMatchObject(refused);
    const last = value.endsWith('A') ? 'B' : 'A';
    expect((await ask({ apiKey: value.slice(0, -1) + last })).body).toMatchObject(refused);
    expect((await ask({ token: tokens.accessToken })).body.allowed).toBe(true);
    expect((await ask({ apiKey: value })).body.allowed).toBe(true);
  });

  it('is about the API groups that the caller serves', async () => {
    const both = { apiGroups: ['orders.read', 'orders.write'] };
    const { token } = await holder(both);
    const write = await app.createResourceServer({ servedApiGroups: ['orders.write'] });
    expect((await ask({ token }, write)).body).toMatchObject({ reason: 'group_not_granted' });
    expect((await ask({ token, method: 'POST' }, write)).body).toMatchObject({
      ...{ allowed: true, scopes: ['orders.write'] },
    });
    const reader = await holder();
    expect((await ask({ token: reader.token }, write)).body).toMatchObject({
      ...{ allowed: false, status: 403, reason: 'audience_mismatch' },
    });
  });
});

describe('a peek (consume: false)', () => {
  it('spends nothing, and tells what is left', async () => {
    const { token } = await holder({ tps: 3, ...quota(2), ...uses(2) });
    const whole = { allowed: true, usesLeft: 2, quotaLeft: 2, callsLeftThisSecond: 3 };
    for (let i = 0; i < 5; i += 1) {
      expect((await ask({ token, consume: false })).body).toMatchObject(whole);
    }
    expect((await ask({ token })).body).toMatchObject({
      ...{ allowed: true, usesLeft: 1, quotaLeft: 1, callsLeftThisSecond: 2 },
    });
    expect((await ask({ token, consume: false })).body).toMatchObject({
      ...{ allowed: true, usesLeft: 1, quotaLeft: 1, callsLeftThisSecond: 2 },
    });
  });

  it('is refused where the call would be, for every limit', async () => {
    const [tps, day, used] = [
      await holder({ tps: 1 }),
      await holder(quota(1)),
      await holder(uses(1)),
    ];
    for (const { token } of [tps, day, used]) await ask({ token });
    const peek = async (token: string) => (await ask({ token, consume: false })).body;
    expect(await peek(tps.token)).toMatchObject({
      status: 429,
      reason: 'tps_exceeded',
      retryAfterSeconds: 2,
    });
    expect(await peek(day.token)).toMatchObject({
      status: 429,
      reason: 'quota_exhausted',
      retryAfterSeconds: 12 * 3600,
    });
    expect(await peek(used.token)).toMatchObject({ status: 401, reason: 'token_uses_exhausted' });
  });

  it('tells whether a weight would fit', async () => {
    const { token } = await holder(quota(5));
    expect((await ask({ token, consume: false, weight: 5 })).body.allowed).toBe(true);
    expect((await ask({ token, consume: false, weight: 6 })).body.reason).toBe('quota_exhausted');
  });
});

describe('a refused call', () => {
  it.each([
    ['quota_exhausted', { tps: 5, ...quota(1) }],
    ['token_uses_exhausted', { tps: 5, ...uses(1) }],
  ])('with %s has cost nothing of the second either', async (reason, limits) => {
    const { token } = await holder(limits);
    expect((await ask({ token })).body).toMatchObject({ allowed: true, callsLeftThisSecond: 4 });
    for (let i = 0; i < 10; i += 1) expect((await ask({ token })).body.reason).toBe(reason);
    // At once, some are refused while others still hold what they are about to give back.
    const refused = await Promise.all(Array.from({ length: 20 }, () => ask({ token })));
    expect(refused.filter(({ body }) => body.allowed === true)).toEqual([]);
    expect((await ask({ token, consume: false })).body.callsLeftThisSecond).toBe(4);
  });

  it('with tps_exceeded has cost nothing of quota and uses', async () => {
    const { token } = await holder({ tps: 3, ...quota(100), ...uses(100) });
    const told = await Promise.all(Array.from({ length: 20 }, () => ask({ token })));
    expect(told.filter(({ body }) => body.allowed === true)).toHaveLength(3);
    app.clock.advance(2);
    expect((await ask({ token, consume: false })).body).toMatchObject({
      ...{ allowed: true, usesLeft: 97, quotaLeft: 97, callsLeftThisSecond: 3 },
    });
  });
});

describe('a weight', () => {
  it('is charged to quota and uses, and as one call to TPS', async () => {
    const { token } = await holder({ tps: 10, ...quota(100), ...uses(10) });
    expect((await ask({ token, weight: 4 })).body).toMatchObject({
      ...{ usesLeft: 6, quotaLeft: 96, callsLeftThisSecond: 9 },
    });
  });

  it('is refused whole where less is left, and then has spent nothing', async () => {
    const { token } = await holder({ tps: 3, ...quota(100), ...uses(10) });
    await ask({ token, weight: 8 });
    expect((await ask({ token, weight: 3 })).body).toMatchObject({
      ...{ reason: 'token_uses_exhausted', status: 401, quotaLeft: 92, callsLeftThisSecond: 2 },
    });
    expect((await ask({ token, weight: 2 })).body).toMatchObject({ usesLeft: 0, quotaLeft: 90 });
    const heavy = await holder({ ...quota(5), ...uses(10) });
    expect((await ask({ token: heavy.token, weight: 6 })).body.reason).toBe('quota_exhausted');
    expect((await ask({ token: heavy.token, weight: 5 })).body).toMatchObject({
      ...{ allowed: true, usesLeft: 5, quotaLeft: 0 },
    });
  });
});

describe('header fields', () => {
  it('tell every limit, and the decision', async () => {
    const { token } = await holder({ tps: 10, ...quota(500), ...uses(10) });
    const { headers, body } = await ask({ token });
    expect(headers.get('RateLimit-Policy')).toBe(
      '"tps";q=10;w=1, "quota";q=500;w=86400, "uses";q=10',
    );
    expect(headers.get('RateLimit')).toBe('"tps";r=9;t=1, "quota";r=499;t=43200, "uses";r=9');
    expect(headers.get('X-Decision-Id')).toBe(body.decisionId);
    expect(headers.has('Retry-After')).toBe(false);
  });

  it.each([
    ['month', '"quota";q=500', '"quota";r=499;t=2635200'],
    ['total', '"quota";q=500', '"quota";r=499'],
  ] as const)(
    'tell of a quota per %s without a window that they cannot name',
    async (period, policy, limit) => {
      const { token } = await holder(quota(500, period));
      const { headers } = await ask({ token });
      expect(headers.get('RateLimit-Policy')).toBe(policy);
      expect(headers.get('RateLimit')).toBe(limit);
    },
  );

  it('say when to retry, for a limit that time mends', async () => {
    const [tps, day, total] = [
      await holder({ tps: 1 }),
      await holder(quota(1)),
      await holder(quota(1, 'total')),
    ];
    for (const { token } of [tps, day, total]) await ask({ token });
    app.clock.set('2035-01-01T23:59:58.001Z');
    const late = await ask({ token: day.token });
    expect(late.headers.get('Retry-After')).toBe('2');
    expect(late.headers.get('X-Decision-Id')).toBe(late.body.decisionId);
    expect(late.body).toMatchObject({
      retryAfterSeconds: 2,
      quotaLeft: 0,
      quotaResetsAt: MIDNIGHT,
    });
    const never = await ask({ token: total.token });
    expect(never.headers.has('Retry-After')).toBe(false);
    expect(never.body).toMatchObject({ status: 429, retryAfterSeconds: null, quotaResetsAt: null });
    await ask({ token: tps.token });
    const again = await ask({ token: tps.token });
    expect(again.body).toMatchObject({ reason: 'tps_exceeded', callsLeftThisSecond: 0 });
    expect(Number(again.headers.get('Retry-After'))).toBe(again.body.retryAfterSeconds);
    expect([1, 2]).toContain(again.body.retryAfterSeconds);
  });

  it('mean it: the call passes after Retry-After, and the quota is whole again at midnight', async () => {
    const { token } = await holder({ tps: 2, ...quota(2) });
    for (let i = 0; i < 2; i += 1) expect((await ask({ token })).body.allowed).toBe(true);
    const { headers } = await ask({ token });
    app.clock.advance(Number(headers.get('Retry-After')));
    const next = await ask({ token });
    expect(next.body).toMatchObject({
      reason: 'quota_exhausted',
      retryAfterSeconds: Number(next.headers.get('Retry-After')),
    });
    app.clock.advance(Number(next.headers.get('Retry-After')));
    expect(app.clock.now()).toEqual(new Date(MIDNIGHT));
    expect((await ask({ token })).body).toMatchObject({
      allowed: true,
      quotaLeft: 1,
      quotaResetsAt: '2035-01-03T00:00:00.000Z',
    });
  });
});
