import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { User } from '../../src/domain/users/user.ts';
import { issueTokens } from './every-route.ts';
import { smallClient, startApi, type TestApi } from './support.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const USERS = '/api/v1/users';
const PASSWORD = 'a password for tests';

async function create(userName: string, more: object = {}) {
  const answer = await api.send('POST', USERS, { body: { userName, password: PASSWORD, ...more } });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 201 });
  return answer.body;
}

async function opens(userId: string, password: string): Promise<boolean> {
  const user = (await api.services.stores.users.find(userId)) as User;
  return api.services.passwords.verify(password, user.passwordHash);
}

describe('/users', () => {
  it('creates, reads, changes and deletes a user', async () => {
    const created = await create('alice', { email: 'alice@example.org' });
    expect(created).toEqual({
      userId: expect.any(String),
      userName: 'alice',
      displayName: '',
      email: 'alice@example.org',
      status: 'enabled',
      lock: { failedLogins: 0, lockedAt: null, failures: [] },
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    const path = `${USERS}/${created.userId}`;
    expect((await api.send('GET', path)).body).toEqual(created);
    const body = { displayName: 'Alice 愛', email: null };
    const changed = await api.send('PATCH', path, { body, version: 1 });
    expect(changed).toMatchObject({ status: 200, body: { ...body, version: 2 } });
    expect(changed.headers.get('ETag')).toBe('"2"');
    expect((await api.send('PATCH', path, { body, version: 1 })).body.current).toEqual(
      changed.body,
    );
    expect((await api.send('DELETE', path, { version: 1 })).status).toBe(412);
    expect((await api.send('DELETE', path, { version: 2 })).status).toBe(204);
    expect((await api.send('GET', path)).status).toBe(404);
  });

  it.each([
    ['userName', { userName: 'TAKEN' }],
    ['email', { email: 'Taken@Example.org' }],
  ])('refuses a %s that is taken, on a dry run too', async (field, second) => {
    await create(`taken${field === 'email' ? '-2' : ''}`, {
      email: field === 'email' ? 'taken@example.org' : null,
    });
    const body = { userName: 'free', password: PASSWORD, ...second };
    for (const query of ['', '?dryRun=true']) {
      const answer = await api.send('POST', `${USERS}${query}`, { body });
      expect(answer).toMatchObject({ status: 409, body: { errors: [{ field, code: 'taken' }] } });
    }
  });

  it('sets a password and unlocks', async () => {
    const { userId } = await create('locked');
    const failure = { at: api.services.clock.now(), address: '192.0.2.9' };
    await api.services.stores.users.recordFailedLogin(userId, failure, 1);
    expect((await api.send('GET', `${USERS}?status=locked`)).body.items).toMatchObject([
      { userId },
    ]);
    const password = 'another password';
    const path = `${USERS}/${userId}/password`;
    await api.send('PUT', `${path}?dryRun=true`, { body: { password } });
    expect(await opens(userId, PASSWORD)).toBe(true);
    const answer = await api.send('PUT', path, { body: { password } });
    expect(answer.body).toMatchObject({ version: 2, lock: { failedLogins: 0, lockedAt: null } });
    expect(await opens(userId, PASSWORD)).toBe(false);
    expect(await opens(userId, password)).toBe(true);
  });

  it('unlocks', async () => {
    const { userId } = await create('unlocked');
    const failure = { at: api.services.clock.now(), address: null };
    await api.services.stores.users.recordFailedLogin(userId, failure, 1);
    const path = `${USERS}/${userId}/unlock`;
    const preview = await api.send('POST', `${path}?dryRun=true`);
    expect(preview.body.lock).toMatchObject({ lockedAt: null });
    expect((await api.send('GET', `${USERS}/${userId}`)).body.lock.lockedAt).not.toBeNull();
    expect((await api.send('POST', path)).body.lock).toMatchObject({
      failedLogins: 0,
      lockedAt: null,
    });
  });

  it('takes the tokens of a deleted user along', async () => {
    const { userId } = await create('dying');
    const { body } = await api.send('POST', '/api/v1/clients', { body: smallClient('dying') });
    const { access } = await issueTokens(api.services, body.clientId, userId);
    const preview = await api.send('DELETE', `${USERS}/${userId}?dryRun=true`);
    expect(preview).toMatchObject({ status: 200, body: { liveTokens: 2 } });
    expect((await api.send('DELETE', `${USERS}/${userId}`)).status).toBe(204);
    const token = await api.services.stores.tokens.findAccess(access.tokenId);
    expect(token?.revokedAt ?? 'gone').not.toBeNull();
  });

  it('lists with search, status and order', async () => {
    await create('zoe', { displayName: 'Findable' });
    await create('yann', { displayName: 'Findable', status: 'disabled' });
    const found = await api.send('GET', `${USERS}?search=findable&sort=-userName`);
    const names = found.body.items.map((user: { userName: string }) => user.userName);
    expect(names).toEqual(['zoe', 'yann']);
    const disabled = await api.send('GET', `${USERS}?search=findable&status=disabled`);
    expect(disabled.body).toMatchObject({ total: 1, items: [{ userName: 'yann' }] });
  });
});
