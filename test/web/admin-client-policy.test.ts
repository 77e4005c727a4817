import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import type { ReasonCode } from '../../src/domain/decision/reasons.ts';
import { simulate } from '../../src/domain/decision/simulate.ts';
import { effectivePolicy } from '../../src/web/clients/effective-policy.ts';
import { createFormats } from '../../src/web/formats.ts';
import { createTranslate } from '../../src/web/messages.ts';
import { type ClientFields, START, startApp, type TestApp } from '../support/app.ts';
import type { Credentials } from '../support/server.ts';

let app: TestApp;
let gateway: Credentials;
const t = createTranslate();

beforeAll(async () => {
  app = await startApp();
  gateway = await app.createResourceServer();
  await app.createGroup('policy.read', {}, ['GET /policy', 'GET /policy/:id']);
  await app.createGroup('policy.write', {}, ['POST /policy', 'GET /policy']);
  await app.createGroup('policy.top', { securityLevel: 'A' }, ['DELETE /policy']);
  await app.createScope('policy.profile', {}, ['GET /profile']);
});
afterAll(() => app.close());

async function policyOf(clientId: string): Promise<string[]> {
  const { services } = app;
  const formats = createFormats({ now: services.clock.now(), timeZone: 'Asia/Taipei' });
  return effectivePolicy({ services, t, formats }, await findClient(services, clientId));
}

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri'] as const;
const hours = (from: string, to: string): ClientFields => ({
  serviceHours: { timeZone: 'Asia/Tokyo', windows: [{ days: [...WEEKDAYS], from, to }] },
});

describe('effective policy', () => {
  it('says in sentences what the settings allow', async () => {
    const { clientId } = await app.createClient({
      apiGroups: ['policy.read', 'policy.write'],
      apiScopes: ['policy.profile'],
      ...hours('09:00', '22:00'),
      ipBindings: ['192.0.2.0/24', '198.51.100.7'].map((address) => ({ hostName: '', address })),
      tps: 10,
      apiQuota: { calls: 5000, period: 'day' },
      expiresAt: new Date('2035-03-31T00:00:00Z'),
      accessToken: { lifetimeSeconds: 7200, maxUses: 1 },
      grantTypes: ['client_credentials', 'refresh_token'],
    });
    expect(await policyOf(clientId)).toEqual([
      'May call 2 API groups (3 APIs), and with a user’s consent 1 API scope (1 API).',
      'Mon–Fri 09:00–22:00 Asia/Tokyo, from 2 addresses or ranges.',
      'At most 10 calls a second on each node; 0 of 5,000 calls used today, resets in 3 hours (1 Jan 2035, 23:00 Asia/Taipei).',
      'Until 31 Mar 2035, 08:00 Asia/Taipei (in 2 months).',
      'Gets tokens by client credentials, refresh token; an access token lasts 2 hours, for 1 use.',
    ]);
  });

  it('says so where nothing limits a client, and where it holds no API group', async () => {
    const { clientId } = await app.createClient({ grantTypes: [] });
    expect(await policyOf(clientId)).toEqual([
      'May call no API: no API group counts.',
      'At any time, from any address.',
      'Any number of calls a second, without a quota.',
      'Gets no tokens: no grant type is picked.',
    ]);
  });

  it('counts only the groups that the level of the client lets it use', async () => {
    const { clientId } = await app.createClient({
      securityLevel: 'A',
      apiGroups: ['policy.read', 'policy.top'],
    });
    // The catalog changes under the client, which keeps the name.
    const { stores } = app.services;
    expect((await policyOf(clientId))[0]).toBe('May call 2 API groups (3 APIs).');
    const held = await findClient(app.services, clientId);
    const lowered = { ...held, securityLevel: 'SYSTEM', version: held.version + 1 };
    const event = {
      ...{ eventId: 'lowered', at: START, action: 'client.update', changes: [] },
      actor: { kind: 'system', id: 'system', address: null },
      object: { kind: 'client', id: clientId },
    } as const;
    await stores.clients.update(lowered, { ...event, changes: [] });
    expect((await policyOf(clientId))[0]).toBe(
      'May call 1 API group (2 APIs); 1 that it holds does not count, as its level or audience does not fit.',
    );
  });

  it('tells what a resource server may ask about', async () => {
    expect((await policyOf(gateway.clientId))[0]).toBe(
      'May ask about credentials for all API groups.',
    );
  });
});

/** Each client, the moment of its call, and how the policy begins. */
const CASES: [string, ClientFields, string, ReasonCode | null, string][] = [
  ['an open client', {}, '2035-01-01T12:00:00Z', null, 'May call 1 API group (2 APIs).'],
  [
    'a client that has not started',
    { startsAt: new Date('2035-01-03T00:00:00Z') },
    '2035-01-01T12:00:00Z',
    'client_not_started',
    'May not call now: it starts in 36 hours (3 Jan 2035, 08:00 Asia/Taipei).',
  ],
  [
    'the first moment of a client',
    { startsAt: new Date('2035-01-03T00:00:00Z') },
    '2035-01-03T00:00:00Z',
    null,
    'May call 1 API group (2 APIs).',
  ],
  [
    'a client that has ended',
    { expiresAt: new Date('2035-01-03T00:00:00Z') },
    '2035-01-03T00:00:00Z',
    'client_expired',
    'May not call now: it expired ',
  ],
  [
    'the last moment of a client',
    { expiresAt: new Date('2035-01-03T00:00:00Z') },
    '2035-01-02T23:59:59Z',
    null,
    'May call 1 API group (2 APIs).',
  ],
  [
    'a client outside its service time',
    hours('09:00', '18:00'),
    '2035-01-01T12:00:00Z',
    'outside_service_hours',
    'May not call now: it is outside its service time, which begins in 12 hours (2 Jan 2035, 08:00 Asia/Taipei).',
  ],
  [
    'a client within its service time',
    hours('09:00', '21:30'),
    '2035-01-01T12:00:00Z',
    null,
    'May call 1 API group (2 APIs).',
  ],
  [
    'a disabled client that has ended too',
    { status: 'disabled', expiresAt: new Date('2035-01-02T00:00:00Z') },
    '2035-01-03T00:00:00Z',
    'client_disabled',
    'May not call now: it is disabled.',
  ],
  [
    'a client that is bound to a range',
    { ipBindings: [{ hostName: '', address: '192.0.2.0/24' }] },
    '2035-01-01T12:00:00Z',
    null,
    'May call 1 API group (2 APIs).',
  ],
];

describe('“May not call now”', () => {
  it.each(CASES)(
    'is said of %s exactly when calls are refused',
    async (_, fields, at, reason, first) => {
      const { clientId } = await app.createClient({ apiGroups: ['policy.read'], ...fields });
      const key = await app.createKey(clientId, { expiresAt: new Date('2040-01-01T00:00:00Z') });
      app.clock.set(at);
      try {
        const question = {
          apiKey: key.value,
          clientIp: '192.0.2.9',
          method: 'GET',
          path: '/policy',
        };
        const { body } = await app.decide(gateway, question);
        const supposed = { place: 'call', at: app.clock.now(), weight: 1 } as const;
        const { reason: simulated } = await simulate(app.services, {
          ...supposed,
          subject: { clientId },
          address: question.clientIp,
          call: { method: 'GET', path: '/policy' },
        });
        const policy = await policyOf(clientId);
        expect([body['reason'] ?? null, simulated]).toEqual([reason, reason]);
        expect(policy[0]).toContain(first);
        expect(policy.some((one) => one.startsWith('May not call now'))).toBe(reason !== null);
      } finally {
        app.clock.set(START);
      }
    },
  );

  it('is said of a locked client, with since when and after how many wrong secrets', async () => {
    const client = await app.createClient({ failedLoginLimit: 2 });
    for (let i = 0; i < 2; i += 1) await app.token({ ...client, secret: 'wrong' });
    app.clock.advance(240);
    expect((await policyOf(client.clientId))[0]).toBe(
      'May not call now: locked since 1 Jan 2035, 20:00 Asia/Taipei (4 minutes ago), after 2 wrong secrets.',
    );
    app.clock.set(START);
  });

  it.each([
    ['day', 'resets in 12 hours (2 Jan 2035, 08:00 Asia/Taipei)'],
    ['total', 'never resets'],
  ] as const)('is said of a client whose quota is used up, %s', async (period, resets) => {
    const { clientId } = await app.createClient({
      apiGroups: ['policy.read'],
      apiQuota: { calls: 2, period },
      timeZone: 'UTC',
    });
    const key = await app.createKey(clientId);
    const question = { apiKey: key.value, clientIp: '192.0.2.9', method: 'GET', path: '/policy' };
    await app.decide(gateway, question);
    const policy = await policyOf(clientId);
    expect(policy.join(' ')).toContain('1 of 2 calls used');
    expect(policy.join(' ')).not.toContain('May not call now');
    await app.decide(gateway, question);
    expect((await app.decide(gateway, question)).body['reason']).toBe('quota_exhausted');
    expect((await policyOf(clientId))[0]).toBe(
      `May not call now: its quota is used up, and ${resets}.`,
    );
  });
});
