import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import {
  addSecret,
  changePassword,
  retireSecret,
  rotateSecret,
} from '../../src/domain/clients/manage-client-secrets.ts';
import { findClient, unlockClient } from '../../src/domain/clients/manage-clients.ts';
import { fresh, startApp, TESTER, type TestApp } from '../support/app.ts';
import { type Answer, basic, type Credentials, rawBasic, sendRaw } from '../support/server.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const GRANT = { grant_type: 'client_credentials' };

function withHeader(authorization: string): Promise<Answer> {
  return app.post('/oauth2/token', GRANT, { headers: { Authorization: authorization } });
}

function expectInvalidClient({ status, body, headers }: Answer): void {
  expect({ status, error: body.error }).toEqual({ status: 401, error: 'invalid_client' });
  expect(headers.get('WWW-Authenticate')).toMatch(/^Basic /);
}

describe('client_secret_basic and client_secret_post', () => {
  const secrets: Record<string, string> = {
    'a percent sign': '100% sure',
    'percent signs that are no escapes': '%zz %% 50%',
    'what looks like an escape': 'slash%2Fslash',
    'a plus sign': 'one+two three+four',
    colons: ':a:b::c:d:',
    Unicode: 'пароль 密碼 ñandú 🔑',
    'spaces at both ends': '  padded  ',
    'separators of forms': 'a=b&client_id=c;d#e?f',
    'quotes and backslashes': '"\\\'`$(x)`\'\\"',
  };

  describe.each(Object.entries(secrets))('of a secret with %s', (_, secret) => {
    let client: Credentials;
    beforeAll(async () => {
      client = await app.createClient({ password: secret });
    });

    it('work form-encoded in Basic (RFC 6749 §2.3.1)', async () => {
      expect((await withHeader(basic(client.clientId, secret))).status).toBe(200);
    });

    it('work raw in Basic, as many clients send it', async () => {
      expect((await withHeader(rawBasic(client.clientId, secret))).status).toBe(200);
    });

    it('work in the body (RFC 6749 §2.3.1)', async () => {
      const form = { ...GRANT, client_id: client.clientId, client_secret: secret };
      expect((await app.post('/oauth2/token', form)).status).toBe(200);
    });

    it('refuse a secret that differs', async () => {
      const wrong = `${secret.slice(0, -1)}~`;
      expectInvalidClient(await withHeader(basic(client.clientId, wrong)));
    });
  });

  it('know a letter however it is composed (RFC 8265 §4.2)', async () => {
    const { clientId } = await app.createClient({ password: 'caf\u00e9 caf\u00e9' });
    expect((await withHeader(basic(clientId, 'cafe\u0301 cafe\u0301'))).status).toBe(200);
  });

  it('tell 128-character secrets apart by the last character', async () => {
    const { clientId, secret } = await app.createClient({ password: `${'x'.repeat(127)}a` });
    expectInvalidClient(await withHeader(basic(clientId, `${'x'.repeat(127)}b`)));
    expect((await withHeader(basic(clientId, secret))).status).toBe(200);
  });

  it('take a secret of 128 emoji, and tell it from 127', async () => {
    const secret = '🔐'.repeat(128);
    const { clientId } = await app.createClient({ password: secret });
    expectInvalidClient(await withHeader(basic(clientId, '🔐'.repeat(127))));
    expect((await withHeader(basic(clientId, secret))).status).toBe(200);
  });

  it('accept the scheme in any case (RFC 9110 §11.1)', async () => {
    const { clientId, secret } = await app.createClient();
    for (const scheme of ['basic', 'BASIC']) {
      const header = basic(clientId, secret).replace('Basic', scheme);
      expect((await withHeader(header)).status).toBe(200);
    }
  });

  it('accept client_id beside Basic when it is the same, and refuse another', async () => {
    const client = await app.createClient();
    expect((await app.token(client, { client_id: client.clientId })).status).toBe(200);
    const { status, body } = await app.token(client, { client_id: 'somebody-else' });
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
  });

  it('refuse two mechanisms at once (RFC 6749 §2.3)', async () => {
    const client = await app.createClient();
    const params = { client_id: client.clientId, client_secret: client.secret };
    const { status, body } = await app.token(client, params);
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_request' });
  });
});

describe('a request that is not authenticated', () => {
  it.each(['token', 'introspect', 'revoke'])(
    'gets 401 invalid_client with a challenge from /oauth2/%s without credentials (RFC 6749 §5.2)',
    async (endpoint) => {
      const form = { ...GRANT, token: 'tga_x' };
      expectInvalidClient(await app.post(`/oauth2/${endpoint}`, form));
    },
  );

  it('gets the same answer for an unknown client as for a wrong secret', async () => {
    const { clientId } = await app.createClient();
    const unknown = await app.token({ clientId: fresh('nobody'), secret: 'wrong-secret' });
    const wrong = await app.token({ clientId, secret: 'wrong-secret' });
    for (const answer of [unknown, wrong]) expectInvalidClient(answer);
    expect(unknown.text).toBe(wrong.text);
    expect([...unknown.headers.keys()]).toEqual([...wrong.headers.keys()]);
  });

  it('gets 401 invalid_client with a client id only: there are no public clients', async () => {
    const { clientId } = await app.createClient();
    expectInvalidClient(await app.post('/oauth2/token', { ...GRANT, client_id: clientId }));
    const form = { token: 'tga_x', client_id: clientId };
    expectInvalidClient(await app.post('/oauth2/introspect', form));
  });

  it('gets no further with an empty secret', async () => {
    const { clientId } = await app.createClient();
    expectInvalidClient(await withHeader(rawBasic(clientId, '')));
    const form = { ...GRANT, client_id: clientId, client_secret: '' };
    expectInvalidClient(await app.post('/oauth2/token', form));
  });

  it('is told that its address is not bound, and learns nothing about the secret', async () => {
    const ipBindings = [{ hostName: 'hq', address: '192.0.2.0/24' }];
    const client = await app.createClient({ ipBindings });
    const form = { ...GRANT, token: 'tga_x' };
    for (const endpoint of ['token', 'introspect', 'revoke']) {
      for (const secret of [client.secret, 'wrong-secret']) {
        const as = { ...client, secret };
        const answer = await app.post(`/oauth2/${endpoint}`, form, { as });
        expectInvalidClient(answer);
        expect(answer.body.error_description).toMatch(/^ip_not_allowed: /);
      }
    }
  });

  it('is not told that the client is locked', async () => {
    const client = await app.createClient({ failedLoginLimit: 1 });
    const wrong = await app.token({ ...client, secret: 'wrong-secret' });
    expect((await app.token(client)).text).toBe(wrong.text);
  });

  it.each(['__proto__', 'constructor', '*', '$ne', '../admin', 'a b', 'ümlaut', '\u0000'])(
    'gets a 4xx for the client id %j',
    async (clientId) => {
      const { status, body } = await app.token({ clientId, secret: 'x' });
      expect([400, 401]).toContain(status);
      expect(['invalid_request', 'invalid_client']).toContain(body.error);
    },
  );
});

describe('several secrets', () => {
  it('all work, each until it is retired', async () => {
    const first = await app.createClient();
    const { clientId } = first;
    const added = await addSecret(app.services, TESTER, clientId, { label: 'second' });
    const second = { clientId, secret: added.secret.value ?? '' };
    expect((await app.token(first)).status).toBe(200);
    expect((await app.token(second)).status).toBe(200);
    await retireSecret(app.services, TESTER, clientId, added.secret.id);
    expectInvalidClient(await app.token(second));
    expect((await app.token(first)).status).toBe(200);
  });

  it('rotate with a grace period, after which the old one is refused', async () => {
    const old = await app.createClient();
    const [secret] = (await findClient(app.services, old.clientId)).secrets;
    const options = { graceSeconds: 60 };
    const id = secret?.secretId ?? '';
    const rotated = await rotateSecret(app.services, TESTER, old.clientId, id, options);
    const next = { clientId: old.clientId, secret: rotated.secret.value ?? '' };
    app.clock.advance(59);
    expect((await app.token(old)).status).toBe(200);
    app.clock.advance(1);
    expectInvalidClient(await app.token(old));
    expect((await app.token(next)).status).toBe(200);
  });

  it('are forgotten when the password changes, however often the old one was verified', async () => {
    const client = await app.createClient({ password: 'the first password' });
    for (let i = 0; i < 3; i += 1) expect((await app.token(client)).status).toBe(200);
    await changePassword(app.services, TESTER, client.clientId, 'the second password');
    expectInvalidClient(await app.token(client));
    expect((await app.token({ ...client, secret: 'the second password' })).status).toBe(200);
  });
});

describe('private_key_jwt (RFC 7523 §2.2)', () => {
  const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
  type Signer = Awaited<ReturnType<typeof makeClient>>;

  async function makeClient(algorithm = 'ES256') {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: algorithm, kid: 'one' }] };
    const fields = { jwks: jwks as never, grantTypes: ['client_credentials' as const] };
    const client = await app.createClient(fields);
    return { ...client, algorithm, privateKey, jwks };
  }

  /** An assertion; the engine judges its times by the machine's clock. */
  function assertion(signer: Signer, changes: Record<string, unknown> = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: signer.clientId,
      sub: signer.clientId,
      aud: app.services.issuer,
      jti: fresh('jti'),
      iat: now,
      exp: now + 60,
      ...changes,
    };
    const header = { alg: signer.algorithm, kid: 'one' };
    return new SignJWT(claims).setProtectedHeader(header).sign(signer.privateKey);
  }

  function ask(client_assertion: string, params = {}): Promise<Answer> {
    const form = { ...GRANT, client_assertion, client_assertion_type: TYPE, ...params };
    return app.post('/oauth2/token', form);
  }

  it.each(['ES256', 'RS256', 'PS256', 'Ed25519'])('works with %s', async (algorithm) => {
    const signer = await makeClient(algorithm);
    expect((await ask(await assertion(signer))).status).toBe(200);
  });

  it('works with the token endpoint as the audience', async () => {
    const aud = `${app.services.issuer}/oauth2/token`;
    expect((await ask(await assertion(await makeClient(), { aud }))).status).toBe(200);
  });

  it('works at introspection and revocation', async () => {
    const signer = await makeClient();
    const { body } = await ask(await assertion(signer));
    const form = { token: body.access_token ?? '', client_assertion_type: TYPE };
    const seen = await app.post('/oauth2/introspect', {
      ...form,
      client_assertion: await assertion(signer),
    });
    expect(seen.body.active).toBe(true);
    const revoked = await app.post('/oauth2/revoke', {
      ...form,
      client_assertion: await assertion(signer),
    });
    expect(revoked.status).toBe(200);
  });

  it('takes an assertion once (RFC 7523 §3, jti)', async () => {
    const text = await assertion(await makeClient());
    expect((await ask(text)).status).toBe(200);
    expectInvalidClient(await ask(text));
  });

  it('takes an assertion once, also of 20 requests at the same moment', async () => {
    const text = await assertion(await makeClient());
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(text)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200))
      expectInvalidClient(answer);
  });

  it.each([
    ['a forged audience', { aud: 'https://auth.example.net' }],
    ['the audience of another path', { aud: 'https://evil.example/oauth2/token' }],
    ['no audience', { aud: undefined }],
    ['no jti', { jti: undefined }],
    ['no expiry', { exp: undefined }],
    ['an expiry in the past', { exp: Math.floor(Date.now() / 1000) - 3600 }],
    ['a start in the future', { nbf: Math.floor(Date.now() / 1000) + 3600 }],
    ['another issuer', { iss: 'somebody-else' }],
    ['another subject', { sub: 'somebody-else' }],
  ])('refuses an assertion with %s (RFC 7523 §3)', async (_, changes) => {
    expectInvalidClient(await ask(await assertion(await makeClient(), changes)));
  });

  it('refuses an assertion that expires more than 10 minutes from now, or at no whole second (RFC 7523 §3)', async () => {
    const signer = await makeClient();
    const now = app.clock.now().getTime() / 1000;
    expect((await ask(await assertion(signer, { exp: now + 600 }))).status).toBe(200);
    for (const exp of [now + 601, now + 0.5, 1e300]) {
      expectInvalidClient(await ask(await assertion(signer, { exp })));
    }
  });

  it.each([
    ['an object', {}],
    ['a list', ['a']],
    ['a number', 7],
    ['an object that is no text', { toString: 1, valueOf: 1 }],
    ['30 KB', 'a'.repeat(30_000)],
  ])('refuses an assertion whose subject, issuer or id is %s', async (_, value) => {
    const signer = await makeClient();
    const find = jest.spyOn(app.services.stores.clients, 'find');
    for (const claim of ['sub', 'iss', 'jti']) {
      if (claim === 'jti' && typeof value === 'string') continue;
      expectInvalidClient(await ask(await assertion(signer, { [claim]: value })));
    }
    expect(find.mock.calls.filter(([id]) => id !== signer.clientId)).toEqual([]);
    find.mockRestore();
  });

  it.each(['token', 'introspect', 'revoke'])(
    'is refused at /oauth2/%s to a client that is locked, or bound to other addresses',
    async (endpoint) => {
      const signer = await makeClient();
      const send = async () => {
        const form = { ...GRANT, client_assertion_type: TYPE, token: 'tga_x' };
        const client_assertion = await assertion(signer);
        return app.post(`/oauth2/${endpoint}`, { ...form, client_assertion });
      };
      expect((await send()).status).toBe(200);
      const failure = { at: app.clock.now(), address: null };
      await app.services.stores.clients.recordFailedLogin(signer.clientId, failure, 1);
      const locked = await send();
      expectInvalidClient(locked);
      expect(locked.body.error_description).toMatch(/^client_locked: /);
      await unlockClient(app.services, TESTER, signer.clientId);
      const ipBindings = [{ hostName: 'hq', address: '192.0.2.0/24' }];
      await app.updateClient(signer.clientId, { ipBindings });
      const outside = await send();
      expectInvalidClient(outside);
      expect(outside.body.error_description).toMatch(/^ip_not_allowed: /);
    },
  );

  it('refuses an assertion for another server, whatever Host says', async () => {
    const signer = await makeClient();
    for (const path of ['/oauth2/token', 'http://evil.example/oauth2/token']) {
      const aud = 'http://evil.example/oauth2/token';
      const form = { client_assertion: await assertion(signer, { aud }), ...GRANT };
      const body = new URLSearchParams({ ...form, client_assertion_type: TYPE }).toString();
      const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
      const headers = { Host: 'evil.example', ...type };
      expectInvalidClient(await sendRaw(app.url, { method: 'POST', path, headers, body }));
    }
  });

  it('refuses an assertion that another client signed', async () => {
    const [one, other] = [await makeClient(), await makeClient()];
    const forged = await assertion({ ...one, privateKey: other.privateKey });
    expectInvalidClient(await ask(forged));
  });

  it('refuses an assertion without a signature, and one signed with the public key as a secret', async () => {
    const signer = await makeClient();
    const [, claims] = (await assertion(signer)).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    expectInvalidClient(await ask(`${none}.${claims}.`));
    const key = new TextEncoder().encode(JSON.stringify(signer.jwks.keys[0]));
    const payload = JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()) as object;
    const symmetric = await new SignJWT({ ...payload })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(key);
    expectInvalidClient(await ask(symmetric));
  });

  it('refuses what is no assertion at all', async () => {
    for (const text of ['x', 'a.b.c', '..', 'e30.e30.e30']) {
      const { status, body } = await ask(text);
      expect([400, 401]).toContain(status);
      expect(['invalid_request', 'invalid_client']).toContain(body.error);
    }
  });

  it('is the only way for a client with keys: its secret is refused', async () => {
    const signer = await makeClient();
    expectInvalidClient(await app.token(signer));
  });

  it('is closed to a client without keys', async () => {
    const signer = await makeClient();
    const { clientId } = await app.createClient();
    expectInvalidClient(await ask(await assertion({ ...signer, clientId })));
  });
});
