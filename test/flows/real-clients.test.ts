/** Clients that nobody here wrote, against a real server process. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2';
import { openBeside, type Records, type TestUser } from '../support/app.ts';
import { type Credentials, startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let records: Records & { close(): Promise<void> };
let client: Credentials;
let keyed: { clientId: string; key: oauth.CryptoKey };
let user: TestUser;
beforeAll(async () => {
  server = await startServer();
  records = await openBeside(server.env);
  await records.createGroup('orders.read');
  await records.createGroup('orders.write');
  const fields = {
    apiGroups: ['orders.read', 'orders.write'],
    grantTypes: ['client_credentials', 'password', 'refresh_token'] as const,
  };
  const settings = { ...fields, grantTypes: [...fields.grantTypes] };
  client = await records.createClient({ ...settings, password: '100% a+b:c 密碼 ñ 🔑' });
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] };
  const { clientId } = await records.createClient({ ...settings, jwks: jwks as never });
  keyed = { clientId, key: privateKey };
  user = await records.createUser({ password: 'пароль + % & 🔑' });
});
afterAll(async () => {
  await records.close();
  await server.stop();
});

const PASSWORD = () => ({ username: user.username, password: user.password });

describe('openid-client 6', () => {
  const ways: [string, () => [string, openid.ClientAuth]][] = [
    ['client_secret_basic', () => [client.clientId, openid.ClientSecretBasic(client.secret)]],
    ['client_secret_post', () => [client.clientId, openid.ClientSecretPost(client.secret)]],
    [
      'private_key_jwt',
      () => [keyed.clientId, openid.PrivateKeyJwt({ key: keyed.key, kid: 'one' })],
    ],
  ];

  describe.each(ways)('with %s', (_, way) => {
    let config: openid.Configuration;
    beforeAll(async () => {
      const [clientId, auth] = way();
      config = await openid.discovery(new URL(server.url), clientId, undefined, auth, {
        algorithm: 'oauth2',
        execute: [openid.allowInsecureRequests],
      });
    });

    it('discovers the server, which has no authorization endpoint', () => {
      const metadata = config.serverMetadata();
      expect(metadata.issuer).toBe(server.url);
      expect(metadata.token_endpoint).toBe(`${server.url}/oauth2/token`);
      expect(metadata.authorization_endpoint).toBeUndefined();
    });

    it('gets, introspects and revokes a token of client_credentials', async () => {
      const tokens = await openid.clientCredentialsGrant(config, { scope: 'orders.read' });
      expect(tokens.token_type).toBe('bearer');
      expect(tokens.expiresIn()).toBeGreaterThan(3500);
      const seen = await openid.tokenIntrospection(config, tokens.access_token);
      expect(seen).toMatchObject({ active: true, scope: 'orders.read' });
      await openid.tokenRevocation(config, tokens.access_token);
      const gone = await openid.tokenIntrospection(config, tokens.access_token);
      expect(gone).toEqual({ active: false });
    });

    it('signs a user in, refreshes and revokes', async () => {
      const first = await openid.genericGrantRequest(config, 'password', PASSWORD());
      const next = await openid.refreshTokenGrant(config, first.refresh_token ?? '');
      expect(next.refresh_token).not.toBe(first.refresh_token);
      const seen = await openid.tokenIntrospection(config, next.access_token);
      expect(seen).toMatchObject({ active: true, sub: user.user.userId });
      await openid.tokenRevocation(config, next.refresh_token ?? '');
      const gone = await openid.tokenIntrospection(config, next.access_token);
      expect(gone.active).toBe(false);
    });

    it('understands a refusal', async () => {
      const refused = openid.clientCredentialsGrant(config, { scope: 'nothing' });
      await expect(refused).rejects.toMatchObject({ error: 'invalid_scope', status: 400 });
    });
  });

  it('understands a wrong secret', async () => {
    const auth = openid.ClientSecretBasic('wrong');
    const url = new URL(server.url);
    const config = await openid.discovery(url, client.clientId, undefined, auth, {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    });
    await expect(openid.clientCredentialsGrant(config)).rejects.toMatchObject({
      cause: expect.anything(),
    });
    await server.grant(client);
  });
});

describe('oauth4webapi 3', () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  let as: oauth.AuthorizationServer;
  beforeAll(async () => {
    const issuer = new URL(server.url);
    const options = { algorithm: 'oauth2' as const, ...insecure };
    const response = await oauth.discoveryRequest(issuer, options);
    as = await oauth.processDiscoveryResponse(issuer, response);
  });

  const ways: [string, () => [oauth.Client, oauth.ClientAuth]][] = [
    [
      'client_secret_basic',
      () => [{ client_id: client.clientId }, oauth.ClientSecretBasic(client.secret)],
    ],
    [
      'client_secret_post',
      () => [{ client_id: client.clientId }, oauth.ClientSecretPost(client.secret)],
    ],
    [
      'private_key_jwt',
      () => [{ client_id: keyed.clientId }, oauth.PrivateKeyJwt({ key: keyed.key, kid: 'one' })],
    ],
  ];

  describe.each(ways)('with %s', (_, way) => {
    async function introspect(token: string) {
      const [own, auth] = way();
      const response = await oauth.introspectionRequest(as, own, auth, token, insecure);
      return oauth.processIntrospectionResponse(as, own, response);
    }

    async function revoke(token: string) {
      const [own, auth] = way();
      const response = await oauth.revocationRequest(as, own, auth, token, insecure);
      await oauth.processRevocationResponse(response);
    }

    it('gets, introspects and revokes a token of client_credentials', async () => {
      const [own, auth] = way();
      const params = { scope: 'orders.write' };
      const response = await oauth.clientCredentialsGrantRequest(as, own, auth, params, insecure);
      const tokens = await oauth.processClientCredentialsResponse(as, own, response);
      expect(await introspect(tokens.access_token)).toMatchObject({
        active: true,
        scope: 'orders.write',
      });
      await revoke(tokens.access_token);
      expect((await introspect(tokens.access_token)).active).toBe(false);
      await revoke('eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln');
    });

    it('signs a user in, refreshes and revokes', async () => {
      const [own, auth] = way();
      const signedIn = await oauth.genericTokenEndpointRequest(
        ...([as, own, auth, 'password', PASSWORD(), insecure] as const),
      );
      const first = await oauth.processGenericTokenEndpointResponse(as, own, signedIn);
      const refresh = first.refresh_token ?? '';
      const response = await oauth.refreshTokenGrantRequest(as, own, auth, refresh, insecure);
      const next = await oauth.processRefreshTokenResponse(as, own, response);
      expect((await introspect(next.access_token)).active).toBe(true);
      await revoke(next.refresh_token ?? '');
      expect((await introspect(next.access_token)).active).toBe(false);
    });
  });

  it('reads the challenge of a refused client (RFC 9110 §11.6.1)', async () => {
    const own = { client_id: client.clientId };
    const auth = oauth.ClientSecretBasic('wrong');
    const response = await oauth.clientCredentialsGrantRequest(as, own, auth, {}, insecure);
    const refused = oauth.processClientCredentialsResponse(as, own, response);
    await expect(refused).rejects.toMatchObject({
      cause: [{ scheme: 'basic' }],
    });
    await server.grant(client);
  });
});

describe('simple-oauth2 5', () => {
  // It takes no secrets beyond ASCII.
  let ascii: Credentials;
  beforeAll(async () => {
    const { clientId } = await records.createClient({
      apiGroups: ['orders.read', 'orders.write'],
      grantTypes: ['client_credentials', 'password', 'refresh_token'],
      password: '100% a+b:c%41d',
    });
    ascii = { clientId, secret: '100% a+b:c%41d' };
  });

  const ways = [
    { authorizationMethod: 'header', credentialsEncodingMode: 'strict' },
    { authorizationMethod: 'header', credentialsEncodingMode: 'loose' },
    { authorizationMethod: 'body' },
  ] as const;

  describe.each(ways)('with %j', (options) => {
    const config = () => ({
      client: { id: ascii.clientId, secret: ascii.secret },
      auth: { tokenHost: server.url, tokenPath: '/oauth2/token', revokePath: '/oauth2/revoke' },
      options,
    });

    it('gets and revokes a token of client_credentials', async () => {
      const token = await new ClientCredentials(config()).getToken({ scope: ['orders.read'] });
      const value = String(token.token['access_token']);
      expect(token.expired()).toBe(false);
      expect((await server.introspect(ascii, value)).body.active).toBe(true);
      await token.revoke('access_token');
      expect((await server.introspect(ascii, value)).body.active).toBe(false);
    });

    it('signs a user in, refreshes and revokes', async () => {
      const params = { ...PASSWORD(), scope: 'orders.read orders.write' };
      const first = await new ResourceOwnerPassword(config()).getToken(params);
      const next = await first.refresh();
      const value = String(next.token['access_token']);
      expect((await server.introspect(ascii, value)).body.active).toBe(true);
      await next.revokeAll();
      expect((await server.introspect(ascii, value)).body.active).toBe(false);
    });
  });
});
