import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ChangesSince } from '../../src/domain/changes.ts';
import { updateClient } from '../../src/domain/clients/manage-clients.ts';
import { Directory } from '../../src/domain/directory.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { createUser, updateUser } from '../../src/domain/users/manage-users.ts';
import {
  ACTOR,
  accessTokenOf,
  clientOf,
  familyOf,
  fromNow,
  group,
  NOW,
  openWorld,
  type World,
} from './support.ts';

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
    tokens: {
      ...stores.tokens,
      async findAccess(id) {
        reads.push(`token ${id}`);
        const found = await stores.tokens.findAccess(id);
        await held.until;
        return found;
      },
    },
  };
  return { directory: new Directory(watched), reads, held };
}

async function insertClient(clientId: string): Promise<void> {
  const names = { clientName: `name-${clientId}`, displayName: `Display ${clientId}` };
  await world.services.stores.clients.insert(clientOf({ clientId, ...names }), event(clientId));
}

/** An access token, with a family of its own where one is named. */
async function issueToken(tokenId: string, familyId: string | null = null): Promise<void> {
  const access = accessTokenOf({ tokenId, familyId });
  const digest = `digest-${familyId}`;
  const family = familyId === null ? null : familyOf({ tokenId: familyId, currentDigest: digest });
  await world.services.stores.tokens.issue(access, family);
}

const revoke = (id: string) => world.services.stores.tokens.revoke(id, NOW);

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
      expect(await directory.accessToken('none', 'nothing')).toBeNull();
    }
    const once = ['client none', 'user', 'name', 'token none', 'token nothing'];
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

  it('looks once for all who ask in one tick, and again for whoever comes later', async () => {
    const { directory, held } = watchedStores();
    let looks = 0;
    held.news = async () => {
      looks += 1;
      return null;
    };
    await Promise.all([directory.sync(), directory.sync(), directory.sync()]);
    expect(looks).toBe(1);
    const first = directory.sync();
    // A microtask later another request may have come.
    await Promise.resolve();
    await Promise.all([first, directory.sync()]);
    expect(looks).toBe(3);
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
      await directory.accessToken('t');
    };
    await issueToken('t');
    await all();
    held.news = async () => ({ position: 1e6, changed: 'everything' });
    await directory.sync();
    await all();
    expect(reads).toHaveLength(10);
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

describe('Directory, of access tokens', () => {
  const readsOf = (reads: string[]) => reads.map((read) => read.replace('token ', ''));

  it('reads each once, and anew after it has ended', async () => {
    await issueToken('a');
    await issueToken('b');
    const { directory, reads } = watchedStores();
    const ended = async (id: string) => {
      await directory.sync();
      return (await directory.accessToken(id))?.revokedAt != null;
    };
    for (let i = 0; i < 3; i += 1) {
      expect(await ended('a')).toBe(false);
      expect(await ended('b')).toBe(false);
    }
    await revoke('a');
    expect(await ended('a')).toBe(true);
    expect(await ended('a')).toBe(true);
    expect(await ended('b')).toBe(false);
    expect(readsOf(reads)).toEqual(['a', 'b', 'a']);
  });

  it('drops the tokens of a family that has ended, replaced refresh tokens’ included', async () => {
    await issueToken('a1', 'a');
    await issueToken('b1', 'b');
    const { tokens } = world.services.stores;
    const next = { familyId: 'a', fromDigest: 'digest-a', toDigest: 'digest-a2', now: NOW };
    const access = accessTokenOf({ tokenId: 'a2', familyId: 'a' });
    const { directory, reads } = watchedStores();
    const look = async () => {
      await directory.sync();
      const found = await Promise.all(['a1', 'a2', 'b1'].map((id) => directory.accessToken(id)));
      return found.map((token) => token && token.revokedAt !== null);
    };
    expect(await look()).toEqual([false, null, false]);
    expect(await tokens.rotate({ ...next, access })).toBe(true);
    expect(await look()).toEqual([false, false, false]);
    await revoke('a');
    expect(await look()).toEqual([true, true, false]);
    expect(readsOf(reads)).toEqual(['a1', 'a2', 'b1', 'a2', 'a1', 'a2']);
  });

  it('drops all when all tokens of an owner have ended', async () => {
    await issueToken('a', 'f');
    const { directory, reads } = watchedStores();
    await directory.accessToken('a');
    await world.services.stores.tokens.revokeAll({ clientId: 'orders' }, NOW);
    await directory.sync();
    expect((await directory.accessToken('a'))?.revokedAt).toEqual(NOW);
    expect(readsOf(reads)).toEqual(['a', 'a']);
  });

  it.each([
    ['the token', 'a'],
    ['its family', 'f'],
  ])('does not keep a load that the end of %s overtook', async (_, ended) => {
    await issueToken('a', 'f');
    const { directory, held } = watchedStores();
    await directory.sync();
    let release = () => {};
    held.until = new Promise((resolve) => {
      release = resolve;
    });
    const first = directory.accessToken('a'); // has read the live token, and is not done
    await revoke(ended);
    await directory.sync();
    delete held.until;
    const second = directory.accessToken('a');
    release();
    expect((await first)?.revokedAt).toBeNull();
    expect((await second)?.revokedAt).toEqual(NOW);
    expect((await directory.accessToken('a'))?.revokedAt).toEqual(NOW);
  });

  it('finds a token under any of its ids, and reads nothing for the others once it is kept', async () => {
    await issueToken('old');
    const { directory, reads } = watchedStores();
    for (let i = 0; i < 3; i += 1) {
      expect((await directory.accessToken('new', 'old'))?.tokenId).toBe('old');
    }
    expect(readsOf(reads)).toEqual(['new', 'old']);
  });

  it('raises the uses of a token that it keeps, never those of one that it has dropped', async () => {
    await issueToken('a');
    const { directory, reads } = watchedStores();
    directory.noteUses('a', 9);
    const before = await directory.accessToken('a');
    directory.noteUses('a', 4);
    directory.noteUses('a', 3);
    expect((await directory.accessToken('a'))?.uses).toBe(4);
    expect(before?.uses).toBe(0);
    await revoke('a');
    await directory.sync();
    directory.noteUses('a', 5);
    expect(await directory.accessToken('a')).toMatchObject({ uses: 0, revokedAt: NOW });
    directory.forgetUses('a');
    await directory.accessToken('a');
    expect(readsOf(reads)).toEqual(['a', 'a', 'a']);
  });

  it('tries anew after the store has not answered', async () => {
    await issueToken('a');
    const { directory, held } = watchedStores();
    const error = new DomainError('store_unavailable');
    held.until = Promise.reject(error);
    await expect(directory.accessToken('a')).rejects.toBe(error);
    delete held.until;
    expect((await directory.accessToken('a'))?.expiresAt).toEqual(fromNow(3600));
  });
});
