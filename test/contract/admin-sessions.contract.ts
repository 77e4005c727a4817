/** The contracts of AdminSessionStore and AdminGuardStore. */
import { describe, expect, it } from '@jest/globals';
import { EMPTY_GUARD } from '../../src/domain/admins/admin-guard.ts';
import { type AdminSession, SESSION_SECONDS } from '../../src/domain/admins/admin-session.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  adminFixture,
  digestOf,
  eventOf,
  fresh,
  fromNow,
  NOW,
} from '../support/contract-fixtures.ts';
import { eventsAbout, type Open, useStores } from './contract.ts';

/** A session of an admin who does not exist, unless one is named. */
export function adminSessionFixture(changes: Partial<AdminSession> = {}): Required<AdminSession> {
  const sessionId = changes.sessionId ?? fresh('session');
  return {
    sessionId,
    adminId: fresh('admin-of-sessions'),
    digest: digestOf(sessionId),
    standing: digestOf(`standing-${sessionId}`),
    createdAt: NOW,
    lastSeenAt: fromNow(60),
    verifiedAt: fromNow(30),
    address: '2001:db8::9',
    userAgent: 'Mozilla/5.0 ($set; "x")',
    ...changes,
  };
}

/** Describes the contracts. */
export function describeAdminSessions(open: Open): void {
  describe('sessions of admins', () => describeSessions(useStores(open)));
  describe('guards of admins', () => describeGuards(useStores(open)));
  describe('admins who go', () => describeRemoval(useStores(open)));
}

const EVENT = 'admin.sign_in';

async function inserted(stores: Stores, changes: Partial<AdminSession> = {}) {
  const session = adminSessionFixture(changes);
  await stores.adminSessions.insert(session, eventOf(EVENT, session.adminId));
  return session;
}

function describeSessions(stores: () => Stores): void {
  const sessions = () => stores().adminSessions;

  it('are stored together with their event, and found by digest', async () => {
    const session = adminSessionFixture();
    const event = eventOf(EVENT, session.adminId);
    await sessions().insert(session, event);
    expect(await sessions().findByDigest(session.digest)).toStrictEqual(session);
    expect(await sessions().findByDigest('other')).toBeNull();
    expect(await eventsAbout(stores(), session.adminId)).toStrictEqual([event]);
  });

  it('may have no address', async () => {
    const session = await inserted(stores(), { address: null, userAgent: '' });
    expect(await sessions().findByDigest(session.digest)).toStrictEqual(session);
  });

  it('are listed by admin, the latest used first', async () => {
    const { adminId, ...older } = await inserted(stores());
    const newer = await inserted(stores(), { adminId, lastSeenAt: fromNow(61) });
    await inserted(stores());
    expect(await sessions().list(adminId)).toStrictEqual([newer, { ...older, adminId }]);
    expect(await sessions().list('nobody')).toEqual([]);
  });

  it('change field by field', async () => {
    const session = await inserted(stores());
    const { sessionId, digest } = session;
    await sessions().change(sessionId, {});
    expect(await sessions().findByDigest(digest)).toStrictEqual(session);
    const steps = [
      { lastSeenAt: fromNow(120) },
      { verifiedAt: fromNow(121) },
      { standing: 'another' },
    ];
    let expected = session;
    for (const step of steps) {
      await sessions().change(sessionId, step);
      expected = { ...expected, ...step };
      expect(await sessions().findByDigest(digest)).toStrictEqual(expected);
    }
    await sessions().change('gone', { standing: 'x' });
    expect(await sessions().findByDigest(digestOf('gone'))).toBeNull();
  });

  it('end one at a time, by their own admin only', async () => {
    const { adminId, sessionId, digest } = await inserted(stores());
    const event = eventOf('admin.end_session', adminId);
    expect(await sessions().remove('someone-else', sessionId, event)).toBe(false);
    expect(await sessions().findByDigest(digest)).not.toBeNull();
    const all = await Promise.all(
      [1, 2, 3].map(() => sessions().remove(adminId, sessionId, event)),
    );
    expect(all.filter(Boolean)).toHaveLength(1);
    expect(await sessions().findByDigest(digest)).toBeNull();
    const actions = (await eventsAbout(stores(), adminId)).map(({ action }) => action);
    expect(actions.filter((action) => action === 'admin.end_session')).toHaveLength(1);
  });

  it('end all but one, and all', async () => {
    const kept = await inserted(stores());
    const { adminId } = kept;
    await inserted(stores(), { adminId });
    await inserted(stores(), { adminId });
    const other = await inserted(stores());
    const event = () => eventOf('admin.end_other_sessions', adminId);
    expect(await sessions().removeOthers(adminId, kept.sessionId, event())).toBe(2);
    expect(await sessions().list(adminId)).toStrictEqual([kept]);
    expect(await sessions().removeOthers(adminId, null, event())).toBe(1);
    expect(await sessions().removeOthers(adminId, null, event())).toBe(0);
    expect(await sessions().list(adminId)).toEqual([]);
    expect(await sessions().list(other.adminId)).toStrictEqual([other]);
    expect(await eventsAbout(stores(), adminId)).toHaveLength(5);
  });

  it('are removed once their longest time is over, where the database does not do it by itself', async () => {
    const { digest } = await inserted(stores());
    await stores().removeExpired(fromNow(SESSION_SECONDS - 1));
    expect(await sessions().findByDigest(digest)).not.toBeNull();
    const removed = await stores().removeExpired(fromNow(SESSION_SECONDS));
    expect((await sessions().findByDigest(digest)) === null).toBe(removed > 0);
  });
}

const RULE = { limit: 3, endedUntil: fromNow(-900) };

function describeGuards(stores: () => Stores): void {
  const guards = () => stores().adminGuards;
  const fail = (adminId: string, at = NOW, rule = RULE) => guards().countFailure(adminId, at, rule);

  it('are empty where nothing is stored', async () => {
    expect(await guards().find('nobody')).toStrictEqual({ adminId: 'nobody', ...EMPTY_GUARD });
  });

  it('count failures, lock at the limit, and count nothing while the lock lasts', async () => {
    const adminId = fresh('admin');
    expect(await fail(adminId)).toEqual({ counted: true, locked: false });
    expect(await fail(adminId)).toEqual({ counted: true, locked: false });
    expect(await fail(adminId, fromNow(5))).toEqual({ counted: true, locked: true });
    expect(await fail(adminId, fromNow(6))).toEqual({ counted: false, locked: false });
    const expected = { failedLogins: 3, lockedAt: fromNow(5) };
    expect(await guards().find(adminId)).toStrictEqual({ adminId, ...EMPTY_GUARD, ...expected });
  });

  it('begin anew once a lock has ended', async () => {
    const adminId = fresh('admin');
    for (let i = 0; i < 3; i += 1) await fail(adminId);
    const later = { limit: 3, endedUntil: NOW };
    expect(await fail(adminId, fromNow(900), later)).toEqual({ counted: true, locked: false });
    expect(await guards().find(adminId)).toMatchObject({ failedLogins: 1, lockedAt: null });
  });

  it('let no more than the limit through of many failures at once', async () => {
    const adminId = fresh('admin');
    const all = await Promise.all(Array.from({ length: 20 }, () => fail(adminId)));
    expect(all.filter(({ counted }) => counted)).toHaveLength(3);
    expect(all.filter(({ locked }) => locked)).toHaveLength(1);
  });

  it('clear the count, and the locks that may be lifted', async () => {
    const adminId = fresh('admin');
    await fail(adminId);
    await guards().clearFailures(adminId, null, null);
    expect(await guards().find(adminId)).toMatchObject({ failedLogins: 0 });
    for (let i = 0; i < 3; i += 1) await fail(adminId, fromNow(5));
    await guards().clearFailures(adminId, NOW, null);
    expect(await guards().find(adminId)).toMatchObject({ failedLogins: 3, lockedAt: fromNow(5) });
    await guards().clearFailures(adminId, fromNow(5), null);
    expect(await guards().find(adminId)).toMatchObject({ failedLogins: 0, lockedAt: null });
    for (let i = 0; i < 3; i += 1) await fail(adminId, fromNow(5));
    const event = eventOf('admin.unlock', adminId);
    await guards().clearFailures(adminId, null, event);
    expect(await guards().find(adminId)).toMatchObject({ failedLogins: 0, lockedAt: null });
    expect(await eventsAbout(stores(), adminId)).toStrictEqual([event]);
  });

  it('keep fields that are set apart from each other', async () => {
    const adminId = fresh('admin');
    await guards().set(adminId, { pendingTotpSecret: 'sealed' }, null);
    await fail(adminId);
    const event = eventOf('admin.renew_recovery_codes', adminId);
    await guards().set(adminId, { recoveryCodes: ['a', 'b'], totpStep: 7 }, event);
    const expected = {
      ...{ adminId, failedLogins: 1, lockedAt: null, totpStep: 7 },
      ...{ pendingTotpSecret: 'sealed', recoveryCodes: ['a', 'b'] },
    };
    expect(await guards().find(adminId)).toStrictEqual(expected);
    expect(await eventsAbout(stores(), adminId)).toStrictEqual([event]);
    await guards().set(adminId, { pendingTotpSecret: null, recoveryCodes: [] }, null);
    const emptied = { ...expected, pendingTotpSecret: null, recoveryCodes: [] };
    expect(await guards().find(adminId)).toStrictEqual(emptied);
  });

  it('take a time step once, and none before it', async () => {
    const adminId = fresh('admin');
    const at = (step: number) => guards().takeTotpStep(adminId, step);
    const all = await Promise.all(Array.from({ length: 10 }, () => at(70)));
    expect(all.filter(Boolean)).toHaveLength(1);
    expect([await at(69), await at(70), await at(71)]).toEqual([false, false, true]);
  });

  it('take a recovery code once', async () => {
    const adminId = fresh('admin');
    expect(await guards().takeRecoveryCode(adminId, ['a'])).toBe(false);
    await guards().set(adminId, { recoveryCodes: ['a', 'b', 'c'] }, null);
    const take = () => guards().takeRecoveryCode(adminId, ['x', 'b']);
    const all = await Promise.all(Array.from({ length: 10 }, take));
    expect(all.filter(Boolean)).toHaveLength(1);
    expect((await guards().find(adminId)).recoveryCodes).toEqual(['a', 'c']);
    expect(await guards().takeRecoveryCode(fresh('admin'), ['a'])).toBe(false);
  });
}

function describeRemoval(stores: () => Stores): void {
  it('take their sessions and their guard with them, and nobody else’s', async () => {
    const admin = adminFixture();
    const { adminId } = admin;
    await stores().admins.insert(admin, eventOf('admin.create', adminId));
    const [own, other] = [await inserted(stores(), { adminId }), await inserted(stores())];
    for (const id of [adminId, other.adminId]) await stores().adminGuards.takeTotpStep(id, 7);
    await stores().admins.remove(adminId, eventOf('admin.delete', adminId));
    expect(await stores().adminSessions.findByDigest(own.digest)).toBeNull();
    expect(await stores().adminSessions.findByDigest(other.digest)).not.toBeNull();
    expect((await stores().adminGuards.find(adminId)).totpStep).toBe(0);
    expect((await stores().adminGuards.find(other.adminId)).totpStep).toBe(7);
  });

  it('are found by name in any case, with or without a second factor', async () => {
    const admin = adminFixture();
    const { totpSecret: _, ...without } = adminFixture();
    for (const each of [admin, without]) {
      await stores().admins.insert(each, eventOf('admin.create', each.adminId));
      for (const name of [each.userName, each.userName.toUpperCase()]) {
        expect(await stores().admins.findByName(name)).toStrictEqual(each);
      }
    }
    expect(await stores().admins.findByName('nobody')).toBeNull();
  });
}
