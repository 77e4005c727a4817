/** Requests that nobody should send: each gets a 4xx that names the problem, and changes nothing. */
import { request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Fixtures, makeFixtures } from './every-route.ts';
import {
  ADMIN_API_TOKEN,
  type ApiAnswer,
  type ApiRequest,
  smallClient,
  startApi,
  type TestApi,
} from './support.ts';

let api: TestApi;
let fixtures: Fixtures;
let before: unknown;

beforeAll(async () => {
  api = await startApi();
  fixtures = await makeFixtures(api);
});
afterAll(() => api.close());
beforeEach(async () => {
  before = await state();
});
afterEach(async () => {
  expect(await state()).toEqual(before);
  expect(api.errors).toEqual([]);
});

/** What any change would move. */
async function state() {
  const { audit, changes } = api.services.stores;
  const { total } = await audit.list({ limit: 1 });
  return { events: total, position: (await changes.since(0))?.position, mails: api.mails.length };
}

function expectProblem(answer: ApiAnswer, status: number, field: string | null): void {
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status });
  expect(answer.headers.get('Content-Type')).toMatch(/^application\/problem\+json/);
  expect(answer.headers.get('Cache-Control')).toBe('no-store');
  expect(answer.body).toMatchObject({ status, type: `/docs/errors#${answer.body.code}` });
  expect(answer.body.detail).not.toBe('');
  if (field === null) return;
  expect(answer.body.errors.map((e: { field: string }) => e.field)).toContain(field);
}

const MANY = 'x'.repeat(2000);
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** A value that a field of a new client may not have: [what, field that is named, the value]. */
const BAD_CLIENTS: [string, string, unknown][] = [
  ['a number for text', 'clientName', 5],
  ['null for text', 'clientName', null],
  ['an operator for text', 'clientName', { $gt: '' }],
  ['a list for text', 'clientName', ['a']],
  ['a boolean for text', 'displayName', true],
  ['an operator for text', 'note', { $ne: null }],
  ['blank text', 'displayName', '   '],
  ['control characters', 'displayName', 'a\u0000b'],
  ['two lines', 'note', 'a\nb'],
  ['text that is too long', 'note', MANY],
  ['text that is too long', 'remark', MANY],
  ['text that is too long', 'description', MANY],
  ['characters outside the name', 'clientName', 'a b'],
  ['a dotted name', 'clientName', 'a.b'],
  ['an id that is too long', 'clientId', 'a'.repeat(41)],
  ['an id with a slash', 'clientId', '../x'],
  ['a password that is too short', 'password', 'short'],
  ['a password that is too long', 'password', 'é'.repeat(129)],
  ['an operator for a password', 'password', { $regex: '.*' }],
  ['text for a number', 'tps', '10'],
  ['a fraction', 'tps', 1.5],
  ['a negative number', 'tps', -1],
  ['a huge number', 'tps', 1e308],
  ['a number beyond the range', 'priority', 10],
  ['zero where one is least', 'failedLoginLimit', 0],
  ['a negative lifetime', 'accessToken.lifetimeSeconds', -1],
  ['an endless lifetime', 'refreshToken.lifetimeSeconds', 1e12],
  ['negative uses', 'accessToken.maxUses', -5],
  ['text for a list', 'emails', 'a@example.org'],
  ['an address that is none', 'emails.0', ['nobody']],
  ['eleven addresses', 'emails', Array.from({ length: 11 }, (_, i) => `a${i}@example.org`)],
  ['a repeated address', 'emails', ['a@example.org', 'a@example.org']],
  ['a host name for an address', 'ipBindings.0.address', [{ hostName: '', address: 'host' }]],
  ['a prefix that is too long', 'ipBindings.0.address', [{ hostName: '', address: '10.0.0.0/33' }]],
  ['an unknown member', 'ipBindings.0.port', [{ hostName: '', address: '10.0.0.1', port: 1 }]],
  [
    'the same address twice',
    'ipBindings',
    [
      { hostName: 'a', address: '192.0.2.1' },
      { hostName: 'b', address: '::ffff:192.0.2.1' },
    ],
  ],
  ['a date without an offset', 'expiresAt', '2027-01-01T00:00:00'],
  ['a date without a time', 'expiresAt', '2027-01-01'],
  ['a day that does not exist', 'startsAt', '2027-02-30T00:00:00Z'],
  ['an instant past year 9999', 'startsAt', '9999-12-31T23:59:59-23:59'],
  ['a number for a date', 'startsAt', 1_800_000_000],
  ['an operator for a date', 'startsAt', { $date: 0 }],
  ['an unknown status', 'status', 'locked'],
  ['an unknown audience', 'audience', 'everyone'],
  ['an unknown grant', 'grantTypes.0', ['implicit']],
  ['a repeated grant', 'grantTypes', ['password', 'password']],
  ['a redirect with a fragment', 'redirectUris.0', ['https://example.org/#x']],
  ['a redirect with a wildcard', 'redirectUris.0', ['https://*.example.org/']],
  ['a script for a redirect', 'redirectUris.0', ['javascript:alert(1)']],
  ['plain http for a redirect', 'redirectUris.0', ['http://example.org/cb']],
  ['an operator for a level', 'securityLevel', { $in: ['A'] }],
  ['an unknown level', 'securityLevel', 'NONE'],
  ['an unknown group', 'apiGroups.0', ['no.such']],
  ['an operator for a group', 'apiGroups.0', [{ $gt: '' }]],
  ['an unknown period', 'apiQuota.period', { calls: 1, period: 'hour' }],
  ['an unknown time zone', 'serviceHours.timeZone', { timeZone: 'Mars/Base', windows: [] }],
  ['a private key', 'jwks.keys.0', { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AA', d: 'AA' }] }],
  ['an unknown field', 'admin', true],
  ['a field of the server', 'version', 7],
  ['a field of the server', 'secrets', []],
  ['a field of the server', 'lock', {}],
  ['a field of every object', 'constructor', { prototype: {} }],
  ['an operator for a field', '$where', 'sleep(1000)'],
];

/** Puts a value at the first member of the field's path. */
function bodyWith(field: string, value: unknown): Record<string, unknown> {
  const [name = '', member] = field.split('.');
  const defaults: Record<string, object> = {
    accessToken: { lifetimeSeconds: 60, maxUses: 0 },
    refreshToken: { lifetimeSeconds: 60, maxUses: 0 },
  };
  const base = defaults[name];
  const placed = base !== undefined && member !== undefined ? { ...base, [member]: value } : value;
  return { ...smallClient('bad'), [name]: placed };
}

describe('POST /clients with a bad field', () => {
  it.each(BAD_CLIENTS)('%s: %s', async (_, field, value) => {
    const body = bodyWith(field, value);
    for (const query of ['', '?dryRun=true']) {
      expectProblem(await api.send('POST', `/api/v1/clients${query}`, { body }), 400, field);
    }
  });

  it('names every bad field at once, of query and body', async () => {
    const body = {
      clientName: 'a b',
      note: { $ne: null },
      tps: -1,
      emails: ['nobody', 'a@example.org', 'nor I'],
      accessToken: { lifetimeSeconds: 0, maxUses: '5', extra: 1 },
      serviceHours: { timeZone: 'Mars/Base', windows: [{ days: [], from: '25:00', to: '06:00' }] },
      $where: 'sleep(1000)',
    };
    const answer = await api.send('POST', '/api/v1/clients?dryRun=maybe&x=1', { body });
    expectProblem(answer, 400, 'dryRun');
    expect(answer.body.errors.map((e: { field: string }) => e.field).toSorted()).toEqual([
      '$where',
      'accessToken.extra',
      'accessToken.lifetimeSeconds',
      'accessToken.maxUses',
      'clientName',
      'displayName',
      'dryRun',
      'emails.0',
      'emails.2',
      'note',
      'serviceHours.timeZone',
      'serviceHours.windows.0.days',
      'serviceHours.windows.0.from',
      'tps',
      'x',
    ]);
  });
});

describe('PATCH /clients/{clientId} with a bad field', () => {
  const creationOnly = ['clientId', 'password'];
  it.each(
    BAD_CLIENTS.filter(([, field, value]) => value !== null && !creationOnly.includes(field)),
  )('%s: %s', async (_, field, value) => {
    const { clientName: __, displayName: ___, note: ____, ...body } = bodyWith(field, value);
    const name = field.split('.')[0] ?? '';
    const request = { body: { ...body, [name]: bodyWith(field, value)[name] }, version: 1 };
    const path = `/api/v1/clients/${fixtures.clientId}`;
    expectProblem(await api.send('PATCH', path, request), 400, field);
  });
});

/** Other bad requests: [what, method, path, request, status, field that is named]. */
const BAD_REQUESTS: [string, string, string, ApiRequest, number, string | null][] = [
  ['a list at the top', 'POST', '/clients', { raw: '[]' }, 400, ''],
  ['null at the top', 'POST', '/clients', { raw: 'null' }, 400, ''],
  ['text at the top', 'POST', '/clients', { raw: '"x"' }, 400, ''],
  ['a number at the top', 'POST', '/clients', { raw: '7' }, 400, ''],
  ['nothing at all', 'POST', '/clients', {}, 400, 'clientName'],
  ['an empty body', 'POST', '/clients', { raw: '' }, 400, 'clientName'],
  ['half an object', 'POST', '/clients', { raw: '{"note":' }, 400, ''],
  ['a trailing comma', 'POST', '/clients', { raw: '{"note":"a",}' }, 400, ''],
  ['NaN', 'POST', '/clients', { raw: '{"tps":NaN}' }, 400, ''],
  ['a number that overflows', 'POST', '/clients', { raw: '{"tps":1e999}' }, 400, 'tps'],
  ['single quotes', 'POST', '/clients', { raw: "{'note':'a'}" }, 400, ''],
  ['a form', 'POST', '/clients', { raw: 'note=a&tps=1' }, 400, ''],
  ['a field twice', 'POST', '/clients', { raw: '{"note":"a","note":"b"}' }, 400, 'note'],
  [
    'a nested field twice',
    'POST',
    '/clients',
    { raw: '{"accessToken":{"maxUses":1,"\\u006daxUses":0}}' },
    400,
    'accessToken.maxUses',
  ],
  ['__proto__', 'POST', '/clients', { raw: '{"__proto__":{"role":"owner"}}' }, 400, '__proto__'],
  [
    '__proto__ deeper',
    'POST',
    '/clients',
    { raw: '{"apiQuota":{"__proto__":{"calls":0}}}' },
    400,
    'apiQuota.__proto__',
  ],
  ['deep nesting', 'POST', '/clients', { raw: nested(100) }, 400, Array(16).fill('a').join('.')],
  ['very deep nesting', 'POST', '/clients', { raw: '['.repeat(200_000) }, 400, ''],
  ['half a surrogate pair', 'POST', '/clients', { raw: '{"note":"\\ud800"}' }, 400, 'note'],
  ['half a pair in a name', 'POST', '/clients', { raw: '{"\\udc00":1}' }, 400, ''],
  [
    'invalid UTF-8',
    'POST',
    '/clients',
    { raw: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) },
    400,
    '',
  ],
  ['too many bytes', 'POST', '/clients', { raw: `{"note":"${'x'.repeat(262_144)}"}` }, 413, null],
  ['too many bytes of nothing', 'PATCH', '/clients/x', { raw: ' '.repeat(300_000) }, 413, null],
  [
    'text/plain',
    'POST',
    '/clients',
    { raw: '{}', headers: { 'Content-Type': 'text/plain' } },
    415,
    null,
  ],
  [
    'a form type',
    'POST',
    '/clients',
    { raw: 'a=1', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
    415,
    null,
  ],
  [
    'another charset',
    'POST',
    '/clients',
    { raw: '{}', headers: { 'Content-Type': 'application/json; charset=utf-16' } },
    415,
    null,
  ],
  [
    'a compressed body',
    'POST',
    '/clients',
    { raw: '{}', headers: { 'Content-Encoding': 'gzip' } },
    415,
    null,
  ],
  ['an unknown parameter', 'GET', '/clients?colour=red', {}, 400, 'colour'],
  ['a blank unknown parameter', 'GET', '/clients?colour=', {}, 400, 'colour'],
  ['an operator in the query', 'GET', '/clients?search[$gt]=', {}, 400, 'search[$gt]'],
  ['__proto__ in the query', 'GET', '/clients?__proto__=x', {}, 400, '__proto__'],
  ['a parameter twice', 'GET', '/clients?status=enabled&status=disabled', {}, 400, 'status'],
  ['limit 0', 'GET', '/clients?limit=0', {}, 400, 'limit'],
  ['limit 101', 'GET', '/clients?limit=101', {}, 400, 'limit'],
  ['limit -1', 'GET', '/clients?limit=-1', {}, 400, 'limit'],
  ['limit NaN', 'GET', '/clients?limit=NaN', {}, 400, 'limit'],
  ['limit 1e1', 'GET', '/clients?limit=1e1', {}, 400, 'limit'],
  ['a limit beyond numbers', 'GET', `/clients?limit=${'9'.repeat(400)}`, {}, 400, 'limit'],
  ['a bad cursor', 'GET', '/clients?cursor=nonsense', {}, 400, 'cursor'],
  ['a cursor that is JSON', 'GET', '/users?cursor=eyIkZ3QiOiIifQ', {}, 400, 'cursor'],
  ['a bad cursor of tokens', 'GET', '/clients/{clientId}/tokens?cursor=%00', {}, 400, 'cursor'],
  ['a bad cursor of events', 'GET', '/audit-events?cursor=zzzz', {}, 400, 'cursor'],
  ['an unknown sort', 'GET', '/clients?sort=secrets', {}, 400, 'sort'],
  ['a double minus', 'GET', '/clients?sort=--createdAt', {}, 400, 'sort'],
  ['the sort of another list', 'GET', '/users?sort=clientName', {}, 400, 'sort'],
  ['an unknown status', 'GET', '/clients?status=gone', {}, 400, 'status'],
  ['a status where none is', 'GET', '/apis?status=enabled', {}, 400, 'status'],
  ['a bad date', 'GET', '/audit-events?from=yesterday', {}, 400, 'from'],
  ['a date without an offset', 'GET', '/audit-events?to=2027-01-01T00:00:00', {}, 400, 'to'],
  ['a search with NUL', 'GET', '/clients?search=%00', {}, 400, 'search'],
  ['a search of users with NUL', 'GET', '/users?search=a%00b', {}, 400, 'search'],
  ['a cursor with NUL', 'GET', '/users?cursor=%00', {}, 400, 'cursor'],
  ['a search that is too long', 'GET', `/clients?search=${'a'.repeat(201)}`, {}, 400, 'search'],
  ['a dry run that is neither', 'DELETE', '/clients/{clientId}?dryRun=1', {}, 400, 'dryRun'],
  ['a dry run of a read', 'GET', '/clients?dryRun=true', {}, 400, 'dryRun'],
  ['no If-Match', 'PATCH', '/clients/{clientId}', { body: {} }, 428, null],
  ['a stale If-Match', 'PATCH', '/clients/{clientId}', { body: {}, version: 9 }, 412, null],
  ['a stale If-Match', 'DELETE', '/users/{userId}', { version: 9 }, 412, null],
  ...['1', 'W/"1"', '*', '"one"', '"-1"', '"1", "2"', '"99999999999999999999"'].map(
    (value): [string, string, string, ApiRequest, number, string] => [
      `If-Match: ${value}`,
      'PATCH',
      '/clients/{clientId}',
      { body: { note: 'x' }, headers: { 'If-Match': value } },
      400,
      'If-Match',
    ],
  ),
  ['a body that is not wanted', 'POST', '/clients/{clientId}/unlock', { body: { a: 1 } }, 400, 'a'],
  [
    'an immutable field',
    'PATCH',
    '/api-groups/{group}',
    { body: { name: 'x' }, version: 1 },
    400,
    'name',
  ],
  [
    'an immutable field',
    'PATCH',
    '/clients/{clientId}',
    { body: { clientId: 'x' }, version: 1 },
    400,
    'clientId',
  ],
  [
    'a password in a patch',
    'PATCH',
    '/users/{userId}',
    { body: { password: 'x' }, version: 1 },
    400,
    'password',
  ],
  [
    'null for a needed field',
    'PATCH',
    '/apis/{apiId}',
    { body: { path: null }, version: 1 },
    400,
    'path',
  ],
  ['a bad path pattern', 'POST', '/apis', { body: { method: 'GET', path: 'orders' } }, 400, 'path'],
  ['a bad method', 'POST', '/apis', { body: { method: 'FETCH', path: '/' } }, 400, 'method'],
  ['a scope with a space', 'POST', '/api-groups', { body: { name: 'a b' } }, 400, 'name'],
  [
    'an operator for APIs',
    'POST',
    '/api-groups',
    { body: { name: 'a', apis: { $gt: '' } } },
    400,
    'apis',
  ],
  [
    'an operator for a rank',
    'POST',
    '/security-levels',
    { body: { name: 'X', rank: { $gt: 0 } } },
    400,
    'rank',
  ],
  ['a missing password', 'POST', '/users', { body: { userName: 'x' } }, 400, 'password'],
  [
    'an operator for a password',
    'PUT',
    '/users/{userId}/password',
    { body: { password: { $ne: '' } } },
    400,
    'password',
  ],
  [
    'an email that is none',
    'POST',
    '/users',
    { body: { userName: 'x', password: 'long enough', email: 'x' } },
    400,
    'email',
  ],
  ['an unknown role', 'POST', '/admins', { body: { userName: 'x', role: 'root' } }, 400, 'role'],
  [
    'a password hash',
    'POST',
    '/admins',
    { body: { userName: 'x', role: 'viewer', passwordHash: 'x' } },
    400,
    'passwordHash',
  ],
  [
    'a negative grace',
    'POST',
    '/clients/{clientId}/secrets/{secretId}/rotate',
    { body: { graceSeconds: -1 } },
    400,
    'graceSeconds',
  ],
  ['no grace', 'POST', '/clients/{clientId}/secrets/{secretId}/rotate', {}, 400, 'graceSeconds'],
  [
    'an expired secret',
    'POST',
    '/clients/{clientId}/secrets',
    { body: { expiresAt: '2020-01-01T00:00:00Z' } },
    400,
    'expiresAt',
  ],
  [
    'a short secret',
    'POST',
    '/clients/{clientId}/secrets',
    { body: { value: 'short' } },
    400,
    'value',
  ],
  ['an unknown secret', 'DELETE', '/clients/{clientId}/secrets/none', {}, 404, null],
  ['an unknown client', 'GET', '/clients/none', {}, 404, null],
  ['an operator for an id', 'GET', '/clients/%7B%22$gt%22:%22%22%7D', {}, 404, null],
  ['a NUL for an id', 'GET', '/clients/%00', {}, 404, null],
  ['a broken escape', 'GET', '/clients/%E0%A4%A', {}, 404, null],
  ['an encoded slash', 'DELETE', '/clients/..%2Fusers', {}, 404, null],
  ['an id that is very long', 'GET', `/users/${'a'.repeat(5000)}`, {}, 404, null],
  ['an id of every object', 'GET', '/users/__proto__', {}, 404, null],
  ['an unknown path', 'GET', '/client', {}, 404, null],
  ['an unknown version', 'GET', '/../v2/clients', {}, 404, null],
  ['a wrong method', 'PUT', '/clients', { body: {} }, 405, null],
  ['a wrong method', 'DELETE', '/audit-events', {}, 405, null],
  ['a wrong method', 'OPTIONS', '/users', {}, 405, null],
];

describe('a bad request', () => {
  it.each(BAD_REQUESTS)('%s: %s %s', async (_, method, template, request, status, field) => {
    const ids: Record<string, string> = { ...fixtures };
    const path = template.replaceAll(/\{(\w+)\}/g, (all, name) => ids[name] ?? all);
    expectProblem(await api.send(method, `/api/v1${path}`, request), status, field);
  });

  it('tells a missing field from one of a wrong type', async () => {
    const answer = await api.send('POST', '/api/v1/clients', {
      body: { clientName: 5, note: 'x' },
    });
    expect(answer.body.errors).toEqual([
      { field: 'clientName', code: 'invalid_type', message: 'is 5; must be a text' },
      { field: 'displayName', code: 'required', message: 'is required' },
    ]);
  });

  it('repeats no part of a body that is not JSON, which may hold a password', async () => {
    const raw = '{"password":"correct horse battery", oops}';
    const answer = await api.send('POST', '/api/v1/clients', { raw });
    expectProblem(answer, 400, '');
    expect(answer.text).not.toContain('horse');
    expect(answer.text).not.toContain('oops');
  });

  it('too many bytes in chunks, without a length', async () => {
    const status = await sendChunks(Array(40).fill(Buffer.alloc(16 * 1024, ' ')));
    expect(status).toBe(413);
  });
});

/** Posts chunks without Content-Length; answers the status. */
function sendChunks(chunks: Buffer[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = {
      Authorization: `Bearer ${ADMIN_API_TOKEN}`,
      'Content-Type': 'application/json',
      'Transfer-Encoding': 'chunked',
    };
    const request = httpRequest(`${api.url}/api/v1/clients`, { method: 'POST', headers });
    request.on('response', (response) => {
      resolve(response.statusCode);
      response.resume();
    });
    request.on('error', reject);
    for (const chunk of chunks) request.write(chunk);
    request.end();
  });
}
