/** Two servers on one SQLite file: a change on one holds for the very next request on the other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { findApiGroup, updateApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { addSecret, changePassword } from '../../src/domain/clients/manage-client-secrets.ts';
import { deleteClient, unlockClient } from '../../src/domain/clients/manage-clients.ts';
import { revokeAllTokens } from '../../src/domain/tokens/manage-tokens.ts';
import { setUserPassword } from '../../src/domain/users/manage-users.ts';
import {
  fresh,
  movableClock,
  startApp,
  TESTER,
  type TestApp,
  type TestUser,
} from '../support/app.ts';
import { type Answer, type Credentials, type Granted, granted } from '../support/server.ts';

let folder: string;
let here: TestApp;
let there: TestApp;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tollgate-two-'));
  const env = {
    DATABASE_URL: `sqlite:${join(folder, 'tollgate.db')}`,
    TRUSTED_PROXIES: 'loopback',
  };
  const clock = movableClock();
  here = await startApp({ env, clock });
  there = await startApp({ env, clock });
  await here.createGroup('read', {}, ['GET /orders']);
  await here.createGroup('write', { securityLevel: 'C' });
});
afterAll(async () => {
  await Promise.all([here.close(), there.close()]);
  await rm(folder, { recursive: true, force: true });
});

const INACTIVE = '{"active":false}';

let resourceServer: Credentials;
let client: Credentials;
let user: TestUser;
let tokens: Granted;
beforeEach(async () => {
  resourceServer = await here.createResourceServer();
  client = await here.createClient({
    password: 'the right secret',
    securityLevel: 'C',
    apiGroups: ['read', 'write'],
    grantTypes: ['client_credentials', 'password', 'refresh_token'],
  });
  user = await here.createUser();
  tokens = await there.grant(client, password());
  // Everything is in the memory of the other server now.
  expect((await introspect()).body).toMatchObject({ active: true, scope: 'read write' });
  expect((await there.token(client)).status).toBe(200);
});

function password() {
  return { grant_type: 'password', username: user.username, password: user.password };
}

function introspect(params = {}): Promise<Answer> {
  return there.introspect(resourceServer, tokens.accessToken, params);
}

describe('a change by another server', () => {
  it('disables a client at once, and enables it at once', async () => {
    await here.updateClient(client.clientId, { status: 'disabled' });
    expect((await introspect()).text).toBe(INACTIVE);
    expect((await there.token(client)).status).toBe(401);
    expect((await there.refresh(client, tokens.refreshToken)).status).toBe(401);
    await here.updateClient(client.clientId, { status: 'enabled' });
    expect((await introspect()).body.active).toBe(true);
    expect((await there.token(client)).status).toBe(200);
  });

  it('deletes a client at once', async () => {
    await deleteClient(here.services, TESTER, client.clientId);
    expect((await introspect()).text).toBe(INACTIVE);
    expect((await there.token(client)).status).toBe(401);
  });

  it('binds a client to an address at once', async () => {
    const ipBindings = [{ hostName: '', address: '192.0.2.1' }];
    await here.updateClient(client.clientId, { ipBindings });
    expect((await there.token(client)).status).toBe(401);
    expect((await introspect({ client_ip: '192.0.2.2' })).text).toBe(INACTIVE);
    expect((await introspect({ client_ip: '192.0.2.1' })).body.active).toBe(true);
  });

  it('lowers a level at once', async () => {
    await here.updateClient(client.clientId, { securityLevel: 'SYSTEM' });
    expect((await introspect()).body.scope).toBe('read');
    expect((await there.grant(client)).scope).toBe('read');
  });

  it('takes a group away and changes a group at once', async () => {
    await here.updateClient(client.clientId, { apiGroups: ['read'] });
    expect((await introspect()).body.scope).toBe('read');
    const call = { method: 'GET', path: '/orders' };
    expect((await introspect(call)).body.active).toBe(true);
    const group = await findApiGroup(here.services, 'read');
    const update = (patch: object, version: number) =>
      updateApiGroup(here.services, TESTER, { id: 'read', version, patch: { ...patch } });
    await update({ apis: [] }, group.version);
    expect((await introspect(call)).text).toBe(INACTIVE);
    await update({ apis: group.apis }, group.version + 1);
    expect((await introspect(call)).body.active).toBe(true);
  });

  it('retires a secret at once, also one that the other server remembers', async () => {
    await changePassword(here.services, TESTER, client.clientId, 'another secret');
    expect((await there.token(client)).status).toBe(401);
    expect((await there.token({ ...client, secret: 'another secret' })).status).toBe(200);
  });

  it('adds a secret at once', async () => {
    const { secret } = await addSecret(here.services, TESTER, client.clientId, {});
    expect((await there.token({ ...client, secret: secret.value ?? '' })).status).toBe(200);
  });

  it('locks a client at once, and unlocks it at once', async () => {
    for (let i = 0; i < 3; i += 1) await here.token({ ...client, secret: `wrong-${i}` });
    expect((await there.token(client)).status).toBe(401);
    expect((await introspect()).text).toBe(INACTIVE);
    await unlockClient(here.services, TESTER, client.clientId);
    expect((await there.token(client)).status).toBe(200);
  });

  it('counts failures of both servers together', async () => {
    await here.token({ ...client, secret: 'wrong-1' });
    await there.token({ ...client, secret: 'wrong-2' });
    await here.token({ ...client, secret: 'wrong-3' });
    expect((await there.token(client)).status).toBe(401);
  });

  it('lets parallel guesses on two servers verify the limit, and at most one more', async () => {
    const spies = [here, there].map((app) => jest.spyOn(app.services.passwords, 'verify'));
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const app = i % 2 ? here : there;
        return (await app.token({ ...client, secret: `guess-${i}` })).status;
      }),
    );
    const verified = new Set(spies.flatMap((spy) => spy.mock.calls.map(([text]) => text)));
    for (const spy of spies) spy.mockRestore();
    expect(verified.size).toBeLessThanOrEqual(3 + 1);
    expect(statuses).not.toContain(200);
    expect((await there.token(client)).status).toBe(401);
  });

  it('disables a user, and changes a user’s password, at once', async () => {
    await here.updateUser(user.user.userId, { status: 'disabled' });
    expect((await introspect()).text).toBe(INACTIVE);
    expect((await there.token(client, password())).status).toBe(400);
    await here.updateUser(user.user.userId, { status: 'enabled' });
    expect((await introspect()).body.active).toBe(true);
    const changed = { password: 'another password' };
    await setUserPassword(here.services, TESTER, user.user.userId, changed);
    expect((await there.token(client, password())).status).toBe(400);
    expect((await there.token(client, { ...password(), ...changed })).status).toBe(200);
  });

  it('revokes all tokens of a client at once', async () => {
    await revokeAllTokens(here.services, TESTER, { clientId: client.clientId });
    expect((await introspect()).text).toBe(INACTIVE);
    expect((await there.refresh(client, tokens.refreshToken)).status).toBe(400);
  });

  it('creates a client that the other server had not known a moment before', async () => {
    const clientId = fresh('new');
    const unknown = { clientId, secret: 'the right secret' };
    expect((await there.token(unknown)).status).toBe(401);
    await here.createClient({ clientId, password: 'the right secret' });
    expect((await there.token(unknown)).status).toBe(200);
  });

  it('rotates a refresh token once, however the two race', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { refreshToken } = await here.grant(client, password());
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? here : there).refresh(client, refreshToken)),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    }
  });

  it('sees the replay of a token that the other server rotated', async () => {
    const next = granted(await here.refresh(client, tokens.refreshToken));
    here.clock.advance(1);
    expect((await there.refresh(client, tokens.refreshToken)).body.error).toBe('invalid_grant');
    expect((await here.refresh(client, next.refreshToken)).body.error).toBe('invalid_grant');
  });
});
