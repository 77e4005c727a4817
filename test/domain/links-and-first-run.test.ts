import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findSetUpAdmin, setUpAdmin } from '../../src/domain/admins/set-up-admin.ts';
import { authenticateClient } from '../../src/domain/clients/authenticate-client.ts';
import { deleteClient } from '../../src/domain/clients/manage-clients.ts';
import { firstRefusal } from '../../src/domain/decision/checks.ts';
import { Directory } from '../../src/domain/directory.ts';
import {
  DEMO_PARTNER,
  DEMO_RESOURCE_SERVER,
  type DemoSecrets,
  firstRun,
  renewDemo,
} from '../../src/domain/first-run.ts';
import { findLink, issueLink, useLink } from '../../src/domain/links.ts';
import { SecretKeys } from '../../src/domain/secrets/secret-keys.ts';
import { createUser, setUserPassword } from '../../src/domain/users/manage-users.ts';
import { signIn } from '../../src/domain/users/sign-in.ts';
import { USER_FAILED_LOGIN_LIMIT } from '../../src/domain/users/user.ts';
import { ACTOR, fromNow, keyOf, NOW, openWorld, problemsOf, type World } from './support.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld({ levels: false });
});
afterEach(() => world.close());

describe('a link', () => {
  const issue = (
    subjectId = 'orders',
    purpose: 'client_password' | 'admin_set_up' = 'client_password',
  ) => issueLink(world.services, { purpose, subjectId, seconds: 60 });
  const tokenOf = ({ url }: { url: string }) => new URL(url).searchParams.get('token') ?? '';

  it('is an address of this server with 256 random bits', async () => {
    const link = await issue();
    expect(link.url).toMatch(
      /^https:\/\/auth\.example\.test\/reset-password\?token=tgl_[\w-]{43}$/,
    );
    expect((await issue('owner', 'admin_set_up')).url).toContain('/admin/set-up?token=');
    expect(link.expiresAt).toEqual(fromNow(60));
  });

  it('is found any number of times, and used once', async () => {
    const token = tokenOf(await issue());
    for (let i = 0; i < 3; i += 1) {
      expect(await findLink(world.services, 'client_password', token)).toMatchObject({
        subjectId: 'orders',
      });
    }
    const all = await Promise.allSettled(
      Array.from({ length: 5 }, () => useLink(world.services, 'client_password', token)),
    );
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await findLink(world.services, 'client_password', token)).toBeNull();
  });

  it('works for its own purpose only, and is not used up by another', async () => {
    const token = tokenOf(await issue());
    await expect(useLink(world.services, 'admin_set_up', token)).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await useLink(world.services, 'client_password', token)).toMatchObject({
      subjectId: 'orders',
    });
  });

  it('ends when its time is over, and when a newer one is issued to the same subject', async () => {
    const [first, other] = [tokenOf(await issue()), tokenOf(await issue('billing'))];
    const second = tokenOf(await issue());
    const found = async () => {
      const links = [first, second, other].map((t) =>
        findLink(world.services, 'client_password', t),
      );
      return (await Promise.all(links)).map((link) => link !== null);
    };
    expect(await found()).toEqual([false, true, true]);
    world.pass(60);
    expect(await found()).toEqual([false, false, false]);
  });

  it('works on while keys are rotated', async () => {
    const token = tokenOf(await issue());
    const rotated = { ...world.services, keys: new SecretKeys([keyOf(9), keyOf(7)]) };
    expect(await useLink(rotated, 'client_password', token)).toMatchObject({ subjectId: 'orders' });
  });

  it('is told by its first characters only when it does not work', async () => {
    const token = `tgl_${'x'.repeat(43)}`;
    const error = await useLink(world.services, 'client_password', token).catch(
      (e: Error) => e.message,
    );
    expect(error).toContain('tgl_xxxx…');
    expect(error).not.toContain('xxxxx');
  });
});

describe('firstRun', () => {
  const run = (demo = true) => firstRun(world.services, { demo });

  async function authenticate(clientId: string, secret: string) {
    await world.services.directory.sync();
    const client = await world.services.directory.client(clientId);
    const answer = client && (await authenticateClient(world.services, client, [secret], null));
    return answer?.failure ?? null;
  }
  const works = async (demo: DemoSecrets | null) => [
    await authenticate(DEMO_PARTNER, demo?.partner ?? ''),
    await authenticate(DEMO_RESOURCE_SERVER, demo?.resourceServer ?? ''),
  ];

  it('gives an empty database levels, an owner and a demo that works', async () => {
    const { setUpUrl, demo } = await run();
    expect(setUpUrl).toContain('/admin/set-up?token=tgl_');
    expect(await works(demo)).toEqual([null, null]);
    const { stores, directory } = world.services;
    const names = (await stores.securityLevels.all())
      .sort((a, b) => b.rank - a.rank)
      .map(({ name }) => name);
    expect(names).toEqual(['A', 'B', 'C', 'SYSTEM']);
    expect((await stores.apis.all()).map(({ path }) => path).sort()).toEqual([
      '/orders',
      '/orders/:id',
    ]);
    const client = await directory.client(DEMO_PARTNER);
    const facts = {
      place: 'token',
      credential: { kind: 'client_secret' },
      now: NOW,
      address: null,
    } as const;
    const catalog = await directory.catalog();
    expect(firstRefusal({ ...facts, client, catalog, grantType: 'client_credentials' })).toBeNull();
    expect(client && [...catalog.usableBy(client)]).toEqual(['orders.read']);
  });

  it('makes no demo where none is wanted', async () => {
    expect((await run(false)).demo).toBeNull();
    expect((await world.services.stores.clients.list({ limit: 1 })).total).toBe(0);
  });

  it('changes nothing the second time', async () => {
    await run();
    const position = async () => (await world.services.stores.changes.since(0))?.position;
    const before = await position();
    expect(await run()).toEqual({ setUpUrl: null, demo: null });
    expect(await position()).toBe(before);
  });

  it('makes one owner and one demo when several nodes start at once', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => run()));
    expect(all.filter(({ setUpUrl }) => setUpUrl !== null)).toHaveLength(1);
    const demos = all.filter(({ demo }) => demo !== null);
    expect(demos).toHaveLength(1);
    expect(await works(demos[0]?.demo ?? null)).toEqual([null, null]);
    expect(await world.services.stores.admins.count()).toBe(1);
    expect(await world.services.stores.securityLevels.all()).toHaveLength(4);
  });

  it('does not bring a deleted demo back', async () => {
    await run();
    for (const id of [DEMO_PARTNER, DEMO_RESOURCE_SERVER])
      await deleteClient(world.services, ACTOR, id);
    expect((await run()).demo).toBeNull();
    await expect(renewDemo(world.services)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('renews the secrets of the demo any number of times; old ones stop at once', async () => {
    const { demo } = await run();
    let fresh = demo;
    for (let i = 0; i < 12; i += 1) fresh = await renewDemo(world.services);
    expect(await works(fresh)).toEqual([null, null]);
    expect(await works(demo)).toEqual(['wrong_secret', 'wrong_secret']);
  });

  it('gives the owner a link that sets a password once', async () => {
    const { setUpUrl } = await run(false);
    const token = new URL(setUpUrl ?? '').searchParams.get('token') ?? '';
    expect(await findSetUpAdmin(world.services, token)).toMatchObject({
      userName: 'owner',
      role: 'owner',
    });
    const input = { token, password: 'correct horse', address: null };
    expect(
      await problemsOf(() => setUpAdmin(world.services, { ...input, password: 'short' })),
    ).toHaveLength(1);
    const { admin, accessToken } = await setUpAdmin(world.services, input);
    expect(accessToken).toMatch(/^tgp_/);
    expect(await world.services.passwords.verify('correct horse', admin.passwordHash ?? '')).toBe(
      true,
    );
    expect(await findSetUpAdmin(world.services, token)).toBeNull();
    const { hashes } = world.bcrypt;
    await expect(setUpAdmin(world.services, input)).rejects.toMatchObject({ code: 'not_found' });
    expect(world.bcrypt.hashes).toBe(hashes);
  });
});

describe('signIn', () => {
  const signInAs = async (name: string, password: string) => {
    await world.services.directory.sync();
    return signIn(world.services, name, password, '192.0.2.1');
  };
  const person = () =>
    createUser(world.services, ACTOR, { userName: 'Ada', password: 'right password' });

  it('knows a name in any case, and pays one bcrypt for many sign-ins', async () => {
    const { userId } = await person();
    for (const name of ['ada', 'ADA', 'Ada'])
      expect((await signInAs(name, 'right password'))?.userId).toBe(userId);
    expect(world.bcrypt.compares).toBe(1);
  });

  it('pays as much for an unknown name as for a wrong password', async () => {
    await person();
    expect(await signInAs('nobody', 'right password')).toBeNull();
    expect(await signInAs('ada', 'wrong password')).toBeNull();
    expect(world.bcrypt.compares).toBe(2);
  });

  it('locks at the limit, refuses the right password then, and a new password unlocks', async () => {
    const user = await person();
    await signInAs('ada', 'right password');
    for (let i = 0; i < USER_FAILED_LOGIN_LIMIT; i += 1) await signInAs('ada', `wrong ${i}`);
    expect(await signInAs('ada', 'right password')).toBeNull();
    const { stores } = world.services;
    expect((await stores.users.find(user.userId))?.lock.lockedAt).toEqual(NOW);
    await setUserPassword(world.services, ACTOR, user.userId, { password: 'newer password' });
    expect(await signInAs('ada', 'right password')).toBeNull();
    expect(await signInAs('ada', 'newer password')).not.toBeNull();
    expect((await stores.users.find(user.userId))?.lock.failedLogins).toBe(0);
  });

  it('is seen by a directory of another node', async () => {
    const user = await person();
    const other = new Directory(world.services.stores);
    await other.sync();
    expect((await other.userByName('ada'))?.userId).toBe(user.userId);
  });
});
