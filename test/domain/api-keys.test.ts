import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSqliteStores } from '../../adapters/sqlite/index.ts';
import { type ApiKey, apiKeyStatus } from '../../src/domain/api-keys/api-key.ts';
import { apiKeyPatch, newApiKey } from '../../src/domain/api-keys/api-key-input.ts';
import { isIntactApiKey, newApiKeyValue } from '../../src/domain/api-keys/api-key-value.ts';
import {
  createApiKey,
  deleteApiKey,
  findApiKey,
  findKeyByValue,
  type IssuedApiKey,
  listApiKeys,
  rotateApiKey,
  updateApiKey,
} from '../../src/domain/api-keys/manage-api-keys.ts';
import type { Client } from '../../src/domain/clients/client.ts';
import { deleteClient, updateClient } from '../../src/domain/clients/manage-clients.ts';
import { Directory } from '../../src/domain/directory.ts';
import { SecretKeys } from '../../src/domain/secrets/secret-keys.ts';
import type { Services } from '../../src/domain/services.ts';
import { parse } from '../../src/domain/validation.ts';
import {
  ACTOR,
  clientOf,
  fromNow,
  insertGroups,
  keyOf,
  NOW,
  openWorld,
  problemsOf,
  type World,
} from './support.ts';

const DAY = 86_400;

let world: World;
let services: Services;
beforeEach(async () => {
  world = await openWorld();
  services = world.services;
  await insertGroups(services);
  await insertClient(services, {});
});
afterEach(() => world.close());

async function insertClient({ stores }: Services, changes: Partial<Client>): Promise<void> {
  const emails = ['ops@partner.example', 'dev@partner.example'];
  const client = clientOf({ apiGroups: ['plain', 'inside'], emails, ...changes });
  await stores.clients.insert(client, {
    eventId: `event-${client.clientId}`,
    at: NOW,
    actor: ACTOR,
    action: 'client.create',
    object: { kind: 'client', id: client.clientId },
    changes: [],
  });
}

const INPUT = { alias: 'Warehouse', expiresAt: fromNow(30 * DAY), apiGroups: ['plain', 'inside'] };

type Input = Parameters<typeof createApiKey>[3];

const create = (input: Partial<Input> = {}, dryRun = false) =>
  createApiKey(services, ACTOR, 'orders', { ...INPUT, ...input }, { dryRun });

const change = (
  { apiKeyId: id, version }: ApiKey,
  patch: Record<string, unknown>,
  dryRun = false,
) => updateApiKey(services, ACTOR, 'orders', { id, version, patch }, { dryRun });

/** What a request that presents the value now would see. */
async function present({ value }: Pick<IssuedApiKey, 'value'>, to: Services = services) {
  await to.directory.sync();
  return findKeyByValue(to, value ?? '');
}

async function events() {
  const { items } = await services.stores.audit.list({
    filter: { objectKind: 'api_key' },
    limit: 100,
  });
  return items;
}

describe('the value of a key', () => {
  it('is a prefix, 256 random bits and the CRC-32 of both in base 62', () => {
    const values = Array.from({ length: 200 }, newApiKeyValue);
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    for (const value of values) {
      expect(value).toMatch(/^tgk_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}$/);
      const read = [...value.slice(47)].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0);
      expect(read).toBe(crc32(value.slice(0, 47)));
      expect(isIntactApiKey(value)).toBe(true);
    }
    expect(new Set(values).size).toBe(values.length);
  });

  it('is intact only as a whole, whichever character differs', () => {
    const value = newApiKeyValue();
    for (let at = 0; at < value.length; at += 1) {
      const other = value[at] === 'A' ? 'B' : 'A';
      expect(isIntactApiKey(value.slice(0, at) + other + value.slice(at + 1))).toBe(false);
    }
    const others = ['', value.slice(0, -1), `${value}0`, ` ${value}`, `${value}\n`, value.slice(4)];
    for (const other of others) expect(isIntactApiKey(other)).toBe(false);
  });
});

describe('createApiKey', () => {
  it('answers the value once and stores its digest and last four characters', async () => {
    const { apiKey, value } = await create();
    expect(apiKey).toEqual({
      ...INPUT,
      apiKeyId: expect.any(String),
      clientId: 'orders',
      startsAt: null,
      status: 'enabled',
      current: { digest: services.keys.digest('api_key', value ?? ''), lastFour: value?.slice(-4) },
      previous: null,
      ...{ version: 1, createdAt: NOW, updatedAt: NOW },
    });
    expect(await findApiKey(services, apiKey.apiKeyId, 'orders')).toEqual(apiKey);
  });

  it.each([
    [
      'a group that the client does not hold',
      { apiGroups: ['plain', 'outside'] },
      'apiGroups.1 not_held',
    ],
    ['a group that does not exist', { apiGroups: ['none'] }, 'apiGroups.0 not_held'],
    ['an end that has passed', { expiresAt: NOW }, 'expiresAt in_the_past'],
    ['an end at the start', { startsAt: fromNow(30 * DAY) }, 'expiresAt before_start'],
  ])('refuses %s', async (_, input, problem) => {
    expect(await problemsOf(() => create(input))).toEqual([problem]);
    expect(await problemsOf(() => create(input, true))).toEqual([problem]);
    expect(await events()).toEqual([]);
    expect(world.mails).toEqual([]);
  });

  it('names every problem at once', async () => {
    const input = { apiGroups: ['x', 'y'], startsAt: NOW, expiresAt: fromNow(-1) };
    expect(await problemsOf(() => create(input))).toEqual([
      'apiGroups.0 not_held',
      'apiGroups.1 not_held',
      'expiresAt before_start',
      'expiresAt in_the_past',
    ]);
  });

  it.each([
    ['no group', { apiGroups: [] }, 'apiGroups custom'],
    ['a group twice', { apiGroups: ['plain', 'plain'] }, 'apiGroups custom'],
    ['a blank alias', { alias: ' ' }, 'alias custom'],
    ['a long alias', { alias: 'x'.repeat(101) }, 'alias custom'],
    ['no end', { expiresAt: undefined }, 'expiresAt required'],
    ['a digest', { digest: 'x' }, 'digest unknown_field'],
  ])('takes no input with %s', async (_, input, problem) => {
    const body = { ...INPUT, expiresAt: INPUT.expiresAt.toISOString(), ...input };
    expect(await problemsOf(() => parse(newApiKey, body))).toEqual([problem]);
  });

  it('refuses an alias that the client has already, without regard to case', async () => {
    await create();
    for (const dryRun of [true, false]) {
      const again = create({ alias: 'wareHOUSE' }, dryRun);
      await expect(again).rejects.toMatchObject({
        code: 'conflict',
        problems: [{ field: 'alias' }],
      });
    }
    await insertClient(services, { clientId: 'other', clientName: 'other', displayName: 'Other' });
    const foreign = await createApiKey(services, ACTOR, 'other', INPUT);
    expect(foreign.apiKey.alias).toBe('Warehouse');
  });

  it('refuses an unknown client', async () => {
    const unknown = createApiKey(services, ACTOR, 'nobody', INPUT);
    await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
  });

  it('stores, tells and answers nothing on a dry run', async () => {
    const { apiKey, value } = await create({}, true);
    expect(value).toBeNull();
    expect(await services.stores.apiKeys.find(apiKey.apiKeyId)).toBeNull();
    expect(await events()).toEqual([]);
    expect(world.mails).toEqual([]);
  });
});

describe('mails about a key', () => {
  it('go to every address of the client, without the value', async () => {
    const made = await create();
    const rotated = await rotateApiKey(services, ACTOR, made.apiKey, { graceSeconds: 60 });
    const common = {
      to: ['ops@partner.example', 'dev@partner.example'],
      object: { kind: 'api_key', id: `orders/${made.apiKey.apiKeyId}` },
    };
    const { alias, expiresAt, apiGroups } = INPUT;
    const told = {
      ...{ clientId: 'orders', displayName: 'Orders batch', by: 'an admin (id admin-1)' },
      ...{ timeZone: 'UTC', alias, startsAt: null, expiresAt, apiGroups },
    };
    const lastFour = (issued: IssuedApiKey) => ({ lastFour: issued.value?.slice(-4) });
    const previousUntil = fromNow(60);
    expect(world.mails).toEqual([
      { ...common, template: 'api-key-created', locals: { ...told, ...lastFour(made) } },
      {
        ...common,
        template: 'api-key-rotated',
        locals: { ...told, ...lastFour(rotated), previousUntil },
      },
    ]);
    expect(JSON.stringify(world.mails)).not.toContain('tgk_');
  });

  it('are not sent to a client without addresses', async () => {
    await updateClient(services, ACTOR, 'orders', 1, { emails: [] });
    await create();
    expect(world.mails).toEqual([]);
  });
});

describe('updateApiKey', () => {
  it('changes what the patch names and holds for the next request', async () => {
    const made = await create();
    expect((await present(made))?.apiKey.status).toBe('enabled');
    const changed = await change(made.apiKey, { status: 'disabled', apiGroups: ['inside'] });
    expect(changed).toEqual({
      ...made.apiKey,
      ...{ status: 'disabled', apiGroups: ['inside'], version: 2 },
    });
    expect((await present(made))?.apiKey).toEqual(changed);
    expect((await change(changed, { status: null })).status).toBe('enabled');
  });

  it('refuses what creation refuses', async () => {
    const { apiKey } = await create();
    const bad: [Record<string, unknown>, string][] = [
      [{ apiGroups: ['plain', 'outside'] }, 'apiGroups.1 not_held'],
      [{ apiGroups: [] }, 'apiGroups required'],
      [{ expiresAt: NOW }, 'expiresAt in_the_past'],
      [{ expiresAt: null }, 'expiresAt required'],
      [{ startsAt: fromNow(31 * DAY) }, 'expiresAt before_start'],
    ];
    for (const [patch, problem] of bad) {
      expect(await problemsOf(() => change(apiKey, patch))).toEqual([problem]);
      expect(await problemsOf(() => change(apiKey, patch, true))).toEqual([problem]);
    }
    expect(await problemsOf(() => parse(apiKeyPatch, { apiGroups: [] }))).toHaveLength(1);
    expect(await findApiKey(services, apiKey.apiKeyId)).toEqual(apiKey);
  });

  it('lets a key be disabled after it has expired or lost its last group', async () => {
    const { apiKey } = await create({ apiGroups: ['inside'] });
    await updateClient(services, ACTOR, 'orders', 1, { apiGroups: ['plain'] });
    world.pass(31 * DAY);
    const left = await findApiKey(services, apiKey.apiKeyId);
    expect(left).toEqual({ ...apiKey, apiGroups: [], version: 2 });
    expect((await change(left, { status: 'disabled' })).status).toBe('disabled');
  });

  it('refuses a stale version, and a key of another client', async () => {
    const { apiKey } = await create();
    const current = await change(apiKey, { alias: 'Dock' });
    const stale = change(apiKey, { alias: 'Ramp' });
    await expect(stale).rejects.toMatchObject({ code: 'version_conflict', current });
    await insertClient(services, { clientId: 'other', clientName: 'other', displayName: 'Other' });
    const update = { id: apiKey.apiKeyId, version: 2, patch: { alias: 'Ramp' } };
    const foreign = updateApiKey(services, ACTOR, 'other', update);
    await expect(foreign).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('rotateApiKey', () => {
  it('ends the old value at once by default', async () => {
    const made = await create();
    expect(await present(made)).not.toBeNull();
    const rotated = await rotateApiKey(services, ACTOR, made.apiKey);
    expect(rotated.apiKey).toMatchObject({ previous: null, version: 2 });
    expect(await present(made)).toBeNull();
    expect(await present(rotated)).toEqual({
      apiKey: rotated.apiKey,
      expiresAt: made.apiKey.expiresAt,
    });
  });

  it('keeps the old value, and only that one, for the grace period', async () => {
    const first = await create();
    const second = await rotateApiKey(services, ACTOR, first.apiKey, { graceSeconds: 600 });
    const { apiKey } = second;
    expect(await present(first)).toEqual({ apiKey, expiresAt: fromNow(600) });
    expect(await present(second)).toEqual({ apiKey, expiresAt: apiKey.expiresAt });
    const third = await rotateApiKey(services, ACTOR, apiKey, { graceSeconds: 60 });
    expect(await present(first)).toBeNull();
    expect(await present(second)).toEqual({ apiKey: third.apiKey, expiresAt: fromNow(60) });
  });

  it('lets no old value outlive its key', async () => {
    const first = await create({ expiresAt: fromNow(60) });
    const { apiKey } = await rotateApiKey(services, ACTOR, first.apiKey, { graceSeconds: 600 });
    expect(await present(first)).toEqual({ apiKey, expiresAt: fromNow(60) });
  });

  it('refuses a stale version, and one of two at once: its value would be dead on arrival', async () => {
    const { apiKey } = await create();
    const stale = rotateApiKey(services, ACTOR, apiKey, { version: 9 });
    await expect(stale).rejects.toMatchObject({ code: 'version_conflict', current: apiKey });
    const rotations = [1, 2].map(() => rotateApiKey(services, ACTOR, apiKey));
    const results = await Promise.allSettled(rotations);
    const done = results.filter((result) => result.status === 'fulfilled');
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toMatchObject([{ reason: { code: 'version_conflict' } }]);
    expect(done).toHaveLength(1);
    for (const { value } of done) expect(await present(value)).not.toBeNull();
  });

  it('changes, tells and answers nothing on a dry run', async () => {
    const made = await create();
    const options = { graceSeconds: 60, dryRun: true };
    const { apiKey, value } = await rotateApiKey(services, ACTOR, made.apiKey, options);
    expect(value).toBeNull();
    expect(apiKey).toMatchObject({ version: 2, previous: { expiresAt: fromNow(60) } });
    expect(await findApiKey(services, apiKey.apiKeyId)).toEqual(made.apiKey);
    expect(world.mails).toHaveLength(1);
  });
});

describe('deleteApiKey and deleteClient', () => {
  it('end every value now', async () => {
    const first = await create();
    const second = await rotateApiKey(services, ACTOR, first.apiKey, { graceSeconds: 60 });
    const other = await create({ alias: 'Dock' });
    for (const issued of [first, second, other]) expect(await present(issued)).not.toBeNull();
    await deleteApiKey(services, ACTOR, first.apiKey);
    expect(await present(first)).toBeNull();
    expect(await present(second)).toBeNull();
    expect(await present(other)).not.toBeNull();
    const again = deleteApiKey(services, ACTOR, first.apiKey);
    await expect(again).rejects.toMatchObject({ code: 'not_found' });
    expect(await deleteClient(services, ACTOR, 'orders', { dryRun: true })).toMatchObject({
      apiKeys: 1,
    });
    expect(await deleteClient(services, ACTOR, 'orders')).toMatchObject({ apiKeys: 1 });
    expect(await present(other)).toBeNull();
  });

  it('refuse another version, and leave the key on a dry run', async () => {
    const { apiKey } = await create();
    const stale = deleteApiKey(services, ACTOR, apiKey, { version: 2 });
    await expect(stale).rejects.toMatchObject({ code: 'version_conflict', current: apiKey });
    await deleteApiKey(services, ACTOR, apiKey, { version: 1, dryRun: true });
    expect(await findApiKey(services, apiKey.apiKeyId)).toEqual(apiKey);
  });
});

describe('findKeyByValue', () => {
  it('reads each value once until its key changes, and nothing for what is not intact', async () => {
    const [made, other] = [await create(), await create({ alias: 'Dock' })];
    let reads = 0;
    const { stores } = services;
    const apiKeys = {
      ...stores.apiKeys,
      findByDigest(digest: string) {
        reads += 1;
        return stores.apiKeys.findByDigest(digest);
      },
    };
    const counted = { ...services, directory: new Directory({ ...stores, apiKeys }) };
    for (let i = 0; i < 3; i += 1) {
      expect((await present(made, counted))?.apiKey).toEqual(made.apiKey);
      expect((await present(other, counted))?.apiKey).toEqual(other.apiKey);
    }
    expect(reads).toBe(2);
    for (const value of ['', 'tgk_', `${made.value}x`, `${made.value?.slice(0, -1)}!`]) {
      expect(await present({ value }, counted)).toBeNull();
    }
    expect(reads).toBe(2);
    await change(made.apiKey, { status: 'disabled' });
    expect((await present(made, counted))?.apiKey.status).toBe('disabled');
    await present(other, counted);
    expect(reads).toBe(3);
  });

  it('drops everything when the change feed no longer reaches back', async () => {
    const made = await create();
    const { stores } = services;
    let position = 0;
    const changes = {
      since: async () => ({ position: ++position, changed: 'everything' as const }),
    };
    const lost = { ...services, directory: new Directory({ ...stores, changes }) };
    expect((await present(made, lost))?.apiKey.status).toBe('enabled');
    await change(made.apiKey, { status: 'disabled' });
    expect((await present(made, lost))?.apiKey.status).toBe('disabled');
  });

  it('keeps no value that is nobody’s', async () => {
    const value = newApiKeyValue();
    expect(await present({ value })).toBeNull();
    const digest = services.keys.digest('api_key', value);
    const { apiKey } = await create();
    const renamed = { ...apiKey, current: { digest, lastFour: value.slice(-4) }, version: 2 };
    const object = { kind: 'api_key', id: apiKey.apiKeyId };
    const event = { eventId: 'e', at: NOW, actor: ACTOR, action: 'x', object, changes: [] };
    await services.stores.apiKeys.update(renamed, event);
    expect((await present({ value }))?.apiKey).toEqual(renamed);
  });

  it('finds what was made under an older server key', async () => {
    const { value } = await create();
    const keys = new SecretKeys([keyOf(8), keyOf(7)]);
    expect(await present({ value }, { ...services, keys })).not.toBeNull();
    const without = new SecretKeys([keyOf(8)]);
    expect(await present({ value }, { ...services, keys: without })).toBeNull();
  });

  it('does not put back a key that was dropped while it loaded', async () => {
    const made = await create();
    const { stores } = services;
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const apiKeys = {
      ...stores.apiKeys,
      async findByDigest(digest: string) {
        const found = await stores.apiKeys.findByDigest(digest);
        await gate;
        return found;
      },
    };
    const slow = { ...services, directory: new Directory({ ...stores, apiKeys }) };
    await slow.directory.sync();
    const early = findKeyByValue(slow, made.value ?? '');
    // One more read, so that the early one has its answer before the change.
    await stores.apiKeys.find(made.apiKey.apiKeyId);
    await change(made.apiKey, { status: 'disabled' });
    await slow.directory.sync();
    release();
    expect((await early)?.apiKey.status).toBe('enabled');
    expect((await present(made, slow))?.apiKey.status).toBe('disabled');
  });
});

describe('listApiKeys', () => {
  it('answers the keys of one client', async () => {
    await insertClient(services, { clientId: 'other', clientName: 'other', displayName: 'Other' });
    const { apiKey } = await create();
    await createApiKey(services, ACTOR, 'other', INPUT);
    expect((await listApiKeys(services, 'orders', { limit: 10 })).items).toEqual([apiKey]);
    const unknown = listApiKeys(services, 'nobody', { limit: 10 });
    await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('apiKeyStatus', () => {
  it.each([
    ['enabled', {}, 0],
    ['enabled', { startsAt: NOW }, 0],
    ['not_yet_effective', { startsAt: fromNow(1) }, 0],
    ['enabled', {}, 30 * DAY - 1],
    ['expired', {}, 30 * DAY],
    ['disabled', { status: 'disabled' as const }, 30 * DAY],
    ['disabled', { status: 'disabled' as const, startsAt: fromNow(1) }, 0],
  ])('is %s for %j after %i seconds', async (status, input, seconds) => {
    const { apiKey } = await create(input);
    expect(apiKeyStatus(apiKey, fromNow(seconds))).toBe(status);
  });
});

describe('the audit trail', () => {
  it('tells every step, is searched by client, and holds no digest', async () => {
    const made = await create();
    const { apiKeyId } = made.apiKey;
    const changed = await change(made.apiKey, { alias: 'Dock' });
    const { apiKey } = await rotateApiKey(services, ACTOR, changed, { graceSeconds: 60 });
    await deleteApiKey(services, ACTOR, apiKey);
    const { items } = await services.stores.audit.list({ search: 'orders', limit: 100 });
    const told = items.filter(({ object }) => object.kind === 'api_key');
    expect(told).toEqual(await events());
    expect(told.map(({ action }) => action).toSorted()).toEqual([
      'api_key.create',
      'api_key.delete',
      'api_key.rotate',
      'api_key.update',
    ]);
    for (const { object } of told) expect(object.id).toBe(`orders/${apiKeyId}`);
    const of = (action: string) => told.find((event) => event.action === action)?.changes;
    expect(of('api_key.update')).toEqual([{ field: 'alias', before: 'Warehouse', after: 'Dock' }]);
    expect(of('api_key.rotate')).toEqual([
      { field: 'current', before: null, after: 'changed' },
      {
        field: 'lastFour',
        before: made.apiKey.current.lastFour,
        after: apiKey.current.lastFour,
      },
      { field: 'previousExpiresAt', before: null, after: fromNow(60) },
    ]);
    const trail = JSON.stringify(items);
    expect(trail).not.toContain(made.apiKey.current.digest);
    expect(trail).not.toContain(apiKey.current.digest);
  });

  it('and every other row of the database hold no value', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-keys-'));
    const path = join(folder, 'keys.db');
    const stores = await openSqliteStores({ path });
    const stored = { ...services, stores };
    try {
      await insertClient(stored, {});
      const made = await createApiKey(stored, ACTOR, 'orders', INPUT);
      const rotated = await rotateApiKey(stored, ACTOR, made.apiKey, { graceSeconds: 60 });
      const rows = dump(path);
      expect(rows).toContain(made.apiKey.current.digest);
      expect(rows).toContain(rotated.apiKey.current.digest);
      for (const { value } of [made, rotated]) expect(rows).not.toContain(value?.slice(4, 40));
      expect(rows).not.toContain('tgk_');
    } finally {
      await stores.close();
      rmSync(folder, { recursive: true });
    }
  });
});

/** Every value of every row of every table. */
function dump(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all();
  const rows = tables.map(({ name }) => database.prepare(`SELECT * FROM "${name}"`).all());
  database.close();
  return JSON.stringify(rows);
}
