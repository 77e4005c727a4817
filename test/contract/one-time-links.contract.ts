/** The contract of OneTimeLinkStore. */
import { describe, expect, it } from '@jest/globals';
import type { OneTimeLink } from '../../src/domain/one-time-links.ts';
import { digestOf, eventOf, fresh, fromNow, NOW } from '../support/contract-fixtures.ts';
import { eventsAbout, type Open, useStores } from './contract.ts';

/** A working link. */
export function linkFixture(changes: Partial<OneTimeLink> = {}): Required<OneTimeLink> {
  return {
    digest: digestOf(fresh('link')),
    purpose: 'client_password',
    subjectId: fresh('subject'),
    expiresAt: fromNow(1800),
    ...changes,
  };
}

/** Describes the contract. */
export function describeOneTimeLinks(open: Open): void {
  describe('one-time links', () => {
    const stores = useStores(open);
    const links = () => stores().oneTimeLinks;

    it('round-trips a link; finding it does not use it up', async () => {
      const link = linkFixture();
      await links().insert(link);
      expect(await links().find(link.digest, NOW)).toStrictEqual(link);
      expect(await links().find(link.digest, fromNow(1799.999))).toStrictEqual(link);
      expect(await links().find('nothing', NOW)).toBeNull();
    });

    it('is stored together with its event', async () => {
      const link = linkFixture();
      const event = eventOf('client.mail_password_reset', link.subjectId);
      await links().insert(link, event);
      expect(await links().find(link.digest, NOW)).toStrictEqual(link);
      expect(await eventsAbout(stores(), link.subjectId)).toStrictEqual([event]);
    });

    it('works for exactly one of concurrent calls', async () => {
      const link = linkFixture();
      await links().insert(link);
      const calls = Array.from({ length: 50 }, () => links().consume(link.digest, NOW));
      const got = (await Promise.all(calls)).filter((each) => each !== null);
      expect(got).toStrictEqual([link]);
      expect(await links().find(link.digest, NOW)).toBeNull();
    });

    it('stops working when it expires', async () => {
      const link = linkFixture();
      await links().insert(link);
      expect(await links().find(link.digest, link.expiresAt)).toBeNull();
      expect(await links().consume(link.digest, link.expiresAt)).toBeNull();
    });

    it('replaces links of the same purpose and subject, and no others', async () => {
      const first = linkFixture();
      const { subjectId } = first;
      const otherPurpose = linkFixture({ subjectId, purpose: 'admin_set_up' });
      const otherSubject = linkFixture();
      const second = linkFixture({ subjectId });
      for (const link of [first, otherPurpose, otherSubject, second]) await links().insert(link);
      expect(await links().consume(first.digest, NOW)).toBeNull();
      for (const link of [otherPurpose, otherSubject, second]) {
        expect(await links().consume(link.digest, NOW)).toStrictEqual(link);
      }
    });
  });
}
