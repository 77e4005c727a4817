/** The contract of MailStore. */
import { describe, expect, it } from '@jest/globals';
import type { MailFilter, MailRecord } from '../../src/domain/mails/mail.ts';
import { eventOf, fresh, fromNow, mailFixture, NOW } from '../support/contract-fixtures.ts';
import {
  allPages,
  eventsAbout,
  invalidOn,
  type Open,
  sameBothWays,
  useStores,
} from './contract.ts';

/** Describes the contract. */
export function describeMails(open: Open): void {
  describe('mails', () => {
    const stores = useStores(open);
    const mails = () => stores().mails;
    const recorded = async (changes: Partial<MailRecord> = {}) => {
      const mail = mailFixture(changes);
      await mails().record(mail);
      return mail;
    };
    const found = async (filter: MailFilter, search?: string) => {
      const query = { filter, limit: 100, now: NOW, ...(search === undefined ? {} : { search }) };
      const page = await mails().list(query);
      expect(page.total).toBe(page.items.length);
      return page.items;
    };
    /** An object that one test alone uses. */
    const object = () => ({ kind: 'client', id: fresh('object') });

    it('round-trips every field, and fields that are empty', async () => {
      const full = await recorded();
      const bare = await recorded({
        pending: [],
        object: null,
        nextAttemptAt: null,
        error: null,
      });
      expect(await mails().find(full.mailId, NOW)).toStrictEqual(full);
      expect(await mails().find(bare.mailId, NOW)).toStrictEqual(bare);
      expect(await found({}, full.mailId)).toStrictEqual([full]);
      expect(await mails().find('nothing', NOW)).toBeNull();
    });

    it('replaces a state by the next one', async () => {
      const first = await recorded({ state: 'queued', error: null });
      const sent = await recorded({ mailId: first.mailId, state: 'sent', pending: [] });
      expect(await mails().find(first.mailId, NOW)).toStrictEqual(sent);
      expect(await found({}, first.mailId)).toStrictEqual([sent]);
    });

    it('keeps a mail until it expires', async () => {
      const about = object();
      const { mailId } = await recorded({ object: about, expiresAt: fromNow(10) });
      expect(await mails().find(mailId, fromNow(9.999))).not.toBeNull();
      expect(await mails().find(mailId, fromNow(10))).toBeNull();
      const listed = async (now: Date) =>
        (await mails().list({ filter: { objectId: about.id }, limit: 5, now })).total;
      expect([await listed(fromNow(9)), await listed(fromNow(10))]).toEqual([1, 0]);
      await stores().removeExpired(fromNow(10));
      expect(await listed(fromNow(10))).toBe(0);
    });

    it('filters by state, template and object, and searches address, subject and object', async () => {
      const about = object();
      const one = await recorded({ object: about, at: fromNow(2), state: 'failed' });
      const two = await recorded({
        object: { kind: 'api_key', id: about.id },
        at: fromNow(1),
        template: 'client-password-link',
        state: 'outbox',
      });
      const objectId = about.id;
      expect(await found({ objectId })).toStrictEqual([one, two]);
      expect(await found({ objectId, objectKind: 'client' })).toStrictEqual([one]);
      expect(await found({ objectId, state: 'outbox' })).toStrictEqual([two]);
      expect(await found({ objectId, template: 'api-key-rotated' })).toStrictEqual([one]);
      expect(await found({ objectId, state: 'sent' })).toEqual([]);
      const words = `SCHLÜSSEL ${objectId.toUpperCase()} ${one.mailId}@partner`;
      expect(await found({}, words)).toStrictEqual([one]);
      expect(await found({}, objectId)).toStrictEqual([one, two]);
    });

    it('pages newest first without skipping or repeating while mails arrive', async () => {
      const about = object();
      const made: MailRecord[] = [];
      // Three at each instant, so that ties are paged across.
      for (let i = 0; i < 9; i += 1) {
        made.push(await recorded({ object: about, at: fromNow(Math.floor(i / 3)) }));
      }
      let arrived = 0;
      const seen = await allPages(
        (query) => mails().list({ ...query, now: NOW }),
        { filter: { objectId: about.id }, limit: 2 },
        async () => {
          arrived += 1;
          await recorded({ object: about, at: fromNow(100 + arrived) });
        },
      );
      const times = seen.map(({ at }) => at.getTime());
      expect(times).toEqual([...times].sort((a, b) => b - a));
      const ids = (list: MailRecord[]) => list.map(({ mailId }) => mailId).sort();
      expect(ids(seen)).toEqual(ids(made));
      const query = { filter: { objectId: about.id }, limit: 4 };
      const pages = await sameBothWays((page) => mails().list({ ...page, now: NOW }), query);
      expect(pages).toHaveLength(Math.ceil((made.length + arrived) / 4));
    });

    it('refuses an unreadable cursor', async () => {
      const list = mails().list({ limit: 2, cursor: 'e30', now: NOW });
      await expect(list).rejects.toMatchObject(invalidOn('cursor'));
    });

    it('is requeued by exactly one of concurrent calls, with its event', async () => {
      const mail = await recorded({ state: 'failed' });
      const next: MailRecord = { ...mail, state: 'queued', updatedAt: fromNow(5) };
      const calls = Array.from({ length: 10 }, () =>
        mails().requeue(next, mail, eventOf('mail.retry', mail.mailId)),
      );
      expect((await Promise.all(calls)).filter(Boolean)).toHaveLength(1);
      expect(await mails().find(mail.mailId, NOW)).toStrictEqual(next);
      expect(await eventsAbout(stores(), mail.mailId)).toHaveLength(1);
    });

    it('seems forgotten while it is on its way and was not told of, or due, since an instant', async () => {
      const before = fromNow(60);
      const [early, late] = [fromNow(59.999), before];
      const untold = { state: 'queued', nextAttemptAt: null } as const;
      const due = { state: 'retrying', updatedAt: fromNow(0) } as const;
      const wanted = [
        await recorded({ ...untold, updatedAt: early }),
        await recorded({ ...due, nextAttemptAt: early }),
      ];
      const others = [
        await recorded({ ...untold, updatedAt: late }),
        await recorded({ ...due, nextAttemptAt: late }),
        await recorded({ ...untold, updatedAt: early, expiresAt: NOW }),
        ...(await Promise.all(
          (['sent', 'failed', 'outbox'] as const).map((state) =>
            recorded({ state, updatedAt: early, nextAttemptAt: null }),
          ),
        )),
      ];
      const all = await mails().forgotten({ now: NOW, before, after: '', limit: 100 });
      const ids = new Set([...wanted, ...others].map(({ mailId }) => mailId));
      expect(all.filter(({ mailId }) => ids.has(mailId))).toStrictEqual(wanted);
    });

    it('is found among the forgotten in batches by their ids, each once', async () => {
      const made: MailRecord[] = [];
      for (let i = 0; i < 5; i += 1) {
        made.push(
          await recorded({ state: 'queued', nextAttemptAt: null, updatedAt: fromNow(-9 + i) }),
        );
      }
      const ids = made.map(({ mailId }) => mailId).sort();
      const query = { now: NOW, before: fromNow(-1), limit: 2 };
      const seen: string[] = [];
      for (let after = ''; ; ) {
        const batch = await mails().forgotten({ ...query, after });
        seen.push(...batch.map(({ mailId }) => mailId));
        if (batch.length < query.limit) break;
        after = seen.at(-1) ?? '';
      }
      expect(seen.filter((mailId) => ids.includes(mailId))).toEqual(ids);
      expect(new Set(seen).size).toBe(seen.length);
    });

    it('is not requeued when its state or time is another, or it is gone', async () => {
      const mail = await recorded({ state: 'failed' });
      const event = eventOf('mail.retry', mail.mailId);
      const refused = [
        mails().requeue(mail, { ...mail, state: 'outbox' }, event),
        mails().requeue(mail, { ...mail, updatedAt: fromNow(2) }, event),
        mails().requeue({ ...mail, mailId: 'nothing' }, mail, event),
      ];
      expect(await Promise.all(refused)).toEqual([false, false, false]);
      expect(await mails().find(mail.mailId, NOW)).toStrictEqual(mail);
      expect(await mails().find('nothing', NOW)).toBeNull();
      expect(await eventsAbout(stores(), mail.mailId)).toEqual([]);
    });
  });
}
