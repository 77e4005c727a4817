/** The contract of LockableStore: failed logins count exactly, under any concurrency. */
import { describe, expect, it } from '@jest/globals';
import type { Change } from '../../src/domain/changes.ts';
import { KEPT_FAILURES, type Lock, UNLOCKED } from '../../src/domain/clients/client.ts';
import type { LockableStore } from '../../src/domain/clients/client-store.ts';
import type { RecordStore, Versioned } from '../../src/domain/records.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { eventOf, fromNow } from '../support/contract-fixtures.ts';
import { eventsAbout, expectChange, feedPosition, type Open, useStores } from './contract.ts';
import { nextVersion } from './record-store.contract.ts';

type LockedRecord = Versioned & { lock: Lock };

interface LockUnderTest<T extends LockedRecord> {
  noun: string;
  changeKind: Change['kind'];
  store(stores: Stores): LockableStore & Pick<RecordStore<T>, 'find' | 'update'>;
  /** Inserts a new, unlocked record; answers its id. */
  insert(stores: Stores): Promise<string>;
}

const failureAt = (second: number) => ({ at: fromNow(second), address: `192.0.2.${second % 250}` });

/** Describes the contract for one noun. */
export function describeLockout<T extends LockedRecord>(open: Open, of: LockUnderTest<T>): void {
  describe(`lockout of ${of.noun}`, () => {
    const stores = useStores(open);
    const store = () => of.store(stores());
    const lockNow = async (id: string) => (await store().find(id))?.lock;
    const change = (id: string): Change => ({ kind: of.changeKind, id });

    it('counts a failure, keeps it, and enters the change feed without a new version', async () => {
      const id = await of.insert(stores());
      const failed = { at: fromNow(1), address: null };
      const fail = () => store().recordFailedLogin(id, failed, 3);
      const lock = await expectChange(stores(), change(id), fail);
      expect(lock).toStrictEqual({ failedLogins: 1, lockedAt: null, failures: [failed] });
      expect(await lockNow(id)).toStrictEqual(lock);
      expect((await store().find(id))?.version).toBe(1);
    });

    it('locks when the limit is reached, and stays locked since then', async () => {
      const id = await of.insert(stores());
      for (const second of [1, 2, 3, 4]) await store().recordFailedLogin(id, failureAt(second), 3);
      const lock = await lockNow(id);
      expect(lock).toMatchObject({ failedLogins: 4, lockedAt: fromNow(3) });
      expect(lock?.failures).toStrictEqual([4, 3, 2, 1].map(failureAt));
    });

    it(`keeps the latest ${KEPT_FAILURES} failures, newest first`, async () => {
      const id = await of.insert(stores());
      for (let second = 1; second <= KEPT_FAILURES + 3; second += 1) {
        await store().recordFailedLogin(id, failureAt(second), 1000);
      }
      const failures = (await lockNow(id))?.failures ?? [];
      expect(failures).toHaveLength(KEPT_FAILURES);
      expect(failures[0]).toStrictEqual(failureAt(KEPT_FAILURES + 3));
      expect(failures.at(-1)).toStrictEqual(failureAt(4));
    });

    it('counts each of concurrent failures once; exactly one of them locks', async () => {
      const id = await of.insert(stores());
      const locks = await Promise.all(
        Array.from({ length: 100 }, (_, i) => store().recordFailedLogin(id, failureAt(i), 50)),
      );
      const counts = locks.map((lock) => lock?.failedLogins).sort((a = 0, b = 0) => a - b);
      expect(counts).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
      expect(locks.filter((lock) => lock?.lockedAt === null)).toHaveLength(49);
      expect(new Set(locks.map((lock) => lock?.lockedAt?.getTime())).size).toBe(2);
    });

    it('answers null for a record that does not exist, and changes nothing', async () => {
      const before = await feedPosition(stores());
      expect(await store().recordFailedLogin('nobody', failureAt(1), 3)).toBeNull();
      await store().clearFailedLogins('nobody', null);
      expect(await stores().changes.since(before)).toBeNull();
    });

    it('clears the count and the lock, and keeps the failures', async () => {
      const id = await of.insert(stores());
      await store().recordFailedLogin(id, failureAt(1), 1);
      const event = eventOf(`${of.noun}.unlock`, id);
      const clear = () => store().clearFailedLogins(id, event);
      await expectChange(stores(), change(id), clear);
      const unlocked = { failedLogins: 0, lockedAt: null, failures: [failureAt(1)] };
      expect(await lockNow(id)).toStrictEqual(unlocked);
      expect(await eventsAbout(stores(), id)).toContainEqual(event);
      const events = await eventsAbout(stores(), id);
      await store().clearFailedLogins(id, null);
      expect(await eventsAbout(stores(), id)).toHaveLength(events.length);
    });

    it('clears the count of an unlocked record without an event', async () => {
      const id = await of.insert(stores());
      await store().recordFailedLogin(id, failureAt(1), 3);
      await expectChange(stores(), change(id), () => store().clearFailedLogins(id, null));
      expect(await lockNow(id)).toMatchObject({ failedLogins: 0, lockedAt: null });
    });

    it('without an event leaves a locked record locked: a racing success undoes no lock', async () => {
      const id = await of.insert(stores());
      const lock = await store().recordFailedLogin(id, failureAt(1), 1);
      const before = await feedPosition(stores());
      await store().clearFailedLogins(id, null);
      expect(await lockNow(id)).toStrictEqual(lock);
      expect(await stores().changes.since(before)).toBeNull();
    });

    it('leaves the lock alone in an update', async () => {
      const id = await of.insert(stores());
      const read = (await store().find(id)) as T;
      const lock = await store().recordFailedLogin(id, failureAt(1), 1);
      const update = nextVersion({ ...read, lock: UNLOCKED });
      await store().update(update, eventOf(`${of.noun}.update`, id));
      expect(await lockNow(id)).toStrictEqual(lock);
    });
  });
}
