import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ChangesSince } from '../../src/domain/changes.ts';
import { updateClient } from '../../src/domain/clients/manage-clients.ts';
import { Directory } from '../../src/domain/directory.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { createUser, updateUser } from '../../src/domain/users/manage-users.ts';
import { ACTOR, clientOf, group, NOW, openWorld, type World } from './support.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

const event = (id: string) => ({
  eventId: `event-${id}-${Math.random()}`,
  at: NOW,
  actor: ACTOR,
  action: 'x.create',
  object: { kind: 'x', id },
  changes: [],
});

/** The stores of the world, with reads counted and, where a test says so, held up or answered otherwise. */
function watchedStores() {
  const { stores } = world.services;
  const reads: string[] = [];
  const held: { until?: Promise<void>; news?: () => Promise<ChangesSince | null> } = {};
  function noted<T>(read: string, answer: T): T {
    reads.push(read);
    return answer;
  }
  const watched: Stores = {
    ...stores,
    changes: { since: (position) => (held.news ? held.news() : stores.changes.since(position)) },
    clients: {
      ...stores.clients,
      async find(id) {
        reads.push(`client ${id}`);
        const found = await stores.clients.find(id);
        await held.until;
        return found;
      },
    },
    users: {
      ...stores.users,
      find: (id) => noted('user', stores.users.find(id)),
      findByName: (name) => noted('name', stores.users.findByName(name)),
    },
    apiGroups: { ...stores.apiGroups, all: () => noted('catalog', stores.apiGroups.all()) },
  };
  return { directory: new Directory(watched), reads, held };
}

async function insertClient(clientId: string): Promise<void> {
  const names = { clientName: `name-${clientId}`, displayName: `Display ${clientId}` };
  await world.services.stores.clients.insert(clientOf({ clientId, ...names }), event(clientId));
}

const rename = (clientId: string, version: number, note: string) =>
  updateClient(world.services, ACTOR, clientId, version, { note });

describe('Directory', () => {
  it('reads each record once until it changes', async () => {
    await insertClient('a');
    const { directory, reads } = watchedStores();
    for (let i = 0; i < 3; i += 1) {
      await directory.sync();
      await directory.client('a');
      await directory.catalog();
    }
    expect(reads).toEqual(['client a', 'catalog']);
  });

  it('keeps nothing of what is not there, or strangers would fill the memory', async () => {
    const { directory, reads } = watchedStores();
    for (let i = 0; i < 2; i += 1) {
      expect(await directory.client('none')).toBeNull();
      expect(await directory.user('none')).toBeNull();
      expect(await directory.userByName('none')).toBeNull();
    }
    const once = ['client none', 'user', 'name'];
    expect(reads).toEqual([...once, ...once]);
  });

  it.each([
    ['an object', { $ne: null }],
    ['a list', ['a']],
    ['a number', 7],
    ['null', null],
    ['no text', ''],
    ['a text that is too long', 'a'.repeat(41)],
    ['a text with a line break', 'a\n'],
  ])('reads nothing for a client id that is %s', async (_, id) => {
    const { directory, reads } = watchedStores();
    expect(await directory.client(id)).toBeNull();
    expect(reads).toEqual([]);
  });

  it('reads nothing for a user name of more than 400 characters', async () => {
    const { directory, reads } = watchedStores();
    expect(await directory.userByName('x'.repeat(401))).toBeNull();
    expect(reads).toEqual([]);
    await directory.userByName('x'.repeat(400));
    expect(reads).toEqual(['name']);
  });

  it('drops exactly what the feed names', async () => {
    await insertClient('a');
    await insertClient('b');
    const { directory, reads } = watchedStores();
    await directory.sync();
    const [b, catalog] = [await directory.client('b'), await directory.catalog()];
    await directory.client('a');
    await rename('a', 1, 'changed');
    expect((await directory.client('a'))?.note).toBe('nightly'); // this request started before
    await directory.sync();
    expect((await directory.client('a'))?.note).toBe('changed');
    expect(await directory.client('b')).toBe(b);
    expect(await directory.catalog()).toBe(catalog);
    expect(reads.filter((read) => read === 'client a')).toHaveLength(2);
  });

  it('sees a client that was made, deleted, locked or unlocked', async () => {
    const { directory } = watchedStores();
    const seen = async () => {
      await directory.sync();
      return directory.client('a');
    };
    const { clients } = world.services.stores;
    expect(await seen()).toBeNull();
    await insertClient('a');
    expect(await seen()).not.toBeNull();
    await clients.recordFailedLogin('a', { at: NOW, address: null }, 1);
    expect((await seen())?.lock.lockedAt).not.toBeNull();
    await clients.clearFailedLogins('a', event('a'));
    expect((await seen())?.lock.lockedAt).toBeNull();
    await clients.remove('a', event('a'));
    expect(await seen()).toBeNull();
  });

  it('sees users under their id and every spelling of their name', async () => {
    const { directory } = watchedStores();
    const input = { userName: 'Ada', password: 'correct horse' };
    expect(await directory.userByName('ada')).toBeNull();
    const user = await createUser(world.services, ACTOR, input);
    await directory.sync();
    expect((await directory.userByName('ADA'))?.userId).toBe(user.userId);
    await updateUser(world.services, ACTOR, {
      id: user.userId,
      version: 1,
      patch: { userName: 'Grace' },
    });
    await directory.sync();
    expect(await directory.userByName('ada')).toBeNull();
    expect((await directory.userByName('grace'))?.version).toBe(2);
    expect((await directory.user(user.userId))?.userName).toBe('Grace');
  });

  it('sees a changed catalog', async () => {
    const { directory } = watchedStores();
    expect((await directory.catalog()).groups.size).toBe(0);
    await world.services.stores.apiGroups.insert(group('g'), event('g'));
    await directory.sync();
    expect((await directory.catalog()).groups.has('g')).toBe(true);
  });

  it('does not keep a load that a change overtook', async () => {
    await insertClient('a');
    const { directory, held } = watchedStores();
    await directory.sync();
    let release = () => {};
    held.until = new Promise((resolve) => {
      release = resolve;
    });
    const racing = directory.client('a'); // has read the old record, and is not done
    await rename('a', 1, 'changed');
    await directory.sync();
    delete held.until;
    release();
    expect((await racing)?.note).toBe('nightly');
    expect((await directory.client('a'))?.note).toBe('changed');
  });

  it('loads once for all who ask at one time', async () => {
    await insertClient('a');
    const { directory, reads } = watchedStores();
    await Promise.all(Array.from({ length: 20 }, () => directory.client('a')));
    await Promise.all(Array.from({ length: 20 }, () => directory.catalog()));
    expect(reads).toEqual(['client a', 'catalog']);
  });

  it('drops everything when the feed says so', async () => {
    await insertClient('a');
    const input = { userName: 'ada', password: 'correct horse' };
    const { userId } = await createUser(world.services, ACTOR, input);
    const { directory, held, reads } = watchedStores();
    const all = async () => {
      await directory.client('a');
      await directory.user(userId);
      await directory.userByName('ada');
      await directory.catalog();
    };
    await all();
    held.news = async () => ({ position: 1e6, changed: 'everything' });
    await directory.sync();
    await all();
    expect(reads).toHaveLength(8);
  });

  it('ignores news that came late and reach less far', async () => {
    await insertClient('a');
    const { directory, held, reads } = watchedStores();
    held.news = async () => ({ position: 50, changed: [] });
    await directory.sync();
    await directory.client('a');
    held.news = async () => ({ position: 40, changed: [{ kind: 'client', id: 'a' }] });
    await directory.sync();
    await directory.client('a');
    expect(reads).toEqual(['client a']);
  });

  it('drops everything when the feed went back, as when an older copy was restored', async () => {
    await insertClient('a');
    const { directory, held, reads } = watchedStores();
    held.news = async () => ({ position: 50, changed: [] });
    await directory.sync();
    await directory.client('a');
    held.news = async () => ({ position: 40, changed: 'everything' });
    await directory.sync();
    await directory.client('a');
    expect(reads).toEqual(['client a', 'client a']);
    held.news = async () => ({ position: 41, changed: [{ kind: 'client', id: 'a' }] });
    await directory.sync();
    await directory.client('a');
    expect(reads).toHaveLength(3);
  });

  it('fails when the store does not answer, and tries anew after that', async () => {
    await insertClient('a');
    const { directory, held } = watchedStores();
    const error = new DomainError('store_unavailable');
    held.news = () => Promise.reject(error);
    await expect(directory.sync()).rejects.toBe(error);
    held.until = Promise.reject(error);
    await expect(directory.client('a')).rejects.toBe(error);
    delete held.until;
    expect(await directory.client('a')).not.toBeNull();
  });
});
