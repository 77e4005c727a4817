/** The contract of LastUseStore. */
import { describe, expect, it } from '@jest/globals';
import type { LastUse } from '../../src/domain/last-uses.ts';
import { fresh, fromNow } from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';

/** Describes the contract. */
export function describeLastUses(open: Open): void {
  describe('last uses', () => {
    const stores = useStores(open);

    it('round-trips a batch, by subject', async () => {
      const uses: Required<LastUse>[] = [
        { subject: fresh('client:a'), at: fromNow(1), address: '192.0.2.1' },
        { subject: fresh('secret:b.$c'), at: fromNow(2), address: null },
      ];
      await stores().lastUses.record(uses);
      const subjects = uses.map(({ subject }) => subject);
      const found = await stores().lastUses.find([...subjects, 'nothing']);
      expect(found).toStrictEqual(new Map(uses.map((use) => [use.subject, use])));
    });

    it('keeps the newer of two observations, in whatever order they come', async () => {
      const [subject, other] = [fresh('client'), fresh('client')];
      const [older, newer] = [1, 2].map((s) => ({
        subject,
        at: fromNow(s),
        address: `192.0.2.${s}`,
      }));
      if (older === undefined || newer === undefined) throw new Error('two observations');
      await stores().lastUses.record([newer]);
      await stores().lastUses.record([older, { ...older, subject: other }]);
      await stores().lastUses.record([
        { ...newer, subject: other },
        { ...older, subject: other },
      ]);
      const found = await stores().lastUses.find([subject, other]);
      expect(found.get(subject)).toStrictEqual(newer);
      expect(found.get(other)).toStrictEqual({ ...newer, subject: other });
    });

    it('takes an empty batch and an empty question', async () => {
      await stores().lastUses.record([]);
      expect(await stores().lastUses.find([])).toStrictEqual(new Map());
    });
  });
}
