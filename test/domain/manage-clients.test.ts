import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { updateApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { CLIENT_DEFAULTS, clientSettings } from '../../src/domain/clients/client.ts';
import { clientPatch, newClient } from '../../src/domain/clients/client-input.ts';
import { clientState } from '../../src/domain/clients/client-state.ts';
import {
  copyClient,
  createClient,
  deleteClient,
  findClient,
  unlockClient,
  updateClient,
} from '../../src/domain/clients/manage-clients.ts';
import { firstRefusal } from '../../src/domain/decision/checks.ts';
import type { Services } from '../../src/domain/services.ts';
import { createUser, deleteUser } from '../../src/domain/users/manage-users.ts';
import { parse } from '../../src/domain/validation.ts';
import {
  ACTOR,
  accessTokenOf,
  clientOf,
  fromNow,
  insertGroups,
  NOW,
  openWorld,
  problemsOf,
  type World,
} from './support.ts';

let world: World;
let services: Services;
beforeEach(async () => {
  world = await openWorld();
  services = world.services;
  await insertGroups(services);
});
afterEach(() => world.close());

const SMALL = { clientName: 'orders', displayName: 'Orders', note: 'nightly' };
const create = (input: object = {}, options = {}) =>
  createClient(services, ACTOR, parse(newClient, { ...SMALL, ...input }), options);
const update = (clientId: string, version: number, patch: object, options = {}) =>
  updateClient(services, ACTOR, clientId, version, parse(clientPatch, patch), options);
const eventsAbout = async (objectId: string) =>
  (await services.stores.audit.list({ filter: { objectId }, limit: 100 })).items;
const position = async () => (await services.stores.changes.since(0))?.position ?? 0;

/** Runs a dry run, and sees to it that nothing was written. */
async function nothingChanges<T>(work: () => Promise<T>): Promise<T> {
  const before = [await position(), (await services.stores.audit.list({ limit: 1 })).total];
  const result = await work();
  expect([await position(), (await services.stores.audit.list({ limit: 1 })).total]).toEqual(
    before,
  );
  return result;
}

describe('createClient', () => {
  it('fills in every default, a random id and a generated secret', async () => {
    const { client, secret } = await create();
    expect(client).toMatchObject({ ...CLIENT_DEFAULTS, ...SMALL, version: 1, createdAt: NOW });
    expect(client.clientId).toMatch(/^[\w-]{16}$/);
    expect(client.clientId).not.toContain('orders');
    expect(secret?.value).toMatch(/^tgs_[\w-]{43}$/);
    expect(client.secrets).toMatchObject([
      { secretId: secret?.id, kind: 'generated', label: 'first secret', expiresAt: null },
    ]);
    expect(await findClient(services, client.clientId)).toEqual(client);
    expect(world.bcrypt.hashes).toBe(0);
  });

  it('keeps 0 where 0 was sent', async () => {
    const zeros = { tps: 0, priority: 0, apiQuota: { calls: 0, period: 'total' } };
    expect((await create(zeros)).client).toMatchObject(zeros);
  });

  it('hashes a chosen password and answers none', async () => {
    const { client, secret } = await create({ password: 'correct horse' });
    expect(secret).toBeNull();
    expect(client.secrets[0]).toMatchObject({ kind: 'password', label: 'password' });
    expect(JSON.stringify(await findClient(services, client.clientId))).not.toContain(
      'correct horse',
    );
  });

  it('writes an audit event that tells every field and no secret', async () => {
    const { client, secret } = await create({ clientId: 'orders-1', tps: 3 });
    const [event] = await eventsAbout('orders-1');
    expect(event).toMatchObject({ action: 'client.create', actor: ACTOR, at: NOW });
    expect(event?.changes).toContainEqual({ field: 'tps', before: null, after: 3 });
    expect(event?.changes).toContainEqual({ field: 'secrets', before: null, after: 'changed' });
    const told = JSON.stringify(event);
    expect(told).not.toContain(secret?.value);
    expect(told).not.toContain(client.secrets[0]?.hash);
  });

  it.each([
    ['an unknown level', { securityLevel: 'Z' }, ['securityLevel unknown']],
    ['an unknown group', { apiGroups: ['plain', 'nope'] }, ['apiGroups.1 unknown']],
    ['an unknown scope', { apiScopes: ['plain'] }, ['apiScopes.0 unknown']],
    ['an unknown served group', { servedApiGroups: ['nope'] }, ['servedApiGroups.0 unknown']],
    ['a group above its level', { apiGroups: ['level-b'] }, ['apiGroups.0 level_too_low']],
    ['a scope above its level', { apiScopes: ['secret-profile'] }, ['apiScopes.0 level_too_low']],
    ['a group of another audience', { apiGroups: ['outside'] }, ['apiGroups.0 audience_mismatch']],
    [
      'an end before the start',
      { startsAt: '2027-01-02T00:00:00Z', expiresAt: '2027-01-01T00:00:00Z' },
      ['expiresAt before_start'],
    ],
    [
      'an end at the start',
      { startsAt: '2027-01-01T00:00:00Z', expiresAt: '2027-01-01T00:00:00Z' },
      ['expiresAt before_start'],
    ],
    [
      'all of it',
      { securityLevel: 'Z', apiGroups: ['nope'], apiScopes: ['nope'] },
      ['securityLevel unknown', 'apiGroups.0 unknown', 'apiScopes.0 unknown'],
    ],
  ])('refuses %s', async (_, input, problems) => {
    const found = await nothingChanges(() => problemsOf(() => create(input)));
    expect(found.sort()).toEqual(problems.toSorted());
  });

  it('lets a resource server serve groups of any level and audience', async () => {
    const served = { kind: 'resource_server', servedApiGroups: ['level-a', 'outside'] };
    expect((await create(served)).client).toMatchObject(served);
  });

  it.each([
    ['clientId', { clientId: 'taken', clientName: 'x', displayName: 'x' }],
    ['clientName', { clientName: 'ORDERS', displayName: 'x' }],
    ['displayName', { clientName: 'x' }],
  ])('refuses a %s that is taken', async (field, input) => {
    await create({ clientId: 'taken' });
    const taken = { code: 'conflict', problems: [{ field, code: 'taken' }] };
    await expect(create(input)).rejects.toMatchObject(taken);
    await nothingChanges(() =>
      expect(create(input, { dryRun: true })).rejects.toMatchObject(taken),
    );
  });

  it('never gives the id of a deleted client again', async () => {
    await create({ clientId: 'gone' });
    await deleteClient(services, ACTOR, 'gone');
    await expect(create({ clientId: 'gone' })).rejects.toMatchObject({
      problems: [{ field: 'clientId' }],
    });
  });

  it('changes nothing on a dry run, and answers no secret', async () => {
    const { client, secret } = await nothingChanges(() =>
      create({ clientId: 'dry' }, { dryRun: true }),
    );
    expect([client.clientId, secret]).toEqual(['dry', null]);
    expect(await services.stores.clients.find('dry')).toBeNull();
    expect(await problemsOf(() => create({ apiGroups: ['nope'] }, { dryRun: true }))).toHaveLength(
      1,
    );
  });
});

describe('updateClient', () => {
  const FULL = {
    clientId: 'orders',
    tps: 25,
    apiQuota: { calls: 500, period: 'month' },
    accessToken: { lifetimeSeconds: 60, maxUses: 100 },
    expiresAt: '2028-01-01T00:00:00Z',
    emails: ['ops@partner.example'],
    description: 'text',
    serviceHours: { timeZone: 'UTC', windows: [{ days: ['mon'], from: '09:00', to: '17:00' }] },
  };

  it('keeps what is not named, in nested objects too', async () => {
    await create(FULL);
    const { client } = await update('orders', 1, {
      accessToken: { lifetimeSeconds: 90 },
      note: 'weekly',
    });
    expect(client.accessToken).toEqual({ lifetimeSeconds: 90, maxUses: 100 });
    expect(client).toMatchObject({ tps: 25, apiQuota: FULL.apiQuota, note: 'weekly', version: 2 });
    expect(await findClient(services, 'orders')).toEqual(client);
  });

  it('never turns a blank into 0', async () => {
    await create(FULL);
    const blank = { apiQuota: {}, accessToken: {} };
    expect((await update('orders', 1, blank)).client).toMatchObject({
      version: 1,
      apiQuota: FULL.apiQuota,
    });
    for (const patch of [
      { tps: '' },
      { apiQuota: { calls: '' } },
      { accessToken: { maxUses: ' ' } },
    ]) {
      expect(await problemsOf(() => update('orders', 1, patch))).toHaveLength(1);
    }
    expect(await findClient(services, 'orders')).toMatchObject({ version: 1, tps: 25 });
  });

  it('takes 0 when 0 is sent', async () => {
    await create(FULL);
    const zeros = { tps: 0, apiQuota: { calls: 0 }, accessToken: { maxUses: 0 } };
    const { client } = await update('orders', 1, zeros);
    expect(client).toMatchObject({
      tps: 0,
      apiQuota: { calls: 0, period: 'month' },
      accessToken: { lifetimeSeconds: 60, maxUses: 0 },
    });
  });

  it('gives the default for null, and refuses null where there is none', async () => {
    await create(FULL);
    const nulls = Object.fromEntries(Object.keys(CLIENT_DEFAULTS).map((field) => [field, null]));
    const { client } = await update('orders', 1, nulls);
    expect(client).toMatchObject(CLIENT_DEFAULTS);
    const required = { clientName: null, displayName: null, note: null };
    expect(await problemsOf(() => update('orders', 2, required))).toHaveLength(3);
    await expect(update('orders', 2, required)).rejects.toMatchObject({
      message: expect.stringContaining('note: is required'),
    });
  });

  it('gives the default for a null inside, and keeps what stands beside it', async () => {
    await create(FULL);
    const { client } = await update('orders', 1, { accessToken: { lifetimeSeconds: null } });
    expect(client.accessToken).toEqual({ lifetimeSeconds: 3600, maxUses: 100 });
  });

  it('replaces lists and service hours whole', async () => {
    await create(FULL);
    const serviceHours = {
      timeZone: 'Asia/Taipei',
      windows: [{ days: ['sun'], from: '00:00', to: '24:00' }],
    };
    const { client } = await update('orders', 1, { emails: [], serviceHours });
    expect(client).toMatchObject({ emails: [], serviceHours });
  });

  it('writes nothing when nothing differs', async () => {
    await create(FULL);
    const { client } = await nothingChanges(() =>
      update('orders', 1, { tps: 25, note: 'nightly' }),
    );
    expect(client.version).toBe(1);
  });

  it('writes down field by field what was and what is', async () => {
    await create(FULL);
    await update('orders', 1, { tps: 26, expiresAt: null });
    const [event] = await eventsAbout('orders');
    expect(event?.action).toBe('client.update');
    expect(event?.changes.sort((a, b) => a.field.localeCompare(b.field))).toEqual([
      { field: 'expiresAt', before: new Date('2028-01-01T00:00:00Z'), after: null },
      { field: 'tps', before: 25, after: 26 },
    ]);
  });

  it('refuses a stale version and answers the client as it is', async () => {
    await create(FULL);
    await update('orders', 1, { tps: 1 });
    for (const version of [1, 3]) {
      await expect(update('orders', version, { tps: 2 })).rejects.toMatchObject({
        code: 'version_conflict',
        current: { version: 2, tps: 1 },
      });
    }
  });

  it('lets one of two changes of the same version win', async () => {
    await create(FULL);
    const both = await Promise.allSettled([
      update('orders', 1, { tps: 1 }),
      update('orders', 1, { tps: 2 }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await findClient(services, 'orders')).version).toBe(2);
  });

  it('refuses what contradicts a field that stays', async () => {
    await create(FULL);
    expect(
      await problemsOf(() => update('orders', 1, { startsAt: '2029-01-01T00:00:00Z' })),
    ).toEqual(['expiresAt before_start']);
    await expect(update('none', 1, {})).rejects.toMatchObject({ code: 'not_found' });
  });

  it('leaves the lock and the secrets alone', async () => {
    await create(FULL);
    await services.stores.clients.recordFailedLogin('orders', { at: NOW, address: null }, 1);
    const before = await findClient(services, 'orders');
    await update('orders', 1, { tps: 1 });
    expect(await findClient(services, 'orders')).toMatchObject({
      lock: before.lock,
      secrets: before.secrets,
    });
  });
});

describe('a lower level', () => {
  const HIGH = {
    clientId: 'orders',
    securityLevel: 'A',
    apiGroups: ['plain', 'level-b', 'level-a'],
    apiScopes: ['profile', 'secret-profile'],
  };

  it('takes away what it does not allow, in the same step, and says what', async () => {
    await create(HIGH);
    const { client, removed } = await update('orders', 1, { securityLevel: 'B' });
    expect(removed).toEqual({ apiGroups: ['level-a'], apiScopes: ['secret-profile'] });
    expect(client).toMatchObject({
      version: 2,
      apiGroups: ['plain', 'level-b'],
      apiScopes: ['profile'],
    });
    const [event] = await eventsAbout('orders');
    expect(event?.changes.map(({ field }) => field).sort()).toEqual([
      'apiGroups',
      'apiScopes',
      'securityLevel',
    ]);
  });

  it('says so first on a dry run, and changes nothing', async () => {
    await create(HIGH);
    const { removed } = await nothingChanges(() =>
      update('orders', 1, { securityLevel: 'SYSTEM' }, { dryRun: true }),
    );
    expect(removed).toEqual({ apiGroups: ['level-b', 'level-a'], apiScopes: ['secret-profile'] });
    expect((await findClient(services, 'orders')).securityLevel).toBe('A');
  });

  it('refuses what the same patch asks for and may not have', async () => {
    await create(HIGH);
    const patch = { securityLevel: 'B', apiGroups: ['level-a', 'plain'] };
    expect(await problemsOf(() => update('orders', 1, patch))).toEqual([
      'apiGroups.0 level_too_low',
    ]);
  });

  it('is like another audience in that', async () => {
    await create({ ...HIGH, apiGroups: ['plain', 'inside'], audience: 'both' });
    const { client, removed } = await update('orders', 1, { audience: 'external' });
    expect(removed.apiGroups).toEqual(['inside']);
    expect(client.apiGroups).toEqual(['plain']);
  });

  it('never removes anything when the level rises', async () => {
    await create({ ...HIGH, securityLevel: 'B', apiGroups: ['level-b'], apiScopes: [] });
    const { removed } = await update('orders', 1, { securityLevel: 'A' });
    expect(removed).toEqual({ apiGroups: [], apiScopes: [] });
  });
});

describe('a group that was raised above a client that holds it', () => {
  beforeEach(async () => {
    const held = { apiGroups: ['plain', 'level-b', 'inside'], apiScopes: ['profile'] };
    await create({ clientId: 'orders', securityLevel: 'B', ...held });
    for (const [name, change] of [
      ['level-b', { securityLevel: 'A' }],
      ['inside', { audience: 'external' }],
    ] as const) {
      const patch = { id: name, version: 1, patch: change };
      await updateApiGroup(services, ACTOR, patch);
    }
  });

  it('refuses no patch that does not name it, and is dropped', async () => {
    const { client, removed } = await update('orders', 1, { status: 'disabled' });
    expect(removed).toEqual({ apiGroups: ['level-b', 'inside'], apiScopes: [] });
    expect(client).toMatchObject({ version: 2, status: 'disabled', apiGroups: ['plain'] });
    const [event] = await eventsAbout('orders');
    expect(event?.changes.map(({ field }) => field).sort()).toEqual(['apiGroups', 'status']);
  });

  it('refuses no patch that names the scopes only', async () => {
    const { client } = await update('orders', 1, { apiScopes: [] });
    expect(client).toMatchObject({ apiGroups: ['plain'], apiScopes: [] });
  });

  it('refuses a patch that names it', async () => {
    const patch = { apiGroups: ['plain', 'level-b'] };
    expect(await problemsOf(() => update('orders', 1, patch))).toEqual([
      'apiGroups.1 level_too_low',
    ]);
  });
});

describe('service hours without a time zone', () => {
  const windows = [{ days: ['mon' as const], from: '09:00', to: '17:00' }];
  const zoneOf = async () => (await findClient(services, 'orders')).serviceHours?.timeZone;
  beforeEach(() => {
    services = { ...services, timeZone: 'Asia/Taipei' };
  });

  it('are in the configured zone, at creation and in a patch', async () => {
    await create({ clientId: 'orders', serviceHours: { windows } });
    expect(await zoneOf()).toBe('Asia/Taipei');
    await update('orders', 1, { serviceHours: null });
    await update('orders', 2, { serviceHours: { windows } });
    expect(await zoneOf()).toBe('Asia/Taipei');
  });

  it('keep the zone that they had, and lose it to null', async () => {
    await create({ clientId: 'orders', serviceHours: { timeZone: 'Europe/Paris', windows } });
    await update('orders', 1, { serviceHours: { windows: [{ ...windows[0], to: '18:00' }] } });
    expect(await zoneOf()).toBe('Europe/Paris');
    await update('orders', 2, { serviceHours: { timeZone: null, windows } });
    expect(await zoneOf()).toBe('Asia/Taipei');
  });
});

describe('copyClient', () => {
  const BY = { actor: ACTOR, role: 'operator' } as const;

  it('copies the settings, and neither names, secrets, lock nor version', async () => {
    await create({
      clientId: 'orders',
      tps: 7,
      expiresAt: '2028-01-01T00:00:00Z',
      apiGroups: ['plain'],
    });
    await update('orders', 1, { priority: 1 });
    await services.stores.clients.recordFailedLogin('orders', { at: NOW, address: null }, 1);
    const names = { clientName: 'copy', displayName: 'Copy' };
    const { client, secret } = await copyClient(services, BY, 'orders', names);
    const source = await findClient(services, 'orders');
    for (const field of Object.keys(clientSettings.shape) as (keyof typeof source)[]) {
      if (!(field in names)) expect([field, client[field]]).toEqual([field, source[field]]);
    }
    expect(client).toMatchObject({
      ...names,
      version: 1,
      lock: { failedLogins: 0, lockedAt: null },
    });
    expect(client.clientId).not.toBe('orders');
    expect(client.secrets.map((s) => s.hash)).not.toEqual(source.secrets.map((s) => s.hash));
    expect(secret?.value).toMatch(/^tgs_/);
  });

  it('refuses the names of the source, and a source that is not there', async () => {
    await create({ clientId: 'orders' });
    await expect(copyClient(services, BY, 'orders', SMALL)).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(copyClient(services, BY, 'none', SMALL)).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('deleteClient', () => {
  it('says what dies, removes it, and keeps the history', async () => {
    await create({ clientId: 'orders' });
    const token = accessTokenOf();
    await services.stores.tokens.issue(token, null);
    const dying = await nothingChanges(() =>
      deleteClient(services, ACTOR, 'orders', { dryRun: true }),
    );
    expect(dying).toEqual({ liveTokens: 1, secrets: 1, apiKeys: 0 });
    expect(await deleteClient(services, ACTOR, 'orders', { version: 1 })).toEqual(dying);
    expect(await services.stores.clients.find('orders')).toBeNull();
    expect((await services.stores.tokens.findAccess(token.tokenId))?.revokedAt).toEqual(NOW);
    expect((await eventsAbout('orders')).map(({ action }) => action)).toEqual([
      'client.delete',
      'client.create',
    ]);
    await expect(deleteClient(services, ACTOR, 'orders')).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('refuses a stale version', async () => {
    await create({ clientId: 'orders' });
    await expect(deleteClient(services, ACTOR, 'orders', { version: 2 })).rejects.toMatchObject({
      code: 'version_conflict',
    });
    expect(await services.stores.clients.find('orders')).not.toBeNull();
  });
});

describe('unlockClient', () => {
  it('clears lock and count, keeps the failures, and is audited', async () => {
    await create({ clientId: 'orders' });
    const failure = { at: NOW, address: '192.0.2.9' };
    await services.stores.clients.recordFailedLogin('orders', failure, 1);
    const client = await unlockClient(services, ACTOR, 'orders');
    expect(client.lock).toEqual({ failedLogins: 0, lockedAt: null, failures: [failure] });
    expect((await eventsAbout('orders'))[0]).toMatchObject({
      action: 'client.unlock',
      actor: ACTOR,
    });
    await expect(unlockClient(services, ACTOR, 'none')).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('the allowlist of a client', () => {
  it('lets nobody in once its last user is deleted', async () => {
    const person = (userName: string) =>
      createUser(services, ACTOR, { userName, password: 'correct horse' });
    const [listed, stranger] = [await person('listed'), await person('stranger')];
    await create({ clientId: 'orders', userAllowlist: [listed.userId] });
    await deleteUser(services, ACTOR, listed.userId);
    await services.directory.sync();
    const client = await services.directory.client('orders');
    const facts = {
      place: 'token',
      credential: { kind: 'client_secret' },
      now: NOW,
      address: null,
    } as const;
    const catalog = await services.directory.catalog();
    const asUser = (userId: string, user: typeof stranger | null) =>
      firstRefusal({ ...facts, client, catalog, userId, user })?.reason;
    expect(asUser(stranger.userId, stranger)).toBe('user_not_allowed');
    expect(asUser(listed.userId, null)).toBe('user_disabled');
  });
});

describe('clientState', () => {
  const locked = { failedLogins: 3, lockedAt: fromNow(-5), failures: [] };
  const closed = {
    timeZone: 'UTC',
    windows: [{ days: ['mon' as const], from: '09:00', to: '17:00' }],
  };
  it.each([
    [{}, 'enabled', null],
    [{ status: 'disabled' as const, lock: locked }, 'disabled', null],
    [{ lock: locked, startsAt: fromNow(5) }, 'locked', fromNow(-5)],
    [{ startsAt: fromNow(5), serviceHours: closed }, 'not_started', null],
    [{ startsAt: NOW }, 'enabled', null],
    [{ expiresAt: NOW, serviceHours: closed }, 'expired', NOW],
    [{ expiresAt: fromNow(1) }, 'enabled', null],
    [{ serviceHours: closed }, 'outside_service_hours', null],
  ])('of %j is %s', (changes, status, since) => {
    const state = clientState(clientOf(changes), NOW);
    expect(state).toMatchObject({ status, since });
    expect(state.cause === null).toBe(status === 'enabled');
  });
});
