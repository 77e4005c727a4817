import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generateSync } from 'otplib';
import type { Admin } from '../../src/domain/admins/admin.ts';
import {
  type AdminSession,
  SESSION_IDLE_SECONDS,
  SESSION_SECONDS,
} from '../../src/domain/admins/admin-session.ts';
import { deleteAdmin, findAdmin, updateAdmin } from '../../src/domain/admins/manage-admins.ts';
import {
  endOtherSessions,
  endSession,
  listSessions,
  signOut,
  verifyAgain,
} from '../../src/domain/admins/manage-sessions.ts';
import { changeOwnPassword } from '../../src/domain/admins/own-password.ts';
import {
  beginTotp,
  confirmTotp,
  dropSecondFactor,
  newRecoveryCodes,
  pendingTotp,
  removeTotp,
} from '../../src/domain/admins/second-factor.ts';
import { setUpAdmin } from '../../src/domain/admins/set-up-admin.ts';
import { findSession, type SignedIn, signIn } from '../../src/domain/admins/sign-in.ts';
import { ADDRESS, BY, eventsOf, newAdmin, PASSWORD, setUpToken } from './admin-support.ts';
import { fromNow, openWorld, problemsOf, type World } from './support.ts';

let world: World;
let ada: Admin;
beforeEach(async () => {
  world = await openWorld({ levels: false });
  await newAdmin(world, 'other-owner');
  ada = await newAdmin(world, 'Ada');
});
afterEach(() => world.close());

const enter = (code?: string): Promise<SignedIn> =>
  signIn(world.services, {
    ...{ userName: 'ada', password: PASSWORD, code, address: ADDRESS, userAgent: '' },
  });
const lives = async (value: string) => (await findSession(world.services, value)) !== null;

function codeOf(secret: string): string {
  return generateSync({ secret, epoch: world.services.clock.now().getTime() / 1000 });
}

async function confirmed(session: AdminSession): Promise<{ secret: string; codes: string[] }> {
  const { secret } = await beginTotp(world.services, ada.adminId);
  const given = { code: codeOf(secret), address: ADDRESS };
  return { secret, codes: await confirmTotp(world.services, session, given) };
}

async function patch(change: Record<string, unknown>): Promise<void> {
  const { version } = await findAdmin(world.services, ada.adminId);
  await updateAdmin(world.services, BY, { id: ada.adminId, version, patch: change });
}

describe('a session', () => {
  it('is found by its value only', async () => {
    const { value, session } = await enter();
    expect((await findSession(world.services, value))?.admin.adminId).toBe(ada.adminId);
    for (const bad of ['', 'tgw_', `${value}x`, session.digest, session.sessionId, 'tgp_x']) {
      expect(await findSession(world.services, bad)).toBeNull();
    }
  });

  it('ends when it was not used for half an hour', async () => {
    const { value } = await enter();
    world.pass(SESSION_IDLE_SECONDS - 1);
    expect(await lives(value)).toBe(true);
    world.pass(SESSION_IDLE_SECONDS - 1);
    expect(await lives(value)).toBe(true);
    world.pass(SESSION_IDLE_SECONDS);
    expect(await lives(value)).toBe(false);
  });

  it('ends twelve hours after the sign-in, however much it is used', async () => {
    const { value } = await enter();
    for (let used = 0; used + 1000 < SESSION_SECONDS; used += 1000) {
      expect(await lives(value)).toBe(true);
      world.pass(1000);
    }
    world.pass(199);
    expect(await lives(value)).toBe(true);
    world.pass(1);
    expect(await lives(value)).toBe(false);
  });

  it('notes its use once a minute', async () => {
    const { value } = await enter();
    const seen = async () => (await findSession(world.services, value))?.session.lastSeenAt;
    world.pass(59);
    expect(await seen()).toEqual(fromNow(0));
    world.pass(1);
    expect(await seen()).toEqual(fromNow(60));
    const [stored] = await world.services.stores.adminSessions.list(ada.adminId);
    expect(stored?.lastSeenAt).toEqual(fromNow(60));
  });

  it.each<[string, () => Promise<unknown>]>([
    ['is disabled', () => patch({ status: 'disabled' })],
    ['gets another role', () => patch({ role: 'viewer' })],
    ['is deleted', () => deleteAdmin(world.services, BY, ada.adminId)],
    [
      'chooses a new password behind a link',
      async () => {
        const token = await setUpToken(world, ada.adminId);
        const input = { token, password: 'another password', address: null };
        return setUpAdmin(world.services, input);
      },
    ],
  ])('ends at once when its admin %s', async (_, change) => {
    const { value } = await enter();
    await change();
    expect(await lives(value)).toBe(false);
    expect(await listSessions(world.services, ada.adminId)).toEqual([]);
  });

  it.each([
    ['is enabled again', { status: 'disabled' }, { status: 'enabled' }],
    ['has the old role again', { role: 'viewer' }, { role: 'owner' }],
  ])('does not come back to life when its admin %s', async (_, there, back) => {
    const { value } = await enter();
    await patch(there);
    await patch(back);
    expect(await lives(value)).toBe(false);
    expect(await listSessions(world.services, ada.adminId)).toEqual([]);
  });

  it('ends as its admin signs out', async () => {
    const { value, session } = await enter();
    await signOut(world.services, session, ADDRESS);
    await signOut(world.services, session, ADDRESS);
    expect(await lives(value)).toBe(false);
    expect(await eventsOf(world, ada.adminId, 'admin.sign_out')).toHaveLength(1);
  });

  it('goes on when only names change', async () => {
    const { value } = await enter();
    await patch({ displayName: 'Ada L.', email: 'ada@admins.example' });
    expect(await lives(value)).toBe(true);
  });
});

describe('the sessions of an admin', () => {
  it('end one by one, by their own admin only', async () => {
    const [here, there] = [await enter(), await enter()];
    const { sessionId } = there.session;
    const by = { ...BY, adminId: ada.adminId };
    await expect(endSession(world.services, BY, sessionId)).rejects.toMatchObject({
      code: 'not_found',
    });
    await endSession(world.services, by, sessionId);
    expect([await lives(here.value), await lives(there.value)]).toEqual([true, false]);
    const again = endSession(world.services, by, sessionId);
    await expect(again).rejects.toMatchObject({ code: 'not_found' });
  });

  it('end all but this one', async () => {
    const [here, there] = [await enter(), await enter()];
    const stranger = await newAdmin(world, 'Bob');
    const input = { userName: 'bob', password: PASSWORD, address: null, userAgent: '' };
    const bobs = await signIn(world.services, input);
    expect(await endOtherSessions(world.services, here.session, ADDRESS)).toBe(1);
    expect([await lives(here.value), await lives(there.value)]).toEqual([true, false]);
    expect(await lives(bobs.value)).toBe(true);
    expect(await listSessions(world.services, ada.adminId)).toEqual([here.session]);
    expect(await eventsOf(world, stranger.adminId, 'admin.end_other_sessions')).toEqual([]);
  });

  it('are listed while they live, the latest used first', async () => {
    const older = await enter();
    world.pass(SESSION_IDLE_SECONDS - 60);
    const newer = await enter();
    const ids = async () =>
      (await listSessions(world.services, ada.adminId)).map(({ sessionId }) => sessionId);
    expect(await ids()).toEqual([newer.session.sessionId, older.session.sessionId]);
    world.pass(60);
    expect(await ids()).toEqual([newer.session.sessionId]);
  });
});

describe('verifyAgain', () => {
  it('notes when a password or a code proved who sits there', async () => {
    const { value, session } = await enter();
    const { secret } = await confirmed(session);
    const verifiedAt = async () => (await findSession(world.services, value))?.session.verifiedAt;
    world.pass(700);
    await verifyAgain(world.services, session, { password: PASSWORD, address: ADDRESS });
    expect(await verifiedAt()).toEqual(fromNow(700));
    world.pass(700);
    await verifyAgain(world.services, session, { code: codeOf(secret), address: ADDRESS });
    expect(await verifiedAt()).toEqual(fromNow(1400));
  });

  it('refuses what is wrong, and a code where there is no second factor; both count', async () => {
    const { value, session } = await enter();
    world.pass(60);
    for (const proof of [{ password: 'wrong' }, {}, { code: '123456' }]) {
      const verified = verifyAgain(world.services, session, { ...proof, address: ADDRESS });
      await expect(verified).rejects.toMatchObject({ code: 'not_authenticated' });
    }
    expect((await findSession(world.services, value))?.session.verifiedAt).toEqual(fromNow(0));
    for (let i = 0; i < 3; i += 1) {
      const wrong = { password: `wrong ${i}`, address: ADDRESS };
      await verifyAgain(world.services, session, wrong).catch(() => {});
    }
    const right = verifyAgain(world.services, session, { password: PASSWORD, address: ADDRESS });
    await expect(right).rejects.toMatchObject({ code: 'not_authenticated' });
    expect(await eventsOf(world, ada.adminId, 'admin.locked')).toHaveLength(1);
  });
});

describe('changeOwnPassword', () => {
  const change = (session: AdminSession, current: string, password: string) =>
    changeOwnPassword(world.services, session, { current, password, address: ADDRESS });

  it('lets this session go on, ends the others and keeps no password', async () => {
    const [here, there] = [await enter(), await enter()];
    await change(here.session, PASSWORD, 'another password');
    expect([await lives(here.value), await lives(there.value)]).toEqual([true, false]);
    await expect(enter()).rejects.toMatchObject({ code: 'not_authenticated' });
    const [event] = await eventsOf(world, ada.adminId, 'admin.change_password');
    expect(event?.changes).toEqual([{ field: 'passwordHash', before: null, after: 'changed' }]);
  });

  it('wants the password so far, and one that the rules allow', async () => {
    const { session } = await enter();
    const wrong = await problemsOf(() => change(session, 'wrong', 'another password'));
    expect(wrong).toEqual(['current wrong']);
    const short = await problemsOf(() => change(session, PASSWORD, 'short'));
    expect(short).toEqual(['password custom']);
    await enter();
  });
});

describe('the second factor', () => {
  it('is off until a code of the new key was seen', async () => {
    const { session } = await enter();
    expect(await pendingTotp(world.services, ada.adminId)).toBeNull();
    const key = await beginTotp(world.services, ada.adminId);
    expect(await pendingTotp(world.services, ada.adminId)).toEqual(key);
    const uri = new URL(key.uri);
    expect(uri.searchParams.get('secret')).toBe(key.secret);
    expect(decodeURIComponent(uri.pathname)).toBe('/Tollgate auth.example.test:Ada');
    const wrong = () => confirmTotp(world.services, session, { code: '000000', address: ADDRESS });
    expect(await problemsOf(wrong)).toEqual(['code wrong']);
    await enter();
  });

  it('goes on in this session, ends the others, and is stored so that nobody reads it', async () => {
    const [here, there] = [await enter(), await enter()];
    const { secret, codes } = await confirmed(here.session);
    expect([await lives(here.value), await lives(there.value)]).toEqual([true, false]);
    const stored = JSON.stringify(await findAdmin(world.services, ada.adminId));
    const [event] = await eventsOf(world, ada.adminId, 'admin.totp_enable');
    expect(event?.changes).toEqual([{ field: 'totpSecret', before: null, after: 'changed' }]);
    for (const text of [secret, ...codes])
      expect(stored + JSON.stringify(event)).not.toContain(text);
    expect(await pendingTotp(world.services, ada.adminId)).toBeNull();
  });

  it('does not take the code that turned it on once more', async () => {
    const { session } = await enter();
    const { secret } = await confirmed(session);
    await expect(enter(codeOf(secret))).rejects.toMatchObject({ code: 'not_authenticated' });
  });

  it('is set up once only; to begin again it has to go first', async () => {
    const { session } = await enter();
    await confirmed(session);
    const again = beginTotp(world.services, ada.adminId);
    await expect(again).rejects.toMatchObject({ code: 'conflict' });
    const unasked = () => confirmTotp(world.services, session, { code: '1', address: null });
    expect(await problemsOf(unasked)).toEqual(['code not_begun']);
    await removeTotp(world.services, session, ADDRESS);
    await confirmed(session);
  });

  it('goes, with its recovery codes, by oneself or by an admin who may', async () => {
    const { session, value } = await enter();
    await confirmed(session);
    await removeTotp(world.services, session, ADDRESS);
    expect(await lives(value)).toBe(true);
    expect(await world.services.stores.adminGuards.find(ada.adminId)).toMatchObject({
      recoveryCodes: [],
      totpStep: 0,
    });
    await enter();
    await confirmed(session);
    const operator = { ...BY, role: 'operator' as const };
    const reach = dropSecondFactor(world.services, operator, ada.adminId);
    await expect(reach).rejects.toMatchObject({ code: 'not_allowed' });
    await dropSecondFactor(world.services, BY, ada.adminId);
    expect(await lives(value)).toBe(false);
    await enter();
    expect(await eventsOf(world, ada.adminId, 'admin.totp_disable')).toHaveLength(2);
  });

  it('gives new recovery codes in place of the old ones', async () => {
    const { session } = await enter();
    const none = newRecoveryCodes(world.services, session, ADDRESS);
    await expect(none).rejects.toMatchObject({ code: 'conflict' });
    const { codes } = await confirmed(session);
    const fresh = await newRecoveryCodes(world.services, session, ADDRESS);
    expect(fresh.filter((code) => codes.includes(code))).toEqual([]);
    await expect(enter(codes[0])).rejects.toMatchObject({ code: 'not_authenticated' });
    await enter(fresh[0]);
    const [event] = await eventsOf(world, ada.adminId, 'admin.renew_recovery_codes');
    for (const code of fresh) expect(JSON.stringify(event)).not.toContain(code);
  });

  it('is turned on once by four who confirm at once, and the codes shown then work', async () => {
    const { session } = await enter();
    const { secret } = await beginTotp(world.services, ada.adminId);
    const given = { code: codeOf(secret), address: ADDRESS };
    const all = await Promise.allSettled(
      Array.from({ length: 4 }, () => confirmTotp(world.services, session, given)),
    );
    const won = all.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    await enter(won[0]?.value[0]);
  });
});
