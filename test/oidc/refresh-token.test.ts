import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TokenStore } from '../../src/domain/tokens/token-store.ts';
import { type ClientFields, startApp, type TestApp } from '../support/app.ts';
import { type Answer, type Credentials, type Granted, granted } from '../support/server.ts';

let app: TestApp;
let resourceServer: Credentials;
beforeAll(async () => {
  app = await startApp();
  await app.createGroup('orders.read');
  resourceServer = await app.createResourceServer();
});
afterAll(() => app.close());

interface SignedIn extends Granted {
  client: Credentials;
}

async function signIn(fields: ClientFields = {}): Promise<SignedIn> {
  const client = await app.createClient({
    apiGroups: ['orders.read'],
    grantTypes: ['password', 'refresh_token'],
    ...fields,
  });
  const { username, password } = await app.createUser();
  const tokens = await app.grant(client, { grant_type: 'password', username, password });
  return { ...tokens, client };
}

async function isActive(accessToken: string): Promise<boolean | undefined> {
  return (await app.introspect(resourceServer, accessToken)).body.active;
}

function expectInvalidGrant({ status, body }: Answer): void {
  expect([status, body.error]).toEqual([400, 'invalid_grant']);
}

describe('POST /oauth2/token grant_type=refresh_token', () => {
  it('rotates: a new access token and a new refresh token (RFC 9700 §4.14.2)', async () => {
    const { client, ...first } = await signIn();
    const next = granted(await app.refresh(client, first.refreshToken));
    expect(next.refreshToken).toMatch(/^tgr_/);
    expect(next.refreshToken).not.toBe(first.refreshToken);
    expect(next.scope).toBe('orders.read');
    expect(await isActive(next.accessToken)).toBe(true);
    expect(await isActive(first.accessToken)).toBe(true);
  });

  it('ends the family and its access tokens when a rotated token comes again (RFC 9700 §4.14.2)', async () => {
    const { client, ...first } = await signIn();
    app.clock.advance(1);
    const second = granted(await app.refresh(client, first.refreshToken));
    app.clock.advance(1);
    const third = granted(await app.refresh(client, second.refreshToken));
    app.clock.advance(1);
    expectInvalidGrant(await app.refresh(client, first.refreshToken));
    expectInvalidGrant(await app.refresh(client, third.refreshToken));
    for (const { accessToken } of [first, second, third]) {
      expect(await isActive(accessToken)).toBe(false);
    }
  });

  it('leaves other families of the same user and client alone when one ends', async () => {
    const { client, ...first } = await signIn();
    const { username, password } = await app.createUser();
    const other = await app.grant(client, { grant_type: 'password', username, password });
    await app.refresh(client, first.refreshToken);
    app.clock.advance(1);
    await app.refresh(client, first.refreshToken);
    expect(await isActive(other.accessToken)).toBe(true);
    granted(await app.refresh(client, other.refreshToken));
  });

  it('returns no refresh token at the last refresh allowed', async () => {
    const { client, ...first } = await signIn({
      refreshToken: { lifetimeSeconds: 3600, maxUses: 2 },
    });
    const second = granted(await app.refresh(client, first.refreshToken));
    const last = await app.refresh(client, second.refreshToken);
    expect(last.status).toBe(200);
    expect(last.body).not.toHaveProperty('refresh_token');
    expect(await isActive(last.body.access_token ?? '')).toBe(true);
  });

  it('refuses the token of the last refresh when it comes again', async () => {
    const { client, refreshToken } = await signIn({
      refreshToken: { lifetimeSeconds: 3600, maxUses: 1 },
    });
    granted(await app.refresh(client, refreshToken));
    app.clock.advance(1);
    expectInvalidGrant(await app.refresh(client, refreshToken));
  });

  it('ends absolutely: refreshing does not prolong the family', async () => {
    const { client, refreshToken } = await signIn({
      refreshToken: { lifetimeSeconds: 100, maxUses: 0 },
    });
    app.clock.advance(60);
    const second = granted(await app.refresh(client, refreshToken));
    app.clock.advance(39);
    const third = granted(await app.refresh(client, second.refreshToken));
    app.clock.advance(1);
    expectInvalidGrant(await app.refresh(client, third.refreshToken));
  });

  it('refuses the token of another client, and leaves it intact (RFC 6749 §5.2)', async () => {
    const { client, refreshToken } = await signIn();
    const thief = await app.createClient({ grantTypes: ['refresh_token'] });
    expectInvalidGrant(await app.refresh(thief, refreshToken));
    granted(await app.refresh(client, refreshToken));
  });

  it('refuses forged tokens of a known family, and leaves the family intact', async () => {
    const { client, refreshToken } = await signIn();
    const family = refreshToken.slice(4, 20);
    const flipped = refreshToken.endsWith('A') ? 'B' : 'A';
    for (const forged of [
      `tgr_${family}${'A'.repeat(65)}`,
      `${refreshToken.slice(0, -1)}${flipped}`,
      `${refreshToken} `,
      refreshToken.toLowerCase(),
    ]) {
      expectInvalidGrant(await app.refresh(client, forged));
    }
    granted(await app.refresh(client, refreshToken));
  });

  it('takes no access token for a refresh token', async () => {
    const { client, accessToken } = await signIn();
    expectInvalidGrant(await app.refresh(client, accessToken));
  });

  it('answers the same to tokens that are unknown and that are another client’s', async () => {
    const { refreshToken } = await signIn();
    const thief = await app.createClient({ grantTypes: ['refresh_token'] });
    const foreign = await app.refresh(thief, refreshToken);
    const unknown = await app.refresh(thief, `tgr_${'A'.repeat(81)}`);
    expect(foreign.text).toBe(unknown.text);
  });
});

describe('refreshes of one token at the same moment', () => {
  it('grant exactly one of 20', async () => {
    const { client, refreshToken } = await signIn();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => app.refresh(client, refreshToken)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) expectInvalidGrant(answer);
  });

  it('leave the winner’s tokens working when all had arrived before the rotation', async () => {
    const { client, refreshToken } = await signIn();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => app.refresh(client, refreshToken)),
    );
    const [winner] = answers.filter(({ status }) => status === 200).map(granted);
    expect(await isActive(winner?.accessToken ?? '')).toBe(true);
    granted(await app.refresh(client, winner?.refreshToken ?? ''));
  });

  it('leave the winner’s tokens working when another arrived while the rotation was written', async () => {
    const { client, refreshToken } = await signIn();
    const { tokens } = app.services.stores;
    const { rotate } = tokens;
    let late: Promise<Answer> | null = null;
    // Time passes between the moment a rotation is dated and the moment it is stored.
    const slowRotate: TokenStore['rotate'] = async (rotation) => {
      tokens.rotate = rotate;
      app.clock.advance(0.004);
      const found = once(app.services.stores.tokens, 'findFamily');
      late = app.refresh(client, refreshToken);
      await found.called;
      const won = await rotate(rotation);
      found.release();
      return won;
    };
    tokens.rotate = slowRotate;
    const winner = granted(await app.refresh(client, refreshToken));
    expectInvalidGrant((await late) ?? (await app.refresh(client, 'none')));
    expect(await isActive(winner.accessToken)).toBe(true);
    granted(await app.refresh(client, winner.refreshToken));
  });
});

/** Holds the next call of a store's method back until it is released. */
function once<K extends 'findFamily'>(store: TokenStore, method: K) {
  const original = store[method];
  const called = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  store[method] = (async (id: string) => {
    store[method] = original;
    called.resolve();
    await gate.promise;
    return original(id);
  }) as TokenStore[K];
  return { called: called.promise, release: () => gate.resolve() };
}
