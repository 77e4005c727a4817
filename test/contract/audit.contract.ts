/** The contract of AuditStore. */
import { describe, expect, it } from '@jest/globals';
import type { AuditEvent, AuditFilter } from '../../src/domain/audit/audit-event.ts';
import { eventOf, fresh, fromNow, NOW } from '../support/contract-fixtures.ts';
import { allPages, invalidOn, type Open, sameBothWays, useStores } from './contract.ts';

/** Describes the contract. */
export function describeAudit(open: Open): void {
  describe('audit events', () => {
    const stores = useStores(open);
    const append = async (event: AuditEvent) => {
      await stores().audit.append(event);
      return event;
    };
    const found = async (filter: AuditFilter) => {
      const page = await stores().audit.list({ filter, limit: 100 });
      expect(page.total).toBe(page.items.length);
      return page.items;
    };

    it('round-trips every field, instants among the changes included', async () => {
      const actor = { kind: 'system', id: 'system', address: null } as const;
      const id = fresh('object');
      const event = await append({ ...eventOf('token.revoke', id), actor });
      const bare = await append({ ...eventOf('token.revoke', id, fromNow(-1)), changes: [] });
      expect(await found({ objectId: id })).toStrictEqual([event, bare]);
    });

    it('filters by object, actor, action and time', async () => {
      const id = fresh('object');
      const actor = { kind: 'client', id: fresh('actor'), address: '192.0.2.1' } as const;
      const one = await append({ ...eventOf('token.revoke', id, fromNow(10)), actor });
      const two = await append(eventOf('client.update', id, fromNow(20)));
      expect(await found({ objectId: id })).toStrictEqual([two, one]);
      expect(await found({ objectId: id, objectKind: 'token' })).toStrictEqual([one]);
      expect(await found({ actorId: actor.id })).toStrictEqual([one]);
      expect(await found({ objectId: id, action: 'client.update' })).toStrictEqual([two]);
      expect(await found({ objectId: id, from: fromNow(20) })).toStrictEqual([two]);
      expect(await found({ objectId: id, to: fromNow(20) })).toStrictEqual([one]);
      expect(await found({ objectId: id, from: fromNow(11), to: fromNow(19) })).toEqual([]);
    });

    it('finds what is about a client and its X-Api-Keys, and about no other client', async () => {
      const clientId = fresh('client');
      const other = `${clientId}0`;
      const keyEvent = (action: string, owner: string, at: Date) =>
        append(eventOf(action, `${owner}/${fresh('key')}`, at));
      const made = await append(eventOf('client.create', clientId, fromNow(1)));
      const key = await keyEvent('api_key.create', clientId, fromNow(2));
      const update = await append(eventOf('client.update', clientId, fromNow(3)));
      const rotated = await keyEvent('api_key.rotate', clientId, fromNow(4));
      await append(eventOf('client.update', other, fromNow(3)));
      await append(eventOf('user.update', clientId, fromNow(3)));
      await append(eventOf('api_key.update', clientId, fromNow(3)));
      for (const owner of [other, `${clientId}-`, `x${clientId}`]) {
        await keyEvent('api_key.create', owner, fromNow(3));
      }
      expect(await found({ clientId })).toStrictEqual([rotated, update, key, made]);
      expect(await found({ clientId, objectKind: 'api_key' })).toStrictEqual([rotated, key]);
      expect(await found({ clientId, from: fromNow(2), to: fromNow(4) })).toStrictEqual([
        update,
        key,
      ]);
      const query = { filter: { clientId }, limit: 3 };
      const pages = await sameBothWays((page) => stores().audit.list(page), query);
      expect(pages.map(({ items }) => items)).toStrictEqual([[rotated, update, key], [made]]);
      expect(pages.map(({ total }) => total)).toEqual([4, 4]);
    });

    it('pages newest first without skipping or repeating while events arrive', async () => {
      const id = fresh('object');
      const events: AuditEvent[] = [];
      // Three at each instant, so that ties are paged across.
      for (let i = 0; i < 9; i += 1) {
        events.push(await append(eventOf('client.update', id, fromNow(Math.floor(i / 3)))));
      }
      let arrived = 0;
      const seen = await allPages(
        (query) => stores().audit.list(query),
        { filter: { objectId: id }, limit: 2 },
        async () => {
          arrived += 1;
          await append(eventOf('client.update', id, fromNow(100 + arrived)));
        },
      );
      const times = seen.map(({ at }) => at.getTime());
      expect(times).toEqual([...times].sort((a, b) => b - a));
      const ids = (list: AuditEvent[]) => list.map(({ eventId }) => eventId).sort();
      expect(ids(seen)).toEqual(ids(events));
      const query = { filter: { objectId: id }, limit: 4 };
      const pages = await sameBothWays((page) => stores().audit.list(page), query);
      expect(pages).toHaveLength(Math.ceil((events.length + arrived) / 4));
    });

    it('refuses an unreadable cursor', async () => {
      const list = stores().audit.list({ limit: 2, cursor: 'e30' });
      await expect(list).rejects.toMatchObject(invalidOn('cursor'));
    });

    it('appends a second event of the same moment', async () => {
      const id = fresh('object');
      await Promise.all([append(eventOf('a.b', id, NOW)), append(eventOf('a.b', id, NOW))]);
      expect(await found({ objectId: id })).toHaveLength(2);
    });
  });
}
