import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { startApp, type TestApp } from '../support/app.ts';
import { type Answer, answerOf, basic, type Credentials, rawBasic } from '../support/server.ts';

let app: TestApp;
let client: Credentials;
beforeAll(async () => {
  app = await startApp();
  await app.createGroup('orders.read');
  client = await app.createClient({ apiGroups: ['orders.read'], failedLoginLimit: 1000 });
});
afterAll(() => app.close());

const ENDPOINTS = ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke'];

function expectError({ status, body, headers }: Answer, expected: [number, string]): void {
  expect([status, body.error]).toEqual(expected);
  expect(headers.get('Content-Type')).toMatch(/^application\/json/);
  expect(body.error_description ?? '').toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
}

/** Posts a form as text, authenticated. */
function postText(path: string, text: string, headers: Record<string, string> = {}) {
  return app.post(path, text, { as: client, headers });
}

describe('POST /oauth2/token', () => {
  it.each([
    'authorization_code',
    'implicit',
    'nonsense',
    'CLIENT_CREDENTIALS',
    'constructor',
    '__proto__',
    'urn:ietf:params:oauth:grant-type:device_code',
    'urn:openid:params:grant-type:ciba',
  ])('answers unsupported_grant_type for %s (RFC 6749 §5.2)', async (grant_type) => {
    expectError(await app.token(client, { grant_type }), [400, 'unsupported_grant_type']);
  });

  it('answers invalid_request without grant_type (RFC 6749 §5.2)', async () => {
    expectError(await postText('/oauth2/token', 'scope=orders.read'), [400, 'invalid_request']);
    expectError(await postText('/oauth2/token', 'grant_type='), [400, 'invalid_request']);
    expectError(await postText('/oauth2/token', ''), [400, 'invalid_request']);
  });

  it('answers unauthorized_client for a grant that the client was not given (RFC 6749 §5.2)', async () => {
    const password = { grant_type: 'password', username: 'u', password: 'p' };
    expectError(await app.token(client, password), [400, 'unauthorized_client']);
    const other = await app.createClient({ grantTypes: ['password'] });
    expectError(await app.token(other), [400, 'unauthorized_client']);
    const nothing = await app.createResourceServer();
    expectError(await app.token(nothing), [400, 'unauthorized_client']);
  });

  it.each([
    'nothing.like.it',
    'orders.read nothing',
    'Orders.Read',
    'openid',
    '"quoted"',
    'a\\b',
    'ü',
  ])('answers invalid_scope for %j (RFC 6749 §3.3)', async (scope) => {
    expectError(await app.token(client, { scope }), [400, 'invalid_scope']);
  });

  it.each(['tgr_forged', 'x', `tgr_${'A'.repeat(81)}`])(
    'answers invalid_grant for the refresh token %s (RFC 6749 §5.2)',
    async (token) => {
      const refresher = await app.createClient({ grantTypes: ['refresh_token'] });
      expectError(await app.refresh(refresher, token), [400, 'invalid_grant']);
    },
  );

  it('answers invalid_request without the parameters of the grant', async () => {
    const both = await app.createClient({ grantTypes: ['password', 'refresh_token'] });
    const { username } = await app.createUser();
    for (const params of [
      { grant_type: 'password' },
      { grant_type: 'password', username },
      { grant_type: 'password', password: 'x' },
      { grant_type: 'refresh_token' },
    ]) {
      expectError(await app.token(both, params), [400, 'invalid_request']);
    }
  });

  it.each(['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke'])(
    'names what is wrong with a body at %s that is too long or no form',
    async (path) => {
      const long = await postText(path, `token=${'a'.repeat(60 * 1024)}`);
      expect([long.status, long.body.error_description]).toEqual([
        400,
        expect.stringContaining('56 KiB'),
      ]);
      const json = await fetch(app.url + path, { method: 'POST', body: Buffer.from('token=a') });
      expect(json.status).toBe(400);
      expect(await json.text()).toContain('application/x-www-form-urlencoded');
    },
  );

  it.each(['grant_type=client_credentials', 'scope=orders.read', 'client_id=x', 'client_secret=x'])(
    'answers invalid_request when %s comes twice (RFC 6749 §3.2)',
    async (pair) => {
      const text = `grant_type=client_credentials&${pair}&${pair}`;
      expectError(await postText('/oauth2/token', text), [400, 'invalid_request']);
    },
  );

  it.each(['username', 'password', 'refresh_token'])(
    'answers invalid_request when %s comes twice (RFC 6749 §3.2)',
    async (name) => {
      const both = await app.createClient({ grantTypes: ['password', 'refresh_token'] });
      const grant = name === 'refresh_token' ? 'refresh_token' : 'password';
      const rest = grant === 'password' ? '&username=u&password=p' : '';
      const text = `grant_type=${grant}${rest}&${name}=a&${name}=b`;
      const answer = await app.post('/oauth2/token', text, { as: both });
      expectError(answer, [400, 'invalid_request']);
    },
  );

  it('ignores parameters that it does not know (RFC 6749 §3.2)', async () => {
    expect((await app.token(client, { colour: 'blue', 'scope[$ne]': 'x' })).status).toBe(200);
  });

  it('takes a parameter without a value as left out (RFC 6749 §3.2)', async () => {
    const { status, body } = await app.token(client, { scope: '' });
    expect([status, body.scope]).toEqual([200, 'orders.read']);
  });
});

describe.each(ENDPOINTS)('%s', (path) => {
  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD'])(
    'answers 405 to %s and names POST (RFC 6749 §3.2)',
    async (method) => {
      const response = await fetch(app.url + path, { method });
      expect([response.status, response.headers.get('Allow')]).toEqual([405, 'POST']);
    },
  );

  it('never takes parameters from the query (RFC 6749 §3.2)', async () => {
    const query = 'grant_type=client_credentials&token=x';
    const answer = await postText(`${path}?${query}`, '');
    expectError(answer, [400, 'invalid_request']);
  });

  it.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'nonsense'])(
    'answers invalid_request to a body of %s',
    async (type) => {
      const text = '{"grant_type":"client_credentials","token":{"$ne":null}}';
      const answer = await postText(path, text, { 'Content-Type': type });
      expectError(answer, [400, 'invalid_request']);
    },
  );

  it.each([57, 1024])('answers a 4xx to a body of %i KiB', async (kib) => {
    const { status, body } = await postText(path, `token=${'x'.repeat(kib * 1024)}`);
    expect([400, 413]).toContain(status);
    expect(body.error).toBe('invalid_request');
  });

  it.each([
    ['no credentials after the scheme', 'Basic'],
    ['credentials that are no base64', 'Basic !!!'],
    ['no colon', `Basic ${Buffer.from('nocolon').toString('base64')}`],
    ['no client id', rawBasic('', 'secret')],
    ['a malformed escape in the client id', rawBasic('%zz', 'secret')],
    ['bytes that are no UTF-8', `Basic ${Buffer.from([0xff, 0x3a, 0xff]).toString('base64')}`],
    ['another scheme', 'Bearer tga_x'],
    ['two of them', `${basic('a', 'b')}, ${basic('c', 'd')}`],
    ['Digest', 'Digest username="a", response="b"'],
    ['an empty secret', rawBasic('client', '')],
    ['a character that no id may hold', rawBasic('cli%00ent', 'secret')],
  ])(
    'answers 401 invalid_client to an Authorization header with %s (RFC 6749 §5.2)',
    async (_, authorization) => {
      const form = { grant_type: 'client_credentials', token: 'x' };
      const answer = await app.post(path, form, { headers: { Authorization: authorization } });
      expectError(answer, [401, 'invalid_client']);
      expect(answer.headers.get('WWW-Authenticate')).toMatch(/^Basic /);
    },
  );

  it('lets no browser guess what an answer is', async () => {
    for (const answer of [await postText(path, ''), await app.post(path, '')]) {
      expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff');
    }
  });

  it('answers JSON to a browser, too', async () => {
    const answer = await postText(path, '', { Accept: 'text/html' });
    expectError(answer, [400, 'invalid_request']);
  });

  it('answers a 4xx, never a 5xx, whatever the form and header hold', async () => {
    const name = fc.constantFrom('grant_type', 'token', 'scope', 'client_ip', 'method', 'path');
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('[object Object]'));
    const form = fc.array(fc.tuple(fc.oneof(name, fc.string()), value), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(form, fc.option(fc.string()), async (pairs, secret) => {
        const as = secret === null ? client : { clientId: client.clientId, secret };
        const text = new URLSearchParams(pairs.map(([n, v]) => [n, v] as [string, string]));
        const { status } = await app.post(path, text.toString(), { as });
        expect(status).toBeLessThan(500);
      }),
      { numRuns: 60 },
    );
  });

  it('takes form fields that look like operators of a database for what they are', async () => {
    const text = 'token[$ne]=x&username[$gt]=&grant_type[$in][]=password';
    expectError(await postText(path, text), [400, 'invalid_request']);
  });
});

describe('other paths', () => {
  it.each([
    '/oauth2',
    '/oauth2/token/',
    '/OAuth2/Token',
    '/oauth2/authorize',
    '/token',
    '/me',
    '/request',
  ])('such as %s are 404 with JSON: the engine answers nothing else', async (path) => {
    for (const method of ['GET', 'POST']) {
      const answer = await answerOf(await fetch(app.url + path, { method }));
      expectError(answer, [404, 'not_found']);
    }
  });
});
