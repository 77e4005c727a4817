import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { authenticateClient } from '../../src/domain/clients/authenticate-client.ts';
import { newClient } from '../../src/domain/clients/client-input.ts';
import { liveSecrets, MAX_SECRETS } from '../../src/domain/clients/client-secret.ts';
import {
  addSecret,
  changePassword,
  mailPasswordReset,
  RESET_LINK_SECONDS,
  resetPasswordByLink,
  retireSecret,
  rotateSecret,
} from '../../src/domain/clients/manage-client-secrets.ts';
import { createClient, findClient, updateClient } from '../../src/domain/clients/manage-clients.ts';
import type { Services } from '../../src/domain/services.ts';
import { parse } from '../../src/domain/validation.ts';
import { ACTOR, fromNow, linkIn, NOW, openWorld, problemsOf, type World } from './support.ts';

let world: World;
let services: Services;
let generated = '';
let secretId = '';
beforeEach(async () => {
  world = await openWorld();
  services = world.services;
  const small = { clientId: 'orders', clientName: 'orders', displayName: 'Orders', note: 'x' };
  const input = { ...small, emails: ['ops@partner.example', 'dev@partner.example'] };
  const { secret } = await createClient(services, ACTOR, parse(newClient, input));
  generated = secret?.value ?? '';
  secretId = secret?.id ?? '';
});
afterEach(() => world.close());

/** Authenticates as the client, as a request that starts now. */
async function authenticate(presented: string, address: string | null = '192.0.2.1') {
  await services.directory.sync();
  const client = await services.directory.client('orders');
  if (client === null) throw new Error('the client is there');
  return (await authenticateClient(services, client, [presented], address))?.failure ?? null;
}
const add = (input: Parameters<typeof addSecret>[3] = {}) =>
  addSecret(services, ACTOR, 'orders', input);
const stored = () => findClient(services, 'orders');
const events = async () =>
  (await services.stores.audit.list({ filter: { objectId: 'orders' }, limit: 100 })).items;

describe('addSecret', () => {
  it('adds one beside the others; the value is answered once and stored nowhere', async () => {
    const { client, secret } = await add({ label: 'batch' });
    expect(client.version).toBe(2);
    expect(client.secrets.map(({ label, kind }) => [label, kind])).toEqual([
      ['first secret', 'generated'],
      ['batch', 'generated'],
    ]);
    expect(await authenticate(secret.value ?? '')).toBeNull();
    expect(await authenticate(generated)).toBeNull();
    const told = JSON.stringify([await stored(), await events()]);
    expect(told).not.toContain(secret.value);
    expect(JSON.stringify(await events())).not.toContain(client.secrets[1]?.hash);
  });

  it('takes a chosen value, and tells it to nobody', async () => {
    const { secret } = await add({ value: 'correct horse' });
    expect(secret.value).toBeNull();
    expect(await authenticate('correct horse')).toBeNull();
  });

  it('works until it expires', async () => {
    const { secret } = await add({ expiresAt: fromNow(60) });
    world.pass(59);
    expect(await authenticate(secret.value ?? '')).toBeNull();
    world.pass(1);
    expect(await authenticate(secret.value ?? '')).toBe('wrong_secret');
  });

  it(`holds ${MAX_SECRETS} and no more; expired ones make room`, async () => {
    for (let i = 2; i <= MAX_SECRETS; i += 1) await add({ expiresAt: fromNow(i) });
    expect(await problemsOf(() => add())).toEqual(['secrets too_many']);
    world.pass(2);
    await add();
    expect((await stored()).secrets).toHaveLength(MAX_SECRETS);
  });

  it('keeps a change that another admin makes at the same time', async () => {
    await Promise.all([
      add({ label: 'a' }),
      add({ label: 'b' }),
      updateClient(services, ACTOR, 'orders', 1, { tps: 3 }).catch(() => null),
    ]);
    const labels = (await stored()).secrets.map(({ label }) => label);
    expect(labels.sort()).toEqual(['a', 'b', 'first secret']);
  });

  it('refuses a client that is not there', async () => {
    await expect(addSecret(services, ACTOR, 'none', {})).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('rotateSecret', () => {
  const rotate = (graceSeconds: number, id = secretId) =>
    rotateSecret(services, ACTOR, 'orders', id, { graceSeconds });

  it('keeps the old one alive for the grace and no longer', async () => {
    const { secret } = await rotate(60);
    expect([await authenticate(generated), await authenticate(secret.value ?? '')]).toEqual([
      null,
      null,
    ]);
    world.pass(59.999);
    expect(await authenticate(generated)).toBeNull();
    world.pass(0.001);
    expect(await authenticate(generated)).toBe('wrong_secret');
    expect(await authenticate(secret.value ?? '')).toBeNull();
  });

  it('ends it now without grace', async () => {
    const { secret, client } = await rotate(0);
    expect(await authenticate(generated)).toBe('wrong_secret');
    expect(await authenticate(secret.value ?? '')).toBeNull();
    expect(liveSecrets(client.secrets, NOW)).toHaveLength(1);
  });

  it('never gives the old one more time than it had', async () => {
    const { secret } = await add({ expiresAt: fromNow(10) });
    const { client } = await rotate(60, secret.id);
    expect(client.secrets.find((s) => s.secretId === secret.id)?.expiresAt).toEqual(fromNow(10));
    const { client: again } = await rotate(5, secret.id);
    expect(again.secrets.find((s) => s.secretId === secret.id)?.expiresAt).toEqual(fromNow(5));
  });

  it('writes down which secret got which end', async () => {
    const { secret } = await rotate(60);
    const [event] = await events();
    expect(event?.action).toBe('client.rotate_secret');
    expect(event?.changes.map(({ field }) => field).sort()).toEqual(
      [`secret ${secretId}`, `secret ${secret.id}`].sort(),
    );
  });

  it('refuses a secret that is not there, and then makes none', async () => {
    await expect(rotate(60, 'none')).rejects.toMatchObject({ code: 'not_found' });
    expect((await stored()).version).toBe(1);
  });
});

describe('retireSecret', () => {
  it('ends one now, whatever grace it had, and leaves the others', async () => {
    const { secret } = await rotateSecret(services, ACTOR, 'orders', secretId, {
      graceSeconds: 3600,
    });
    await retireSecret(services, ACTOR, 'orders', secretId);
    expect(await authenticate(generated)).toBe('wrong_secret');
    expect(await authenticate(secret.value ?? '')).toBeNull();
    await expect(retireSecret(services, ACTOR, 'orders', secretId)).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('may end the last one: then nothing authenticates', async () => {
    await retireSecret(services, ACTOR, 'orders', secretId);
    expect(await authenticate(generated)).toBe('wrong_secret');
    expect(await authenticate('')).toBe('wrong_secret');
  });
});

describe('changePassword', () => {
  it('ends earlier passwords at once, remembered ones too, and leaves generated secrets', async () => {
    await changePassword(services, ACTOR, 'orders', 'first password');
    expect(await authenticate('first password')).toBeNull();
    await changePassword(services, ACTOR, 'orders', 'second password');
    expect(await authenticate('first password')).toBe('wrong_secret');
    expect(await authenticate('second password')).toBeNull();
    expect(await authenticate(generated)).toBeNull();
  });
});

describe('a mailed password reset', () => {
  const mail = () => mailPasswordReset(services, ACTOR, 'orders');
  const reset = (token: string, password = 'chosen by partner') =>
    resetPasswordByLink(services, token, password, '192.0.2.9');
  const tokenIn = (index: number) => linkIn(world.mails[index]).split('token=')[1] ?? '';

  it('goes to every address, and holds nothing secret but the link', async () => {
    const { expiresAt } = await mail();
    expect(expiresAt).toEqual(fromNow(RESET_LINK_SECONDS));
    expect(world.mails).toHaveLength(1);
    expect(world.mails[0]?.to).toEqual(['ops@partner.example', 'dev@partner.example']);
    expect(linkIn(world.mails[0])).toBe(
      `https://auth.example.test/reset-password?token=${tokenIn(0)}`,
    );
    const hash = (await stored()).secrets[0]?.hash;
    for (const secret of [generated, hash])
      expect(JSON.stringify(world.mails)).not.toContain(secret);
    expect(await authenticate(generated)).toBeNull(); // nothing has changed yet
  });

  it('works once', async () => {
    await mail();
    await reset(tokenIn(0));
    expect(await authenticate('chosen by partner')).toBeNull();
    await expect(reset(tokenIn(0), 'second choice')).rejects.toMatchObject({ code: 'not_found' });
    expect(await authenticate('second choice')).toBe('wrong_secret');
    expect((await events()).map(({ action }) => action)).toContain('client.reset_password');
  });

  it('works once, when used twice at the same time', async () => {
    await mail();
    const both = await Promise.allSettled([
      reset(tokenIn(0), 'choice one'),
      reset(tokenIn(0), 'choice two'),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('works until it expires', async () => {
    await mail();
    world.pass(RESET_LINK_SECONDS);
    await expect(reset(tokenIn(0))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('stops when a newer one is mailed', async () => {
    await mail();
    await mail();
    await expect(reset(tokenIn(0))).rejects.toMatchObject({ code: 'not_found' });
    await reset(tokenIn(1));
  });

  it('unlocks the client', async () => {
    await services.stores.clients.recordFailedLogin('orders', { at: NOW, address: null }, 1);
    await mail();
    expect((await reset(tokenIn(0))).lock).toMatchObject({ failedLogins: 0, lockedAt: null });
  });

  it('keeps the link when the password is refused', async () => {
    await mail();
    expect(await problemsOf(() => reset(tokenIn(0), 'short'))).toHaveLength(1);
    await reset(tokenIn(0));
  });

  it('keeps the link when the client holds as many secrets as it may', async () => {
    for (let i = 2; i <= MAX_SECRETS; i += 1) await add();
    await mail();
    expect(await problemsOf(() => reset(tokenIn(0)))).toEqual(['secrets too_many']);
    await retireSecret(services, ACTOR, 'orders', secretId);
    await reset(tokenIn(0));
  });

  it('costs strangers with a made-up link no bcrypt', async () => {
    await mail();
    const { hashes } = world.bcrypt;
    for (const token of ['', 'tgl_x', `${tokenIn(0)}x`]) {
      await expect(reset(token)).rejects.toMatchObject({ code: 'not_found' });
    }
    expect(world.bcrypt.hashes).toBe(hashes);
  });

  it('is a clear error without an address, and changes nothing', async () => {
    await updateClient(services, ACTOR, 'orders', 1, { emails: [] });
    const before = await events();
    await expect(mail()).rejects.toMatchObject({
      code: 'no_mail_address',
      hint: expect.stringContaining('orders'),
    });
    expect(world.mails).toEqual([]);
    expect(await events()).toEqual(before);
  });
});

describe('authenticateClient', () => {
  it('locks the client at its limit, and then refuses before it looks at the secret', async () => {
    await changePassword(services, ACTOR, 'orders', 'right password');
    for (let i = 1; i <= 3; i += 1) expect(await authenticate(`wrong ${i}`)).toBe('wrong_secret');
    const { compares } = world.bcrypt;
    expect(await authenticate('right password')).toBe('client_locked');
    expect(await authenticate(generated)).toBe('client_locked');
    expect(world.bcrypt.compares).toBe(compares);
    expect((await stored()).lock).toMatchObject({ failedLogins: 3, lockedAt: NOW });
    expect((await stored()).lock.failures[0]).toEqual({ at: NOW, address: '192.0.2.1' });
  });

  it('clears the count with a success', async () => {
    await authenticate('wrong 1');
    await authenticate('wrong 2');
    expect(await authenticate(generated)).toBeNull();
    await authenticate('wrong 3');
    await authenticate('wrong 4');
    expect((await stored()).lock).toMatchObject({ failedLogins: 2, lockedAt: null });
  });

  it('never counts a failure from outside the bindings', async () => {
    const ipBindings = [{ hostName: '', address: '192.0.2.0/24' }];
    await updateClient(services, ACTOR, 'orders', 1, { ipBindings });
    for (const address of ['198.51.100.1', null, '2001:db8::1']) {
      for (let i = 0; i < 4; i += 1)
        expect(await authenticate('wrong', address)).toBe('ip_not_allowed');
      expect(await authenticate(generated, address)).toBe('ip_not_allowed');
    }
    expect((await stored()).lock).toMatchObject({ failedLogins: 0, lockedAt: null });
    expect(await authenticate(generated, '192.0.2.200')).toBeNull();
  });

  it('forgets a verified password the moment it is retired', async () => {
    const { client } = await add({ value: 'chosen secret' });
    expect(await authenticate('chosen secret')).toBeNull();
    await retireSecret(services, ACTOR, 'orders', client.secrets[1]?.secretId ?? '');
    expect(await authenticate('chosen secret')).toBe('wrong_secret');
  });

  it('notes when and from where a secret was last used', async () => {
    await authenticate(generated, '192.0.2.77');
    await services.lastUses.flush();
    const subject = `secret:${secretId}`;
    const uses = await services.stores.lastUses.find([subject]);
    expect(uses.get(subject)).toEqual({ subject, at: NOW, address: '192.0.2.77' });
  });
});
