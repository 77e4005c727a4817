/** The contract of TokenStore: limits hold under any concurrency, and nothing comes back to life. */
import { describe, expect, it } from '@jest/globals';
import type { Stores } from '../../src/domain/stores.ts';
import type { Rotation } from '../../src/domain/tokens/token-store.ts';
import {
  accessTokenFixture,
  digestOf,
  familyFixture,
  fromNow,
  NOW,
  spendUse,
} from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';
import { issued, issuedPair, rotationOf } from './issued-tokens.ts';
import { describeTokenEnds } from './token-ends.contract.ts';

/** Describes the contract. */
export function describeTokens(open: Open): void {
  describe('tokens', () => {
    const stores = useStores(open);
    describeIssuing(stores);
    describeRotation(stores);
  });
  describeTokenEnds(open);
}

function describeIssuing(stores: () => Stores): void {
  it('round-trips every field of both kinds', async () => {
    const revokedAt = fromNow(1);
    const { access, family } = await issuedPair(stores(), {
      access: { userId: 'user-1', uses: 3, scopes: [], revokedAt },
      family: { userId: 'user-1', uses: 2, scopes: ['a.b:c-d_e'], rotatedAt: fromNow(2) },
    });
    expect(await stores().tokens.findAccess(access.tokenId)).toStrictEqual(access);
    expect(await stores().tokens.findFamily(family.tokenId)).toStrictEqual(family);
    const plain = await issued(stores());
    expect(await stores().tokens.findAccess(plain.tokenId)).toStrictEqual(plain);
    const ended = familyFixture({ currentDigest: null, revokedAt });
    await stores().tokens.issue(accessTokenFixture({ familyId: ended.tokenId }), ended);
    expect(await stores().tokens.findFamily(ended.tokenId)).toStrictEqual(ended);
  });

  it('finds each kind under its own id only', async () => {
    const { access, family } = await issuedPair(stores());
    expect(await stores().tokens.findAccess(family.tokenId)).toBeNull();
    expect(await stores().tokens.findFamily(access.tokenId)).toBeNull();
    expect(await stores().tokens.findAccess('nothing')).toBeNull();
    expect(await spendUse(stores(), family.tokenId, NOW)).toBeNull();
  });

  it('stores neither of a pair when one id is taken', async () => {
    const taken = await issued(stores());
    const family = familyFixture();
    const again = { ...accessTokenFixture({ familyId: family.tokenId }), tokenId: taken.tokenId };
    await expect(stores().tokens.issue(again, family)).rejects.toMatchObject({ code: 'conflict' });
    expect(await stores().tokens.findFamily(family.tokenId)).toBeNull();
    expect(await stores().tokens.findAccess(taken.tokenId)).toStrictEqual(taken);
  });
}

function describeRotation(stores: () => Stores): void {
  it('lets exactly one of concurrent refreshes of one token win', async () => {
    const { family } = await issuedPair(stores());
    const rotations = Array.from({ length: 50 }, () => rotationOf(family));
    const answers = await Promise.all(rotations.map((each) => stores().tokens.rotate(each)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    const winner = rotations[answers.indexOf(true)] as Rotation;
    expect(await stores().tokens.findFamily(family.tokenId)).toStrictEqual({
      ...family,
      currentDigest: winner.toDigest,
      uses: 1,
      rotatedAt: NOW,
    });
    const stored = rotations.map(({ access }) => stores().tokens.findAccess(access.tokenId));
    const found = (await Promise.all(stored)).filter((token) => token !== null);
    expect(found).toStrictEqual([winner.access]);
  });

  it('ends with the last refresh: no current token, none can win again', async () => {
    const { family } = await issuedPair(stores(), { family: { maxUses: 2 } });
    const first = rotationOf(family);
    expect(await stores().tokens.rotate(first)).toBe(true);
    const last = rotationOf(family, { fromDigest: first.toDigest ?? '', toDigest: null });
    expect(await stores().tokens.rotate(last)).toBe(true);
    expect(await stores().tokens.findFamily(family.tokenId)).toMatchObject({
      currentDigest: null,
      uses: 2,
    });
    expect(await stores().tokens.rotate(rotationOf(family, { fromDigest: '' }))).toBe(false);
    expect(await stores().tokens.findAccess(last.access.tokenId)).toStrictEqual(last.access);
  });

  it('refuses beyond the limit even with the current token', async () => {
    const { family } = await issuedPair(stores(), { family: { maxUses: 1 } });
    const first = rotationOf(family);
    expect(await stores().tokens.rotate(first)).toBe(true);
    const second = rotationOf(family, { fromDigest: first.toDigest ?? '' });
    expect(await stores().tokens.rotate(second)).toBe(false);
    expect(await stores().tokens.findAccess(second.access.tokenId)).toBeNull();
  });

  it.each([
    ['an expired family', { expiresAt: fromNow(10) }, { now: fromNow(10) }],
    ['a revoked family', { revokedAt: fromNow(-1) }, {}],
    ['a digest that is not current', {}, { fromDigest: digestOf('replayed') }],
    ['an unknown family', {}, { familyId: 'nothing' }],
  ])('refuses %s, and stores nothing', async (_, family, changes) => {
    const pair = await issuedPair(stores(), { family });
    const rotation = rotationOf(pair.family, changes);
    expect(await stores().tokens.rotate(rotation)).toBe(false);
    expect(await stores().tokens.findAccess(rotation.access.tokenId)).toBeNull();
    expect(await stores().tokens.findFamily(pair.family.tokenId)).toStrictEqual(pair.family);
  });

  it('counts refreshes without a limit', async () => {
    const { family } = await issuedPair(stores(), { family: { maxUses: 0 } });
    let current = family.currentDigest ?? '';
    for (let i = 0; i < 5; i += 1) {
      const rotation = rotationOf(family, { fromDigest: current });
      expect(await stores().tokens.rotate(rotation)).toBe(true);
      current = rotation.toDigest ?? '';
    }
    expect((await stores().tokens.findFamily(family.tokenId))?.uses).toBe(5);
  });
}
