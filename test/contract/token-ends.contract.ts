/** The contract of TokenStore on how tokens end: revocation, one by one or all of an owner, and expiry. */
import { describe, expect, it } from '@jest/globals';
import type { Stores } from '../../src/domain/stores.ts';
import {
  accessTokenFixture,
  eventOf,
  fresh,
  fromNow,
  NOW,
  spendUse,
} from '../support/contract-fixtures.ts';
import { allPages, eventsAbout, invalidOn, type Open, useStores } from './contract.ts';
import { issued, issuedPair, rotationOf } from './issued-tokens.ts';

/** Describes the contract. */
export function describeTokenEnds(open: Open): void {
  describe('revocation of tokens', () => describeRevocation(useStores(open)));
  describe('tokens of an owner', () => describeOwned(useStores(open)));
  describe('removal of expired tokens', () => describeExpiry(useStores(open)));
}

function describeRevocation(stores: () => Stores): void {
  const revoke = (id: string, now = NOW) => stores().tokens.revoke(id, now);

  it('revokes one access token, of concurrent calls exactly one, and leaves its family', async () => {
    const { access, family } = await issuedPair(stores());
    const answers = await Promise.all(Array.from({ length: 10 }, () => revoke(access.tokenId)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect((await stores().tokens.findAccess(access.tokenId))?.revokedAt).toEqual(NOW);
    expect(await spendUse(stores(), access.tokenId, NOW)).toBeNull();
    expect((await stores().tokens.findFamily(family.tokenId))?.revokedAt).toBeNull();
    expect(await stores().tokens.rotate(rotationOf(family))).toBe(true);
  });

  it('kills every access token of a revoked family', async () => {
    const { access, family } = await issuedPair(stores());
    const rotation = rotationOf(family);
    await stores().tokens.rotate(rotation);
    expect(await revoke(family.tokenId, fromNow(1))).toBe(true);
    for (const { tokenId } of [access, rotation.access]) {
      expect((await stores().tokens.findAccess(tokenId))?.revokedAt).toEqual(fromNow(1));
      expect(await spendUse(stores(), tokenId, fromNow(1))).toBeNull();
      expect(await revoke(tokenId, fromNow(2))).toBe(false);
    }
    expect(await revoke(family.tokenId, fromNow(2))).toBe(false);
    expect((await stores().tokens.findFamily(family.tokenId))?.revokedAt).toEqual(fromNow(1));
    const next = rotationOf(family, { fromDigest: rotation.toDigest ?? '' });
    expect(await stores().tokens.rotate(next)).toBe(false);
  });

  it('kills an access token that outlives its expired family', async () => {
    const { access, family } = await issuedPair(stores(), {
      access: { expiresAt: fromNow(100) },
      family: { expiresAt: fromNow(10) },
    });
    expect(await spendUse(stores(), access.tokenId, fromNow(20))).toBe(1);
    expect(await revoke(family.tokenId, fromNow(20))).toBe(true);
    expect(await spendUse(stores(), access.tokenId, fromNow(20))).toBeNull();
  });

  it('writes the event of an admin in the same step, once, and only when a token was live', async () => {
    const access = await issued(stores());
    const revokeAudited = () => {
      const event = eventOf('client.revoke_token', access.tokenId);
      return stores().tokens.revoke(access.tokenId, NOW, event);
    };
    const answers = await Promise.all(Array.from({ length: 5 }, revokeAudited));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await eventsAbout(stores(), access.tokenId)).toHaveLength(1);
  });

  it('answers false for an unknown and an expired token', async () => {
    const access = await issued(stores(), { expiresAt: fromNow(10) });
    expect(await revoke('nothing')).toBe(false);
    expect(await revoke(access.tokenId, fromNow(10))).toBe(false);
    expect(await stores().tokens.findAccess(access.tokenId)).toStrictEqual(access);
  });
}

function describeOwned(stores: () => Stores): void {
  it.each(['clientId', 'userId'] as const)(
    'revokes and counts the live tokens of a %s',
    async (by) => {
      const owner = { [by]: fresh('owner') } as { clientId: string } | { userId: string };
      await issued(stores(), owner);
      await issued(stores(), { ...owner, expiresAt: NOW });
      const revoked = await issued(stores(), { ...owner, revokedAt: fromNow(-5) });
      const { access, family } = await issuedPair(stores(), { access: owner, family: owner });
      const dead = await issuedPair(stores(), { access: owner, family: owner });
      await stores().tokens.revoke(dead.family.tokenId, NOW);
      const other = await issued(stores(), { clientId: 'other', userId: 'other' });

      expect(await stores().tokens.revokeAll(owner, fromNow(1))).toBe(3);
      expect(await stores().tokens.revokeAll(owner, fromNow(2))).toBe(0);
      expect((await stores().tokens.findAccess(access.tokenId))?.revokedAt).toEqual(fromNow(1));
      expect((await stores().tokens.findFamily(family.tokenId))?.revokedAt).toEqual(fromNow(1));
      expect(await stores().tokens.findAccess(revoked.tokenId)).toStrictEqual(revoked);
      expect(await spendUse(stores(), other.tokenId, fromNow(1))).toBe(1);
      const list = await stores().tokens.list(owner, { limit: 10, now: fromNow(1) });
      expect(list).toEqual({ items: [], nextCursor: null, total: 0 });
    },
  );

  it('writes the event with the count in the same step, and none when no token was live', async () => {
    const clientId = fresh('owner');
    const counts: number[] = [];
    const revokeAll = () =>
      stores().tokens.revokeAll({ clientId }, NOW, (revoked) => {
        counts.push(revoked);
        return eventOf('client.revoke_all_tokens', clientId);
      });
    await issued(stores(), { clientId });
    await issuedPair(stores(), { access: { clientId }, family: { clientId } });
    expect(await revokeAll()).toBe(3);
    expect(await revokeAll()).toBe(0);
    expect(counts.at(-1)).toBe(3);
    expect(await eventsAbout(stores(), clientId)).toHaveLength(1);
  });

  it('lists live tokens of both kinds, newest first, then by id, across pages', async () => {
    const clientId = fresh('owner');
    const live: string[][] = [];
    for (let i = 0; i < 9; i += 1) {
      const base = { clientId, issuedAt: fromNow(-Math.floor(i / 3)) };
      if (i % 3 === 0) {
        const { access, family } = await issuedPair(stores(), { access: base, family: base });
        live.push([access.tokenId, family.tokenId].sort());
        await issuedPair(stores(), { access: base, family: { ...base, revokedAt: fromNow(-1) } });
      } else {
        live.at(-1)?.push((await issued(stores(), base)).tokenId);
      }
      await issued(stores(), { ...base, revokedAt: NOW });
      await issued(stores(), { ...base, expiresAt: NOW });
    }
    const query = { limit: 5, now: NOW };
    const seen = await allPages(
      ({ cursor }) =>
        stores().tokens.list(
          { clientId },
          { ...query, ...(cursor === undefined ? {} : { cursor }) },
        ),
      query,
      async (page) => expect(page.total).toBe(12),
    );
    expect(seen.map(({ tokenId }) => tokenId)).toEqual(live.flatMap((ids) => ids.sort()));
    const unreadable = stores().tokens.list({ clientId }, { ...query, cursor: 'W10' });
    await expect(unreadable).rejects.toMatchObject(invalidOn('cursor'));
  });
}

function describeExpiry(stores: () => Stores): void {
  it('keeps the revocation of a family while an access token of it could come back', async () => {
    const { access, family } = await issuedPair(stores(), {
      access: { expiresAt: fromNow(50) },
      family: { expiresAt: fromNow(10) },
    });
    const later = accessTokenFixture({ familyId: family.tokenId, expiresAt: fromNow(100) });
    expect(await stores().tokens.rotate(rotationOf(family, { access: later }))).toBe(true);
    await stores().tokens.revoke(family.tokenId, fromNow(5));
    for (const seconds of [10, 50, 99]) {
      await stores().removeExpired(fromNow(seconds));
      expect((await stores().tokens.findAccess(later.tokenId))?.revokedAt).toEqual(fromNow(5));
      expect(await spendUse(stores(), later.tokenId, fromNow(seconds))).toBeNull();
    }
    expect(await spendUse(stores(), access.tokenId, fromNow(5))).toBeNull();
  });

  it('removes nothing that is live', async () => {
    const { access, family } = await issuedPair(stores());
    await stores().removeExpired(NOW);
    expect(await stores().tokens.findAccess(access.tokenId)).toStrictEqual(access);
    expect(await stores().tokens.findFamily(family.tokenId)).toStrictEqual(family);
  });
}
