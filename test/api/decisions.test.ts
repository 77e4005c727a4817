import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Client } from '../../src/domain/clients/client.ts';
import { gatherFacts } from '../../src/domain/decision/credentials.ts';
import { decideAndNote } from '../../src/domain/decision/note-decisions.ts';
import { issueTokens } from './every-route.ts';
import { smallClient, startApi, type TestApi } from './support.ts';

let api: TestApi;
let clientId: string;
let tokenId: string;

beforeAll(async () => {
  api = await startApi();
  const made = await api.send('POST', '/api/v1/apis', {
    body: { method: 'GET', path: '/orders/:id' },
  });
  await api.send('POST', '/api/v1/api-groups', {
    body: { name: 'orders.read', apis: [made.body.apiId] },
  });
  const body = {
    ...smallClient('decisions'),
    apiGroups: ['orders.read'],
    apiQuota: { calls: 3, period: 'day' },
    tps: 0,
    ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }],
  };
  clientId = (await api.send('POST', '/api/v1/clients', { body })).body.clientId;
  tokenId = (await issueTokens(api.services, clientId)).access.tokenId;
});
afterAll(() => api.close());

/** One call as a gateway would ask about it. */
async function call(address: string, path = '/orders/7') {
  const { services } = api;
  await services.directory.sync();
  const token = await services.stores.tokens.findAccess(tokenId);
  const caller = (await services.directory.client(clientId)) as Client;
  if (token === null) throw new Error('the token is there');
  const facts = await gatherFacts(
    services,
    { kind: 'access_token', token },
    {
      place: 'call',
      caller: { ...caller, clientId: 'gateway', kind: 'resource_server' },
      address,
      call: { method: 'GET', path },
    },
  );
  return decideAndNote(services, facts, { consume: true });
}

async function flush(): Promise<void> {
  await api.services.decisionLog.flush();
  await api.services.usage.flush();
}

describe('recorded decisions', () => {
  it('are found by id, with every check and what it saw and wanted', async () => {
    const refused = await call('198.51.100.1');
    await flush();
    const { status, body } = await api.send('GET', `/api/v1/decisions/${refused.decisionId}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      decisionId: refused.decisionId,
      reason: 'ip_not_allowed',
      message: 'the address is not among the IP bindings of the client',
      clientId,
      callerId: 'gateway',
      address: '198.51.100.1',
      method: 'GET',
      path: '/orders/7',
      credential: { kind: 'access_token', id: tokenId, scopes: ['orders.read'] },
    });
    const rows = body.trace.map((row: { check: string; outcome: string }) => [
      row.check,
      row.outcome,
    ]);
    expect(rows).toContainEqual(['address', 'refused']);
    expect(rows).toContainEqual(['quota', 'passed']);
    expect(body.trace.find((row: { check: string }) => row.check === 'address')).toMatchObject({
      seen: '198.51.100.1',
      wanted: [{ hostName: 'hq', address: '192.0.2.0/24' }],
    });
    expect(body.trace.find((row: { check: string }) => row.check === 'quota')).toMatchObject({
      seen: { used: 0 },
      wanted: { calls: 3, period: 'day' },
    });
  });

  it('are searched by client, reason, address and time, refused ones only unless asked', async () => {
    const allowed = await call('192.0.2.1');
    const unknown = await call('192.0.2.2', '/nothing');
    await flush();
    const search = async (query: string) =>
      (await api.send('GET', `/api/v1/decisions?${query}`)).body.items.map(
        (one: { decisionId: string }) => one.decisionId,
      );
    expect(await search(`clientId=${clientId}&reason=api_unknown`)).toEqual([unknown.decisionId]);
    expect(await search('address=192.0.2.2')).toEqual([unknown.decisionId]);
    expect(await search(`clientId=${clientId}`)).not.toContain(allowed.decisionId);
    expect(await search('outcome=allowed')).toEqual([allowed.decisionId]);
    expect(await search('clientId=nobody')).toEqual([]);
    const bad = await api.send('GET', '/api/v1/decisions?reason=because&limit=0');
    expect([bad.status, bad.body.errors.map((e: { field: string }) => e.field)]).toEqual([
      400,
      ['limit', 'reason'],
    ]);
  });

  it('are 404 when unknown, and 30 days later', async () => {
    expect((await api.send('GET', '/api/v1/decisions/nope')).status).toBe(404);
  });
});

describe('the usage of a client', () => {
  it('counts calls by hour, API and outcome, and tells what the quota stands at', async () => {
    await call('192.0.2.1');
    await flush();
    const { status, body } = await api.send('GET', `/api/v1/clients/${clientId}/usage`);
    expect(status).toBe(200);
    expect(body.quota).toMatchObject({ limit: 3, used: 2, left: 1, period: 'day' });
    const calls = Object.fromEntries(
      body.counts.map((count: { outcome: string; calls: number }) => [count.outcome, count.calls]),
    );
    expect(calls).toEqual({ allowed: 2, ip_not_allowed: 1, api_unknown: 1 });
    expect(body.isComplete).toBe(true);
  });

  it('refuses a period that ends before it begins', async () => {
    const query = 'from=2030-01-02T00:00:00Z&to=2030-01-01T00:00:00Z';
    const { status } = await api.send('GET', `/api/v1/clients/${clientId}/usage?${query}`);
    expect(status).toBe(400);
  });
});

describe('the simulator', () => {
  const simulate = (body: object) => api.send('POST', '/api/v1/decisions/simulate', { body });

  it('tells what the table says, for a client, a token and a moment, and spends nothing', async () => {
    const place = { method: 'GET', path: '/orders/7', address: '192.0.2.1' };
    const before = (await api.send('GET', `/api/v1/clients/${clientId}/usage`)).body.quota.used;
    for (const subject of [{ clientId }, { tokenId }]) {
      const { status, body } = await simulate({ ...subject, ...place });
      expect(status).toBe(200);
      expect(body).toMatchObject({ allowed: true, status: 200, reason: null, message: null });
    }
    const elsewhere = await simulate({ clientId, ...place, address: '203.0.113.9' });
    expect(elsewhere.body).toMatchObject({ allowed: false, status: 403, reason: 'ip_not_allowed' });
    const heavy = await simulate({ clientId, ...place, weight: 2 });
    expect(heavy.body).toMatchObject({ status: 429, reason: 'quota_exhausted' });
    const tomorrow = plusDay(api.services.clock.now());
    expect((await simulate({ clientId, ...place, weight: 2, at: tomorrow })).body.allowed).toBe(
      true,
    );
    const late = await simulate({ tokenId, ...place, at: tomorrow });
    expect(late.body).toMatchObject({ status: 401, reason: 'token_expired' });
    await flush();
    const after = (await api.send('GET', `/api/v1/clients/${clientId}/usage`)).body.quota.used;
    expect(after).toBe(before);
  });

  it('knows the token endpoint', async () => {
    const asked = { clientId, place: 'token', address: '192.0.2.1' };
    expect((await simulate(asked)).body.allowed).toBe(true);
    const password = await simulate({ ...asked, grantType: 'password' });
    expect(password.body).toMatchObject({ status: 400, reason: 'grant_not_allowed' });
  });

  it.each([
    [{}, 400],
    [{ clientId: 'a', tokenId: 'b' }, 400],
    [{ clientId: 'nobody' }, 404],
    [{ tokenId: 'nothing' }, 404],
    [{ apiKeyId: 'nothing' }, 404],
    [{ clientId: 'decisions', address: 'here' }, 400],
    [{ clientId: 'decisions', method: 'GET' }, 400],
  ])('answers %j with %i', async (body, status) => {
    expect((await simulate(body)).status).toBe(status);
  });
});

describe('a dry run of a change', () => {
  it('says which calls of the last day would end otherwise, and changes nothing', async () => {
    const version = (await api.send('GET', `/api/v1/clients/${clientId}`)).body.version;
    const dryRun = async (body: object) =>
      (await api.send('PATCH', `/api/v1/clients/${clientId}?dryRun=true`, { body, version })).body
        .replay;
    const opened = await dryRun({ ipBindings: [] });
    expect(opened).toMatchObject({ nowAllowed: 1, nowRefused: 0 });
    expect(opened.differences).toMatchObject([
      { address: '198.51.100.1', before: 'ip_not_allowed', after: null },
    ]);
    const closed = await dryRun({ status: 'disabled' });
    expect(closed.nowRefused).toBe(closed.allowed);
    expect(closed.allowed).toBeGreaterThan(0);
    expect(await dryRun({ note: 'another note' })).toMatchObject({ differences: [] });
    const less = await dryRun({ apiQuota: { calls: 1, period: 'day' } });
    expect(less).toMatchObject({ nowAllowed: 0, nowRefused: 0 });
    expect((await api.send('GET', `/api/v1/clients/${clientId}`)).body.version).toBe(version);
  });
});

function plusDay(at: Date): string {
  return new Date(at.getTime() + 86_400_000).toISOString();
}
