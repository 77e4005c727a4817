/** The contract of TokenStore on how tokens end: revocation, one by one or all of an owner, and expiry. */
import { describe, expect, it } from '@jest/globals';
import type { AuditEvent } from '../../src/domain/audit/audit-event.ts';
import { type Change, EVERY_TOKEN } from '../../src/domain/changes.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  accessTokenFixture,
  clientFixture,
  eventOf,
  fresh,
  fromNow,
  NOW,
  spendUse,
  userFixture,
} from '../support/contract-fixtures.ts';
import {
  allPages,
  eventsAbout,
  feedPosition,
  invalidOn,
  type Open,
  sameBothWays,
  useStores,
} from './contract.ts';
import { issued, issuedPair, rotationOf } from './issued-tokens.ts';

/** Describes the contract. */
export function describeTokenEnds(open: Open): void {
  describe('revocation of tokens', () => describeRevocation(useStores(open)));
  describe('tokens of an owner', () => describeOwned(useStores(open)));
  describe('ends of tokens in the change feed', () => describeEntries(useStores(open)));
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
      expect(list).toEqual({ items: [], nextCursor: null, previousCursor: null, total: 0 });
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
    const list = ({ cursor }: { cursor?: string }) =>
      stores().tokens.list({ clientId }, { ...query, ...(cursor === undefined ? {} : { cursor }) });
    const seen = await allPages(list, query, async (page) => expect(page.total).toBe(12));
    expect(await sameBothWays(list, query)).toHaveLength(3);
    expect(seen.map(({ tokenId }) => tokenId)).toEqual(live.flatMap((ids) => ids.sort()));
    const unreadable = stores().tokens.list({ clientId }, { ...query, cursor: 'W10' });
    await expect(unreadable).rejects.toMatchObject(invalidOn('cursor'));
  });
}

function describeEntries(stores: () => Stores): void {
  /** What some work enters in the feed. */
  async function entered(work: () => Promise<unknown>): Promise<Change[]> {
    const position = await feedPosition(stores());
    await work();
    const changed = (await stores().changes.since(position))?.changed ?? [];
    if (changed === 'everything') throw new Error('the feed reaches back this far');
    return changed;
  }
  const revoke = (id: string, event?: AuditEvent) => stores().tokens.revoke(id, NOW, event);
  const tokenEntry = (id: string) => ({ kind: 'token', id });

  it.each(['without', 'with'])('names a revoked access token once, %s an event', async (how) => {
    const { tokenId } = await issued(stores());
    const event = () => (how === 'with' ? eventOf('client.revoke_token', tokenId) : undefined);
    const all = () => Promise.all(Array.from({ length: 5 }, () => revoke(tokenId, event())));
    expect(await entered(all)).toEqual([tokenEntry(tokenId)]);
  });

  it('names a revoked family in place of its access tokens', async () => {
    const { family } = await issuedPair(stores());
    await stores().tokens.rotate(rotationOf(family));
    expect(await entered(() => revoke(family.tokenId))).toEqual([tokenEntry(family.tokenId)]);
  });

  it('names an expired family whose access token is revoked with it', async () => {
    const { family } = await issuedPair(stores(), { family: { expiresAt: fromNow(-10) } });
    expect(await entered(() => revoke(family.tokenId))).toEqual([tokenEntry(family.tokenId)]);
  });

  it('names each of many that are revoked at one time', async () => {
    const tokens = await Promise.all(Array.from({ length: 30 }, () => issued(stores())));
    const ids = tokens.map(({ tokenId }) => tokenId);
    const changed = await entered(async () => {
      const answers = await Promise.all([...ids, 'nothing', ...ids].map((id) => revoke(id)));
      expect(answers.filter(Boolean)).toHaveLength(30);
    });
    expect(changed.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });

  it.each(['clientId', 'userId'] as const)('has one entry for all tokens of a %s', async (by) => {
    const owner = { [by]: fresh('owner') } as { clientId: string } | { userId: string };
    const revokeAll = () => stores().tokens.revokeAll(owner, NOW);
    await issued(stores(), owner);
    await issuedPair(stores(), { access: owner, family: owner });
    expect(await entered(revokeAll)).toEqual([tokenEntry(EVERY_TOKEN)]);
    expect(await entered(revokeAll)).toEqual([]);
  });

  it('has an entry when a client or a user is removed that had a live token', async () => {
    const [client, user] = [clientFixture(), userFixture()];
    const { clientId } = client;
    const { userId } = user;
    await stores().clients.insert(client, eventOf('client.create', clientId));
    await stores().users.insert(user, eventOf('user.create', userId));
    await issued(stores(), { userId });
    const removeUser = () => stores().users.remove(userId, eventOf('user.delete', userId));
    expect(await entered(removeUser)).toContainEqual(tokenEntry(EVERY_TOKEN));
    const removeClient = () =>
      stores().clients.remove(clientId, eventOf('client.delete', clientId));
    expect(await entered(removeClient)).toEqual([{ kind: 'client', id: clientId }]);
  });

  it('has one exactly if the token is revoked, also where the event cannot be written', async () => {
    const { tokenId } = await issued(stores());
    const event = eventOf('client.revoke_token', tokenId);
    await stores().audit.append(event); // its id is taken now
    const changed = await entered(async () => {
      await expect(revoke(tokenId, event)).rejects.toMatchObject({ code: 'conflict' });
    });
    const isRevoked = (await stores().tokens.findAccess(tokenId))?.revokedAt !== null;
    expect(changed).toEqual(isRevoked ? [tokenEntry(tokenId)] : []);
    // Without transactions the next revocation tells the caches once more.
    const again = await entered(() => revoke(tokenId));
    expect(again).toEqual([tokenEntry(isRevoked ? EVERY_TOKEN : tokenId)]);
  });

  it('has none when nothing was live', async () => {
    const expired = await issued(stores(), { expiresAt: NOW });
    const { access, family } = await issuedPair(stores());
    await revoke(family.tokenId);
    const late = [expired.tokenId, access.tokenId, family.tokenId, 'nothing'];
    const events = late.flatMap((id) => [undefined, eventOf('client.revoke_token', id)]);
    const revokeLate = () =>
      Promise.all(events.map((event, index) => revoke(late[index >> 1] ?? '', event)));
    expect(await entered(revokeLate)).toEqual([]);
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
