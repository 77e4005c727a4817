import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findApiGroup, updateApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { type ClientFields, fresh, startApp, TESTER, type TestApp } from '../support/app.ts';
import { type Credentials, type Granted, granted } from '../support/server.ts';

let app: TestApp;
let resourceServer: Credentials;
beforeAll(async () => {
  app = await startApp();
  for (const name of ['read', 'write', 'admin']) await app.createGroup(name);
  await app.createScope('profile');
  await app.createScope('email');
  resourceServer = await app.createResourceServer();
});
afterAll(() => app.close());

const HELD: ClientFields = {
  apiGroups: ['read', 'write'],
  apiScopes: ['profile'],
  grantTypes: ['client_credentials', 'password', 'refresh_token'],
};

async function signIn(client: Credentials, scope?: string): Promise<Granted> {
  const { username, password } = await app.createUser();
  return app.grant(client, { grant_type: 'password', username, password, scope });
}

async function scopeAt(accessToken: string): Promise<string | undefined> {
  const { body } = await app.introspect(resourceServer, accessToken);
  return body.active ? (body.scope ?? 'none') : 'inactive';
}

describe('scope at client_credentials', () => {
  it('is every group of the client when none is asked for (RFC 6749 §3.3)', async () => {
    expect((await app.grant(await app.createClient(HELD))).scope).toBe('read write');
  });

  it('narrows to what is asked for', async () => {
    const { accessToken, scope } = await app.grant(await app.createClient(HELD), {
      scope: 'write',
    });
    expect(scope).toBe('write');
    expect(await scopeAt(accessToken)).toBe('write');
  });

  it('names a scope once that is asked for twice', async () => {
    const { scope } = await app.grant(await app.createClient(HELD), { scope: 'read read' });
    expect(scope).toBe('read');
  });

  it.each(['admin', 'read admin', 'profile', 'email'])(
    'is refused for %s, which the client does not hold as a group (RFC 6749 §5.2)',
    async (scope) => {
      const { status, body } = await app.token(await app.createClient(HELD), { scope });
      expect([status, body.error]).toEqual([400, 'invalid_scope']);
    },
  );
});

describe('scope at password', () => {
  it('leaves API scopes out unless they are asked for', async () => {
    expect((await signIn(await app.createClient(HELD))).scope).toBe('read write');
  });

  it('holds API scopes that are asked for', async () => {
    const { scope, accessToken } = await signIn(await app.createClient(HELD), 'read profile');
    expect(scope).toBe('read profile');
    expect(await scopeAt(accessToken)).toBe('read profile');
  });

  it('is refused for an API scope that the client does not hold', async () => {
    const client = await app.createClient(HELD);
    const { username, password } = await app.createUser();
    const params = { grant_type: 'password', username, password, scope: 'read email' };
    const { status, body } = await app.token(client, params);
    expect([status, body.error]).toEqual([400, 'invalid_scope']);
  });
});

describe('scope at refresh (RFC 6749 §6)', () => {
  it('may narrow, and the next refresh may have all of it again', async () => {
    const client = await app.createClient(HELD);
    const first = await signIn(client, 'read write profile');
    const narrow = granted(await app.refresh(client, first.refreshToken, { scope: 'read' }));
    expect(narrow.scope).toBe('read');
    expect(await scopeAt(narrow.accessToken)).toBe('read');
    const wide = granted(await app.refresh(client, narrow.refreshToken));
    expect(wide.scope).toBe('read write profile');
  });

  it('may not widen, and a refusal leaves the refresh token unspent', async () => {
    const client = await app.createClient(HELD);
    const first = await signIn(client, 'read');
    const { status, body } = await app.refresh(client, first.refreshToken, { scope: 'read write' });
    expect([status, body.error]).toEqual([400, 'invalid_scope']);
    expect(granted(await app.refresh(client, first.refreshToken)).scope).toBe('read');
  });

  it('does not take in groups that the client got meanwhile', async () => {
    const client = await app.createClient(HELD);
    const first = await signIn(client);
    await app.updateClient(client.clientId, { apiGroups: ['read', 'write', 'admin'] });
    expect(granted(await app.refresh(client, first.refreshToken)).scope).toBe('read write');
  });
});

describe('scope after the client lost', () => {
  async function lose(change: (client: Credentials, group: string) => Promise<unknown>) {
    const group = fresh('group');
    await app.createGroup(group, { securityLevel: 'C', audience: 'internal' });
    const client = await app.createClient({
      ...HELD,
      securityLevel: 'B',
      apiGroups: ['read', group],
    });
    const tokens = await signIn(client);
    const { accessToken } = await app.grant(client);
    expect(await scopeAt(accessToken)).toBe(`read ${group}`);
    await change(client, group);
    return {
      client,
      group,
      atIntrospection: await scopeAt(accessToken),
      atUserIntrospection: await scopeAt(tokens.accessToken),
      atRefresh: granted(await app.refresh(client, tokens.refreshToken)).scope,
      atToken: (await app.grant(client)).scope,
    };
  }
  const left = {
    atIntrospection: 'read',
    atUserIntrospection: 'read',
    atRefresh: 'read',
    atToken: 'read',
  };

  it('a group is what is left', async () => {
    const lost = await lose(({ clientId }) => app.updateClient(clientId, { apiGroups: ['read'] }));
    expect(lost).toMatchObject(left);
  });

  it('its level is what is left', async () => {
    const lost = await lose(({ clientId }) =>
      app.updateClient(clientId, { securityLevel: 'SYSTEM' }),
    );
    expect(lost).toMatchObject(left);
  });

  it('its audience is what is left', async () => {
    const lost = await lose(({ clientId }) => app.updateClient(clientId, { audience: 'external' }));
    expect(lost).toMatchObject(left);
  });

  it('the use of a group whose level rose is what is left, until the level falls', async () => {
    const set = async (group: string, patch: object) => {
      const { version } = await findApiGroup(app.services, group);
      await updateApiGroup(app.services, TESTER, { id: group, version, patch: { ...patch } });
    };
    const lost = await lose((_, group) => set(group, { securityLevel: 'A' }));
    expect(lost).toMatchObject(left);
    await set(lost.group, { securityLevel: 'B' });
    expect((await app.grant(lost.client)).scope).toBe(`read ${lost.group}`);
  });

  it('the use of a group whose audience changed is what is left', async () => {
    const lost = await lose(async (_, group) => {
      const { version } = await findApiGroup(app.services, group);
      const patch = { audience: 'external' };
      await updateApiGroup(app.services, TESTER, { id: group, version, patch });
    });
    expect(lost).toMatchObject(left);
  });

  it('an API scope is what is left', async () => {
    const client = await app.createClient(HELD);
    const tokens = await signIn(client, 'read profile');
    await app.updateClient(client.clientId, { apiScopes: [] });
    expect(await scopeAt(tokens.accessToken)).toBe('read');
    expect(granted(await app.refresh(client, tokens.refreshToken)).scope).toBe('read');
  });

  it('everything: scope cannot be asked for any more, and no call is granted', async () => {
    const group = fresh('orders');
    await app.createGroup(group, {}, ['GET /everything']);
    const client = await app.createClient({ ...HELD, apiGroups: [group] });
    const { accessToken } = await app.grant(client);
    await app.updateClient(client.clientId, { apiGroups: [] });
    const { body } = await app.token(client, { scope: group });
    expect(body.error).toBe('invalid_scope');
    const call = { method: 'GET', path: '/everything' };
    const seen = await app.introspect(resourceServer, accessToken, call);
    expect(seen.text).toBe('{"active":false}');
  });
});
