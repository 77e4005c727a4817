/** What must be exact across several operating-system processes, and when one of them is killed. */
import { describe, expect, it } from '@jest/globals';
import type { Stores } from '../../src/domain/stores.ts';
import {
  accessTokenFixture,
  adminFixture,
  clientFixture,
  digestOf,
  eventOf,
  familyFixture,
  fresh,
  fromNow,
  NOW,
} from '../support/contract-fixtures.ts';
import { feedPosition, type Open, useStores } from './contract.ts';
import { killMidway, PROCESSES, race } from './races.ts';

/** Starting processes takes a while on a busy machine. */
const TIMEOUT_MS = 120_000;

/** Describes the contract. */
export function describeRaces(open: Open, url: () => string): void {
  describe(`races of ${PROCESSES} processes`, () => {
    const stores = useStores(open);
    describeTokenRaces(stores, url);
    describeRecordRaces(stores, url);
    describeCrash(stores, url);
  });
}

async function issued(stores: Stores, maxUses: number) {
  const family = familyFixture({ maxUses });
  const access = accessTokenFixture({ maxUses, familyId: family.tokenId });
  await stores.tokens.issue(access, family);
  return { access, family };
}

const wins = (answers: unknown[]) =>
  answers.filter((answer) => answer !== null && answer !== false);
const oneTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const sorted = (answers: unknown[]) => (answers as number[]).sort((a, b) => a - b);

function describeTokenRaces(stores: () => Stores, url: () => string): void {
  const spends = 'spends a token of 100 uses exactly 100 times in 1,000 calls';
  it(
    spends,
    async () => {
      const { access } = await issued(stores(), 100);
      const answers = await race(url(), { name: 'spend', id: access.tokenId, times: 250 });
      expect(answers).toHaveLength(1000);
      expect(sorted(wins(answers))).toEqual(oneTo(100));
      expect((await stores().tokens.findAccess(access.tokenId))?.uses).toBe(100);
    },
    TIMEOUT_MS,
  );

  it(
    'rotates one refresh token exactly once in 1,000 calls',
    async () => {
      const { family } = await issued(stores(), 100);
      const answers = await race(url(), { name: 'rotate', id: family.tokenId, times: 250 });
      expect(wins(answers)).toHaveLength(1);
      expect((await stores().tokens.findFamily(family.tokenId))?.uses).toBe(1);
      const { total } = await liveTokens(stores(), family.clientId);
      expect(total).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );

  it(
    'refreshes never more often than the limit, whoever holds the current token',
    async () => {
      const { family } = await issued(stores(), 3);
      let won = 0;
      for (let round = 0; round < 3 && won < 3; round += 1) {
        const answers = await race(url(), { name: 'rotateOnward', id: family.tokenId, times: 50 });
        won += wins(answers).length;
      }
      const stored = await stores().tokens.findFamily(family.tokenId);
      expect(won).toBe(stored?.uses);
      expect(won).toBeLessThanOrEqual(3);
      expect(won).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
}

function liveTokens(stores: Stores, clientId: string) {
  return stores.tokens.list({ clientId }, { limit: 100, now: NOW });
}

function describeRecordRaces(stores: () => Stores, url: () => string): void {
  it(
    'counts every failed login once, and tells every process by the change feed',
    async () => {
      const client = clientFixture();
      const { clientId } = client;
      await stores().clients.insert(client, eventOf('client.create', clientId));
      const position = await feedPosition(stores());
      const answers = await race(url(), { name: 'recordFailedLogin', id: clientId, times: 50 });
      expect(sorted(wins(answers))).toEqual(oneTo(50 * PROCESSES));
      const lock = (await stores().clients.find(clientId))?.lock;
      expect(lock).toMatchObject({ failedLogins: 50 * PROCESSES, lockedAt: expect.any(Date) });
      expect(lock?.failures).toHaveLength(20);
      const changed = (await stores().changes.since(position))?.changed;
      expect(changed).toContainEqual({ kind: 'client', id: clientId });
    },
    TIMEOUT_MS,
  );

  it(
    'stores one first signing key',
    async () => {
      const answers = await race(url(), { name: 'insertFirst', id: '', times: 10 });
      expect(wins(answers)).toHaveLength(1);
      expect(await stores().signingKeys.all()).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  it(
    'gives a one-time link to one call, and an artifact id to one call',
    async () => {
      const digest = digestOf(fresh('link'));
      const link = {
        digest,
        purpose: 'admin_set_up',
        subjectId: 'u',
        expiresAt: fromNow(60),
      } as const;
      await stores().oneTimeLinks.insert(link);
      expect(wins(await race(url(), { name: 'consumeLink', id: digest, times: 50 }))).toHaveLength(
        1,
      );
      const artifact = await race(url(), { name: 'insertArtifact', id: digest, times: 50 });
      expect(wins(artifact)).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  it(
    'keeps one owner',
    async () => {
      for (let i = 0; i < 10; i += 1) {
        const owner = adminFixture({ role: 'owner', status: 'enabled' });
        await stores().admins.insert(owner, eventOf('admin.create', owner.adminId));
      }
      const answers = await race(url(), { name: 'disableOwner', id: '', times: 40 });
      const { items } = await stores().admins.list({ limit: 100 });
      const left = items.filter(({ status }) => status === 'enabled');
      expect(left).toHaveLength(1);
      expect(wins(answers)).toHaveLength(9);
    },
    TIMEOUT_MS,
  );

  it(
    'opens one database from every process at once',
    async () => {
      const answers = await race(url(), { name: 'open', id: '', times: 1 });
      expect(answers).toEqual(Array.from({ length: PROCESSES }, () => true));
    },
    TIMEOUT_MS,
  );
}

function describeCrash(stores: () => Stores, url: () => string): void {
  it(
    'has stored every use that a killed process had answered, and grants the rest once',
    async () => {
      const { access } = await issued(stores(), 100);
      const job = { name: 'spend', id: access.tokenId, times: 2000 } as const;
      const before = wins(await killMidway(url(), job, 30)) as number[];
      const uses = (await stores().tokens.findAccess(access.tokenId))?.uses ?? 0;
      expect(before.length).toBeGreaterThan(0);
      expect(uses).toBeGreaterThanOrEqual(Math.max(...before));
      const afterwards = wins(await race(url(), { ...job, times: 100 }));
      expect(before.length + afterwards.length).toBeLessThanOrEqual(100);
      expect(afterwards).toHaveLength(100 - uses);
    },
    TIMEOUT_MS,
  );
}
