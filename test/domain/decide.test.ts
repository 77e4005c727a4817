import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Catalog } from '../../src/domain/apis/catalog.ts';
import type { Client } from '../../src/domain/clients/client.ts';
import { decide } from '../../src/domain/decision/decide.ts';
import { apiCall, type Facts } from '../../src/domain/decision/facts.ts';
import type { AccessToken } from '../../src/domain/tokens/token.ts';
import {
  accessTokenOf,
  clientOf,
  familyOf,
  fromNow,
  group,
  levels,
  NOW,
  openWorld,
  type World,
} from './support.ts';

const CATALOG = new Catalog([], [group('orders.read')], [], levels());
const CLIENT = clientOf({ apiGroups: ['orders.read'], tps: 0 });
const SPEND = { consume: true };
const PEEK = { consume: false };

describe('decide', () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld({ levels: false });
  });
  afterEach(() => world.close());

  const meters = () => world.services.meters;
  const tokens = () => world.services.stores.tokens;
  const factsOf = (token: AccessToken, changes: Partial<Facts> = {}): Facts => ({
    place: 'call',
    now: NOW,
    credential: { kind: 'access_token', token },
    client: CLIENT,
    address: '192.0.2.1',
    catalog: CATALOG,
    ...changes,
  });
  async function issue(changes: Partial<AccessToken> = {}): Promise<AccessToken> {
    const token = accessTokenOf(changes);
    await tokens().issue(token, null);
    return token;
  }
  const usesOf = async (token: AccessToken) => (await tokens().findAccess(token.tokenId))?.uses;

  it('spends one use for each allowed decision, and says what is left', async () => {
    const token = await issue({ maxUses: 2 });
    const first = await decide(factsOf(token), meters(), SPEND);
    expect(first).toMatchObject({
      allowed: true,
      status: 200,
      reason: null,
      scopes: ['orders.read'],
      usesLeft: 1,
    });
    const second = await decide(factsOf(token), meters(), SPEND);
    expect(second).toMatchObject({ allowed: true, usesLeft: 0 });
    const third = await decide(factsOf(token), meters(), SPEND);
    expect(third).toMatchObject({ allowed: false, status: 401, reason: 'token_uses_exhausted' });
    expect(await usesOf(token)).toBe(2);
    expect(new Set([first, second, third].map(({ decisionId }) => decisionId)).size).toBe(3);
  });

  it('lets exactly as many of many at one time through, though all saw the token unspent', async () => {
    const token = await issue({ maxUses: 10 });
    const all = await Promise.all(
      Array.from({ length: 40 }, () => decide(factsOf(token), meters(), SPEND)),
    );
    const allowed = all.filter((decision) => decision.allowed);
    expect(allowed).toHaveLength(10);
    expect(allowed.map((d) => d.usesLeft).sort((a, b) => Number(a) - Number(b))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(await usesOf(token)).toBe(10);
    const lost = all.find((decision) => !decision.allowed);
    expect(lost?.trace().at(-1)).toMatchObject({
      check: 'uses',
      outcome: 'refused',
      reason: 'token_uses_exhausted',
    });
  });

  it('spends nothing when it only looks', async () => {
    const token = await issue({ maxUses: 1 });
    for (let i = 0; i < 3; i += 1) {
      expect(await decide(factsOf(token), meters(), PEEK)).toMatchObject({
        allowed: true,
        usesLeft: 1,
      });
    }
    expect(await usesOf(token)).toBe(0);
  });

  it('spends nothing when any check refuses', async () => {
    const token = await issue({ maxUses: 1 });
    const refusals: Partial<Facts>[] = [
      { client: null },
      { client: { ...CLIENT, status: 'disabled' } },
      { now: fromNow(3600) },
      { userId: 'gone', user: null },
      { call: apiCall(CATALOG, 'GET', '/x') },
    ];
    for (const changes of refusals) {
      expect((await decide(factsOf(token, changes), meters(), SPEND)).allowed).toBe(false);
    }
    expect(await usesOf(token)).toBe(0);
  });

  it('has no count for unlimited tokens and none for refresh tokens', async () => {
    const token = await issue({ maxUses: 0 });
    expect(await decide(factsOf(token), meters(), SPEND)).toMatchObject({
      allowed: true,
      usesLeft: null,
    });
    expect(await usesOf(token)).toBe(0);
    const family = familyOf({ uses: 3 });
    const credential = { kind: 'refresh_token', token: family, current: true } as const;
    const looked = await decide(
      factsOf(token, { credential, place: 'introspection' }),
      meters(),
      SPEND,
    );
    expect(looked).toMatchObject({ allowed: true, usesLeft: 7 });
  });

  it('refuses a token that is revoked or ends between the look and the charge', async () => {
    const token = await issue();
    await tokens().revoke(token.tokenId, NOW);
    expect(await decide(factsOf(token), meters(), SPEND)).toMatchObject({
      allowed: false,
      status: 401,
    });
    expect(await usesOf(token)).toBe(0);
  });

  describe('with TPS, quota and uses', () => {
    const limited = (changes: Partial<Client>) => ({ ...CLIENT, tps: 100, ...changes });
    const quotaOf = async (client: Client) => {
      const looked = await decide(
        factsOf(await issue({ maxUses: 0, tokenId: fresh() }), { client }),
        meters(),
        PEEK,
      );
      return looked.quota?.left;
    };
    let issued = 0;
    const fresh = () => `access-${++issued}-x`;

    it('charges all of them, and says what is left of each', async () => {
      const client = limited({ apiQuota: { calls: 5, period: 'day' } });
      const token = await issue({ maxUses: 10 });
      expect(await decide(factsOf(token, { client, weight: 2 }), meters(), SPEND)).toMatchObject({
        allowed: true,
        rate: { limit: 100, left: 99 },
        quota: { limit: 5, left: 3, resetsAt: new Date('2027-04-01T00:00:00Z') },
        usesLeft: 8,
        isRepeat: false,
      });
    });

    it('charges none of them when the last refuses', async () => {
      const client = limited({ apiQuota: { calls: 5, period: 'day' } });
      const token = await issue({ maxUses: 1 });
      // Both saw a use left.
      const both = await Promise.all(
        [1, 2].map(() => decide(factsOf(token, { client }), meters(), SPEND)),
      );
      expect(both.map(({ reason }) => reason).sort()).toEqual(
        [null, 'token_uses_exhausted'].sort(),
      );
      expect(await quotaOf(client)).toBe(4);
      expect(meters().rate.look(client.clientId, 100, NOW).used).toBe(1);
    });

    it('charges no use when the quota refuses, and says when to come back', async () => {
      const client = limited({ apiQuota: { calls: 3, period: 'day' } });
      const token = await issue({ maxUses: 10 });
      const ask = (weight: number) => decide(factsOf(token, { client, weight }), meters(), SPEND);
      expect((await ask(2)).allowed).toBe(true);
      const refused = await ask(2);
      expect(refused).toMatchObject({
        allowed: false,
        status: 429,
        reason: 'quota_exhausted',
        retryAfterSeconds: 28_800,
        quota: { limit: 3, left: 1 },
      });
      expect(await usesOf(token)).toBe(2);
      expect(refused.allowed ? [] : refused.trace().find(({ check }) => check === 'quota')).toEqual(
        {
          number: 12,
          check: 'quota',
          outcome: 'refused',
          reason: 'quota_exhausted',
          seen: { used: 2 },
          wanted: { calls: 3, period: 'day', weight: 2 },
          passesAt: new Date('2027-04-01T00:00:00Z'),
        },
      );
      // Heavier than the whole quota: no time makes it pass.
      const heavy = await ask(4);
      expect(heavy).toMatchObject({ reason: 'quota_exhausted', retryAfterSeconds: null });
      const row = heavy.allowed ? null : heavy.trace().find(({ check }) => check === 'quota');
      expect(row?.passesAt).toBeNull();
    });

    it('charges nothing when the second is full, and a look tells so too', async () => {
      const client = limited({ tps: 1, apiQuota: { calls: 9, period: 'month' } });
      const token = await issue({ maxUses: 10 });
      const ask = (spending: typeof SPEND) =>
        decide(factsOf(token, { client }), meters(), spending);
      expect(await ask(SPEND)).toMatchObject({ allowed: true, rate: { limit: 1, left: 0 } });
      const full = { allowed: false, status: 429, reason: 'tps_exceeded', retryAfterSeconds: 2 };
      expect(await ask(SPEND)).toMatchObject(full);
      expect(await ask(PEEK)).toMatchObject(full);
      expect(await usesOf(token)).toBe(1);
      expect(await quotaOf({ ...client, tps: 0 })).toBe(8);
    });

    it('lets a retry under the same key pass free, though everything is used up, but no other check', async () => {
      const client = limited({ apiQuota: { calls: 1, period: 'total' } });
      const token = await issue({ maxUses: 1 });
      const ask = (changes: Partial<Facts>, retryKey: string) =>
        decide(factsOf(token, { client, ...changes }), meters(), { consume: true, retryKey });
      const first = await ask({}, 'key-1');
      const used = { ...token, uses: 1 };
      const again = await ask({ credential: { kind: 'access_token', token: used } }, 'key-1');
      expect(again).toEqual({ ...first, rate: null, isRepeat: true });
      expect(await ask({ client: { ...client, status: 'disabled' } }, 'key-1')).toMatchObject({
        reason: 'client_disabled',
      });
      expect(await ask({}, 'key-2')).toMatchObject({
        reason: 'quota_exhausted',
        retryAfterSeconds: null,
      });
      expect(await usesOf(token)).toBe(1);
    });

    it('books one of many retries that come at once', async () => {
      const client = limited({ apiQuota: { calls: 100, period: 'week' } });
      const token = await issue({ maxUses: 100 });
      const all = await Promise.all(
        Array.from({ length: 20 }, () =>
          decide(factsOf(token, { client }), meters(), { consume: true, retryKey: 'once' }),
        ),
      );
      expect(new Set(all.map(({ decisionId }) => decisionId)).size).toBe(1);
      expect(all.every(({ allowed }) => allowed)).toBe(true);
      expect(await usesOf(token)).toBe(1);
      expect(meters().rate.look(client.clientId, 100, NOW).used).toBe(1);
    });

    it('gives the call of the second back when the store does not answer', async () => {
      const client = limited({ apiQuota: { calls: 100, period: 'week' } });
      const token = await issue();
      await world.close();
      await expect(decide(factsOf(token, { client }), meters(), SPEND)).rejects.toMatchObject({
        code: 'store_unavailable',
      });
      expect(meters().rate.look(client.clientId, 100, NOW).used).toBe(0);
    });
  });

  it('throws when the store does not answer: neither allowed nor refused', async () => {
    const token = await issue();
    await world.close();
    await expect(decide(factsOf(token), meters(), SPEND)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });
});
