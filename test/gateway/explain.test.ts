/** What is kept of decisions: every refusal of every door, found by its id within a second; counts of calls. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CHECKS_AT } from '../../src/domain/decision/checks.ts';
import type { DecisionRecord } from '../../src/domain/decision/decision-store.ts';
import type { ReasonCode } from '../../src/domain/decision/reasons.ts';
import { START, startApp, type TestApp } from '../support/app.ts';
import { type Answer, type AnswerBody, type Credentials, until } from '../support/server.ts';
import { CALL_REASONS, createApis, holder, recordOf } from './refusals.ts';
import { DIALECTS, FROM, forward } from './support.ts';

const CALL = { clientIp: FROM, method: 'GET', path: '/orders' };

let app: TestApp;
let gateway: Credentials;
beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXIES: 'loopback' } });
  await createApis(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  app.clock.set(START);
  gateway = await app.createResourceServer();
});

/** A whole trace: every check of the place, and what each applicable one saw and wanted. */
function expectTrace({ place, reason, trace }: DecisionRecord, expected: ReasonCode): void {
  expect(trace.map(({ check }) => check)).toEqual(CHECKS_AT[place].map(({ name }) => name));
  expect(reason).toBe(expected);
  expect(trace.find(({ outcome }) => outcome === 'refused')?.reason).toBe(expected);
  for (const { check, outcome, seen, wanted } of trace) {
    const told = { check, seen: seen !== null, wanted: wanted !== null };
    const isTold = outcome !== 'not_applicable';
    expect(told).toEqual({ check, seen: isTold, wanted: isTold });
  }
}

describe('a refused call is found by its id within a second, with what every check saw and wanted', () => {
  /** What was asked for each reason, and the record that must come of it. */
  const asked = new Map<ReasonCode, { expected: object; body: AnswerBody; secret: string }>();
  beforeAll(async () => {
    for (const [reason, arrange] of CALL_REASONS) {
      app.clock.set(START);
      const { caller = await app.createResourceServer(), ...refused } = await arrange(app);
      const { body } = await app.decide(caller, { ...CALL, ...refused });
      const { token, apiKey, ...call } = { ...CALL, ...refused };
      const { clientIp: address, method, path } = call;
      const at = app.clock.now();
      const expected = { callerId: caller.clientId, address, method, path, at };
      asked.set(reason, { expected, body, secret: token ?? apiKey ?? 'no credential' });
    }
  });

  it.each(CALL_REASONS)('%s', async (reason) => {
    const { expected, body, secret } = asked.get(reason) ?? never();
    const record = await recordOf(app, body.decisionId);
    expectTrace(record, reason);
    expect(record).toMatchObject({ place: 'call', clientId: body.clientId, ...expected });
    expect(JSON.stringify(record)).not.toContain(secret);
  });
});

function never(): never {
  throw new Error('each reason was asked about');
}

describe('a refusal at any door', () => {
  const disabled = () =>
    holder(app, { grantTypes: ['client_credentials', 'refresh_token', 'password'] });

  it('in a list is found for each member', async () => {
    const { token } = await holder(app);
    const { body } = await app.decide(gateway, [
      { ...CALL, token, method: 'POST' },
      { ...CALL, token },
      { ...CALL, token: 'nobody', weight: 7 },
    ]);
    const [first, , last] = body as unknown as { decisionId: string }[];
    expectTrace(await recordOf(app, first?.decisionId), 'group_not_granted');
    const stranger = await recordOf(app, last?.decisionId);
    expectTrace(stranger, 'credential_invalid');
    expect(stranger).toMatchObject({ clientId: null, weight: 7 });
  });

  it('as a peek is found', async () => {
    const { token } = await holder(app);
    const { body } = await app.decide(gateway, { ...CALL, token, path: '/x', consume: false });
    expectTrace(await recordOf(app, body.decisionId), 'api_unknown');
  });

  it.each(DIALECTS)('of forward-auth for %s is found by X-Decision-Id', async (dialect) => {
    const { client, token } = await holder(app);
    const { headers } = await forward(app.url, dialect, gateway, {
      token,
      uri: '/nowhere?access_token=of-somebody',
    });
    const record = await recordOf(app, headers.get('X-Decision-Id'));
    expectTrace(record, 'api_unknown');
    // A query may hold credentials.
    expect(JSON.stringify(record)).not.toContain('of-somebody');
    expect(record).toMatchObject({
      ...{ clientId: client.clientId, callerId: gateway.clientId, address: FROM },
      ...{ method: 'GET', path: '/nowhere', apiId: null },
    });
  });

  it('of introspection is found by X-Decision-Id, though the answer tells nothing', async () => {
    const { client, token } = await holder(app);
    await app.updateClient(client.clientId, { status: 'disabled' });
    const answer = await app.introspect(gateway, token, { client_ip: FROM });
    expect(answer.text).toBe('{"active":false}');
    const record = await recordOf(app, answer.headers.get('X-Decision-Id'));
    expectTrace(record, 'client_disabled');
    expect(record).toMatchObject({ place: 'introspection', clientId: client.clientId });
  });

  it.each<[string, (held: Awaited<ReturnType<typeof disabled>>) => Promise<Answer>, string]>([
    ['client_credentials', ({ client }) => app.token(client), 'client_disabled'],
    ['refresh', async ({ client }) => app.refresh(client, refreshToken), 'client_disabled'],
    ['a caller of /decide', ({ client }) => app.decide(client, { ...CALL }), 'client_disabled'],
    ['a caller of introspection', ({ client }) => app.introspect(client, 'x'), 'client_disabled'],
  ])('of a client itself, %s, is found by X-Decision-Id', async (door, ask, reason) => {
    const held = await disabled();
    const { username, password } = await app.createUser();
    const signIn = { grant_type: 'password', username, password };
    ({ refreshToken } = await app.grant(held.client, signIn));
    const kind = door === 'a caller of /decide' ? 'resource_server' : 'partner';
    await app.updateClient(held.client.clientId, { status: 'disabled', kind });
    const answer = await ask(held);
    expect([401, 403]).toContain(answer.status);
    const record = await recordOf(app, answer.headers.get('X-Decision-Id'));
    expectTrace(record, reason as ReasonCode);
    expect(record.clientId).toBe(held.client.clientId);
  });
  let refreshToken = '';

  it('of a grant type or a user at the token endpoint is found by X-Decision-Id', async () => {
    const { client } = await disabled();
    const { user, username, password } = await app.createUser();
    const signIn = { grant_type: 'password', username, password };
    await app.updateUser(user.userId, { status: 'disabled' });
    await app.updateClient(client.clientId, { userAllowlist: [user.userId] });
    const answer = await app.token(client, signIn);
    expect(answer.status).toBe(400);
    const record = await recordOf(app, answer.headers.get('X-Decision-Id'));
    expectTrace(record, 'user_disabled');
    await app.updateClient(client.clientId, { grantTypes: ['password'] });
    const other = await app.token(client);
    expect(other.body.error).toBe('unauthorized_client');
    const noGrant = await recordOf(app, other.headers.get('X-Decision-Id'));
    expectTrace(noGrant, 'grant_not_allowed');
    expect(noGrant).toMatchObject({ place: 'token', grantType: 'client_credentials' });
  });

  it('at the token endpoint for the address is found by X-Decision-Id', async () => {
    const ipBindings = [{ hostName: 'hq', address: '198.51.100.1' }];
    const { client } = await disabled();
    await app.updateClient(client.clientId, { ipBindings });
    const { headers, body } = await app.token(client, {}, { from: FROM });
    expect(body.error_description).toMatch(/^ip_not_allowed/);
    const record = await recordOf(app, headers.get('X-Decision-Id'));
    expectTrace(record, 'ip_not_allowed');
    expect(record).toMatchObject({ address: FROM, clientId: client.clientId });
  });

  it.each([
    ['a wrong secret', 'credential_invalid', 1],
    ['a locked client', 'client_locked', 1],
  ] as const)(
    'for %s is found by client and reason, as its answer tells nothing',
    async (_, reason, count) => {
      const { client } = await holder(app, { failedLoginLimit: 1 });
      await app.token({ ...client, secret: 'wrong' }, {}, { from: FROM });
      if (reason === 'client_locked') await app.token(client, {}, { from: FROM });
      const { clientId } = client;
      const list = () =>
        app.services.stores.decisions.list({ filter: { clientId, reason }, limit: 10 });
      await until(async () => (await list()).total > 0, 1);
      const { items, total } = await list();
      expect(total).toBe(count);
      for (const record of items) {
        expectTrace(record, reason);
        expect(record).toMatchObject({ place: 'authentication', address: FROM });
      }
    },
  );
});

describe('the trace of a client that is limited in every way', () => {
  it('tells of every check, the limits included, whichever refuses', async () => {
    const { user, username, password } = await app.createUser();
    const client = await app.createClient({
      ...{ apiGroups: ['orders.read'], grantTypes: ['password'], tps: 5 },
      startsAt: new Date('2035-01-01T00:00:00Z'),
      expiresAt: new Date('2036-01-01T00:00:00Z'),
      serviceHours: { timeZone: 'UTC', windows: [{ days: ['mon'], from: '09:00', to: '17:00' }] },
      ipBindings: [{ hostName: 'hq', address: '127.0.0.0/8' }],
      userAllowlist: [user.userId],
      apiQuota: { calls: 5, period: 'day' },
      accessToken: { lifetimeSeconds: 3600, maxUses: 5 },
    });
    const signIn = { grant_type: 'password', username, password };
    const { accessToken: token } = await app.grant(client, signIn);
    const call = { ...CALL, clientIp: '127.0.0.1', token };
    expect((await app.decide(gateway, call)).body.allowed).toBe(true);
    const changes: [object, ReasonCode][] = [
      [{ path: '/nowhere' }, 'api_unknown'],
      [{ clientIp: '192.0.2.1' }, 'ip_not_allowed'],
    ];
    for (const [change, reason] of changes) {
      const { body } = await app.decide(gateway, { ...call, ...change });
      const record = await recordOf(app, body.decisionId);
      expectTrace(record, reason);
      const open = record.trace.filter(({ outcome }) => outcome === 'not_applicable');
      expect(open.map(({ check }) => check)).toEqual(['API key is live']);
      const seen = Object.fromEntries(record.trace.map((entry) => [entry.check, entry.seen]));
      expect(seen).toMatchObject({ TPS: { calls: 1 }, quota: { used: 1 }, uses: { spent: 1 } });
    }
  });

  it('tells when time alone will make the call pass', async () => {
    const { client, token } = await holder(app, {
      apiQuota: { calls: 1, period: 'day' },
      timeZone: 'Asia/Taipei',
    });
    await app.decide(gateway, { ...CALL, token });
    const spent = await app.decide(gateway, { ...CALL, token });
    const entry = (await recordOf(app, spent.body.decisionId)).trace.find(
      (e) => e.check === 'quota',
    );
    expect(entry).toMatchObject({ seen: { used: 1 }, wanted: { calls: 1, period: 'day' } });
    expect(entry?.passesAt).toEqual(new Date('2035-01-01T16:00:00Z'));
    const windows = [{ days: ['tue' as const], from: '09:00', to: '10:00' }];
    await app.updateClient(client.clientId, { serviceHours: { timeZone: 'Asia/Taipei', windows } });
    const closed = await app.decide(gateway, { ...CALL, token });
    const hours = (await recordOf(app, closed.body.decisionId)).trace.find(
      (e) => e.check === 'service hours',
    );
    expect(hours?.passesAt).toEqual(new Date('2035-01-02T01:00:00Z'));
  });
});

describe('counts of calls', () => {
  /** Counts of a client, when those of so many calls are stored. */
  async function countsOf({ clientId }: Credentials, calls: number) {
    const query = {
      clientId,
      from: new Date('2035-01-01T00:00:00Z'),
      to: new Date('2035-01-03T00:00:00Z'),
    };
    const list = () => app.services.stores.usage.list({ ...query, limit: 100 });
    const sum = async () => (await list()).reduce((total, count) => total + count.calls, 0);
    await until(async () => (await sum()) >= calls, 1);
    // What is still on its way would be one too many.
    await app.services.usage.flush();
    const paths = new Map(
      (await app.services.stores.apis.all()).map((api) => [api.apiId, `${api.method} ${api.path}`]),
    );
    return (await list()).map(({ apiId, hour, outcome, calls: n }) => [
      hour.toISOString().slice(11, 13),
      apiId && paths.get(apiId),
      outcome,
      n,
    ]);
  }

  it('are exact by client, API, hour and outcome, over the edge of an hour', async () => {
    const { client, token } = await holder(app, {
      apiQuota: { calls: 9, period: 'day' },
      accessToken: { lifetimeSeconds: 86_400, maxUses: 0 },
    });
    const other = await holder(app, { accessToken: { lifetimeSeconds: 86_400, maxUses: 0 } });
    const ask = (question: object) => app.decide(gateway, { ...CALL, token, ...question });
    app.clock.set('2035-01-01T12:59:59.999Z');
    await Promise.all(Array.from({ length: 4 }, () => ask({})));
    await ask({ path: '/orders/7' });
    await ask({ path: '/orders/8' });
    await ask({ method: 'POST' });
    await ask({ path: '/nowhere' });
    app.clock.set('2035-01-01T13:00:00.000Z');
    await forward(app.url, 'traefik', gateway, { token });
    await app.decide(gateway, [
      { ...CALL, token },
      { ...CALL, token },
      { ...CALL, token },
      { ...CALL, token: other.token },
    ]);
    await app.introspect(gateway, token);
    expect((await countsOf(client, 13)).sort(byText)).toEqual(
      [
        ['12', 'GET /orders', 'allowed', 4],
        ['12', 'GET /orders/:id', 'allowed', 2],
        ['12', 'POST /orders', 'group_not_granted', 1],
        ['12', null, 'api_unknown', 1],
        ['13', 'GET /orders', 'allowed', 3],
        ['13', 'GET /orders', 'quota_exhausted', 1],
        ['13', null, 'quota_exhausted', 1],
      ].sort(byText),
    );
    expect(await countsOf(other.client, 1)).toEqual([['13', 'GET /orders', 'allowed', 1]]);
  });

  it('hold no peek, no free retry and no call of nobody', async () => {
    const { client, token } = await holder(app, { apiQuota: { calls: 9, period: 'day' } });
    const ask = (question: object) => app.decide(gateway, { ...CALL, token, ...question });
    for (let i = 0; i < 3; i += 1) {
      await ask({ consume: false });
      await ask({ consume: false, method: 'POST' });
      await ask({ idempotencyKey: 'one' });
      await ask({ token: 'nobody' });
      await app.introspect(gateway, token, { consume: 'false' });
      await app.introspect(client, token);
    }
    expect(await countsOf(client, 1)).toEqual([['12', 'GET /orders', 'allowed', 1]]);
  });

  it('hold a free retry of a client without quota and uses no second time', async () => {
    const { client, token } = await holder(app);
    for (let i = 0; i < 3; i += 1) {
      await app.decide(gateway, { ...CALL, token, idempotencyKey: 'one' });
    }
    expect(await countsOf(client, 1)).toEqual([['12', 'GET /orders', 'allowed', 1]]);
  });

  it('count a call once, whatever its weight', async () => {
    const { client, token } = await holder(app, { apiQuota: { calls: 9, period: 'day' } });
    await app.decide(gateway, { ...CALL, token, weight: 9 });
    expect(await countsOf(client, 1)).toEqual([['12', 'GET /orders', 'allowed', 1]]);
  });

  function byText(a: unknown, b: unknown): number {
    return String(a) < String(b) ? -1 : 1;
  }
});

describe('a server that stops', () => {
  it('has written every refusal and every count before it is gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tollgate-stop-'));
    const env = { DATABASE_URL: `sqlite:${join(folder, 'tollgate.db')}` };
    const before = await startApp({ env });
    await createApis(before);
    const { client, token } = await holder(before);
    const caller = await before.createResourceServer();
    const call = { ...CALL, token };
    const refused = await Promise.all(
      Array.from({ length: 50 }, () => before.decide(caller, { ...call, method: 'POST' })),
    );
    const allowed = Array.from({ length: 50 }, () => before.decide(caller, call));
    await Promise.all(allowed);
    await before.close();
    const after = await startApp({ env });
    const { stores } = after.services;
    for (const { body } of refused) {
      const record = await stores.decisions.find(String(body.decisionId), START);
      expectTrace(record as DecisionRecord, 'group_not_granted');
    }
    const from = new Date('2035-01-01T00:00:00Z');
    const to = new Date('2035-01-02T00:00:00Z');
    const counts = await stores.usage.list({ clientId: client.clientId, from, to, limit: 10 });
    expect(counts.map(({ outcome, calls }) => [outcome, calls]).sort()).toEqual([
      ['allowed', 50],
      ['group_not_granted', 50],
    ]);
    await after.close();
    await rm(folder, { recursive: true, force: true });
  });
});
