import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SecretKeys } from '../../src/domain/secrets/secret-keys.ts';
import { findAccess, findFamily } from '../../src/domain/tokens/find-token.ts';
import {
  issueTokens,
  refreshTokens,
  type TokenGrant,
} from '../../src/domain/tokens/issue-tokens.ts';
import {
  asCurrent,
  readRefreshToken,
  writeRefreshToken,
} from '../../src/domain/tokens/refresh-token.ts';
import { clientOf, familyOf, fromNow, keyOf, NOW, openWorld, type World } from './support.ts';

const FAMILY = 'abcdefghijklmnop';
const OLD = keyOf(1);
const NEW = keyOf(2);

describe('a refresh token', () => {
  const keys = new SecretKeys([OLD]);
  const { value, digest } = writeRefreshToken(keys, FAMILY);

  it('reads back as what was written', () => {
    expect(value).toMatch(/^tgr_[\w-]{81}$/);
    expect(readRefreshToken(keys, value)).toEqual({ familyId: FAMILY, digests: [digest] });
    expect(writeRefreshToken(keys, FAMILY).value).not.toBe(value);
  });

  it('is known under every key, and by none that did not write it', () => {
    const read = readRefreshToken(new SecretKeys([NEW, OLD]), value);
    expect(read?.familyId).toBe(FAMILY);
    expect(read?.digests).toContain(digest);
    expect(readRefreshToken(new SecretKeys([NEW]), value)).toBeNull();
  });

  it('is none when any one character differs', () => {
    for (let i = 0; i < value.length; i += 1) {
      const forged = `${value.slice(0, i)}${value[i] === 'A' ? 'B' : 'A'}${value.slice(i + 1)}`;
      expect(readRefreshToken(keys, forged)).toBeNull();
    }
  });

  it.each([
    ['nothing', ''],
    ['its prefix', 'tgr_'],
    ['another prefix', value.replace('tgr_', 'tga_')],
    ['one character less', value.slice(0, -1)],
    ['one character more', `${value}A`],
    ['half of it', value.slice(0, 40)],
    ['a line break behind it', `${value}\n`],
    ['a space before it', ` ${value}`],
    ['the digest', digest],
    ['another random part under its tag', `tgr_${FAMILY}${'A'.repeat(43)}${value.slice(-22)}`],
  ])('is not %s', (_, text) => {
    expect(readRefreshToken(keys, text)).toBeNull();
  });

  it('is current only under the digest of the family', () => {
    const family = familyOf({ tokenId: FAMILY, currentDigest: digest });
    expect(asCurrent(family, ['x', digest])).toEqual({ familyId: FAMILY, currentDigest: digest });
    expect(asCurrent(family, ['x'])).toBeNull();
    expect(asCurrent({ ...family, currentDigest: null }, [digest])).toBeNull();
  });
});

describe('tokens', () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld({ levels: false });
  });
  afterEach(() => world.close());

  const client = clientOf({
    grantTypes: ['client_credentials', 'password', 'refresh_token'],
    accessToken: { lifetimeSeconds: 90, maxUses: 7 },
    refreshToken: { lifetimeSeconds: 600, maxUses: 2 },
  });
  const grant = (changes: Partial<TokenGrant> = {}): TokenGrant => ({
    client,
    userId: 'user-1',
    grantType: 'password',
    scopes: ['a', 'b'],
    now: NOW,
    ...changes,
  });
  const tokenServices = () => ({ keys: world.services.keys, tokens: world.services.stores.tokens });
  const issue = (changes: Partial<TokenGrant> = {}) => issueTokens(tokenServices(), grant(changes));

  /** Refreshes with a value, whatever the family says. */
  async function refresh(value: string, changes: { client?: typeof client; now?: Date } = {}) {
    const read = readRefreshToken(world.services.keys, value);
    const family = await findFamily(world.services, value);
    const presented = family && read && asCurrent(family, read.digests);
    if (family === null || presented === null) return 'replaced';
    return refreshTokens(tokenServices(), {
      presented,
      family,
      client,
      scopes: ['a'],
      now: NOW,
      ...changes,
    });
  }

  it('keep the limits that the client had when they were issued', async () => {
    const issued = await issue();
    expect(issued).toMatchObject({ expiresIn: 90, scopes: ['a', 'b'] });
    const access = await findAccess(world.services, issued.accessToken);
    expect(access).toMatchObject({ maxUses: 7, uses: 0, expiresAt: fromNow(90), issuedAt: NOW });
    expect(access).toMatchObject({ clientId: 'orders', userId: 'user-1', grantType: 'password' });
    const family = await findFamily(world.services, issued.refreshToken ?? '');
    expect(family).toMatchObject({ maxUses: 2, uses: 0, expiresAt: fromNow(600) });
    expect(access?.familyId).toBe(family?.tokenId);
  });

  it('are not readable where they are stored', async () => {
    const { accessToken, refreshToken } = await issue();
    const rows = JSON.stringify([
      await findAccess(world.services, accessToken),
      await findFamily(world.services, refreshToken ?? ''),
    ]);
    expect(rows).not.toContain(accessToken.slice(4, 20));
    expect(rows).not.toContain(refreshToken?.slice(20, 40));
  });

  it.each([
    ['a user grant of a client that may refresh', {}, true],
    [
      'a user grant of a client that may not',
      { client: { ...client, grantTypes: ['password' as const] } },
      false,
    ],
    ['client_credentials', { userId: null, grantType: 'client_credentials' as const }, false],
  ])('come with a refresh token for %s: %#', async (_, changes, comes) => {
    const issued = await issue(changes);
    expect(issued.refreshToken !== null).toBe(comes);
    expect((await findAccess(world.services, issued.accessToken))?.familyId !== null).toBe(comes);
  });

  it('are found under an old key, and by no other value', async () => {
    const { accessToken } = await issue();
    const { stores } = world.services;
    const rotated = { keys: new SecretKeys([NEW, keyOf(7)]), stores };
    expect(await findAccess(rotated, accessToken)).not.toBeNull();
    expect(await findAccess({ keys: new SecretKeys([NEW]), stores }, accessToken)).toBeNull();
    for (const value of ['', 'tga_', `${accessToken}x`, accessToken.slice(0, -1)]) {
      expect(await findAccess(world.services, value)).toBeNull();
    }
  });

  it('are refreshed as often as was allowed; the last refresh brings no refresh token', async () => {
    const first = await issue();
    const second = await refresh(first.refreshToken ?? '');
    if (second === 'replaced' || second === null) throw new Error('the first refresh is allowed');
    expect(second.refreshToken).not.toBeNull();
    expect(second.scopes).toEqual(['a']);
    const last = await refresh(second.refreshToken ?? '');
    expect(last).toMatchObject({ refreshToken: null, expiresIn: 90 });
    expect(await findFamily(world.services, second.refreshToken ?? '')).toMatchObject({
      uses: 2,
      currentDigest: null,
    });
    expect(await refresh(second.refreshToken ?? '')).toBe('replaced');
    expect(await refresh(first.refreshToken ?? '')).toBe('replaced');
  });

  it('never end when refreshes are unlimited, but with the family', async () => {
    const unlimited = { ...client, refreshToken: { lifetimeSeconds: 600, maxUses: 0 } };
    let { refreshToken } = await issue({ client: unlimited });
    for (let i = 1; i <= 5; i += 1) {
      const next = await refresh(refreshToken ?? '', { now: fromNow(100 * i) });
      if (next === 'replaced' || next === null) throw new Error(`refresh ${i} is allowed`);
      refreshToken = next.refreshToken;
      expect((await findFamily(world.services, refreshToken ?? ''))?.expiresAt).toEqual(
        fromNow(600),
      );
    }
    expect(await refresh(refreshToken ?? '', { now: fromNow(600) })).toBeNull();
  });

  it('let one of two refreshes at one time win, also on the last', async () => {
    const { refreshToken } = await issue();
    const value = refreshToken ?? '';
    const both = await Promise.all([refresh(value), refresh(value)]);
    expect(both.filter((one) => one !== null && one !== 'replaced')).toHaveLength(1);
    expect((await findFamily(world.services, value))?.uses).toBe(1);
  });

  it('take the limits of the client as it is at the refresh', async () => {
    const { refreshToken } = await issue();
    const changed = { ...client, accessToken: { lifetimeSeconds: 5, maxUses: 1 } };
    const next = await refresh(refreshToken ?? '', { client: changed });
    if (next === 'replaced' || next === null) throw new Error('the refresh is allowed');
    expect(next.expiresIn).toBe(5);
    expect(await findAccess(world.services, next.accessToken)).toMatchObject({
      maxUses: 1,
      scopes: ['a'],
    });
  });
});
