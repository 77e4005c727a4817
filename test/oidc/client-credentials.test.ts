import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import type { Credentials } from '../support/server.ts';

let app: TestApp;
let resourceServer: Credentials;

beforeAll(async () => {
  app = await startApp();
  await app.createGroup('orders.read');
  resourceServer = await app.createResourceServer();
});
afterAll(() => app.close());

describe('POST /oauth2/token grant_type=client_credentials', () => {
  it('issues an opaque bearer token of the client’s lifetime and groups (RFC 6749 §4.4.3)', async () => {
    const client = await app.createClient({
      apiGroups: ['orders.read'],
      accessToken: { lifetimeSeconds: 600, maxUses: 0 },
    });
    const { status, body } = await app.token(client);
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^tga_[0-9a-z]{9}[A-Za-z0-9_-]{43}$/),
      token_type: 'Bearer',
      expires_in: 600,
      scope: 'orders.read',
    });
  });

  it('is not cached by anyone (RFC 6749 §5.1)', async () => {
    const { headers } = await app.token(await app.createClient());
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(headers.get('Content-Type')).toMatch(/^application\/json/);
  });

  it('includes no refresh token, also where the client may refresh (RFC 6749 §4.4.3)', async () => {
    const client = await app.createClient({ grantTypes: ['client_credentials', 'refresh_token'] });
    expect((await app.token(client)).body.refresh_token).toBeUndefined();
  });

  it('leaves out scope for a client without groups', async () => {
    const { body } = await app.token(await app.createClient());
    expect(body).not.toHaveProperty('scope');
    const { body: seen } = await app.introspect(resourceServer, body.access_token ?? '');
    expect(seen).toMatchObject({ active: true });
    expect(seen).not.toHaveProperty('scope');
  });

  it('issues a different token at each request', async () => {
    const client = await app.createClient();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => app.grant(client)));
    expect(new Set(tokens.map((t) => t.accessToken)).size).toBe(20);
  });

  it('issues a token without a subject (RFC 7662 §2.2)', async () => {
    const client = await app.createClient();
    const { accessToken } = await app.grant(client);
    const { body } = await app.introspect(resourceServer, accessToken);
    expect(body).toMatchObject({ active: true, client_id: client.clientId });
    expect(body).not.toHaveProperty('sub');
    expect(body).not.toHaveProperty('username');
  });
});
