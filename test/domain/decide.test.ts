import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Catalog } from '../../src/domain/apis/catalog.ts';
import { chargeUse } from '../../src/domain/decision/charges.ts';
import { CHARGES_AT, CHECKS_AT, type Check } from '../../src/domain/decision/checks.ts';
import { decide } from '../../src/domain/decision/decide.ts';
import type { Facts } from '../../src/domain/decision/facts.ts';
import { refuse } from '../../src/domain/decision/verdict.ts';
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
const CLIENT = clientOf({ apiGroups: ['orders.read'] });

describe('decide', () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld({ levels: false });
  });
  afterEach(() => world.close());

  const meters = () => ({ tokens: world.services.stores.tokens });
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
    await meters().tokens.issue(token, null);
    return token;
  }
  const usesOf = async (token: AccessToken) =>
    (await meters().tokens.findAccess(token.tokenId))?.uses;

  it('spends one use for each allowed decision, and says what is left', async () => {
    const token = await issue({ maxUses: 2 });
    const first = await decide(factsOf(token), meters(), true);
    expect(first).toMatchObject({
      allowed: true,
      status: 200,
      reason: null,
      scopes: ['orders.read'],
      usesLeft: 1,
    });
    const second = await decide(factsOf(token), meters(), true);
    expect(second).toMatchObject({ allowed: true, usesLeft: 0 });
    const third = await decide(factsOf(token), meters(), true);
    expect(third).toMatchObject({ allowed: false, status: 401, reason: 'token_uses_exhausted' });
    expect(await usesOf(token)).toBe(2);
    expect(new Set([first, second, third].map(({ decisionId }) => decisionId)).size).toBe(3);
  });

  it('lets exactly as many of many at one time through, though all saw the token unspent', async () => {
    const token = await issue({ maxUses: 10 });
    const all = await Promise.all(
      Array.from({ length: 40 }, () => decide(factsOf(token), meters(), true)),
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
      expect(await decide(factsOf(token), meters(), false)).toMatchObject({
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
      { call: { method: 'GET', path: '/x' } },
    ];
    for (const changes of refusals) {
      expect((await decide(factsOf(token, changes), meters(), true)).allowed).toBe(false);
    }
    expect(await usesOf(token)).toBe(0);
  });

  it('has no count for unlimited tokens and none for refresh tokens', async () => {
    const token = await issue({ maxUses: 0 });
    expect(await decide(factsOf(token), meters(), true)).toMatchObject({
      allowed: true,
      usesLeft: null,
    });
    expect(await usesOf(token)).toBe(0);
    const family = familyOf({ uses: 3 });
    const credential = { kind: 'refresh_token', token: family, current: true } as const;
    const looked = await decide(
      factsOf(token, { credential, place: 'introspection' }),
      meters(),
      true,
    );
    expect(looked).toMatchObject({ allowed: true, usesLeft: 7 });
  });

  it('refuses a token that is revoked or ends between the look and the charge', async () => {
    const token = await issue();
    await meters().tokens.revoke(token.tokenId, NOW);
    expect(await decide(factsOf(token), meters(), true)).toMatchObject({
      allowed: false,
      status: 401,
    });
    expect(await usesOf(token)).toBe(0);
  });

  it('gives back what it charged when a later charge is refused, or one that is lost', async () => {
    const token = await issue({ maxUses: 3 });
    const order: string[] = [];
    const later: Check[] = [
      {
        number: 14,
        name: 'granted later',
        places: new Set(['call'] as const),
        verdict: () => null,
        charge: async () => ({
          refund: async () => void order.push(`refund, uses ${await usesOf(token)}`),
        }),
      },
      {
        number: 15,
        name: 'refused later',
        places: new Set(['call'] as const),
        verdict: () => null,
        charge: async () => refuse('token_uses_exhausted', 1, 0),
      },
    ];
    const table = CHECKS_AT.call as Check[];
    table.push(...later);
    const charges = CHARGES_AT.call as Check[];
    charges.push(...later);
    try {
      const decision = await decide(factsOf(token), meters(), true);
      expect(decision).toMatchObject({ allowed: false, reason: 'token_uses_exhausted' });
      expect(decision.allowed ? [] : decision.trace().at(-1)).toMatchObject({
        check: 'refused later',
        outcome: 'refused',
      });
    } finally {
      charges.splice(-later.length);
      table.splice(-later.length);
    }
    expect(order).toEqual(['refund, uses 1']); // the last charge is given back first
    expect(await usesOf(token)).toBe(0);
  });

  it('refunds one use at a time and never below nothing', async () => {
    const token = await issue();
    const charged = await chargeUse(factsOf(token), meters());
    if (charged === null || !('refund' in charged)) throw new Error('a use is left');
    expect([charged.uses, await usesOf(token)]).toEqual([1, 1]);
    await charged.refund();
    await charged.refund();
    expect(await usesOf(token)).toBe(0);
  });

  it('throws when the store does not answer: neither allowed nor refused', async () => {
    const token = await issue();
    await world.close();
    await expect(decide(factsOf(token), meters(), true)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });
});
