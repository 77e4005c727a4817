import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GRANTS } from '../../src/oidc/grants/index.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { sendRaw } from '../support/server.ts';

const ISSUER = 'https://auth.tollgate.test';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ env: { ISSUER } });
});
afterAll(() => app.close());

async function get(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(app.url + path);
  expect(response.status).toBe(200);
  expect(response.headers.get('Content-Type')).toMatch(/^application\/(jwk-set\+)?json/);
  return (await response.json()) as Record<string, unknown>;
}

const FORGED = {
  Host: 'evil.example',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Proto': 'http',
  Forwarded: 'host=evil.example;proto=http',
};

const METADATA = '/.well-known/oauth-authorization-server';

describe('GET /.well-known/oauth-authorization-server', () => {
  it('tells what is there, and nothing else (RFC 8414 §2)', async () => {
    const metadata = await get(METADATA);
    const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];
    expect(metadata).toMatchObject({
      issuer: ISSUER,
      token_endpoint: `${ISSUER}/oauth2/token`,
      introspection_endpoint: `${ISSUER}/oauth2/introspect`,
      revocation_endpoint: `${ISSUER}/oauth2/revoke`,
      jwks_uri: `${ISSUER}/oauth2/jwks`,
      response_types_supported: [],
    });
    for (const endpoint of ['token', 'introspection', 'revocation']) {
      const told = metadata[`${endpoint}_endpoint_auth_methods_supported`] as string[];
      expect([...told].sort()).toEqual(methods);
      const algorithms = metadata[`${endpoint}_endpoint_auth_signing_alg_values_supported`];
      expect(algorithms).toContain('ES256');
      expect(algorithms).not.toContain('none');
      expect(algorithms).not.toContain('HS256');
    }
    expect(metadata).not.toHaveProperty('authorization_endpoint');
    expect(metadata).not.toHaveProperty('userinfo_endpoint');
    expect(metadata).not.toHaveProperty('registration_endpoint');
  });

  it('lists exactly the grants of the registry', async () => {
    const { grant_types_supported } = await get(METADATA);
    expect(grant_types_supported).toEqual(GRANTS.map(({ grantType }) => grantType));
  });

  it('is the same document as /.well-known/openid-configuration', async () => {
    expect(await get('/.well-known/openid-configuration')).toEqual(await get(METADATA));
  });

  it.each([METADATA, `http://evil.example${METADATA}`])(
    'names the issuer whatever Host and forwarding headers say, asked for %s',
    async (path) => {
      const { body, text } = await sendRaw(app.url, { path, headers: FORGED });
      expect(text).not.toContain('evil.example');
      expect(body).toEqual(await get(METADATA));
    },
  );
});

describe('GET /oauth2/jwks', () => {
  it('holds public keys only (RFC 7517 §9.3)', async () => {
    const { keys } = (await get('/oauth2/jwks')) as { keys: Record<string, unknown>[] };
    expect(keys).toEqual([
      { kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256', ...anyOf('kid', 'x', 'y') },
    ]);
  });
});

function anyOf(...members: string[]): Record<string, unknown> {
  return Object.fromEntries(members.map((member) => [member, expect.any(String)]));
}
