/** The contract of lists of governed records: order, pages, search, and what is refused. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { LAST_PAGE, type Versioned } from '../../src/domain/records.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { eventOf } from '../support/contract-fixtures.ts';
import { allPages, invalidOn, type Open, sameBothWays, useStores } from './contract.ts';
import type { NounUnderTest } from './record-store.contract.ts';

const ROWS = 7;
/** Between the creation times of the rows. */
const AMID = new Date(Date.UTC(2027, 0, 1, 0, 0, 1, 500));

/** Describes the contract for one noun. */
export function describePaging<T extends Versioned, Filter>(
  open: Open,
  of: NounUnderTest<T, Filter>,
): void {
  describe(`list of ${of.noun}`, () => {
    const stores = useStores(open);
    const records: T[] = [];
    beforeAll(async () => {
      for (let i = 0; i < ROWS; i += 1) {
        // Two share each creation time, so that ties are paged across, too.
        const createdAt = new Date(Date.UTC(2027, 0, 1, 0, 0, Math.floor(i / 2)));
        records.push(await inserted(stores(), of, { createdAt } as Partial<T>));
      }
    });
    describeOrder(stores, of, records);
    describeBothWays(stores, of);
    describeSearch(stores, of, records);

    it('refuses a search of too many words, and of one that is too long', async () => {
      const store = of.store(stores());
      const many = Array.from({ length: 51 }, (_, i) => `word${i}`).join(' ');
      for (const search of [many, 'x'.repeat(1001)]) {
        await expect(store.list({ limit: 2, search })).rejects.toMatchObject(invalidOn('search'));
      }
      expect((await store.list({ limit: 2, search: '['.repeat(1000) })).total).toBe(0);
    });

    it('refuses an unreadable cursor and an unknown sort field', async () => {
      const store = of.store(stores());
      const unreadable = ['', '%', 'bm90IGpzb24', 'WzEsMiwzLDRd', 'e30', 'bnVsbA', 'W10'];
      for (const cursor of unreadable) {
        await expect(store.list({ limit: 2, cursor })).rejects.toMatchObject(invalidOn('cursor'));
      }
      for (const field of ['nothing', 'constructor', '__proto__', 'version; --', '$where']) {
        const sort = { field, descending: false };
        await expect(store.list({ limit: 2, sort })).rejects.toMatchObject(invalidOn('sort'));
      }
    });

    // Last, because it adds rows.
    it.each(['ascending', 'descending'])(
      'neither skips nor repeats a row while rows are inserted (%s)',
      async (direction) => {
        const [store, field] = [of.store(stores()), Object.keys(of.sorts).at(-1) ?? ''];
        const sort = { field, descending: direction === 'descending' };
        let insertsLeft = 3;
        const seen = await allPages<T, Filter>(
          (query) => store.list(query),
          { limit: 2, sort },
          async () => {
            if (insertsLeft > 0) await inserted(stores(), of, { createdAt: AMID } as Partial<T>);
            insertsLeft -= 1;
          },
        );
        const ids = seen.map(of.id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual(expect.arrayContaining(records.map(of.id)));
      },
    );
  });
}

async function inserted<T extends Versioned, Filter>(
  stores: Stores,
  of: NounUnderTest<T, Filter>,
  changes: Partial<T> = {},
): Promise<T> {
  const record = of.fixture(changes);
  await of.store(stores).insert(record, eventOf(`${of.noun}.create`, of.id(record)));
  return record;
}

function describeOrder<T extends Versioned, Filter>(
  stores: () => Stores,
  of: NounUnderTest<T, Filter>,
  records: T[],
): void {
  const [defaultSort = ''] = Object.keys(of.sorts);

  it(`sorts by ${defaultSort} when nothing else is asked`, async () => {
    const store = of.store(stores());
    const sort = { field: defaultSort, descending: false };
    const page = await store.list({ limit: 100 });
    expect(page).toEqual(await store.list({ limit: 100, sort }));
    expect(page).toMatchObject({ total: ROWS, nextCursor: null });
  });

  it.each(
    Object.keys(of.sorts).flatMap((field) => [
      [field, 'ascending'],
      [field, 'descending'],
    ]),
  )('sorts and pages by %s %s', async (field = '', direction) => {
    const store = of.store(stores());
    const [key = () => '', descending] = [of.sorts[field], direction === 'descending'];
    const totals = new Set<number>();
    const items = await allPages<T, Filter>(
      (query) => store.list(query),
      { limit: 3, sort: { field, descending } },
      async (page) => void totals.add(page.total),
    );
    const keys = items.map(key);
    const ordered = [...keys].sort((a, b) => (a < b ? -1 : Number(a > b)));
    expect(keys).toEqual(descending ? ordered.reverse() : ordered);
    expect(items.map(of.id).sort()).toEqual(records.map(of.id).sort());
    expect(totals).toEqual(new Set([ROWS]));
  });

  it('says on a full last page that there is no next one', async () => {
    const page = await of.store(stores()).list({ limit: ROWS });
    expect(page.items).toHaveLength(ROWS);
    expect(page.nextCursor).toBeNull();
  });
}

function describeBothWays<T extends Versioned, Filter>(
  stores: () => Stores,
  of: NounUnderTest<T, Filter>,
): void {
  it.each(
    Object.keys(of.sorts).flatMap((field) => [
      [field, false],
      [field, true],
    ]),
  )('pages back from the last page as it pages there (%s, descending: %s)', async (field, down) => {
    const sort = { field: String(field), descending: down === true };
    const pages = await sameBothWays<T, Filter>((query) => of.store(stores()).list(query), {
      sort,
      limit: 3,
    });
    expect(pages).toHaveLength(Math.ceil(ROWS / 3));
  });

  it('answers a last page that is the first as such', async () => {
    const store = of.store(stores());
    const page = await store.list({ limit: 100, cursor: LAST_PAGE });
    expect(page).toEqual(await store.list({ limit: 100 }));
  });
}

function describeSearch<T extends Versioned, Filter>(
  stores: () => Stores,
  of: NounUnderTest<T, Filter>,
  records: T[],
): void {
  it.each(Object.entries(of.searchable))('finds by %s, without regard to case', async (_, word) => {
    const [store, wanted] = [of.store(stores()), records[3] as T];
    for (const search of [word(wanted), word(wanted).toUpperCase(), word(wanted).toLowerCase()]) {
      const { items } = await store.list({ limit: 100, search });
      expect(items.map(of.id)).toContain(of.id(wanted));
      expect(items.length).toBeLessThanOrEqual(ROWS);
    }
  });

  it('asks for every word, in any order; a wildcard is an ordinary character', async () => {
    const [store, wanted] = [of.store(stores()), records[2] as T];
    const words = Object.values(of.searchable).map((word) => word(wanted));
    const search = (text: string) => store.list({ limit: 100, search: text });
    const found = await search(`  ${words.reverse().join('  ')} `);
    expect(found.items.map(of.id)).toContain(of.id(wanted));
    for (const text of [`${words[0]} zzz-none`, '%%%', '_'.repeat(9), '.*', '^', '\\']) {
      const nothing = { items: [], nextCursor: null, previousCursor: null, total: 0 };
      expect(await search(text)).toEqual(nothing);
    }
    expect((await search('   ')).total).toBe(ROWS);
  });
}
