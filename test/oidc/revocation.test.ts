import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import type { Answer, Credentials, Granted } from '../support/server.ts';

let app: TestApp;
let resourceServer: Credentials;
let client: Credentials;
beforeAll(async () => {
  app = await startApp();
  resourceServer = await app.createResourceServer();
  client = await app.createClient({
    grantTypes: ['client_credentials', 'password', 'refresh_token'],
  });
});
afterAll(() => app.close());

async function signIn(): Promise<Granted> {
  const { username, password } = await app.createUser();
  return app.grant(client, { grant_type: 'password', username, password });
}

async function isActive(accessToken: string): Promise<boolean | undefined> {
  return (await app.introspect(resourceServer, accessToken)).body.active;
}

/** RFC 7009 §2.2: the body "is ignored by the client"; simple-oauth2 refuses one that is no JSON. */
function expectRevoked({ status, text, headers }: Answer): void {
  expect([status, text]).toEqual([200, '{}']);
  expect(headers.get('Content-Type')).toMatch(/^application\/json/);
}

describe('POST /oauth2/revoke', () => {
  it('revokes an access token at once, and that one only (RFC 7009 §2.1)', async () => {
    const [one, other] = [await app.grant(client), await app.grant(client)];
    expectRevoked(await app.revoke(client, one.accessToken));
    expect(await isActive(one.accessToken)).toBe(false);
    expect(await isActive(other.accessToken)).toBe(true);
  });

  it('revokes with a refresh token its access tokens (RFC 7009 §2.1)', async () => {
    const first = await signIn();
    const { body } = await app.refresh(client, first.refreshToken);
    expectRevoked(await app.revoke(client, body.refresh_token ?? ''));
    expect(await isActive(first.accessToken)).toBe(false);
    expect(await isActive(body.access_token ?? '')).toBe(false);
    const again = await app.refresh(client, body.refresh_token ?? '');
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant']);
  });

  it('revokes the access token of a user, too', async () => {
    const { accessToken } = await signIn();
    expectRevoked(await app.revoke(client, accessToken));
    expect(await isActive(accessToken)).toBe(false);
  });

  it.each(['access_token', 'refresh_token', 'nonsense'])(
    'finds a token whatever token_type_hint=%s says (RFC 7009 §2.1)',
    async (token_type_hint) => {
      const { accessToken } = await app.grant(client);
      expectRevoked(await app.revoke(client, accessToken, { token_type_hint }));
      expect(await isActive(accessToken)).toBe(false);
      const { refreshToken } = await signIn();
      expectRevoked(await app.revoke(client, refreshToken, { token_type_hint }));
      expect((await app.refresh(client, refreshToken)).status).toBe(400);
    },
  );

  it.each([
    'tga_unknown',
    'x',
    `tgr_${'A'.repeat(81)}`,
    'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.',
    'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln',
  ])('answers 200 to the unknown token %s (RFC 7009 §2.2)', async (token) => {
    expectRevoked(await app.revoke(client, token));
  });

  it('answers 200 to a token that was revoked or has expired already (RFC 7009 §2.2)', async () => {
    const { accessToken } = await app.grant(client);
    expectRevoked(await app.revoke(client, accessToken));
    expectRevoked(await app.revoke(client, accessToken));
    const old = await app.grant(client);
    app.clock.advance(3601);
    expectRevoked(await app.revoke(client, old.accessToken));
  });

  it('refuses the token of another client, which stays valid (RFC 7009 §2.1)', async () => {
    const stranger = await app.createClient();
    const { accessToken, refreshToken } = await signIn();
    for (const token of [accessToken, refreshToken]) {
      const { status, body } = await app.revoke(stranger, token);
      expect([status, body.error]).toEqual([400, 'invalid_request']);
    }
    expect(await isActive(accessToken)).toBe(true);
    expect((await app.refresh(client, refreshToken)).status).toBe(200);
  });

  it('lets a disabled client revoke its own tokens, as that only takes away', async () => {
    const disabled = await app.createClient();
    const { accessToken } = await app.grant(disabled);
    await app.updateClient(disabled.clientId, { status: 'disabled' });
    expectRevoked(await app.revoke(disabled, accessToken));
    await app.updateClient(disabled.clientId, { status: 'enabled' });
    expect(await isActive(accessToken)).toBe(false);
  });

  it('is refused to resource servers as to any other client', async () => {
    const { accessToken } = await app.grant(client);
    expect((await app.revoke(resourceServer, accessToken)).status).toBe(400);
    expect(await isActive(accessToken)).toBe(true);
  });

  it('answers 400 without a token, and 401 without credentials (RFC 7009 §2.2.1)', async () => {
    const missing = await app.post('/oauth2/revoke', {}, { as: client });
    expect([missing.status, missing.body.error]).toEqual([400, 'invalid_request']);
    const { accessToken } = await app.grant(client);
    const nobody = await app.post('/oauth2/revoke', { token: accessToken });
    expect([nobody.status, nobody.body.error]).toEqual([401, 'invalid_client']);
    expect(await isActive(accessToken)).toBe(true);
  });
});
