import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  mailPasswordReset,
  resetPasswordByLink,
} from '../../src/domain/clients/manage-client-secrets.ts';
import { findClient, unlockClient } from '../../src/domain/clients/manage-clients.ts';
import { unlockUser } from '../../src/domain/users/manage-users.ts';
import { startApp, TESTER, type TestApp } from '../support/app.ts';
import type { Credentials } from '../support/server.ts';

let app: TestApp;
let resourceServer: Credentials;
beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXIES: 'loopback' } });
  resourceServer = await app.createResourceServer();
});
afterAll(() => app.close());

const INSIDE = '192.0.2.7';
const OUTSIDE = '203.0.113.9';

async function fail(client: Credentials, times: number, from = INSIDE): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    const { status } = await app.token({ ...client, secret: `wrong ${i}` }, {}, { from });
    expect(status).toBe(401);
  }
}

async function statusOf(client: Credentials, from = INSIDE): Promise<number> {
  return (await app.token(client, {}, { from })).status;
}

describe.each(['generated', 'chosen'])('wrong secrets of a client with a %s one', (kind) => {
  const make = (fields = {}) =>
    app.createClient({ ...(kind === 'chosen' && { password: 'right secret' }), ...fields });

  it('lock it at the third, so that the right one is refused', async () => {
    const client = await make();
    await fail(client, 2);
    expect(await statusOf(client)).toBe(200);
    await fail(client, 3);
    const { status, body } = await app.token(client);
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });

  it('lock it at the limit of the client', async () => {
    const client = await make({ failedLoginLimit: 1 });
    await fail(client, 1);
    expect(await statusOf(client)).toBe(401);
  });

  it('count anew after a success', async () => {
    const client = await make();
    for (let round = 0; round < 3; round += 1) {
      await fail(client, 2);
      expect(await statusOf(client)).toBe(200);
    }
    expect((await findClient(app.services, client.clientId)).lock.failedLogins).toBe(0);
  });

  it('count at every endpoint', async () => {
    const client = await make();
    const wrong = { ...client, secret: 'wrong' };
    await app.introspect(wrong, 'tga_x');
    await app.revoke({ ...client, secret: 'wrong too' }, 'tga_x');
    await fail(client, 1);
    expect(await statusOf(client)).toBe(401);
  });

  it('are kept with time and address, newest first', async () => {
    const client = await make();
    await fail(client, 1, '192.0.2.1');
    app.clock.advance(60);
    await fail(client, 2, '192.0.2.2');
    const { lock } = await findClient(app.services, client.clientId);
    expect(lock.lockedAt).toEqual(app.clock.now());
    expect(lock.failures.map((f) => f.address)).toEqual(['192.0.2.2', '192.0.2.2', '192.0.2.1']);
  });

  it('from outside the IP bindings are refused unseen and never count', async () => {
    const client = await make({ ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }] });
    const { verified } = await countingVerified(() => fail(client, 10, OUTSIDE));
    expect(verified.size).toBe(0);
    expect((await findClient(app.services, client.clientId)).lock.failedLogins).toBe(0);
    expect(await statusOf(client)).toBe(200);
    expect(await statusOf(client, OUTSIDE)).toBe(401);
  });

  it('are forgiven by an unlock', async () => {
    const client = await make();
    await fail(client, 3);
    await unlockClient(app.services, TESTER, client.clientId);
    await fail(client, 2);
    expect(await statusOf(client)).toBe(200);
  });
});

describe('parallel wrong secrets', () => {
  it.each([
    ['60 different guesses', (i: number) => `guess-${i}`],
    ['one guess sent 60 times', () => 'the-same-guess'],
  ])('such as %s are verified up to the limit, and lock', async (_, guess) => {
    const client = await app.createClient({ password: 'right secret', failedLoginLimit: 3 });
    const { result, verified } = await countingVerified(() =>
      Promise.all(Array.from({ length: 60 }, (_, i) => app.token({ ...client, secret: guess(i) }))),
    );
    expect(verified.size).toBeGreaterThan(0);
    expect(verified.size).toBeLessThanOrEqual(3);
    for (const { status, headers } of result) {
      expect([401, 429]).toContain(status);
      if (status === 429) expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
    }
    expect(await statusOf(client)).toBe(401);
  });

  it('do not let the right one through that comes after them', async () => {
    const client = await app.createClient({ password: 'right secret', failedLoginLimit: 3 });
    await Promise.all(['a', 'b', 'c'].map((secret) => app.token({ ...client, secret })));
    expect(await statusOf(client)).toBe(401);
  });
});

/** Runs work, and collects the different texts that reach bcrypt meanwhile. */
async function countingVerified<T>(work: () => Promise<T>) {
  const verify = jest.spyOn(app.services.passwords, 'verify');
  try {
    const result = await work();
    return { result, verified: new Set(verify.mock.calls.map(([text]) => text)) };
  } finally {
    verify.mockRestore();
  }
}

describe('a locked client', () => {
  it('has no live token until it is unlocked', async () => {
    const client = await app.createClient();
    const { accessToken } = await app.grant(client);
    await fail(client, 3);
    expect((await app.introspect(resourceServer, accessToken)).text).toBe('{"active":false}');
    await unlockClient(app.services, TESTER, client.clientId);
    expect((await app.introspect(resourceServer, accessToken)).body.active).toBe(true);
  });

  it('is unlocked by the password that is chosen behind a mailed link', async () => {
    const emails = ['ops@partner.example'];
    const client = await app.createClient({ password: 'right secret', emails });
    await fail(client, 3);
    await mailPasswordReset(app.services, TESTER, client.clientId);
    const [mail = ''] = await app.mails();
    const token = /token=(\S+)/.exec(mail)?.[1] ?? '';
    await resetPasswordByLink(app.services, token, 'a new secret', null);
    expect(await statusOf({ ...client, secret: 'a new secret' })).toBe(200);
    expect(await statusOf(client)).toBe(401);
  });
});

describe('wrong passwords of a user', () => {
  const grant_type = 'password';

  async function setUp() {
    const grantTypes = ['password' as const, 'refresh_token' as const];
    return { client: await app.createClient({ grantTypes }), ...(await app.createUser()) };
  }

  it('lock the user at the fifth; the client stays usable for others', async () => {
    const { client, username, password } = await setUp();
    const tokens = await app.grant(client, { grant_type, username, password });
    for (let i = 0; i < 5; i += 1) {
      const answer = await app.token(client, { grant_type, username, password: `wrong ${i}` });
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant']);
    }
    expect((await app.token(client, { grant_type, username, password })).status).toBe(400);
    expect((await app.introspect(resourceServer, tokens.accessToken)).body.active).toBe(false);
    const refreshed = await app.refresh(client, tokens.refreshToken);
    expect([refreshed.status, refreshed.body.error]).toEqual([400, 'invalid_grant']);
    const other = await app.createUser();
    const { status } = await app.token(client, { grant_type, ...pick(other) });
    expect(status).toBe(200);
  });

  it('are forgiven by a success and by an unlock', async () => {
    const { client, user, username, password } = await setUp();
    const attempt = async (text: string) =>
      (await app.token(client, { grant_type, username, password: text })).status;
    for (let i = 0; i < 4; i += 1) await attempt('wrong');
    expect(await attempt(password)).toBe(200);
    for (let i = 0; i < 5; i += 1) await attempt('wrong');
    expect(await attempt(password)).toBe(400);
    await unlockUser(app.services, TESTER, user.userId);
    expect(await attempt(password)).toBe(200);
  });

  it('never verify more than the limit, however many come at once', async () => {
    const { client, username } = await setUp();
    const { result, verified } = await countingVerified(() =>
      Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          app.token(client, { grant_type, username, password: `guess-${i}` }),
        ),
      ),
    );
    expect(verified.size).toBeLessThanOrEqual(5);
    const statuses = result.map(({ status }) => status);
    expect(statuses.filter((status) => ![400, 429].includes(status))).toEqual([]);
  });
});

function pick({ username, password }: { username: string; password: string }) {
  return { username, password };
}
