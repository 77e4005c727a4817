/** Group commit of SQLite: who is answered when one of many writes, or the commit of all, fails. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Connection, openConnection } from '../../adapters/sqlite/connection.ts';

describe('group commit', () => {
  let connection: Connection;
  beforeEach(async () => {
    connection = await openConnection({ path: ':memory:' });
    connection.database.exec(`
      CREATE TABLE parents (id INTEGER PRIMARY KEY);
      CREATE TABLE children (
        id INTEGER PRIMARY KEY,
        parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED
      );`);
  });
  afterEach(() => connection.database.close());

  const insert = (id: number, parent: number | null = null) =>
    connection.prepare('INSERT INTO children VALUES (?, ?)').run(id, parent);
  const stored = () => connection.prepare('SELECT id FROM children ORDER BY id').all();

  it('answers nobody when the commit fails, and works again afterwards', async () => {
    const writes = [
      connection.write(() => insert(1)),
      connection.write(() => insert(2, 99)),
      connection.transact(() => insert(3)),
    ];
    const results = await Promise.allSettled(writes);
    for (const result of results) {
      const reason = expect.objectContaining({ code: 'store_unavailable' });
      expect(result).toEqual({ status: 'rejected', reason });
    }
    expect(stored()).toEqual([]);
    await connection.write(() => insert(4));
    expect(stored()).toEqual([{ id: 4 }]);
  });

  it('keeps a failing write from spoiling the others of its turn', async () => {
    const results = await Promise.allSettled([
      connection.write(() => insert(1)),
      connection.write(() => insert(1)),
      connection.transact(() => {
        insert(2);
        insert(3);
        throw new RangeError('a rule of the domain');
      }),
      connection.transact(() => [insert(4), insert(5)]),
    ]);
    const statuses = results.map(({ status }) => status);
    expect(statuses).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(results[2]).toMatchObject({ reason: { name: 'RangeError' } });
    expect(stored()).toEqual([{ id: 1 }, { id: 4 }, { id: 5 }]);
  });

  it('rejects the whole turn when the database stops answering within it', async () => {
    const busy = Object.assign(new Error('disk I/O error'), { errcode: 10 });
    const fail = () => {
      throw busy;
    };
    const writes = [connection.write(() => insert(1)), connection.write(fail)];
    for (const write of writes) {
      await expect(write).rejects.toMatchObject({ code: 'store_unavailable', cause: busy });
    }
    expect(stored()).toEqual([]);
  });
});
