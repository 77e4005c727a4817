import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENT_DEFAULTS } from '../../src/domain/clients/client.ts';
import { issueTokens } from './every-route.ts';
import { smallClient, startApi, type TestApi } from './support.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
  await api.send('POST', '/api/v1/api-groups', {
    body: { name: 'orders.read', audience: 'external' },
  });
  await api.send('POST', '/api/v1/api-groups', { body: { name: 'top.read', securityLevel: 'A' } });
  await api.send('POST', '/api/v1/api-scopes', {
    body: { name: 'top.profile', securityLevel: 'A' },
  });
});
afterAll(() => api.close());

const CLIENTS = '/api/v1/clients';

/** The example of product §5.1, word for word. */
const EXAMPLE = {
  clientName: 'orders-batch',
  displayName: 'Orders batch',
  note: 'nightly',
  password: 'correct horse battery',
  audience: 'external',
  ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }],
  serviceHours: {
    timeZone: 'Asia/Taipei',
    windows: [{ days: ['mon', 'tue'], from: '22:00', to: '06:00' }],
  },
  apiQuota: { calls: 500, period: 'day' },
  tps: 10,
  priority: 5,
  securityLevel: 'SYSTEM',
  apiGroups: ['orders.read'],
  apiScopes: [],
  grantTypes: ['client_credentials', 'refresh_token'],
  accessToken: { lifetimeSeconds: 3600, maxUses: 100 },
  refreshToken: { lifetimeSeconds: 86400, maxUses: 10 },
  redirectUris: [],
  failedLoginLimit: 3,
};

async function create(name: string, more: object = {}) {
  const answer = await api.send('POST', CLIENTS, { body: { ...smallClient(name), ...more } });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 201 });
  return answer.body;
}

describe('POST /clients', () => {
  it('creates the example of the product', async () => {
    const answer = await api.send('POST', CLIENTS, { body: EXAMPLE });
    expect(answer.status).toBe(201);
    const { password: _, ...fields } = EXAMPLE;
    expect(answer.body).toMatchObject({ ...fields, version: 1 });
    expect(answer.body.state).toMatchObject({ status: expect.any(String) });
    expect(answer.body.lock).toEqual({ failedLogins: 0, lockedAt: null, failures: [] });
    expect(answer.body.secret).toBeUndefined();
    expect(answer.headers.get('Location')).toBe(`${CLIENTS}/${answer.body.clientId}`);
    expect(answer.headers.get('ETag')).toBe('"1"');
    const read = await api.send('GET', `${CLIENTS}/${answer.body.clientId}`);
    expect(read.body).toEqual(answer.body);
    expect(read.headers.get('ETag')).toBe('"1"');
  });

  it('fills in every default and answers a generated secret once', async () => {
    const { secret, ...client } = await create('defaults');
    expect(client).toMatchObject({ ...CLIENT_DEFAULTS });
    expect(client.state).toEqual({ status: 'enabled', cause: null });
    expect(secret).toEqual({ id: expect.any(String), value: expect.stringMatching(/^tgs_/) });
    expect((await api.send('GET', `${CLIENTS}/${client.clientId}`)).body).toEqual(client);
  });

  it('keeps the instant of a time with an offset', async () => {
    const { expiresAt } = await create('offset', { expiresAt: '2028-01-01T00:00:00+08:00' });
    expect(expiresAt).toBe('2027-12-31T16:00:00.000Z');
  });

  it.each([
    ['clientId', { clientId: 'taken' }, { clientId: 'taken' }],
    ['clientName', { clientName: 'Taken' }, { clientName: 'tAKEN' }],
    ['displayName', { displayName: 'Taken' }, { displayName: 'Taken' }],
  ])('refuses a %s that is taken with 409', async (field, first, second) => {
    await create(`first-${field}`, first);
    const body = { ...smallClient(`second-${field}`), ...second };
    const answer = await api.send('POST', CLIENTS, { body });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: 'conflict', errors: [{ field, code: 'taken' }] });
  });

  it('names every reference to nothing', async () => {
    const body = {
      ...smallClient('references'),
      securityLevel: 'NONE',
      apiGroups: ['no.group'],
      apiScopes: ['no.scope'],
    };
    const answer = await api.send('POST', CLIENTS, { body });
    expect(answer.status).toBe(400);
    const fields = answer.body.errors.map((e: { field: string }) => e.field);
    expect(fields.toSorted()).toEqual(['apiGroups.0', 'apiScopes.0', 'securityLevel']);
  });

  it('refuses groups of another audience or a higher level', async () => {
    const body = { ...smallClient('high'), apiGroups: ['orders.read', 'top.read'] };
    const answer = await api.send('POST', CLIENTS, { body });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([
      { field: 'apiGroups.0', code: 'audience_mismatch' },
      { field: 'apiGroups.1', code: 'level_too_low' },
    ]);
  });

  it('creates nothing on a dry run', async () => {
    const body = smallClient('dry');
    const answer = await api.send('POST', `${CLIENTS}?dryRun=true`, { body });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ ...body, version: 1 });
    expect(answer.body.secret).toBeUndefined();
    expect(answer.headers.get('Location')).toBeNull();
    expect((await api.send('GET', `${CLIENTS}?search=dry`)).body.total).toBe(0);
  });
});

describe('PATCH /clients/{clientId}', () => {
  it('takes application/merge-patch+json (RFC 7396), which only PATCH does', async () => {
    const { clientId } = await create('merge-patch');
    const headers = { 'Content-Type': 'application/merge-patch+json' };
    const change = { body: { note: 'merged' }, version: 1, headers };
    const patched = await api.send('PATCH', `${CLIENTS}/${clientId}`, change);
    expect([patched.status, patched.body.note]).toEqual([200, 'merged']);
    const made = await api.send('POST', CLIENTS, { body: smallClient('merged'), headers });
    expect(made.status).toBe(415);
  });

  it('keeps what is absent, gives defaults for null, merges members, replaces lists', async () => {
    const client = await create('patch', {
      tps: 99,
      note: 'kept',
      accessToken: { lifetimeSeconds: 60, maxUses: 7 },
      emails: ['a@partner.example', 'b@partner.example'],
    });
    const body = { tps: null, accessToken: { maxUses: 8 }, emails: ['c@partner.example'] };
    const path = `${CLIENTS}/${client.clientId}`;
    const answer = await api.send('PATCH', path, { body, version: 1 });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('ETag')).toBe('"2"');
    expect(answer.body).toMatchObject({
      tps: CLIENT_DEFAULTS.tps,
      note: 'kept',
      accessToken: { lifetimeSeconds: 60, maxUses: 8 },
      emails: ['c@partner.example'],
      version: 2,
    });
  });

  it('writes nothing when nothing changes', async () => {
    const { clientId } = await create('same');
    const path = `${CLIENTS}/${clientId}`;
    const answer = await api.send('PATCH', path, { body: { note: 'test' }, version: 1 });
    expect(answer).toMatchObject({ status: 200, body: { version: 1 } });
  });

  it('refuses null where there is no default', async () => {
    const { clientId } = await create('null');
    const body = { displayName: null, note: null };
    const answer = await api.send('PATCH', `${CLIENTS}/${clientId}`, { body, version: 1 });
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map((e: { field: string }) => e.field)).toEqual([
      'displayName',
      'note',
    ]);
  });

  it('asks for the version (428) and refuses a stale one with the present client (412)', async () => {
    const { clientId } = await create('stale');
    const path = `${CLIENTS}/${clientId}`;
    const without = await api.send('PATCH', path, { body: { note: 'new' } });
    expect(without).toMatchObject({ status: 428, body: { code: 'version_required' } });
    await api.send('PATCH', path, { body: { note: 'second' }, version: 1 });
    const stale = await api.send('PATCH', path, { body: { note: 'third' }, version: 1 });
    expect(stale).toMatchObject({ status: 412, body: { code: 'version_conflict' } });
    expect(stale.body.current).toEqual((await api.send('GET', path)).body);
    const deletion = await api.send('DELETE', path, { version: 1 });
    expect(deletion).toMatchObject({ status: 412, body: { current: { note: 'second' } } });
  });

  it('lets one of many concurrent changes of a version win', async () => {
    const { clientId } = await create('race');
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        api.send('PATCH', `${CLIENTS}/${clientId}`, { body: { note: `by ${i}` }, version: 1 }),
      ),
    );
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([200, ...Array(9).fill(412)]);
  });

  it('previews what a lower level takes away, then takes it away', async () => {
    const client = await create('level', {
      securityLevel: 'A',
      apiGroups: ['top.read'],
      apiScopes: ['top.profile'],
    });
    const path = `${CLIENTS}/${client.clientId}`;
    const change = { body: { securityLevel: 'C' }, version: 1 };
    const removed = { apiGroups: ['top.read'], apiScopes: ['top.profile'] };
    const preview = await api.send('PATCH', `${path}?dryRun=true`, change);
    expect(preview.body).toMatchObject({ removed, apiGroups: [], securityLevel: 'C' });
    expect((await api.send('GET', path)).body).toMatchObject({
      version: 1,
      apiGroups: ['top.read'],
    });
    expect((await api.send('PATCH', path, change)).body).toMatchObject({ removed, apiGroups: [] });
    expect((await api.send('GET', path)).body).toMatchObject({ version: 2, apiScopes: [] });
  });

  it('lets only the role security set keys, for they are secrets', async () => {
    const { clientId } = await create('keys');
    const body = { jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }] } };
    const path = `${CLIENTS}/${clientId}`;
    expect((await api.send('PATCH', path, { as: 'operator', body, version: 1 })).status).toBe(403);
    expect((await api.send('PATCH', path, { as: 'security', body, version: 1 })).status).toBe(200);
  });
});

describe('the state of a client', () => {
  it.each([
    ['disabled', { status: 'disabled' }],
    ['not_started', { startsAt: '2030-01-01T00:00:00Z' }],
    ['expired', { expiresAt: '2020-01-01T00:00:00Z' }],
    [
      'outside_service_hours',
      {
        serviceHours: {
          timeZone: 'UTC',
          windows: [{ days: ['mon'], from: '12:00', to: '13:00' }],
        },
      },
    ],
  ])('is %s with its cause', async (status, more) => {
    const { state } = await create(`state-${status}`, more);
    expect(state).toMatchObject({ status, cause: expect.any(String) });
  });

  it('shows a lock with its failures, and an unlock ends it', async () => {
    const { clientId } = await create('locked');
    const at = api.services.clock.now();
    const failure = { at, address: '192.0.2.9' };
    for (let i = 0; i < 2; i += 1) {
      await api.services.stores.clients.recordFailedLogin(clientId, failure, 2);
    }
    const path = `${CLIENTS}/${clientId}`;
    const shown = { at: at.toISOString(), address: '192.0.2.9' };
    const locked = (await api.send('GET', path)).body;
    expect(locked.state).toEqual({
      status: 'locked',
      cause: expect.any(String),
      since: at.toISOString(),
    });
    expect(locked.lock).toEqual({
      failedLogins: 2,
      lockedAt: at.toISOString(),
      failures: [shown, shown],
    });
    const preview = await api.send('POST', `${path}/unlock?dryRun=true`);
    expect(preview.body.state.status).toBe('enabled');
    expect((await api.send('GET', path)).body.state.status).toBe('locked');
    const unlocked = await api.send('POST', `${path}/unlock`);
    expect(unlocked.body).toMatchObject({
      state: { status: 'enabled' },
      lock: { failedLogins: 0 },
    });
    expect((await api.send('GET', path)).body).toEqual(unlocked.body);
  });
});

describe('POST /clients/{clientId}/copy', () => {
  it('gives the copy the settings of the other, and names, id and secret of its own', async () => {
    const { secret, ...original } = await create('original', { tps: 42, remark: 'copied' });
    const body = { clientId: 'the-copy', clientName: 'the-copy', displayName: 'The copy' };
    const answer = await api.send('POST', `${CLIENTS}/${original.clientId}/copy`, { body });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('Location')).toBe(`${CLIENTS}/the-copy`);
    expect(answer.body).toMatchObject({ ...body, tps: 42, remark: 'copied', version: 1 });
    expect(answer.body.secret.value).toMatch(/^tgs_/);
    expect(answer.body.secret.value).not.toBe(secret.value);
  });

  it('lets only the role security copy a resource server, and keys, as it alone makes them', async () => {
    const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }] };
    for (const [name, fields] of Object.entries({
      kind: { kind: 'resource_server' },
      jwks: { jwks },
    })) {
      const { clientId } = await create(`might-${name}`, fields);
      const path = `${CLIENTS}/${clientId}/copy`;
      const body = { clientName: `copied-${name}`, displayName: `Copied ${name}` };
      const refused = await api.send('POST', path, { as: 'operator', body });
      expect([refused.status, refused.body.secret]).toEqual([403, undefined]);
      const made = await api.send('POST', path, { as: 'security', body });
      expect(made.status).toBe(201);
      // Lists of other tests tell of every client.
      for (const id of [clientId, made.body.clientId]) await api.send('DELETE', `${CLIENTS}/${id}`);
    }
  });
});

describe('DELETE /clients/{clientId}', () => {
  it('names what dies, deletes it, and never gives the id again', async () => {
    const { clientId } = await create('gone', { clientId: 'gone' });
    const { access } = await issueTokens(api.services, clientId);
    const path = `${CLIENTS}/gone`;
    const preview = await api.send('DELETE', `${path}?dryRun=true`);
    expect(preview).toMatchObject({ status: 200, body: { liveTokens: 2, secrets: 1, apiKeys: 0 } });
    expect((await api.send('GET', path)).status).toBe(200);
    const deleted = await api.send('DELETE', path, { version: 1 });
    expect(deleted).toMatchObject({ status: 204, text: '' });
    expect((await api.send('GET', path)).status).toBe(404);
    expect((await api.send('DELETE', path)).status).toBe(404);
    const token = await api.services.stores.tokens.findAccess(access.tokenId);
    expect(token?.revokedAt ?? 'gone').not.toBeNull();
    const again = { ...smallClient('again'), clientId: 'gone' };
    const refused = await api.send('POST', CLIENTS, { body: again });
    expect(refused).toMatchObject({ status: 409, body: { errors: [{ field: 'clientId' }] } });
  });
});

describe('GET /clients', () => {
  const names = ['list-a', 'list-b', 'list-c', 'list-d', 'list-e'];

  beforeAll(async () => {
    for (const name of names) {
      api.pass(1);
      await create(name, { audience: 'both', environment: 'testing', kind: 'resource_server' });
    }
    await create('list-off', { status: 'disabled', apiGroups: [], securityLevel: 'B' });
  });

  async function listed(query: string): Promise<string[]> {
    const answer = await api.send('GET', `${CLIENTS}?${query}`);
    expect(answer.status).toBe(200);
    return answer.body.items.map((client: { clientName: string }) => client.clientName);
  }

  it('pages without skipping or repeating, in either direction', async () => {
    for (const sort of ['clientName', '-clientName', 'createdAt', '-createdAt']) {
      const seen: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const query = `search=list-&environment=testing&sort=${sort}&limit=2&cursor=${cursor}`;
        const { body } = await api.send('GET', `${CLIENTS}?${query}`);
        expect(body.total).toBe(names.length);
        expect(body.items.length).toBeLessThanOrEqual(2);
        seen.push(...body.items.map((client: { clientName: string }) => client.clientName));
        cursor = body.nextCursor;
      }
      expect(seen).toEqual(sort.startsWith('-') ? names.toReversed() : names);
    }
  });

  it.each([
    ['status=disabled&search=list', ['list-off']],
    ['securityLevel=B', ['list-off']],
    ['apiGroup=orders.read', ['orders-batch']],
    ['kind=resource_server&sort=clientName', names],
    ['audience=both&sort=clientName', names],
    ['environment=testing&sort=clientName', names],
    ['search=LIST-C', ['list-c']],
    ['search=&status=&sort=&limit=&cursor=&securityLevel=B', ['list-off']],
    ['search=%25', []],
    ['environment=testing&sort=-clientName&limit=2&cursor=last', ['list-a']],
    ['search=list-&expiringBefore=2099-01-01T00:00:00Z', []],
    ['search=list-b&idleSince=2099-01-01T00:00:00Z&sort=-lastUsedAt', ['list-b']],
  ])('answers ?%s', async (query, expected) => {
    expect(await listed(query)).toEqual(expected);
  });
});
