/** `idempotencyKey` of `POST /decide`: a retry of the same call is charged once in 24 hours. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { START, startApp, type TestApp } from '../support/app.ts';
import type { AnswerBody, Credentials } from '../support/server.ts';
import { FROM } from './support.ts';

const DAY = 86_400;

let app: TestApp;
let gateway: Credentials;
beforeAll(async () => {
  app = await startApp();
  gateway = await app.createResourceServer();
  await app.createGroup('orders', {}, ['GET /orders', 'GET /orders/:id', 'POST /orders']);
});
afterAll(() => app.close());

let client: Credentials;
let token: string;
beforeEach(async () => {
  app.clock.set(START);
  client = await app.createClient({
    apiGroups: ['orders'],
    apiQuota: { calls: 10, period: 'total' },
    accessToken: { lifetimeSeconds: 30 * DAY, maxUses: 20 },
  });
  token = (await app.grant(client)).accessToken;
});

async function ask(question: object = {}, as = gateway): Promise<AnswerBody> {
  const call = { token, clientIp: FROM, method: 'GET', path: '/orders', idempotencyKey: 'order-1' };
  return (await app.decide(as, { ...call, ...question })).body;
}

/** What the quota says was used, without a change of it. */
async function used(): Promise<number> {
  const { quotaLeft } = await ask({ consume: false, idempotencyKey: undefined });
  return 10 - Number(quotaLeft);
}

describe('a retry', () => {
  it('is answered as the first call was, and is free', async () => {
    const first = await ask();
    expect(first).toMatchObject({ allowed: true, usesLeft: 19, quotaLeft: 9 });
    expect(await ask()).toEqual(first);
    expect(await ask()).toEqual(first);
    expect(await used()).toBe(1);
  });

  it('is free for as long as the first call asked', async () => {
    await ask({ idempotencySeconds: 60 });
    app.clock.advance(59);
    await ask({ idempotencySeconds: 60 });
    expect(await used()).toBe(1);
    app.clock.advance(1);
    await ask({ idempotencySeconds: 60 });
    expect(await used()).toBe(2);
    const { errors } = await ask({ idempotencySeconds: DAY + 1 });
    expect(errors).toMatchObject([{ field: 'idempotencySeconds' }]);
  });

  it('is free for 24 hours, and charged after them', async () => {
    const first = await ask();
    app.clock.advance(DAY - 1);
    expect(await ask()).toMatchObject({ allowed: true, decisionId: first.decisionId });
    app.clock.advance(1);
    const next = await ask();
    expect(next).toMatchObject({ allowed: true, quotaLeft: 8 });
    expect(next.decisionId).not.toBe(first.decisionId);
    // From here on it is the later call that a retry repeats.
    app.clock.advance(DAY - 1);
    expect(await ask()).toMatchObject({ decisionId: next.decisionId });
    expect(await used()).toBe(2);
  });

  it.each<[string, object]>([
    ['path', { path: '/orders/7' }],
    ['query', { path: '/orders?page=2' }],
    ['method', { method: 'POST' }],
    ['weight', { weight: 2 }],
    ['key', { idempotencyKey: 'order-2' }],
  ])('with another %s is another call', async (_, other) => {
    const first = await ask();
    const second = await ask(other);
    expect(second).toMatchObject({ allowed: true });
    expect(second.decisionId).not.toBe(first.decisionId);
    expect(await used()).toBe('weight' in other ? 3 : 2);
  });

  it('from another address is the same call: phones roam', async () => {
    const first = await ask();
    expect(await ask({ clientIp: '2001:db8::7' })).toEqual(first);
  });

  it('of another caller, or with another token, is another call', async () => {
    const first = await ask();
    const other = await app.createResourceServer();
    const second = await ask({}, other);
    const { accessToken } = await app.grant(client);
    const third = await ask({ token: accessToken });
    expect(new Set([first, second, third].map((one) => one.decisionId)).size).toBe(3);
    expect(await used()).toBe(3);
  });

  it('with an API key is free as well', async () => {
    const { value } = await app.createKey(client.clientId);
    const question = { token: undefined, apiKey: value };
    const first = await ask(question);
    expect(first).toMatchObject({ allowed: true, quotaLeft: 9 });
    expect(await ask(question)).toEqual(first);
    expect(await used()).toBe(1);
  });

  it('passes when the limits are used up by others since', async () => {
    const first = await ask();
    expect(await ask({ idempotencyKey: undefined, weight: 9 })).toMatchObject({ quotaLeft: 0 });
    expect(await ask({ idempotencyKey: undefined })).toMatchObject({ reason: 'quota_exhausted' });
    expect(await ask()).toMatchObject({ allowed: true, decisionId: first.decisionId });
    await app.updateClient(client.clientId, { apiQuota: { calls: 100, period: 'total' } });
    expect(await ask({ idempotencyKey: undefined, weight: 10 })).toMatchObject({ usesLeft: 0 });
    expect(await ask()).toMatchObject({ allowed: true, decisionId: first.decisionId });
  });

  it('is refused by every check but the limits', async () => {
    await ask();
    await app.updateClient(client.clientId, { status: 'disabled' });
    expect(await ask()).toMatchObject({ allowed: false, reason: 'client_disabled' });
    await app.updateClient(client.clientId, { status: 'enabled' });
    app.clock.advance(30 * DAY);
    expect(await ask()).toMatchObject({ allowed: false, reason: 'token_expired' });
  });

  it('of a refused call is judged anew', async () => {
    await ask({ idempotencyKey: undefined, weight: 10 });
    expect(await ask()).toMatchObject({ reason: 'quota_exhausted' });
    await app.updateClient(client.clientId, { apiQuota: { calls: 11, period: 'total' } });
    const first = await ask();
    expect(first).toMatchObject({ allowed: true, quotaLeft: 0 });
    expect(await ask()).toEqual(first);
  });

  it('of a peek is the first call', async () => {
    await ask({ consume: false });
    expect(await used()).toBe(0);
    expect(await ask()).toMatchObject({ allowed: true, quotaLeft: 9 });
  });

  it('is free of TPS too', async () => {
    await app.updateClient(client.clientId, { tps: 1 });
    const first = await ask();
    for (let i = 0; i < 3; i += 1) {
      expect(await ask()).toMatchObject({ allowed: true, decisionId: first.decisionId });
    }
    expect(await ask({ idempotencyKey: 'order-2' })).toMatchObject({ reason: 'tps_exceeded' });
  });
});

describe('50 retries at once', () => {
  const retries = (question: object = {}) =>
    Promise.all(Array.from({ length: 50 }, () => ask(question)));

  it('are charged once, and all are answered with that decision', async () => {
    const told = await retries();
    expect(new Set(told.map(({ decisionId }) => decisionId)).size).toBe(1);
    expect(told.every(({ allowed }) => allowed === true)).toBe(true);
    expect(await used()).toBe(1);
  });

  it('of the last call that the quota has room for all pass', async () => {
    await ask({ idempotencyKey: undefined, weight: 7 });
    const told = await retries({ weight: 3 });
    expect(told.filter(({ allowed }) => allowed === true)).toHaveLength(50);
    expect(await used()).toBe(10);
  });

  it('in one list are charged once', async () => {
    const call = { token, clientIp: FROM, method: 'GET', path: '/orders', idempotencyKey: 'list' };
    const { body } = await app.decide(
      gateway,
      Array.from({ length: 50 }, () => call),
    );
    const told = body as unknown as AnswerBody[];
    expect(new Set(told.map(({ decisionId }) => decisionId)).size).toBe(1);
    expect(await used()).toBe(1);
  });
});

describe('a client without quota and uses', () => {
  beforeEach(async () => {
    client = await app.createClient({ apiGroups: ['orders'], tps: 2 });
    token = (await app.grant(client)).accessToken;
  });

  it('has free retries as well: the same decision, counted once to TPS', async () => {
    const first = await ask();
    for (let i = 0; i < 3; i += 1) {
      expect(await ask()).toMatchObject({ allowed: true, decisionId: first.decisionId });
    }
    expect(await ask({ consume: false })).toMatchObject({ callsLeftThisSecond: 1 });
  });
});
