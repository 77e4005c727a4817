import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClientFields, startApp, type TestApp } from '../support/app.ts';
import { type Credentials, granted } from '../support/server.ts';

let app: TestApp;
let resourceServer: Credentials;
beforeAll(async () => {
  app = await startApp();
  resourceServer = await app.createResourceServer();
});
afterAll(() => app.close());

const limits = (lifetimeSeconds: number, maxUses: number): ClientFields => ({
  accessToken: { lifetimeSeconds, maxUses },
});

const INACTIVE = '{"active":false}';

describe('the lifetime of an access token', () => {
  it.each([1, 60, 365 * 86_400])('of %i s ends to the second', async (seconds) => {
    const client = await app.createClient(limits(seconds, 0));
    const { accessToken, expiresIn } = await app.grant(client);
    expect(expiresIn).toBe(seconds);
    app.clock.advance(seconds - 0.001);
    expect((await app.introspect(resourceServer, accessToken)).body.active).toBe(true);
    app.clock.advance(0.001);
    expect((await app.introspect(resourceServer, accessToken)).text).toBe(INACTIVE);
  });

  it('is that of issuance, whatever the client’s becomes', async () => {
    const client = await app.createClient(limits(1000, 0));
    const { accessToken } = await app.grant(client);
    await app.updateClient(client.clientId, { accessToken: { lifetimeSeconds: 10, maxUses: 0 } });
    expect((await app.grant(client)).expiresIn).toBe(10);
    app.clock.advance(500);
    expect((await app.introspect(resourceServer, accessToken)).body.active).toBe(true);
  });
});

describe('the uses of an access token', () => {
  it('are counted down at each introspection, and end the token', async () => {
    const { accessToken } = await app.grant(await app.createClient(limits(3600, 3)));
    for (const left of [2, 1, 0]) {
      const { body } = await app.introspect(resourceServer, accessToken);
      expect([body.active, body.uses_left]).toEqual([true, left]);
    }
    for (let i = 0; i < 3; i += 1) {
      expect((await app.introspect(resourceServer, accessToken)).text).toBe(INACTIVE);
    }
  });

  it('are unlimited for 0, and are told as null', async () => {
    const { accessToken } = await app.grant(await app.createClient(limits(3600, 0)));
    for (let i = 0; i < 5; i += 1) {
      const { body } = await app.introspect(resourceServer, accessToken);
      expect([body.active, body.uses_left]).toEqual([true, null]);
    }
  });

  it('are counted for each token on its own', async () => {
    const client = await app.createClient(limits(3600, 1));
    const [one, other] = [await app.grant(client), await app.grant(client)];
    await app.introspect(resourceServer, one.accessToken);
    expect((await app.introspect(resourceServer, other.accessToken)).body.active).toBe(true);
  });

  it('are spent by all resource servers together', async () => {
    const second = await app.createResourceServer();
    const { accessToken } = await app.grant(await app.createClient(limits(3600, 2)));
    expect((await app.introspect(resourceServer, accessToken)).body.uses_left).toBe(1);
    expect((await app.introspect(second, accessToken)).body.uses_left).toBe(0);
    expect((await app.introspect(resourceServer, accessToken)).text).toBe(INACTIVE);
  });

  it('are not spent by a peek (consume=false)', async () => {
    const { accessToken } = await app.grant(await app.createClient(limits(3600, 1)));
    for (let i = 0; i < 5; i += 1) {
      const { body } = await app.introspect(resourceServer, accessToken, { consume: 'false' });
      expect([body.active, body.uses_left]).toEqual([true, 1]);
    }
    expect((await app.introspect(resourceServer, accessToken)).body.uses_left).toBe(0);
    const spent = await app.introspect(resourceServer, accessToken, { consume: 'false' });
    expect(spent.text).toBe(INACTIVE);
  });

  it('are not spent by the client that looks at its own token', async () => {
    const client = await app.createClient(limits(3600, 1));
    const { accessToken } = await app.grant(client);
    for (let i = 0; i < 5; i += 1) {
      const { body } = await app.introspect(client, accessToken, { consume: 'true' });
      expect([body.active, body.uses_left]).toEqual([true, 1]);
    }
  });

  it('are not spent by strangers and by refused introspections', async () => {
    const stranger = await app.createClient();
    const { accessToken } = await app.grant(await app.createClient(limits(3600, 1)));
    const call = { method: 'GET', path: '/not/an/api' };
    for (let i = 0; i < 3; i += 1) {
      expect((await app.introspect(stranger, accessToken)).text).toBe(INACTIVE);
      expect((await app.introspect(resourceServer, accessToken, call)).text).toBe(INACTIVE);
      const malformed = await app.introspect(resourceServer, accessToken, { client_ip: 'x' });
      expect(malformed.status).toBe(400);
    }
    expect((await app.introspect(resourceServer, accessToken)).body.uses_left).toBe(0);
  });

  it('are those of issuance, whatever the client’s become', async () => {
    const client = await app.createClient(limits(3600, 2));
    const { accessToken } = await app.grant(client);
    await app.updateClient(client.clientId, { ...limits(3600, 50) });
    expect((await app.introspect(resourceServer, accessToken)).body.uses_left).toBe(1);
    await app.updateClient(client.clientId, { ...limits(3600, 1) });
    expect((await app.introspect(resourceServer, accessToken)).body.uses_left).toBe(0);
    const later = await app.grant(client);
    expect((await app.introspect(resourceServer, later.accessToken)).body.uses_left).toBe(0);
  });

  it('and the lifetime hold together: whichever ends first ends the token', async () => {
    const client = await app.createClient(limits(60, 2));
    const [spent, old] = [await app.grant(client), await app.grant(client)];
    await app.introspect(resourceServer, spent.accessToken);
    await app.introspect(resourceServer, spent.accessToken);
    expect((await app.introspect(resourceServer, spent.accessToken)).text).toBe(INACTIVE);
    app.clock.advance(60);
    expect((await app.introspect(resourceServer, old.accessToken)).text).toBe(INACTIVE);
  });

  it('are granted exactly, to 300 introspections at the same moment', async () => {
    const { accessToken } = await app.grant(await app.createClient(limits(3600, 100)));
    const answers = await Promise.all(
      Array.from({ length: 300 }, () => app.introspect(resourceServer, accessToken)),
    );
    const active = answers.filter(({ body }) => body.active === true);
    const left = active.map(({ body }) => body.uses_left ?? -1).sort((a, b) => a - b);
    expect(left).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(answers.filter(({ text }) => text === INACTIVE)).toHaveLength(200);
  });
});

describe('the uses of a refresh token', () => {
  it('and its lifetime are those of issuance, whatever the client’s become', async () => {
    const client = await app.createClient({
      grantTypes: ['password', 'refresh_token'],
      refreshToken: { lifetimeSeconds: 1000, maxUses: 3 },
    });
    const { username, password } = await app.createUser();
    const first = await app.grant(client, { grant_type: 'password', username, password });
    await app.updateClient(client.clientId, { refreshToken: { lifetimeSeconds: 10, maxUses: 1 } });
    app.clock.advance(500);
    const second = granted(await app.refresh(client, first.refreshToken));
    const third = granted(await app.refresh(client, second.refreshToken));
    const last = granted(await app.refresh(client, third.refreshToken));
    expect([second, third, last].map((t) => t.refreshToken !== '')).toEqual([true, true, false]);
  });

  it('are not spent by introspection', async () => {
    const client = await app.createClient({
      grantTypes: ['password', 'refresh_token'],
      refreshToken: { lifetimeSeconds: 1000, maxUses: 1 },
    });
    const { username, password } = await app.createUser();
    const tokens = await app.grant(client, { grant_type: 'password', username, password });
    for (let i = 0; i < 3; i += 1) {
      const { body } = await app.introspect(client, tokens.refreshToken);
      expect([body.active, body.uses_left]).toEqual([true, 1]);
    }
    granted(await app.refresh(client, tokens.refreshToken));
  });

  it('give each refreshed access token the uses that the client has now', async () => {
    const client = await app.createClient({
      grantTypes: ['password', 'refresh_token'],
      ...limits(3600, 1),
    });
    const { username, password } = await app.createUser();
    const first = await app.grant(client, { grant_type: 'password', username, password });
    await app.introspect(resourceServer, first.accessToken);
    const second = granted(await app.refresh(client, first.refreshToken));
    expect((await app.introspect(resourceServer, second.accessToken)).body.uses_left).toBe(0);
  });
});
