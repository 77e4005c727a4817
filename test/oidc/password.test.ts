import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fresh, startApp, type TestApp, type TestUser } from '../support/app.ts';
import type { Answer, Credentials } from '../support/server.ts';

let app: TestApp;
let client: Credentials;
let resourceServer: Credentials;
beforeAll(async () => {
  app = await startApp();
  await app.createGroup('orders.read');
  resourceServer = await app.createResourceServer();
  client = await app.createClient({
    apiGroups: ['orders.read'],
    grantTypes: ['password', 'refresh_token'],
    accessToken: { lifetimeSeconds: 300, maxUses: 0 },
  });
});
afterAll(() => app.close());

function signIn(username: string, password: string, as = client): Promise<Answer> {
  return app.token(as, { grant_type: 'password', username, password });
}

function expectInvalidGrant({ status, body }: Answer): void {
  expect([status, body.error]).toEqual([400, 'invalid_grant']);
}

describe('POST /oauth2/token grant_type=password', () => {
  it('issues an access token and a refresh token (RFC 6749 §4.3.3)', async () => {
    const { username, password } = await app.createUser();
    const { status, body } = await signIn(username, password);
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^tga_/),
      token_type: 'Bearer',
      expires_in: 300,
      refresh_token: expect.stringMatching(/^tgr_/),
      scope: 'orders.read',
    });
  });

  it('issues no refresh token to a client that may not refresh', async () => {
    const { username, password } = await app.createUser();
    const as = await app.createClient({ grantTypes: ['password'] });
    const { status, body } = await signIn(username, password, as);
    expect(status).toBe(200);
    expect(body).not.toHaveProperty('refresh_token');
  });

  it('issues a token whose subject is the user (RFC 7662 §2.2)', async () => {
    const { user, username, password } = await app.createUser();
    const { body } = await signIn(username, password);
    const seen = await app.introspect(resourceServer, body.access_token ?? '');
    expect(seen.body).toMatchObject({
      active: true,
      client_id: client.clientId,
      sub: user.userId,
      username,
    });
  });

  it('answers the same to a wrong password and to an unknown user (RFC 6749 §5.2)', async () => {
    const { username } = await app.createUser();
    const wrong = await signIn(username, 'a wrong password');
    const unknown = await signIn(fresh('nobody'), 'a wrong password');
    for (const answer of [wrong, unknown]) expectInvalidGrant(answer);
    expect(unknown.text).toBe(wrong.text);
  });

  it('knows the user without regard to case', async () => {
    const userName = fresh('Zoë.Müller');
    const { password } = await app.createUser({ userName });
    expect((await signIn(userName.toUpperCase(), password)).status).toBe(200);
  });

  it('takes user names and passwords in Unicode (RFC 6749 Appendix B)', async () => {
    const userName = fresh('訂單 管理者');
    const user = await app.createUser({ userName, password: '密碼 пароль + % & = ñ 🔑' });
    expect((await signIn(user.username, user.password)).status).toBe(200);
  });

  it('tells 128-character passwords apart by the last character', async () => {
    const { username, password } = await app.createUser({ password: `${'p'.repeat(127)}1` });
    expectInvalidGrant(await signIn(username, `${'p'.repeat(127)}2`));
    expectInvalidGrant(await signIn(username, 'p'.repeat(127)));
    expect((await signIn(username, password)).status).toBe(200);
  });

  it('takes a password of 128 emoji, and tells it from one that differs in the last', async () => {
    const { username, password } = await app.createUser({ password: '🔐'.repeat(128) });
    expectInvalidGrant(await signIn(username, `${'🔐'.repeat(127)}🔏`));
    expect((await signIn(username, password)).status).toBe(200);
  });

  it('knows a letter however it is composed (RFC 8265 §4.2)', async () => {
    const { username } = await app.createUser({ password: 'caf\u00e9 caf\u00e9' });
    expect((await signIn(username, 'cafe\u0301 cafe\u0301')).status).toBe(200);
  });

  it('refuses a password that only differs in case or spaces', async () => {
    const { username } = await app.createUser({ password: 'Correct horse' });
    for (const wrong of ['correct horse', 'Correct horse ', ' Correct horse', 'Correct  horse']) {
      expectInvalidGrant(await signIn(username, wrong));
    }
  });

  it('verifies a password once and remembers it, for that user only', async () => {
    const [one, other]: TestUser[] = [await app.createUser(), await app.createUser()];
    for (let i = 0; i < 3; i += 1) {
      expect((await signIn(one?.username ?? '', one?.password ?? '')).status).toBe(200);
    }
    expectInvalidGrant(await signIn(other?.username ?? '', 'another password'));
  });
});
