import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deleteClient } from '../../src/domain/clients/manage-clients.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import { deleteUser } from '../../src/domain/users/manage-users.ts';
import { START, startApp, TESTER, type TestApp, type TestUser } from '../support/app.ts';
import type { Answer, Credentials, Granted } from '../support/server.ts';

let app: TestApp;
let resourceServer: Credentials;
beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXIES: 'loopback' } });
  resourceServer = await app.createResourceServer();
});
afterAll(() => app.close());

const FROM = '192.0.2.7';

let client: Credentials;
let user: TestUser;
let tokens: Granted;
beforeEach(async () => {
  app.clock.set(START);
  client = await app.createClient({
    grantTypes: ['client_credentials', 'password', 'refresh_token'],
    accessToken: { lifetimeSeconds: 30 * 86_400, maxUses: 5 },
    refreshToken: { lifetimeSeconds: 30 * 86_400, maxUses: 0 },
  });
  user = await app.createUser();
  tokens = await app.grant(client, password());
});

function password() {
  return { grant_type: 'password', username: user.username, password: user.password };
}

type Places = 'client_credentials' | 'password' | 'refresh' | 'introspection';

/** Asks at every place; the refresh last, as it spends the token. */
async function askEverywhere(): Promise<Record<Places, Answer>> {
  const sending = { from: FROM };
  const context = { client_ip: FROM };
  return {
    client_credentials: await app.token(client, {}, sending),
    password: await app.token(client, password(), sending),
    introspection: await app.introspect(resourceServer, tokens.accessToken, context),
    refresh: await app.refresh(client, tokens.refreshToken, {}, sending),
  };
}

function outcomes(answers: Record<Places, Answer>): Record<Places, string> {
  const outcome = ({ status, text, body }: Answer) =>
    body.error === undefined && body.active === undefined
      ? String(status)
      : (body.error ?? (text === '{"active":false}' ? 'inactive' : 'active'));
  return Object.fromEntries(
    Object.entries(answers).map(([place, answer]) => [place, outcome(answer)]),
  ) as Record<Places, string>;
}

const OPEN = {
  client_credentials: '200',
  password: '200',
  introspection: 'active',
  refresh: '200',
} as const;
const CLOSED = {
  client_credentials: 'invalid_client',
  password: 'invalid_client',
  introspection: 'inactive',
  refresh: 'invalid_client',
} as const;
const USER_CLOSED = {
  client_credentials: '200',
  password: 'invalid_grant',
  introspection: 'inactive',
  refresh: 'invalid_grant',
} as const;

const HOURS = {
  timeZone: 'Asia/Taipei',
  windows: [{ days: ['mon' as const], from: '20:00', to: '04:00' }],
};

interface Scenario {
  name: string;
  /** Brings it about. */
  arrange: () => Promise<unknown>;
  expected: Record<Places, string>;
  /** Reason in the description of an error of the token endpoint, and in the log. */
  reason?: string;
}

const update = (patch: Parameters<TestApp['updateClient']>[1]) =>
  app.updateClient(client.clientId, patch);
const fail = (times: number) =>
  Promise.all(
    Array.from({ length: times }, (_, i) => app.token({ ...client, secret: `wrong-${i}` })),
  );

const SCENARIOS: Scenario[] = [
  { name: 'a client that nothing speaks against', arrange: async () => {}, expected: OPEN },
  {
    name: 'a disabled client',
    arrange: () => update({ status: 'disabled' }),
    expected: CLOSED,
    reason: 'client_disabled',
  },
  {
    name: 'a client that starts a second from now',
    arrange: () => update({ startsAt: plusSeconds(START, 1) }),
    expected: CLOSED,
    reason: 'client_not_started',
  },
  {
    name: 'a client that starts now',
    arrange: () => update({ startsAt: START }),
    expected: OPEN,
  },
  {
    name: 'a client that expires now',
    arrange: () => update({ expiresAt: START }),
    expected: CLOSED,
    reason: 'client_expired',
  },
  {
    name: 'a client that expires a second from now',
    arrange: () => update({ expiresAt: plusSeconds(START, 1) }),
    expected: OPEN,
  },
  {
    name: 'a client inside its service hours (20:00 on Monday in Taipei)',
    arrange: () => update({ serviceHours: HOURS }),
    expected: OPEN,
  },
  {
    name: 'a client after its service hours (04:00 on Tuesday in Taipei)',
    async arrange() {
      await update({ serviceHours: HOURS });
      app.clock.set('2035-01-01T20:00:00Z');
    },
    expected: CLOSED,
    reason: 'outside_service_hours',
  },
  {
    name: 'a client in a window that has crossed midnight (03:59 on Tuesday in Taipei)',
    async arrange() {
      await update({ serviceHours: HOURS });
      app.clock.set('2035-01-01T19:59:59Z');
    },
    expected: OPEN,
  },
  {
    name: 'a client at another address than its own',
    arrange: () => update({ ipBindings: [{ hostName: 'hq', address: '198.51.100.0/24' }] }),
    expected: CLOSED,
  },
  {
    name: 'a client at its own address',
    arrange: () => update({ ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }] }),
    expected: OPEN,
  },
  { name: 'a locked client', arrange: () => fail(3), expected: CLOSED },
  {
    name: 'a deleted client',
    arrange: () => deleteClient(app.services, TESTER, client.clientId),
    expected: CLOSED,
  },
  {
    name: 'a client that lost the password grant',
    arrange: () => update({ grantTypes: ['client_credentials', 'refresh_token'] }),
    expected: { ...OPEN, password: 'unauthorized_client' },
    reason: 'grant_not_allowed',
  },
  {
    name: 'a client that lost the refresh_token grant',
    arrange: () => update({ grantTypes: ['client_credentials', 'password'] }),
    expected: { ...OPEN, refresh: 'unauthorized_client' },
    reason: 'grant_not_allowed',
  },
  {
    name: 'a client that lost client_credentials',
    arrange: () => update({ grantTypes: ['password', 'refresh_token'] }),
    expected: { ...OPEN, client_credentials: 'unauthorized_client' },
    reason: 'grant_not_allowed',
  },
  {
    name: 'a user on the allowlist',
    arrange: () => update({ userAllowlist: [user.user.userId] }),
    expected: OPEN,
  },
  {
    name: 'a user off the allowlist',
    arrange: () => update({ userAllowlist: ['somebody-else'] }),
    expected: USER_CLOSED,
    reason: 'user_not_allowed',
  },
  {
    name: 'a disabled user',
    arrange: () => app.updateUser(user.user.userId, { status: 'disabled' }),
    expected: USER_CLOSED,
    reason: 'user_disabled',
  },
  {
    name: 'a deleted user',
    arrange: () => deleteUser(app.services, TESTER, user.user.userId),
    expected: USER_CLOSED,
  },
];

describe('the gate at the token endpoint, at refresh and at introspection', () => {
  it.each(SCENARIOS)('judges $name the same everywhere', async ({ arrange, expected, reason }) => {
    await arrange();
    const answers = await askEverywhere();
    expect(outcomes(answers)).toEqual(expected);
    if (reason === undefined) return;
    for (const { status, body } of Object.values(answers)) {
      if (status >= 400) expect(body.error_description).toContain(reason);
    }
  });

  it('answers 401 with a challenge where it refuses the client (RFC 6749 §5.2)', async () => {
    await update({ status: 'disabled' });
    const { client_credentials, password: user_grant, refresh } = await askEverywhere();
    for (const { status, headers } of [client_credentials, user_grant, refresh]) {
      expect(status).toBe(401);
      expect(headers.get('WWW-Authenticate')).toMatch(/^Basic /);
    }
  });

  it('spends neither a use nor the refresh token when it refuses', async () => {
    await update({ status: 'disabled' });
    await askEverywhere();
    await askEverywhere();
    await update({ status: 'enabled' });
    const seen = await app.introspect(resourceServer, tokens.accessToken);
    expect(seen.body).toMatchObject({ active: true, uses_left: 4 });
    expect((await app.refresh(client, tokens.refreshToken)).status).toBe(200);
  });

  it('gives the id of a deleted client to nobody again', async () => {
    const { clientId } = client;
    await deleteClient(app.services, TESTER, clientId);
    await expect(app.createClient({ clientId })).rejects.toMatchObject({ code: 'conflict' });
    expect((await app.token(client)).status).toBe(401);
  });

  it('logs the reason of a refused introspection, for the answer does not tell it (RFC 7662 §2.2)', async () => {
    await update({ status: 'disabled' });
    app.log.length = 0;
    await app.introspect(resourceServer, tokens.accessToken);
    expect(app.log.join('')).toContain('client_disabled');
  });
});
