/** The contract of RecordStore, which every governed noun keeps. */
import { describe, expect, it } from '@jest/globals';
import type { Change } from '../../src/domain/changes.ts';
import type { RecordStore, Versioned } from '../../src/domain/records.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { eventOf } from '../support/contract-fixtures.ts';
import {
  conflictOn,
  eventsAbout,
  expectChange,
  expectNothingWritten,
  type Open,
  useStores,
} from './contract.ts';
import { describePaging } from './paging.contract.ts';

/** What the contract needs to know of a noun. */
export interface NounUnderTest<T extends Versioned, Filter> {
  noun: string;
  changeKind: Change['kind'];
  store(stores: Stores): RecordStore<T, Filter>;
  /** A new, fully populated record. */
  fixture(changes?: Partial<T>): T;
  id(record: T): string;
  /** The record with every changeable field changed; unique values may stay. */
  changed(record: T): T;
  /** For each unique field, the id first: changes by which a new record collides on it alone. */
  collisions: Record<string, (taken: T) => Partial<T>>;
  /** Sortable fields, the default first; how their values compare. */
  sorts: Record<string, (record: T) => string | number>;
  /** A word of this record that a search finds it by, for each searchable field. */
  searchable: Record<string, (record: T) => string>;
}

/** The version after a record's. */
export function nextVersion<T extends Versioned>(record: T): T {
  const updatedAt = new Date(record.updatedAt.getTime() + 1000);
  return { ...record, version: record.version + 1, updatedAt };
}

/** Describes the contract for one noun. */
export function describeRecordStore<T extends Versioned, Filter>(
  open: Open,
  of: NounUnderTest<T, Filter>,
): void {
  describe(`${of.noun} as governed records`, () => {
    const stores = useStores(open);
    describeReadsAndWrites(stores, of);
    describeConflicts(stores, of);
    describeVersions(stores, of);
  });
  describePaging(open, of);
}

function describeReadsAndWrites<T extends Versioned, Filter>(
  stores: () => Stores,
  of: NounUnderTest<T, Filter>,
): void {
  const change = (id: string): Change => ({ kind: of.changeKind, id });

  it('answers null for an unknown id', async () => {
    expect(await of.store(stores()).find('nobody')).toBeNull();
  });

  it('round-trips every field, with its audit event and change', async () => {
    const [store, record] = [of.store(stores()), of.fixture()];
    const event = eventOf(`${of.noun}.create`, of.id(record));
    await expectChange(stores(), change(of.id(record)), () => store.insert(record, event));
    expect(await store.find(of.id(record))).toStrictEqual(record);
    expect(await eventsAbout(stores(), of.id(record))).toStrictEqual([event]);
  });

  it('replaces every field, with its audit event and change', async () => {
    const [store, record] = [of.store(stores()), of.fixture()];
    const id = of.id(record);
    await store.insert(record, eventOf(`${of.noun}.create`, id));
    const changed = nextVersion(of.changed(record));
    const event = eventOf(`${of.noun}.update`, id);
    await expectChange(stores(), change(id), () => store.update(changed, event));
    expect(await store.find(id)).toStrictEqual(changed);
    expect(await eventsAbout(stores(), id)).toContainEqual(event);
  });

  it('removes, with its audit event and change; a second time answers false and leaves nothing', async () => {
    const [store, record] = [of.store(stores()), of.fixture()];
    const id = of.id(record);
    await store.insert(record, eventOf(`${of.noun}.create`, id));
    const event = eventOf(`${of.noun}.delete`, id);
    const removed = await expectChange(stores(), change(id), () => store.remove(id, event));
    expect(removed).toBe(true);
    expect(await store.find(id)).toBeNull();
    expect(await store.remove(id, eventOf(`${of.noun}.delete`, id))).toBe(false);
    expect(await eventsAbout(stores(), id)).toHaveLength(2);
  });
}

function describeConflicts<T extends Versioned, Filter>(
  stores: () => Stores,
  of: NounUnderTest<T, Filter>,
): void {
  const collisions = Object.entries(of.collisions);
  const insert = (record: T) =>
    of.store(stores()).insert(record, eventOf(`${of.noun}.create`, of.id(record)));

  it.each(collisions)(
    'refuses to insert a %s that is taken, and writes nothing',
    async (field, by) => {
      const taken = of.fixture();
      await insert(taken);
      const second = of.fixture(by(taken));
      const event = eventOf(`${of.noun}.create`, of.id(second));
      const write = () => of.store(stores()).insert(second, event);
      await expectNothingWritten(stores(), event.object.id, write, conflictOn(field));
      expect(await of.store(stores()).find(of.id(taken))).toStrictEqual(taken);
    },
  );

  for (const [field, by] of collisions.slice(1)) {
    it(`refuses to update to a ${field} that is taken, and writes nothing`, async () => {
      const [taken, other] = [of.fixture(), of.fixture()];
      await insert(taken);
      await insert(other);
      const event = eventOf(`${of.noun}.update`, of.id(other));
      const write = () => of.store(stores()).update(nextVersion({ ...other, ...by(taken) }), event);
      await expectNothingWritten(stores(), event.object.id, write, conflictOn(field));
      expect(await of.store(stores()).find(of.id(other))).toStrictEqual(other);
    });
  }

  it('lets exactly one of concurrent inserts of one id through', async () => {
    const [store, record] = [of.store(stores()), of.fixture()];
    const inserts = Array.from({ length: 10 }, () =>
      store.insert(record, eventOf(`${of.noun}.create`, of.id(record))),
    );
    const results = await Promise.allSettled(inserts);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await eventsAbout(stores(), of.id(record))).toHaveLength(1);
  });
}

function describeVersions<T extends Versioned, Filter>(
  stores: () => Stores,
  of: NounUnderTest<T, Filter>,
): void {
  it('refuses to update a record that does not exist', async () => {
    const record = nextVersion(of.fixture());
    const event = eventOf(`${of.noun}.update`, of.id(record));
    const update = () => of.store(stores()).update(record, event);
    await expectNothingWritten(stores(), event.object.id, update, { code: 'not_found' });
  });

  it('refuses a stale update with the current record, and writes nothing', async () => {
    const [store, record] = [of.store(stores()), of.fixture()];
    const id = of.id(record);
    await store.insert(record, eventOf(`${of.noun}.create`, id));
    const current = nextVersion(of.changed(record));
    await store.update(current, eventOf(`${of.noun}.update`, id));
    const event = eventOf(`${of.noun}.update`, id);
    const stale = () => store.update(nextVersion(record), event);
    await expectNothingWritten(stores(), event.object.id, stale, {
      code: 'version_conflict',
      current,
    });
    expect(await store.find(id)).toStrictEqual(current);
  });

  it('refuses to remove another version, with the current record, and writes nothing', async () => {
    const [store, record] = [of.store(stores()), of.fixture()];
    const id = of.id(record);
    await store.insert(record, eventOf(`${of.noun}.create`, id));
    const current = nextVersion(of.changed(record));
    await store.update(current, eventOf(`${of.noun}.update`, id));
    const event = eventOf(`${of.noun}.delete`, id);
    for (const version of [record.version, current.version + 1]) {
      const stale = () => store.remove(id, event, version);
      await expectNothingWritten(stores(), id, stale, { code: 'version_conflict', current });
    }
    expect(await store.find(id)).toStrictEqual(current);
    expect(await store.remove(id, event, current.version)).toBe(true);
    expect(await store.remove(id, event, current.version)).toBe(false);
    expect(await store.find(id)).toBeNull();
  });

  it('lets exactly one of an update and a removal of one version through', async () => {
    const [store, record] = [of.store(stores()), of.fixture()];
    const id = of.id(record);
    await store.insert(record, eventOf(`${of.noun}.create`, id));
    const [updated, removed] = await Promise.allSettled([
      store.update(nextVersion(of.changed(record)), eventOf(`${of.noun}.update`, id)),
      store.remove(id, eventOf(`${of.noun}.delete`, id), record.version),
    ]);
    expect(updated.status).not.toBe(removed.status);
    expect((await store.find(id)) === null).toBe(removed.status === 'fulfilled');
  });

  it('lets exactly one of concurrent updates of one version through', async () => {
    const [store, record] = [of.store(stores()), of.fixture()];
    const id = of.id(record);
    await store.insert(record, eventOf(`${of.noun}.create`, id));
    const updates = Array.from({ length: 20 }, () =>
      store.update(nextVersion(of.changed(record)), eventOf(`${of.noun}.update`, id)),
    );
    const results = await Promise.allSettled(updates);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason.code).toBe('version_conflict');
    }
    expect((await store.find(id))?.version).toBe(2);
    expect(await eventsAbout(stores(), id)).toHaveLength(2);
  });
}
