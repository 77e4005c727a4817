/** Introspection as one more door to the decision: quota, TPS and API keys (RFC 7662). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { rotateApiKey, updateApiKey } from '../../src/domain/api-keys/manage-api-keys.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import { START, startApp, TESTER, type TestApp } from '../support/app.ts';
import type { Credentials } from '../support/server.ts';
import { createApis, holder } from './refusals.ts';
import { FROM } from './support.ts';

const INACTIVE = '{"active":false}';
const seconds = (instant: string) => Date.parse(instant) / 1000;

let app: TestApp;
let gateway: Credentials;
beforeAll(async () => {
  app = await startApp();
  await createApis(app);
  gateway = await app.createResourceServer();
});
afterAll(() => app.close());
beforeEach(() => app.clock.set(START));

describe('what is left of the quota', () => {
  it('is told with every answer, and when it is whole again', async () => {
    const { token } = await holder(app, {
      apiQuota: { calls: 3, period: 'month' },
      timeZone: 'Asia/Taipei',
      accessToken: { lifetimeSeconds: 60 * 86_400, maxUses: 0 },
    });
    const resetsAt = seconds('2035-01-31T16:00:00Z');
    for (const left of [2, 1, 0]) {
      expect((await app.introspect(gateway, token)).body).toMatchObject({
        ...{ active: true, quota_left: left, quota_resets_at: resetsAt, uses_left: null },
      });
    }
    expect((await app.introspect(gateway, token)).text).toBe(INACTIVE);
    app.clock.set('2035-01-31T16:00:00Z');
    expect((await app.introspect(gateway, token)).body).toMatchObject({
      ...{ active: true, quota_left: 2, quota_resets_at: seconds('2035-02-28T16:00:00Z') },
    });
  });

  it('is null without a quota, and never whole again by itself in all', async () => {
    const none = await holder(app);
    expect((await app.introspect(gateway, none.token)).body).toMatchObject({
      ...{ active: true, quota_left: null, quota_resets_at: null },
    });
    const total = await holder(app, { apiQuota: { calls: 9, period: 'total' } });
    expect((await app.introspect(gateway, total.token)).body).toMatchObject({
      ...{ active: true, quota_left: 8, quota_resets_at: null },
    });
  });

  it('is one for introspection, /decide and API keys', async () => {
    const { client, token } = await holder(app, { apiQuota: { calls: 3, period: 'day' } });
    const { value } = await app.createKey(client.clientId);
    const call = { clientIp: FROM, method: 'GET', path: '/orders' };
    expect((await app.introspect(gateway, token)).body.quota_left).toBe(2);
    expect((await app.decide(gateway, { ...call, token })).body.quotaLeft).toBe(1);
    expect((await app.introspect(gateway, value)).body.quota_left).toBe(0);
    expect((await app.introspect(gateway, token)).text).toBe(INACTIVE);
    expect((await app.introspect(gateway, value)).text).toBe(INACTIVE);
    expect((await app.decide(gateway, { ...call, token })).body.reason).toBe('quota_exhausted');
  });

  it('is told and not spent by consume=false and by the client itself', async () => {
    const { client, token } = await holder(app, { tps: 2, apiQuota: { calls: 2, period: 'day' } });
    for (let i = 0; i < 3; i += 1) {
      const peek = await app.introspect(gateway, token, { consume: 'false' });
      expect(peek.body).toMatchObject({ active: true, quota_left: 2 });
      expect((await app.introspect(client, token)).body).toMatchObject({ quota_left: 2 });
    }
  });

  it('is charged nothing when another limit refuses', async () => {
    const { token } = await holder(app, { tps: 1, apiQuota: { calls: 9, period: 'day' } });
    expect((await app.introspect(gateway, token)).body.quota_left).toBe(8);
    expect((await app.introspect(gateway, token)).text).toBe(INACTIVE);
    app.clock.advance(2);
    expect((await app.introspect(gateway, token)).body.quota_left).toBe(7);
  });
});

describe('an API key at introspection', () => {
  it.each([{ token_type_hint: 'api_key' }, {}, { token_type_hint: 'access_token' }])(
    'is active with the hint %j, and says whose it is and what it may',
    async (hint) => {
      const { client } = await holder(app, { priority: 3 });
      const startsAt = plusSeconds(START, -60);
      const expiresAt = plusSeconds(START, 3600);
      const key = await app.createKey(client.clientId, { startsAt, expiresAt });
      const { status, body } = await app.introspect(gateway, key.value, hint);
      expect(status).toBe(200);
      expect(body).toEqual({
        active: true,
        client_id: client.clientId,
        scope: 'orders.read',
        token_type: 'X-Api-Key',
        nbf: startsAt.getTime() / 1000,
        exp: expiresAt.getTime() / 1000,
        iss: app.services.issuer,
        uses_left: null,
        quota_left: null,
        quota_resets_at: null,
        priority: 3,
      });
    },
  );

  it('is judged by the call', async () => {
    const { client } = await holder(app);
    const { value } = await app.createKey(client.clientId);
    const call = (method: string, path: string) =>
      app.introspect(gateway, value, { method, path, token_type_hint: 'api_key' });
    expect((await call('GET', '/orders')).body.active).toBe(true);
    expect((await call('POST', '/orders')).text).toBe(INACTIVE);
    const ipBindings = [{ hostName: 'hq', address: '198.51.100.1' }];
    await app.updateClient(client.clientId, { ipBindings });
    expect((await app.introspect(gateway, value, { client_ip: FROM })).text).toBe(INACTIVE);
    const inside = await app.introspect(gateway, value, { client_ip: '198.51.100.1' });
    expect(inside.body.active).toBe(true);
  });

  it('is inactive at once when it is disabled, expired, rotated out or its client is disabled', async () => {
    const { client } = await holder(app);
    const isActive = async (value: string) => (await app.introspect(gateway, value)).body.active;
    const { clientId } = client;
    const { apiKeyId, value } = await app.createKey(clientId, {
      expiresAt: plusSeconds(START, 60),
    });
    const update = (patch: Record<string, unknown>, version: number) =>
      updateApiKey(app.services, TESTER, clientId, { id: apiKeyId, version, patch });
    expect(await isActive(value)).toBe(true);
    await update({ status: 'disabled' }, 1);
    expect(await isActive(value)).toBe(false);
    await update({ status: 'enabled' }, 2);
    expect(await isActive(value)).toBe(true);
    await app.updateClient(clientId, { status: 'disabled' });
    expect(await isActive(value)).toBe(false);
    await app.updateClient(clientId, { status: 'enabled' });
    const rotated = await rotateApiKey(
      app.services,
      TESTER,
      { clientId, apiKeyId },
      { graceSeconds: 10 },
    );
    expect([await isActive(value), await isActive(rotated.value ?? '')]).toEqual([true, true]);
    app.clock.advance(10);
    expect([await isActive(value), await isActive(rotated.value ?? '')]).toEqual([false, true]);
    app.clock.advance(50);
    expect(await isActive(rotated.value ?? '')).toBe(false);
  });

  it('tells nothing to a client that is no resource server', async () => {
    const { client } = await holder(app);
    const { value } = await app.createKey(client.clientId);
    const stranger = await app.createClient();
    expect((await app.introspect(stranger, value)).text).toBe(INACTIVE);
    expect((await app.introspect(client, value)).body).toMatchObject({ active: true });
  });
});
