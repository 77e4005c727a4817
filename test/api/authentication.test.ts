import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ADMIN_API_TOKEN, startApi, type TestApi } from './support.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

function read(authorization: string) {
  return api.send('GET', '/api/v1/clients', {
    as: 'guest',
    headers: { Authorization: authorization },
  });
}

async function newToken(role: string, more: object = {}) {
  const body = { adminId: api.admins.owner, label: 'made', role, ...more };
  const { body: made } = await api.send('POST', '/api/v1/access-tokens', { body });
  return made as { accessTokenId: string; value: string };
}

describe('authentication of the REST API (RFC 6750)', () => {
  it('accepts ADMIN_API_TOKEN and acts as an owner', async () => {
    expect((await read(`Bearer ${ADMIN_API_TOKEN}`)).status).toBe(200);
    expect((await read(`bearer ${ADMIN_API_TOKEN}`)).status).toBe(200);
  });

  it.each([
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['no token', 'Bearer'],
    ['an unknown token', 'Bearer nobody'],
    ['an unknown personal access token', `Bearer tgp_${'a'.repeat(43)}`],
    ['a prefix of the right token', `Bearer ${ADMIN_API_TOKEN.slice(0, -1)}`],
    ['the right token and more', `Bearer ${ADMIN_API_TOKEN}0`],
    ['two tokens', `Bearer ${ADMIN_API_TOKEN} ${ADMIN_API_TOKEN}`],
    ['a very long token', `Bearer ${'a'.repeat(5000)}`],
  ])('refuses %s with 401 and a challenge', async (_, authorization) => {
    const answer = await read(authorization);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('WWW-Authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
    expect(answer.body).toMatchObject({ code: 'not_authenticated', status: 401 });
  });

  it('names no error in the challenge when there is no credential (RFC 6750 §3)', async () => {
    const answer = await api.send('GET', '/api/v1/clients', { as: 'guest' });
    expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="Tollgate REST API"');
  });

  it('accepts a personal access token until it expires', async () => {
    const expiresAt = '2027-03-01T01:00:00+00:00';
    const { value } = await newToken('viewer', { expiresAt });
    expect((await read(`Bearer ${value}`)).status).toBe(200);
    api.pass(3600);
    const late = await read(`Bearer ${value}`);
    expect(late.status).toBe(401);
    expect(late.body.detail).toContain('expired');
  });

  it('refuses a deleted token at once', async () => {
    const { accessTokenId, value } = await newToken('viewer');
    expect((await read(`Bearer ${value}`)).status).toBe(200);
    expect((await api.send('DELETE', `/api/v1/access-tokens/${accessTokenId}`)).status).toBe(204);
    expect((await read(`Bearer ${value}`)).status).toBe(401);
  });

  it('holds a token to the present role of its admin, and to their status', async () => {
    const path = `/api/v1/admins/${api.admins.operator}`;
    const change = { as: 'operator', body: { name: 'by.operator' } } as const;
    expect((await api.send('POST', '/api/v1/api-groups?dryRun=true', change)).status).toBe(200);
    await api.send('PATCH', path, { body: { role: 'viewer' }, version: 1 });
    expect((await api.send('POST', '/api/v1/api-groups?dryRun=true', change)).status).toBe(403);
    await api.send('PATCH', path, { body: { role: 'owner' }, version: 2 });
    expect((await api.send('POST', '/api/v1/admins', { ...change, body: {} })).status).toBe(403);
    await api.send('PATCH', path, { body: { status: 'disabled' }, version: 3 });
    expect((await api.send('GET', '/api/v1/clients', { as: 'operator' })).status).toBe(401);
  });

  it('shows when and from where a token was last used', async () => {
    const { accessTokenId, value } = await newToken('viewer');
    const path = `/api/v1/access-tokens/${accessTokenId}`;
    expect((await api.send('GET', path)).body.lastUsed).toBeNull();
    await read(`Bearer ${value}`);
    await api.services.lastUses.flush();
    const { lastUsed } = (await api.send('GET', path)).body;
    expect(lastUsed).toEqual({ at: api.services.clock.now().toISOString(), address: '127.0.0.1' });
  });

  it('answers 404 and 405 below /api without asking who calls', async () => {
    const unknown = await api.send('GET', '/api/v1/nothing', { as: 'guest' });
    expect(unknown.status).toBe(404);
    expect(unknown.body.code).toBe('not_found');
    const wrong = await api.send('PUT', '/api/v1/clients/x', { as: 'guest', body: {} });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('Allow')?.split(', ').toSorted()).toEqual([
      'DELETE',
      'GET',
      'HEAD',
      'PATCH',
    ]);
    expect((await api.send('GET', '/api', { as: 'guest' })).body.code).toBe('not_found');
    expect((await api.send('GET', '/apiary', { as: 'guest' })).body).toBeNull();
  });
});
