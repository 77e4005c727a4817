import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Role } from '../../src/domain/admins/admin.ts';
import { startApi, type TestApi } from './support.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const ADMINS = '/api/v1/admins';
const TOKENS = '/api/v1/access-tokens';

async function create(userName: string, role: Role) {
  const answer = await api.send('POST', ADMINS, { body: { userName, role } });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 201 });
  return answer.body;
}

describe('/admins', () => {
  it('creates an admin with a set-up link that is answered once', async () => {
    const { setUpLink, ...admin } = await create('new', 'operator');
    expect(setUpLink).toEqual({
      url: expect.stringMatching(/^https:\/\/auth\.tollgate\.test\/admin\/set-up\?token=tgl_/),
      expiresAt: expect.any(String),
    });
    expect(admin).toMatchObject({ userName: 'new', role: 'operator', isSetUp: false, version: 1 });
    const path = `${ADMINS}/${admin.adminId}`;
    expect((await api.send('GET', path)).body).toEqual(admin);
    const again = await api.send('POST', `${path}/set-up-link`);
    expect(again.status).toBe(201);
    expect(again.body.setUpLink.url).not.toBe(setUpLink.url);
    const taken = await api.send('POST', ADMINS, { body: { userName: 'NEW', role: 'viewer' } });
    expect(taken).toMatchObject({ status: 409, body: { errors: [{ field: 'userName' }] } });
  });

  it('changes and deletes an admin', async () => {
    const { adminId } = await create('changed', 'viewer');
    const path = `${ADMINS}/${adminId}`;
    const body = { displayName: 'Changed', email: 'admin@example.org', role: 'operator' };
    const changed = await api.send('PATCH', path, { body, version: 1 });
    expect(changed).toMatchObject({ status: 200, body: { ...body, version: 2 } });
    expect((await api.send('PATCH', path, { body, version: 1 })).status).toBe(412);
    expect((await api.send('DELETE', path, { version: 2 })).status).toBe(204);
    expect((await api.send('GET', path)).status).toBe(404);
  });

  it.each([
    ['create an owner', 'POST', () => ADMINS, { userName: 'x', role: 'owner' }],
    ['make themselves owner', 'PATCH', () => `${ADMINS}/${api.admins.security}`, { role: 'owner' }],
    ['change an owner', 'PATCH', () => `${ADMINS}/${api.admins.owner}`, { displayName: 'x' }],
    ['delete an owner', 'DELETE', () => `${ADMINS}/${api.admins.owner}`, undefined],
    ['set up an owner', 'POST', () => `${ADMINS}/${api.admins.owner}/set-up-link`, undefined],
  ])('does not let the role security %s', async (_, method, path, body) => {
    for (const query of ['', '?dryRun=true']) {
      const request = { as: 'security', version: 1, ...(body ? { body } : {}) } as const;
      const answer = await api.send(method, `${path()}${query}`, request);
      expect(answer).toMatchObject({ status: 403, body: { code: 'not_allowed' } });
      expect(answer.body.detail).toContain('the role owner is needed');
    }
  });

  it('never loses its last owner', async () => {
    const { body } = await api.send('GET', `${ADMINS}?limit=100`);
    const owners = body.items.filter((admin: { role: Role }) => admin.role === 'owner');
    const [last, ...others] = owners as { adminId: string; version: number }[];
    for (const { adminId } of others) {
      expect((await api.send('DELETE', `${ADMINS}/${adminId}`)).status).toBe(204);
    }
    const path = `${ADMINS}/${last?.adminId}`;
    const version = last?.version ?? 0;
    for (const query of ['', '?dryRun=true']) {
      const refused = { status: 409, body: { code: 'last_owner' } };
      expect(await api.send('DELETE', `${path}${query}`)).toMatchObject(refused);
      for (const change of [{ role: 'viewer' }, { status: 'disabled' }]) {
        const request = { body: change, version };
        expect(await api.send('PATCH', `${path}${query}`, request)).toMatchObject(refused);
      }
    }
  });
});

describe('/access-tokens', () => {
  it('answers the value once, and only its last four characters after', async () => {
    const body = { label: 'ci', role: 'viewer', expiresAt: '2027-06-01T00:00:00Z' };
    const issued = await api.send('POST', TOKENS, { as: 'operator', body });
    expect(issued.status).toBe(201);
    const { value, ...token } = issued.body;
    expect(value).toMatch(/^tgp_/);
    expect(token).toMatchObject({
      adminId: api.admins.operator,
      label: 'ci',
      role: 'viewer',
      lastFour: value.slice(-4),
      expiresAt: '2027-06-01T00:00:00.000Z',
      lastUsed: null,
    });
    const path = `${TOKENS}/${token.accessTokenId}`;
    expect((await api.send('GET', path)).body).toEqual(token);
    const listed = await api.send('GET', `${TOKENS}?adminId=${api.admins.operator}&search=ci`);
    expect(listed.body).toMatchObject({ total: 1, items: [token] });
    expect((await api.send('DELETE', path, { as: 'operator' })).status).toBe(204);
    expect((await api.send('GET', path)).status).toBe(404);
  });

  it.each([
    ['operator', 'operator', 'security', 403, undefined],
    ['operator', 'viewer', 'viewer', 403, undefined],
    ['security', 'viewer', 'viewer', 201, undefined],
    ['security', 'viewer', 'operator', 400, 'role'],
    ['security', 'security', 'owner', 403, undefined],
    ['viewer', 'viewer', 'viewer', 201, undefined],
  ] as const)(
    'issued by %s to %s with the role %s: %i',
    async (sender, holder, role, status, field) => {
      const body = { adminId: api.admins[holder], label: 'tried', role };
      const answer = await api.send('POST', TOKENS, { as: sender, body });
      expect(answer.status).toBe(status);
      if (field !== undefined) expect(answer.body.errors).toMatchObject([{ field }]);
    },
  );

  it('names the field: no admin, an unknown one, an expiry in the past', async () => {
    const base = { label: 'x', role: 'viewer' };
    const adminId = api.admins.viewer;
    for (const [field, body] of [
      ['adminId', base],
      ['adminId', { ...base, adminId: 'nobody' }],
      ['expiresAt', { ...base, adminId, expiresAt: '2020-01-01T00:00:00Z' }],
    ] as const) {
      const answer = await api.send('POST', TOKENS, { body });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
    }
  });

  it('lets nobody below security end a token of somebody else', async () => {
    const body = { adminId: api.admins.viewer, label: 'held', role: 'viewer' };
    const { accessTokenId } = (await api.send('POST', TOKENS, { body })).body;
    const path = `${TOKENS}/${accessTokenId}`;
    expect((await api.send('DELETE', path, { as: 'operator' })).status).toBe(403);
    expect((await api.send('DELETE', path, { as: 'security' })).status).toBe(204);
  });

  it('die with their admin', async () => {
    const { adminId } = await create('leaving', 'viewer');
    const body = { adminId, label: 'orphan', role: 'viewer' };
    const { accessTokenId } = (await api.send('POST', TOKENS, { body })).body;
    await api.send('DELETE', `${ADMINS}/${adminId}`);
    expect((await api.send('GET', `${TOKENS}/${accessTokenId}`)).status).toBe(404);
  });
});
