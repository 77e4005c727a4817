import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Allowed, Decision } from '../../src/domain/decision/decide.ts';
import { decideCall, type Question } from '../../src/domain/decision/decide-call.ts';
import { Directory } from '../../src/domain/directory.ts';
import type { Services } from '../../src/domain/services.ts';
import { TokenCache } from '../../src/domain/token-cache.ts';
import { writeAccessToken } from '../../src/domain/tokens/access-token.ts';
import type { AccessToken } from '../../src/domain/tokens/token.ts';
import { accessTokenOf, api, clientOf, group, NOW, openWorld, type World } from './support.ts';

describe('TokenCache', () => {
  function cacheOf(max: number) {
    const cache = new TokenCache(max);
    const loads: string[] = [];
    const find = (tokenId: string, familyId: string | null = null) =>
      cache.find(tokenId, async () => {
        loads.push(tokenId);
        return accessTokenOf({ tokenId, familyId });
      });
    return { cache, loads, find };
  }

  it('lets the least recently used go, and drops what is left of a family', async () => {
    const { cache, loads, find } = cacheOf(2);
    await find('a', 'f');
    await find('b', 'f');
    await find('c');
    expect(['a', 'b', 'c'].map((id) => cache.has(id))).toEqual([false, true, true]);
    cache.drop(['f']);
    expect(['a', 'b', 'c'].map((id) => cache.has(id))).toEqual([false, false, true]);
    await find('a', 'f');
    cache.drop(['f']);
    expect(cache.has('a')).toBe(false);
    expect(loads).toEqual(['a', 'b', 'c', 'a']);
  });

  it('keeps nothing that went while it loaded, though the rest of its family is kept', async () => {
    const { cache, find } = cacheOf(2);
    await find('a', 'f');
    const loading = find('b', 'f');
    cache.forget('b');
    await loading;
    expect(cache.has('b')).toBe(false);
    expect(cache.has('a')).toBe(true);
    await find('b', 'f');
    expect(cache.has('b')).toBe(true);
  });

  it('drops what is loading at any end of a token, since it may be one of its family', async () => {
    const { cache, loads, find } = cacheOf(5);
    await find('kept');
    const loading = find('a', 'f');
    cache.drop(['another']);
    await loading;
    expect(cache.has('a')).toBe(false);
    await find('a', 'f');
    await find('kept');
    expect(loads).toEqual(['kept', 'a', 'a']);
  });

  it('is empty after all tokens of an owner ended, loading ones included', async () => {
    const { cache, find } = cacheOf(5);
    await find('a', 'f');
    const loading = find('b');
    cache.drop(['x', '*']);
    await loading;
    expect([cache.has('a'), cache.has('b')]).toEqual([false, false]);
  });

  it('does not keep a token that is not there', async () => {
    const cache = new TokenCache(5);
    let loads = 0;
    const load = async () => {
      loads += 1;
      return null;
    };
    for (let i = 0; i < 3; i += 1) expect(await cache.find('x', load)).toBeNull();
    expect(loads).toBe(3);
  });
});

describe('the uses of a token that is kept', () => {
  const GATEWAY = clientOf({
    ...{ clientId: 'gateway', clientName: 'gateway', displayName: 'Gateway' },
    kind: 'resource_server',
  });
  let world: World;
  let here: Node;
  let there: Node;
  beforeEach(async () => {
    world = await openWorld();
    const { stores } = world.services;
    const [orders, read] = [
      api('orders', 'GET /orders'),
      group('orders.read', { apis: ['orders'] }),
    ];
    await stores.apis.insert(orders, event('api'));
    await stores.apiGroups.insert(read, event('group'));
    await stores.clients.insert(clientOf({ apiGroups: ['orders.read'], tps: 0 }), event('client'));
    here = nodeOf(world.services);
    there = nodeOf(world.services);
  });
  afterEach(() => world.close());

  /** A node on the stores of the world; it counts what it asks of them. */
  interface Node {
    reads: number;
    bills: number;
    decide(token: string, question?: Partial<Question>): Promise<Decision>;
  }

  function nodeOf({ stores, ...services }: Services): Node {
    const node = { reads: 0, bills: 0 };
    const tokens = {
      ...stores.tokens,
      findAccess(id: string) {
        node.reads += 1;
        return stores.tokens.findAccess(id);
      },
    };
    const charges: typeof stores.charges = {
      ...stores.charges,
      book(...bill) {
        node.bills += 1;
        return stores.charges.book(...bill);
      },
    };
    const own = { ...stores, tokens, charges };
    const directory = new Directory(own);
    const meters = { ...services.meters, tokens, charges };
    return Object.assign(node, {
      async decide(token: string, question: Partial<Question> = {}) {
        await directory.sync();
        const call = { method: 'GET', path: '/orders', address: null, weight: 1, consume: true };
        const used = { ...services, stores: own, directory, meters };
        return (await decideCall(used, GATEWAY, { ...call, token, ...question })).decision;
      },
    });
  }

  async function issue(changes: Partial<AccessToken> = {}): Promise<string> {
    const { value, tokenId } = writeAccessToken(world.services.keys, NOW);
    await world.services.stores.tokens.issue(accessTokenOf({ tokenId, ...changes }), null);
    return value;
  }
  const left = (decision: Decision) => (decision as Allowed).usesLeft;
  const EXHAUSTED = { allowed: false, status: 401, reason: 'token_uses_exhausted' };

  it('cost no read, and without a limit no bill', async () => {
    const token = await issue({ maxUses: 0 });
    for (let i = 0; i < 5; i += 1) expect(left(await here.decide(token))).toBeNull();
    expect(here).toMatchObject({ reads: 1, bills: 0 });
  });

  it('are told exactly, whoever spends them, also to who only looks', async () => {
    const token = await issue({ maxUses: 10 });
    expect(left(await here.decide(token))).toBe(9);
    expect(left(await there.decide(token))).toBe(8);
    expect(left(await here.decide(token))).toBe(7);
    expect(left(await there.decide(token, { consume: false }))).toBe(7);
    await here.decide(token);
    expect(left(await there.decide(token, { consume: false }))).toBe(6);
    expect(here).toMatchObject({ reads: 1, bills: 3 });
  });

  it('refuse without a bill once the last is spent on this node', async () => {
    const token = await issue({ maxUses: 2 });
    await here.decide(token);
    expect(left(await here.decide(token))).toBe(0);
    for (let i = 0; i < 3; i += 1) expect(await here.decide(token)).toMatchObject(EXHAUSTED);
    expect(here).toMatchObject({ reads: 1, bills: 2 });
  });

  it('refuse by one bill, then without, once the last is spent on another node', async () => {
    const token = await issue({ maxUses: 3 });
    await here.decide(token);
    for (let i = 0; i < 2; i += 1) expect((await there.decide(token)).allowed).toBe(true);
    for (let i = 0; i < 4; i += 1) {
      const refused = await here.decide(token);
      expect(refused).toMatchObject(EXHAUSTED);
      const trace = refused.allowed ? [] : refused.trace();
      expect(trace.find(({ check }) => check === 'uses')?.seen).toEqual({ spent: 3 });
    }
    // The second read is that of the refused charge, the third that of the next decision.
    expect(here).toMatchObject({ reads: 3, bills: 2 });
  });

  it('stay with a call that weighs more than is left', async () => {
    const token = await issue({ maxUses: 5 });
    await here.decide(token);
    await there.decide(token, { weight: 2 });
    expect(await here.decide(token, { weight: 3 })).toMatchObject(EXHAUSTED);
    expect(left(await here.decide(token, { weight: 2 }))).toBe(0);
  });

  it('are those of the first answer to a retry that is free', async () => {
    const token = await issue({ maxUses: 2 });
    const retry = { idempotencyKey: 'one' };
    expect(left(await here.decide(token, retry))).toBe(1);
    expect(left(await there.decide(token))).toBe(0);
    expect(await here.decide(token, retry)).toMatchObject({ isRepeat: true, usesLeft: 1 });
    expect(await there.decide(token, retry)).toMatchObject({ isRepeat: true, usesLeft: 1 });
    expect(await here.decide(token)).toMatchObject(EXHAUSTED);
    expect(await there.decide(token)).toMatchObject(EXHAUSTED);
  });
});

const event = (id: string) => ({
  eventId: `event-${id}`,
  at: NOW,
  actor: { kind: 'command', id: 'test', address: null } as const,
  action: 'x.create',
  object: { kind: 'x', id },
  changes: [],
});
