import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deleteClient } from '../../src/domain/clients/manage-clients.ts';
import { startApp, TESTER, type TestApp } from '../support/app.ts';
import { type Credentials, granted } from '../support/server.ts';

let app: TestApp;
let resourceServer: Credentials;
let client: Credentials;
beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXIES: 'loopback' } });
  await app.createGroup('orders.read', {}, ['GET /orders', 'GET /orders/:id']);
  await app.createGroup('orders.write', {}, ['POST /orders']);
  await app.createGroup('stock.read', {}, ['GET /stock/*']);
  await app.createScope('profile', {}, ['GET /me']);
  resourceServer = await app.createResourceServer();
  client = await app.createClient({
    apiGroups: ['orders.read', 'orders.write'],
    apiScopes: ['profile'],
    grantTypes: ['client_credentials', 'password', 'refresh_token'],
    priority: 3,
  });
});
afterAll(() => app.close());

const INACTIVE = '{"active":false}';

async function signIn(scope?: string) {
  const { username, password } = await app.createUser();
  return app.grant(client, { grant_type: 'password', username, password, scope });
}

// Callers with a Basic header have a door of their own; all others go through the engine.
describe.each(['a Basic header', 'the form'])('by %s:', (door) => {
  let byBasic: TestApp['introspect'];
  beforeAll(() => {
    byBasic = app.introspect;
    if (door === 'a Basic header') return;
    app.introspect = ({ clientId, secret }, token, params, sending) =>
      app.post(
        '/oauth2/introspect',
        { token, client_id: clientId, client_secret: secret, ...params },
        sending,
      );
  });
  afterAll(() => {
    app.introspect = byBasic;
  });

  describe('POST /oauth2/introspect', () => {
    it('answers exactly the members of RFC 7662 §2.2 and what is left', async () => {
      const issuedAt = Math.floor(app.clock.now().getTime() / 1000);
      const { accessToken } = await app.grant(client);
      const { status, headers, body } = await app.introspect(resourceServer, accessToken);
      expect(status).toBe(200);
      expect(headers.get('Cache-Control')).toBe('no-store');
      expect(body).toEqual({
        active: true,
        client_id: client.clientId,
        scope: 'orders.read orders.write',
        token_type: 'Bearer',
        iss: app.services.issuer,
        iat: issuedAt,
        exp: issuedAt + 3600,
        uses_left: null,
        quota_left: null,
        quota_resets_at: null,
        priority: 3,
      });
    });

    it.each(['access_token', 'refresh_token', 'nonsense'])(
      'finds a token whatever token_type_hint=%s says (RFC 7662 §2.1)',
      async (token_type_hint) => {
        const { accessToken, refreshToken } = await signIn();
        for (const token of [accessToken, refreshToken]) {
          expect((await app.introspect(client, token, { token_type_hint })).body.active).toBe(true);
        }
      },
    );

    it.each([
      'tga_unknown',
      'x',
      `tga_${'a'.repeat(52)}`,
      `tgr_${'A'.repeat(81)}`,
      'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.',
      'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln',
      '密碼',
      '{"$ne":null}',
      ' ',
    ])('answers active:false and nothing else to %j (RFC 7662 §2.2)', async (token) => {
      const { status, text } = await app.introspect(resourceServer, token);
      expect([status, text]).toEqual([200, INACTIVE]);
    });

    it('answers 400 without a token, and 401 without credentials (RFC 7662 §2.3)', async () => {
      const missing = await app.post('/oauth2/introspect', {}, { as: resourceServer });
      expect([missing.status, missing.body.error]).toEqual([400, 'invalid_request']);
      const { accessToken } = await app.grant(client);
      const nobody = await app.post('/oauth2/introspect', { token: accessToken });
      expect([nobody.status, nobody.body.error]).toEqual([401, 'invalid_client']);
    });

    it('tells a partner nothing about tokens of others (RFC 7662 §4)', async () => {
      const stranger = await app.createClient({ apiGroups: ['orders.read'] });
      const { accessToken, refreshToken } = await signIn();
      for (const token of [accessToken, refreshToken]) {
        expect((await app.introspect(stranger, token)).text).toBe(INACTIVE);
      }
    });

    it('shows a client its own tokens of both kinds; a refresh token has no token_type', async () => {
      const { accessToken, refreshToken } = await signIn('orders.read');
      const access = (await app.introspect(client, accessToken)).body;
      expect(access).toMatchObject({ active: true, token_type: 'Bearer', scope: 'orders.read' });
      const refresh = (await app.introspect(client, refreshToken)).body;
      expect(refresh).toMatchObject({ active: true, scope: 'orders.read' });
      expect(refresh).not.toHaveProperty('token_type');
    });

    it('answers a resource server that a refresh token is no access token (RFC 7662 §4)', async () => {
      const { refreshToken } = await signIn();
      expect((await app.introspect(resourceServer, refreshToken)).text).toBe(INACTIVE);
      granted(await app.refresh(client, refreshToken));
    });

    it('shows a rotated refresh token inactive, without ending the family', async () => {
      const { refreshToken } = await signIn();
      const next = granted(await app.refresh(client, refreshToken));
      app.clock.advance(1);
      expect((await app.introspect(client, refreshToken)).text).toBe(INACTIVE);
      granted(await app.refresh(client, next.refreshToken));
    });

    it('answers active:false to tokens of a deleted client, of every kind', async () => {
      const grantTypes = [
        'client_credentials' as const,
        'password' as const,
        'refresh_token' as const,
      ];
      const deleted = await app.createClient({ grantTypes });
      const { username, password } = await app.createUser();
      const own = await app.grant(deleted);
      const user = await app.grant(deleted, { grant_type: 'password', username, password });
      await deleteClient(app.services, TESTER, deleted.clientId);
      for (const token of [own.accessToken, user.accessToken, user.refreshToken]) {
        expect((await app.introspect(resourceServer, token)).text).toBe(INACTIVE);
      }
    });

    it('lets nobody ask who is disabled, at another address, or locked', async () => {
      const { accessToken } = await app.grant(client);
      const asker = await app.createResourceServer();
      await app.updateClient(asker.clientId, { status: 'disabled' });
      expect((await app.introspect(asker, accessToken)).status).toBe(401);
      const ipBindings = [{ hostName: '', address: '192.0.2.1' }];
      await app.updateClient(asker.clientId, { status: 'enabled', ipBindings });
      expect((await app.introspect(asker, accessToken)).status).toBe(401);
      const sending = { from: '192.0.2.1' };
      expect((await app.introspect(asker, accessToken, {}, sending)).body.active).toBe(true);
    });
  });

  describe('the context of a call', () => {
    it('admits a client_ip inside the IP bindings only', async () => {
      const bound = await app.createClient({
        ipBindings: [
          { hostName: 'v4', address: '192.0.2.0/24' },
          { hostName: 'v6', address: '2001:db8::/64' },
        ],
      });
      const { accessToken } = await app.grant(bound, {}, { from: '192.0.2.1' });
      const activeFrom = async (client_ip?: string) =>
        (await app.introspect(resourceServer, accessToken, { client_ip })).body.active;
      expect(await activeFrom('192.0.2.200')).toBe(true);
      expect(await activeFrom('::ffff:192.0.2.200')).toBe(true);
      expect(await activeFrom('2001:0DB8:0:0::1')).toBe(true);
      expect(await activeFrom('192.0.3.1')).toBe(false);
      expect(await activeFrom('2001:db8:0:1::1')).toBe(false);
      // A gateway that does not tell the address is not asked for it.
      expect(await activeFrom()).toBe(true);
    });

    it.each([
      ['GET', '/orders', true],
      ['get', '/orders', true],
      ['GET', '/orders/42', true],
      ['GET', '/orders/42?expand=lines', true],
      ['POST', '/orders', true],
      ['DELETE', '/orders/42', false],
      ['GET', '/orders/42/lines', false],
      ['GET', '/stock/1', false],
      ['GET', '/unknown', false],
      ['GET', '/stock/../orders', false],
      ['GET', '/orders/%2e%2e', false],
      ['GET', '//orders', false],
      ['GET', 'orders', false],
    ])('grants %s %s: %s', async (method, path, active) => {
      const { accessToken } = await app.grant(client);
      const { body } = await app.introspect(resourceServer, accessToken, { method, path });
      expect(body.active).toBe(active);
    });

    it('grants the APIs of a scope that the user’s token holds', async () => {
      const call = { method: 'GET', path: '/me' };
      const [without, withScope] = [await signIn('orders.read'), await signIn('profile')];
      const refused = await app.introspect(resourceServer, without.accessToken, call);
      expect(refused.body.active).toBe(false);
      const allowed = await app.introspect(resourceServer, withScope.accessToken, call);
      expect(allowed.body.active).toBe(true);
    });

    it.each([
      [{ client_ip: 'nonsense' }],
      [{ client_ip: '192.0.2.0/24' }],
      [{ client_ip: '192.0.2.1, 192.0.2.2' }],
      [{ client_ip: 'fe80::1%eth0' }],
      [{ method: 'GET' }],
      [{ path: '/orders' }],
      [{ consume: 'maybe' }],
      [{ consume: '0' }],
    ])('is refused when it is malformed: %j', async (params) => {
      const { accessToken } = await app.grant(client);
      const { status, body } = await app.introspect(resourceServer, accessToken, params);
      expect([status, body.error]).toEqual([400, 'invalid_request']);
    });

    it.each(['client_ip', 'method', 'path', 'consume', 'token'])(
      'is refused when %s comes twice (RFC 6749 §3.2)',
      async (name) => {
        const { accessToken } = await app.grant(client);
        const text = `token=${accessToken}&method=GET&path=/orders&${name}=a&${name}=b`;
        const { status, body } = await app.post('/oauth2/introspect', text, { as: resourceServer });
        expect([status, body.error]).toEqual([400, 'invalid_request']);
      },
    );
  });

  describe('a resource server that serves some groups', () => {
    it('sees only their scopes, and tokens that hold one of them', async () => {
      const orders = await app.createResourceServer({ servedApiGroups: ['orders.read'] });
      const stock = await app.createResourceServer({ servedApiGroups: ['stock.read'] });
      const { accessToken } = await app.grant(client);
      expect((await app.introspect(orders, accessToken)).body.scope).toBe('orders.read');
      expect((await app.introspect(stock, accessToken)).text).toBe(INACTIVE);
      expect((await app.introspect(resourceServer, accessToken)).body.scope).toBe(
        'orders.read orders.write',
      );
    });

    it('is granted calls of those groups only', async () => {
      const orders = await app.createResourceServer({ servedApiGroups: ['orders.read'] });
      const { accessToken } = await app.grant(client);
      const read = await app.introspect(orders, accessToken, { method: 'GET', path: '/orders' });
      expect(read.body.active).toBe(true);
      const write = await app.introspect(orders, accessToken, { method: 'POST', path: '/orders' });
      expect(write.text).toBe(INACTIVE);
    });

    it('spends no use of a token that it does not serve', async () => {
      const stock = await app.createResourceServer({ servedApiGroups: ['stock.read'] });
      const limited = await app.createClient({
        apiGroups: ['orders.read'],
        accessToken: { lifetimeSeconds: 60, maxUses: 1 },
      });
      const { accessToken } = await app.grant(limited);
      await app.introspect(stock, accessToken);
      expect((await app.introspect(resourceServer, accessToken)).body.uses_left).toBe(0);
    });
  });
});
