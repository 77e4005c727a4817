/** Who may ask at `POST /decide`, and what a request that is none is told. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fresh, startApp, type TestApp } from '../support/app.ts';
import { type Answer, answerOf, basic, type Credentials, sendRaw } from '../support/server.ts';
import { FROM } from './support.ts';

const CALL = { clientIp: FROM, method: 'GET', path: '/orders' };

let app: TestApp;
let gateway: Credentials;
let token: string;
beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXIES: 'loopback' } });
  gateway = await app.createResourceServer();
  await app.createGroup('orders', {}, ['GET /orders']);
  const client = await app.createClient({
    apiGroups: ['orders'],
    accessToken: { lifetimeSeconds: 3600, maxUses: 5 },
  });
  token = (await app.grant(client)).accessToken;
});
afterAll(() => app.close());

/** Whatever went wrong, a caller that reads `allowed` alone refuses the call. */
function expectProblem({ status, headers, body }: Answer, expected: number, code: string): void {
  expect(status).toBe(expected);
  expect(headers.get('Content-Type')).toMatch(/^application\/problem\+json/);
  expect(headers.get('Cache-Control')).toBe('no-store');
  expect(body).toMatchObject({ allowed: false, reason: code, code, status: expected });
}

/** Posts a body as it is. */
function send(body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  return fetch(`${app.url}/decide`, {
    method: 'POST',
    body: body as string,
    headers: {
      'Content-Type': 'application/json',
      Authorization: basic(gateway.clientId, gateway.secret),
      ...headers,
    },
  }).then(answerOf);
}

describe('a caller', () => {
  it.each<[string, () => Record<string, string>]>([
    ['without credentials', () => ({})],
    ['with a wrong secret', () => ({ Authorization: basic(gateway.clientId, 'wrong') })],
    ['that is unknown', () => ({ Authorization: basic('nobody', 'secret') })],
    ['with the token of its client', () => ({ Authorization: `Bearer ${token}` })],
    ['with a Basic header that is none', () => ({ Authorization: 'Basic !' })],
    [
      'with the header of the other door',
      () => ({
        'X-Gateway-Authorization': basic(gateway.clientId, gateway.secret),
      }),
    ],
  ])('%s is 401, with a challenge', async (_, headers) => {
    const answer = await send(JSON.stringify({ ...CALL, token }), {
      Authorization: '',
      ...headers(),
    });
    expectProblem(answer, 401, 'not_authenticated');
    expect(answer.headers.get('WWW-Authenticate')).toBe('Basic realm="tollgate", charset="UTF-8"');
  });

  it('that is a partner is 403, also for its own token', async () => {
    const partner = await app.createClient({ apiGroups: ['orders'] });
    const { accessToken } = await app.grant(partner);
    const answer = await app.decide(partner, { ...CALL, token: accessToken });
    expectProblem(answer, 403, 'not_allowed');
    expect(answer.body.detail).toContain('is a partner');
  });

  it.each<[string, Parameters<TestApp['updateClient']>[1], string]>([
    ['is disabled', { status: 'disabled' }, 'client_disabled'],
    ['has expired', { expiresAt: new Date('2035-01-01T12:00:00Z') }, 'client_expired'],
    ['has not started', { startsAt: new Date('2035-01-01T12:00:00.001Z') }, 'client_not_started'],
    [
      'is outside its service hours',
      { serviceHours: { windows: [{ days: ['tue'], from: '00:00', to: '24:00' }] } },
      'outside_service_hours',
    ],
  ])('that %s is 403, and told why', async (_, patch, reason) => {
    const caller = await app.createResourceServer();
    expect((await app.decide(caller, { ...CALL, token, consume: false })).body.allowed).toBe(true);
    await app.updateClient(caller.clientId, patch);
    const answer = await app.decide(caller, { ...CALL, token });
    expectProblem(answer, 403, 'not_allowed');
    expect(answer.body.detail).toContain(reason);
    expect((await app.decide(gateway, { ...CALL, token, consume: false })).body.usesLeft).toBe(5);
  });

  it('that is bound to another address is told so with 403, and its secret is not looked at', async () => {
    const ipBindings = [{ hostName: 'gw', address: '198.51.100.1' }];
    const caller = await app.createResourceServer({ ipBindings, failedLoginLimit: 1 });
    const ask = (as: Credentials, from: string) =>
      app.decide(as, { ...CALL, token, consume: false }, { from });
    for (const secret of [caller.secret, 'wrong']) {
      const answer = await ask({ ...caller, secret }, '198.51.100.2');
      expectProblem(answer, 403, 'not_allowed');
      expect(answer.body.detail).toContain('ip_not_allowed');
    }
    // The failure from outside has not locked it.
    expect((await ask(caller, '198.51.100.1')).body.allowed).toBe(true);
  });

  it('that guesses its secret is locked', async () => {
    const caller = await app.createResourceServer({ failedLoginLimit: 2 });
    for (const secret of ['guess-1', 'guess-2']) {
      await app.decide({ ...caller, secret }, { ...CALL, token });
    }
    expectProblem(await app.decide(caller, { ...CALL, token }), 401, 'not_authenticated');
  });

  it('may have a secret that a person chose, with any characters', async () => {
    const password = 'pä%zz: wörd+&=';
    const caller = await app.createResourceServer({ password });
    const question = { ...CALL, token, consume: false };
    expect((await app.decide(caller, question)).body.allowed).toBe(true);
  });
});

type Bad = [name: string, change: object, field: string];

const BAD: Bad[] = [
  ['no clientIp', { clientIp: undefined }, 'clientIp'],
  ['a clientIp that is null', { clientIp: null }, 'clientIp'],
  ['an empty clientIp', { clientIp: '' }, 'clientIp'],
  ['a host name', { clientIp: 'localhost' }, 'clientIp'],
  ['a range', { clientIp: '192.0.2.0/24' }, 'clientIp'],
  ['an address with a port', { clientIp: '192.0.2.7:80' }, 'clientIp'],
  ['an address in brackets', { clientIp: '[2001:db8::1]' }, 'clientIp'],
  ['an address with a zone', { clientIp: 'fe80::1%eth0' }, 'clientIp'],
  ['an address with a leading zero', { clientIp: '192.0.2.07' }, 'clientIp'],
  ['an address with a space', { clientIp: ' 192.0.2.7' }, 'clientIp'],
  ['a list of addresses', { clientIp: '192.0.2.7, 192.0.2.8' }, 'clientIp'],
  ['a clientIp that is a number', { clientIp: 3_221_225_991 }, 'clientIp'],
  ['no method', { method: undefined }, 'method'],
  ['an empty method', { method: '' }, 'method'],
  ['a method with a space', { method: 'GET /' }, 'method'],
  ['a method of 21 letters', { method: 'G'.repeat(21) }, 'method'],
  ['a method that is a list', { method: ['GET'] }, 'method'],
  ['no path', { path: undefined }, 'path'],
  ['an empty path', { path: '' }, 'path'],
  ['a path without its slash', { path: 'orders' }, 'path'],
  ['a whole URL', { path: 'https://api.example.com/orders' }, 'path'],
  ['a path of 8,001 characters', { path: `/${'a'.repeat(8000)}` }, 'path'],
  ['consume as text', { consume: 'false' }, 'consume'],
  ['consume as a number', { consume: 0 }, 'consume'],
  ['consume as null', { consume: null }, 'consume'],
  ['a weight of 0', { weight: 0 }, 'weight'],
  ['a negative weight', { weight: -1 }, 'weight'],
  ['a broken weight', { weight: 1.5 }, 'weight'],
  ['a weight as text', { weight: '2' }, 'weight'],
  ['a weight beyond a billion', { weight: 1_000_000_001 }, 'weight'],
  ['an empty idempotencyKey', { idempotencyKey: '' }, 'idempotencyKey'],
  ['an idempotencyKey of 256', { idempotencyKey: 'k'.repeat(256) }, 'idempotencyKey'],
  ['an idempotencyKey that is a number', { idempotencyKey: 7 }, 'idempotencyKey'],
  ['an empty token', { token: '' }, 'token'],
  ['a token of 1,001', { token: 't'.repeat(1001) }, 'token'],
  ['a token that is a number', { token: 7 }, 'token'],
  ['an empty apiKey', { token: undefined, apiKey: '' }, 'apiKey'],
  ['a token and an apiKey', { apiKey: 'tgk_x' }, 'apiKey'],
  ['a field that there is not', { clientIP: FROM }, 'clientIP'],
  ['a snake-case field', { client_ip: FROM }, 'client_ip'],
];

/** Fields that a problem names. */
function fieldsOf({ body }: Answer): string[] {
  return (body.errors as { field: string; message: string }[]).map(({ field, message }) => {
    expect(message.length).toBeGreaterThan(5);
    return field;
  });
}

describe('a bad request', () => {
  it.each(BAD)('with %s names the field', async (_, change, field) => {
    const answer = await app.decide(gateway, { ...CALL, token, ...change });
    expectProblem(answer, 400, 'validation_failed');
    expect(fieldsOf(answer)).toEqual([field]);
    expect(answer.body.detail).toContain(field);
  });

  it('names every bad field at once, and in a list the member', async () => {
    const single = await app.decide(gateway, { clientIp: 'x', method: '', path: '', weight: 0 });
    expect(fieldsOf(single)).toEqual(['clientIp', 'method', 'path', 'weight']);
    const list = await app.decide(gateway, [
      { ...CALL, token },
      { ...CALL, token, weight: 0 },
      { ...CALL, token, colour: 'red' },
      7,
    ]);
    expectProblem(list, 400, 'validation_failed');
    expect(fieldsOf(list)).toEqual(['1.weight', '2.colour', '3']);
  });

  it.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'clientIp'],
    ['null', 'null', 'clientIp'],
    ['an empty object', '{}', 'clientIp'],
    ['text', '"GET /orders"', ''],
    ['a number', '7', ''],
    ['half an object', '{"token":', ''],
    ['a member twice', '{"token":"a","token":"b"}', 'token'],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), ''],
    ['a list in a list', '[[{}]]', '0'],
    ['an empty list', '[]', ''],
    [
      'a nesting beyond measure',
      `${'['.repeat(20)}${']'.repeat(20)}`,
      expect.any(String) as unknown as string,
    ],
  ])('of %s is 400', async (_, body, field) => {
    const answer = await send(body);
    expectProblem(answer, 400, 'validation_failed');
    expect(fieldsOf(answer)[0]).toEqual(field);
  });

  it('of 101 questions is 400, and of 100 is none', async () => {
    const questions = (count: number) =>
      Array.from({ length: count }, () => ({ ...CALL, token, consume: false }));
    expectProblem(await app.decide(gateway, questions(101)), 400, 'validation_failed');
    expect((await app.decide(gateway, questions(100))).status).toBe(200);
  });

  it('is 415 in another media type, and 413 beyond 256 KiB', async () => {
    const body = JSON.stringify({ ...CALL, token });
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'application/json; charset=latin1',
      'application/merge-patch+json',
    ]) {
      expectProblem(await send(body, { 'Content-Type': type }), 415, 'unsupported_media_type');
    }
    const large = JSON.stringify({ ...CALL, token: 't'.repeat(256 * 1024) });
    expectProblem(await send(large), 413, 'payload_too_large');
    expect((await send(body, { 'Content-Type': 'Application/JSON;charset=UTF-8' })).status).toBe(
      200,
    );
  });

  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'])('by %s is 405', async (method) => {
    const answer = await sendRaw(app.url, { method, path: '/decide' });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('Allow')).toBe('POST');
    if (method !== 'HEAD') expectProblem(answer, 405, 'method_not_allowed');
  });

  it('has spent nothing, and logs no credential', async () => {
    const client = await app.createClient({
      apiGroups: ['orders'],
      accessToken: { lifetimeSeconds: 60, maxUses: 3 },
    });
    const own = (await app.grant(client)).accessToken;
    for (const [, change] of BAD) {
      await app.decide(gateway, { ...CALL, token: own, ...change });
      await app.decide(gateway, [
        { ...CALL, token: own },
        { ...CALL, token: own, ...change },
      ]);
    }
    expect((await app.decide(gateway, { ...CALL, token: own, consume: false })).body.usesLeft).toBe(
      3,
    );
    const log = app.log.join('');
    expect(log).not.toContain(own);
    expect(log).not.toContain(gateway.secret);
    expect(log).toContain(gateway.clientId);
  });
});

describe('the path /decide', () => {
  it('is that path alone', async () => {
    for (const path of ['/decide/', '/decide/x', '/Decide', '//decide']) {
      const { status } = await sendRaw(app.url, { method: 'POST', path });
      expect({ path, status }).toEqual({ path, status: 404 });
    }
    const query = await sendRaw(app.url, { method: 'POST', path: `/decide?${fresh('x')}=1` });
    expect(query.status).toBe(401);
  });
});
