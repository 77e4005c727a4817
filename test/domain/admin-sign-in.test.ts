import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generateSync } from 'otplib';
import type { Admin } from '../../src/domain/admins/admin.ts';
import { ADMIN_LOCK_SECONDS } from '../../src/domain/admins/admin-guard.ts';
import { beginTotp, confirmTotp, unlockAdmin } from '../../src/domain/admins/second-factor.ts';
import { setUpAdmin } from '../../src/domain/admins/set-up-admin.ts';
import {
  adminOfTicket,
  beginSignIn,
  findSession,
  finishSignIn,
  SECOND_STEP_SECONDS,
  signIn,
} from '../../src/domain/admins/sign-in.ts';
import { ADDRESS, BY, eventsOf, newAdmin, PASSWORD, setUpToken } from './admin-support.ts';
import { NOW, openWorld, type World } from './support.ts';

let world: World;
let ada: Admin;
beforeEach(async () => {
  world = await openWorld({ levels: false });
  ada = await newAdmin(world, 'Ada');
});
afterEach(() => world.close());

const origin = { address: ADDRESS, userAgent: 'Browser/1.0' };
const attempt = (password = PASSWORD, userName = 'ada', code?: string) =>
  signIn(world.services, { userName, password, code, ...origin });
const refusal = { code: 'not_authenticated' };

async function fail(times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    await expect(attempt(`wrong ${i}`)).rejects.toMatchObject(refusal);
  }
}

/** Gives Ada a second factor; answers its key and recovery codes. */
async function withSecondFactor() {
  const { session } = await attempt();
  const { secret } = await beginTotp(world.services, ada.adminId);
  const code = codeOf(secret);
  const codes = await confirmTotp(world.services, session, { code, address: ADDRESS });
  // The step of that code is used.
  world.pass(60);
  return { secret, codes };
}

function codeOf(secret: string): string {
  return generateSync({ secret, epoch: world.services.clock.now().getTime() / 1000 });
}

describe('signIn', () => {
  it('opens a session under a value that is nowhere stored, for a name in any case', async () => {
    const [first, second] = [await attempt(), await attempt(PASSWORD, 'ADA')];
    expect(first.admin.adminId).toBe(ada.adminId);
    expect(first.value).toMatch(/^tgw_[\w-]{43}$/);
    expect(second.value).not.toBe(first.value);
    const found = await findSession(world.services, first.value);
    expect(found?.session).toEqual(first.session);
    expect(first.session).toMatchObject({ createdAt: NOW, verifiedAt: NOW, ...origin });
    expect(first.session.digest).not.toContain(first.value.slice(4));
  });

  it('keeps the audit of it, without value and password', async () => {
    const { value, session } = await attempt();
    const [event] = await eventsOf(world, ada.adminId, 'admin.sign_in');
    const actor = { kind: 'admin', id: ada.adminId, address: ADDRESS };
    const change = { field: 'sessionId', before: null, after: session.sessionId };
    expect(event).toMatchObject({ actor, changes: [change] });
    for (const secret of [value, session.digest, PASSWORD]) {
      expect(JSON.stringify(event)).not.toContain(secret);
    }
  });

  it('answers alike, at the price of one bcrypt, whatever is wrong', async () => {
    await newAdmin(world, 'Idle', { status: 'disabled' });
    await newAdmin(world, 'Fresh', { isSetUp: false });
    await newAdmin(world, 'Locked');
    for (let i = 0; i < 5; i += 1) await attempt(`wrong ${i}`, 'locked').catch(() => {});
    const hints = new Set<string>();
    for (const name of ['ada', 'nobody', 'idle', 'fresh', 'locked']) {
      const password = name === 'ada' ? 'wrong password' : PASSWORD;
      const before = world.bcrypt.compares;
      const error = await attempt(password, name).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject(refusal);
      expect([name, world.bcrypt.compares - before]).toEqual([name, 1]);
      hints.add((error as Error).message);
    }
    expect(hints.size).toBe(1);
  });

  it('cuts what a browser calls itself to 300 characters', async () => {
    const input = {
      userName: 'ada',
      password: PASSWORD,
      address: null,
      userAgent: 'x'.repeat(5000),
    };
    expect((await signIn(world.services, input)).session.userAgent).toHaveLength(300);
  });
});

describe('the lock of an admin', () => {
  it('comes with the fifth failure in a row, refuses the right password, and ends by itself', async () => {
    await fail(4);
    await attempt();
    await fail(5);
    await expect(attempt()).rejects.toMatchObject(refusal);
    world.pass(ADMIN_LOCK_SECONDS - 1);
    await expect(attempt()).rejects.toMatchObject(refusal);
    world.pass(1);
    await attempt();
    expect(await world.services.stores.adminGuards.find(ada.adminId)).toMatchObject({
      failedLogins: 0,
      lockedAt: null,
    });
  });

  it('counts anew after it ended', async () => {
    await fail(5);
    world.pass(ADMIN_LOCK_SECONDS);
    await fail(4);
    await attempt();
  });

  it('leaves sessions alone that exist', async () => {
    const { value } = await attempt();
    await fail(5);
    expect(await findSession(world.services, value)).not.toBeNull();
  });

  it('is lifted by an admin, and by the link to a new password', async () => {
    await fail(5);
    await unlockAdmin(world.services, BY, ada.adminId);
    await attempt();
    expect(await eventsOf(world, ada.adminId, 'admin.unlock')).toHaveLength(1);
    await fail(5);
    const token = await setUpToken(world, ada.adminId);
    await setUpAdmin(world.services, { token, password: 'another password', address: null });
    await attempt('another password');
  });

  it('keeps every counted failure with its address, and nothing of what comes while it lasts', async () => {
    await fail(8);
    const failures = await eventsOf(world, ada.adminId, 'admin.sign_in_failed');
    expect(failures).toHaveLength(5);
    expect(failures[0]?.actor).toEqual({ kind: 'system', id: 'system', address: ADDRESS });
    expect(await eventsOf(world, ada.adminId, 'admin.locked')).toHaveLength(1);
    expect(JSON.stringify(failures)).not.toContain('wrong');
  });

  it('lets no more than five of many guesses at once be tried', async () => {
    const guesses = Array.from({ length: 8 }, (_, i) => attempt(`wrong ${i}`).catch(() => {}));
    await Promise.all(guesses);
    expect(await eventsOf(world, ada.adminId, 'admin.sign_in_failed')).toHaveLength(5);
    await expect(attempt()).rejects.toMatchObject(refusal);
  });
});

describe('the second factor at sign-in', () => {
  it('is asked for once the password is right, and only then', async () => {
    const { secret } = await withSecondFactor();
    await expect(attempt()).rejects.toMatchObject({ code: 'second_factor_required' });
    await expect(attempt('wrong password')).rejects.toMatchObject(refusal);
    await expect(attempt('wrong password', 'ada', codeOf(secret))).rejects.toMatchObject(refusal);
    expect((await attempt(PASSWORD, 'ada', codeOf(secret))).admin.adminId).toBe(ada.adminId);
  });

  it('takes a code once, and none before it', async () => {
    const { secret } = await withSecondFactor();
    const early = codeOf(secret);
    world.pass(30);
    const code = codeOf(secret);
    await attempt(PASSWORD, 'ada', `${code.slice(0, 3)} ${code.slice(3)}`);
    for (const used of [code, early]) {
      await expect(attempt(PASSWORD, 'ada', used)).rejects.toMatchObject(refusal);
    }
  });

  it.each([
    [-60, false],
    [-30, true],
    [0, true],
    [30, true],
    [60, false],
  ])('takes the code of a device whose clock is %i s off: %s', async (seconds, isTaken) => {
    const { secret } = await withSecondFactor();
    world.pass(300);
    const epoch = world.services.clock.now().getTime() / 1000 + seconds;
    const outcome = attempt(PASSWORD, 'ada', generateSync({ secret, epoch }));
    expect(await outcome.then(Boolean, () => false)).toBe(isTaken);
  });

  it('takes each recovery code once, however it is typed', async () => {
    const { codes } = await withSecondFactor();
    const [first = '', second = ''] = codes;
    expect(new Set(codes).size).toBe(10);
    await attempt(PASSWORD, 'ada', first);
    await attempt(PASSWORD, 'ada', ` ${second.toUpperCase().replaceAll('-', ' ')} `);
    for (const used of [first, second]) {
      await expect(attempt(PASSWORD, 'ada', used)).rejects.toMatchObject(refusal);
    }
    const { recoveryCodes } = await world.services.stores.adminGuards.find(ada.adminId);
    expect(recoveryCodes).toHaveLength(8);
    for (const code of codes) expect(recoveryCodes.join()).not.toContain(code);
  });

  it('gives one session for one code that arrives four times at once', async () => {
    const { secret, codes } = await withSecondFactor();
    const ticket = await ticketOf();
    for (const code of [codeOf(secret), codes[3] ?? '']) {
      const all = await Promise.allSettled(
        Array.from({ length: 4 }, () => finishSignIn(world.services, { ticket, code, ...origin })),
      );
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await unlockAdmin(world.services, BY, ada.adminId);
    }
  });

  it('lets no more than five of many guesses at once be looked at, then locks', async () => {
    const { secret } = await withSecondFactor();
    const ticket = await ticketOf();
    const guess = (code: string) =>
      finishSignIn(world.services, { ticket, code, ...origin }).catch(() => {});
    await Promise.all(Array.from({ length: 40 }, (_, i) => guess(String(100_000 + i))));
    expect(await eventsOf(world, ada.adminId, 'admin.sign_in_failed')).toHaveLength(5);
    expect(await guess(codeOf(secret))).toBeUndefined();
    world.pass(ADMIN_LOCK_SECONDS);
    await attempt(PASSWORD, 'ada', codeOf(secret));
  });

  it('keeps wrong codes counted when the password is right in between', async () => {
    const { secret } = await withSecondFactor();
    for (let i = 0; i < 5; i += 1) {
      await expect(attempt(PASSWORD, 'ada', `00000${i}`)).rejects.toMatchObject(refusal);
    }
    await expect(attempt(PASSWORD, 'ada', codeOf(secret))).rejects.toMatchObject(refusal);
  });
});

describe('a ticket to the second step', () => {
  it('is good for five minutes', async () => {
    const { secret } = await withSecondFactor();
    const ticket = await ticketOf();
    world.pass(SECOND_STEP_SECONDS - 1);
    expect((await adminOfTicket(world.services, ticket))?.adminId).toBe(ada.adminId);
    world.pass(1);
    const over = finishSignIn(world.services, { ticket, code: codeOf(secret), ...origin });
    await expect(over).rejects.toMatchObject(refusal);
  });

  it('is over once the password changes, and is nobody’s to make', async () => {
    await withSecondFactor();
    const ticket = await ticketOf();
    const token = await setUpToken(world, ada.adminId);
    await setUpAdmin(world.services, { token, password: 'another password', address: null });
    for (const bad of [ticket, '', 'x', 'a.b.c.d', `${ticket.slice(0, -2)}AA`]) {
      expect(await adminOfTicket(world.services, bad)).toBeNull();
    }
  });
});

async function ticketOf(): Promise<string> {
  const begun = await beginSignIn(world.services, {
    userName: 'ada',
    password: PASSWORD,
    ...origin,
  });
  return 'ticket' in begun ? begun.ticket : '';
}
