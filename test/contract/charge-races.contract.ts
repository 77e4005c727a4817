/** Charges must be exact across several operating-system processes. */
import { describe, expect, it } from '@jest/globals';
import type { Stores } from '../../src/domain/stores.ts';
import { accessTokenFixture, fresh, quotaFixture } from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';
import { PROCESSES, race } from './races.ts';

/** Of every quota that the processes charge. */
const LIMIT = 500;
/** Starting processes takes a while on a busy machine. */
const TIMEOUT_MS = 120_000;

/** Describes the contract. */
export function describeChargeRaces(open: Open, url: () => string): void {
  describe(`charges from ${PROCESSES} processes`, () => {
    const stores = useStores(open);
    const used = (clientId: string) => stores().charges.quotaUsed(clientId, quotaFixture().window);
    describeQuotaRaces(used, url);
    describeBillRaces(stores, used, url);
  });
}

type Used = (clientId: string) => Promise<number>;

const wins = (answers: unknown[]) => (answers as (number | null)[]).filter((each) => each !== null);
const oneTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const sorted = (figures: number[]) => figures.sort((a, b) => a - b);

function describeQuotaRaces(used: Used, url: () => string): void {
  it(
    'books a quota of 500 exactly 500 times in 2,000 calls',
    async () => {
      const { clientId: id } = quotaFixture();
      const answers = await race(url(), { name: 'bookQuota', id, times: 500 });
      expect(answers).toHaveLength(2000);
      expect(sorted(wins(answers))).toEqual(oneTo(LIMIT));
      expect(await used(id)).toBe(LIMIT);
    },
    TIMEOUT_MS,
  );

  it(
    'never exceeds a quota by mixed weights, and leaves no room for the lightest',
    async () => {
      const { clientId: id } = quotaFixture();
      const answers = await race(url(), { name: 'bookWeights', id, times: 500 });
      const sum = wins(answers).reduce((total, weight) => total + weight, 0);
      expect(answers).toHaveLength(2000);
      expect(new Set(wins(answers))).toEqual(new Set([1, 2, 3]));
      expect(sum).toBe(await used(id));
      // Every process asks for a weight of 1 after the quota is full for the heavier ones.
      expect(sum).toBe(LIMIT);
    },
    TIMEOUT_MS,
  );
}

function describeBillRaces(stores: () => Stores, used: Used, url: () => string): void {
  it(
    'charges quota and uses together: 300 uses, a quota of 500, 300 booked',
    async () => {
      const token = accessTokenFixture({ maxUses: 300 });
      await stores().tokens.issue(token, null);
      const id = token.tokenId;
      const answers = await race(url(), { name: 'bookBoth', id, times: 500 });
      expect(answers).toHaveLength(2000);
      expect(sorted(wins(answers))).toEqual(oneTo(300));
      expect(await used(id)).toBe(300);
      expect((await stores().tokens.findAccess(id))?.uses).toBe(300);
    },
    TIMEOUT_MS,
  );

  it(
    'books one retry key once in 400 calls',
    async () => {
      const id = fresh('retry');
      const answers = (await race(url(), { name: 'bookOneKey', id, times: 100 })) as string[];
      const [booked] = answers.filter((answer) => answer.startsWith('booked'));
      const decision = booked?.split(' ')[1];
      expect(answers).toHaveLength(400);
      expect(answers.filter((answer) => answer === `repeated ${decision}`)).toHaveLength(399);
      expect(await used(id)).toBe(1);
    },
    TIMEOUT_MS,
  );

  it(
    'books exactly 500 of 1,000 calls, half of them each with a retry key of its own',
    async () => {
      const { clientId: id } = quotaFixture();
      const answers = await race(url(), { name: 'bookMixed', id, times: 250 });
      expect(answers).toHaveLength(1000);
      expect(sorted(wins(answers))).toEqual(oneTo(LIMIT));
      expect(await used(id)).toBe(LIMIT);
    },
    TIMEOUT_MS,
  );
}
