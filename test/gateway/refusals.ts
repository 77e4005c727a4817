/** One way into every refusal of a call, by its reason code. */
import { findApiGroup, updateApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import type { ReasonCode } from '../../src/domain/decision/reasons.ts';
import { fresh, START, TESTER, type TestApp } from '../support/app.ts';
import { type Credentials, until } from '../support/server.ts';

/** A question of which the answer is a refusal. */
export interface Refused {
  token?: string;
  apiKey?: string;
  /** Default: no binding speaks against any. */
  clientIp?: string;
  /** Default `GET /orders`. */
  method?: string;
  path?: string;
  /** Who asks; default: any resource server. */
  caller?: Credentials;
}

type Fields = Parameters<TestApp['createClient']>[0];

/** Reasons of a call; `grant_not_allowed` is the token endpoint's, and `client_deleted` a matter of luck. */
export const CALL_REASONS: [ReasonCode, (app: TestApp) => Promise<Refused>][] = [
  ['credential_missing', async () => ({})],
  ['credential_invalid', async () => ({ token: 'nobody' })],
  [
    'token_expired',
    async (app) => {
      const { token } = await holder(app, { accessToken: { lifetimeSeconds: 60, maxUses: 0 } });
      app.clock.advance(60);
      return { token };
    },
  ],
  [
    'token_revoked',
    async (app) => {
      const { client, token } = await holder(app);
      await app.revoke(client, token);
      return { token };
    },
  ],
  [
    'key_expired',
    async (app) => {
      const key = await keyOf(app, { expiresAt: plusSeconds(START, 60) });
      app.clock.advance(60);
      return key;
    },
  ],
  ['key_not_yet_effective', (app) => keyOf(app, { startsAt: plusSeconds(START, 60) })],
  ['key_disabled', (app) => keyOf(app, { status: 'disabled' })],
  ['client_disabled', (app) => changed(app, { status: 'disabled' })],
  [
    'client_locked',
    async (app) => {
      const { client, token } = await holder(app, { failedLoginLimit: 1 });
      await app.token({ ...client, secret: 'wrong' });
      return { token };
    },
  ],
  ['client_not_started', (app) => changed(app, { startsAt: plusSeconds(START, 60) })],
  ['client_expired', (app) => changed(app, { expiresAt: START })],
  [
    'outside_service_hours',
    (app) =>
      changed(app, { serviceHours: { windows: [{ days: ['tue'], from: '00:00', to: '24:00' }] } }),
  ],
  [
    'ip_not_allowed',
    (app) => changed(app, { ipBindings: [{ hostName: 'hq', address: '198.51.100.0/24' }] }),
  ],
  [
    'user_disabled',
    async (app) => {
      const { token, userId } = await signedIn(app);
      await app.updateUser(userId, { status: 'disabled' });
      return { token };
    },
  ],
  [
    'user_locked',
    async (app) => {
      const { token, userId } = await signedIn(app);
      await app.services.stores.users.recordFailedLogin(userId, { at: START, address: null }, 1);
      return { token };
    },
  ],
  [
    'user_not_allowed',
    async (app) => {
      const { client, token } = await signedIn(app);
      const other = await app.createUser();
      await app.updateClient(client.clientId, { userAllowlist: [other.user.userId] });
      return { token };
    },
  ],
  [
    'audience_mismatch',
    async (app) => {
      const name = fresh('served');
      await app.createGroup(name);
      const caller = await app.createResourceServer({ servedApiGroups: [name] });
      const { token } = await holder(app);
      return { token, caller };
    },
  ],
  [
    'level_too_low',
    async (app) => {
      const name = fresh('raised');
      await app.createGroup(name, {}, [`GET /${name}`]);
      const { token } = await holder(app, { apiGroups: [name] });
      const { version } = await findApiGroup(app.services, name);
      const patch = { securityLevel: 'B' };
      await updateApiGroup(app.services, TESTER, { id: name, version, patch });
      return { token, path: `/${name}` };
    },
  ],
  ['api_unknown', async (app) => ({ token: (await holder(app)).token, path: '/nowhere' })],
  ['group_not_granted', async (app) => ({ token: (await holder(app)).token, method: 'POST' })],
  ['tps_exceeded', (app) => spent(app, { tps: 1 })],
  ['quota_exhausted', (app) => spent(app, { apiQuota: { calls: 1, period: 'day' } })],
  [
    'token_uses_exhausted',
    (app) => spent(app, { accessToken: { lifetimeSeconds: 60, maxUses: 1 } }),
  ],
];

/** The APIs that the ways above are about. */
export async function createApis(app: TestApp): Promise<void> {
  await app.createGroup('orders.read', {}, ['GET /orders', 'GET /orders/:id']);
  await app.createGroup('orders.write', {}, ['POST /orders']);
}

/** A client that holds `orders.read`, and a token of it. */
export async function holder(
  app: TestApp,
  fields: Fields = {},
): Promise<{ client: Credentials; token: string }> {
  const client = await app.createClient({ apiGroups: ['orders.read'], ...fields });
  const { accessToken: token } = await app.grant(client);
  return { client, token };
}

/** A token of a client that was changed since. */
async function changed(
  app: TestApp,
  patch: Parameters<TestApp['updateClient']>[1],
): Promise<Refused> {
  const { client, token } = await holder(app);
  await app.updateClient(client.clientId, patch);
  return { token };
}

/** A key of a client that holds `orders.read`. */
async function keyOf(app: TestApp, fields: Parameters<TestApp['createKey']>[1]): Promise<Refused> {
  const { client } = await holder(app);
  return { apiKey: (await app.createKey(client.clientId, fields)).value };
}

/** A token of a client that had one call, and made it. */
async function spent(app: TestApp, fields: Fields): Promise<Refused> {
  const { token } = await holder(app, fields);
  const call = { token, clientIp: '192.0.2.7', method: 'GET', path: '/orders' };
  await app.decide(await app.createResourceServer(), call);
  return { token };
}

/** A token of a user. */
async function signedIn(app: TestApp) {
  const client = await app.createClient({ apiGroups: ['orders.read'], grantTypes: ['password'] });
  const { user, username, password } = await app.createUser();
  const granted = await app.grant(client, { grant_type: 'password', username, password });
  return { client, token: granted.accessToken, userId: user.userId };
}

/** The record of a decision; it must be in the store within a second. */
export async function recordOf({ services }: TestApp, decisionId: unknown) {
  const find = () => services.stores.decisions.find(String(decisionId), services.clock.now());
  await until(async () => (await find()) !== null, 1);
  const record = await find();
  if (record === null) throw new Error(`decision ${decisionId} is gone again`);
  return record;
}
