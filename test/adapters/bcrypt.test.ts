import { afterEach, describe, expect, it } from '@jest/globals';
import { BcryptPool } from '../../adapters/bcrypt/index.ts';

const opened: BcryptPool[] = [];
function open(options: { threads?: number; queued?: number; cost?: number } = {}): BcryptPool {
  const pool = new BcryptPool({ cost: 4, threads: 1, ...options });
  opened.push(pool);
  return pool;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((pool) => pool.close()));
});

const STOPPED = { code: 'overloaded', hint: 'the verification was stopped' };

describe('BcryptPool', () => {
  it('hashes at its cost and compares', async () => {
    const pool = open({ cost: 5 });
    const hash = await pool.hash('a text');
    expect(hash).toMatch(/^\$2b\$05\$/);
    expect(
      await Promise.all(['a text', 'b text', ''].map((text) => pool.compare(text, hash))),
    ).toEqual([true, false, false]);
  });

  it.each(['', 'nonsense', '$2b$04$short'])(
    'takes nothing for the hash %j, and goes on',
    async (hash) => {
      const pool = open();
      expect(await pool.compare('a text', hash)).toBe(false);
      expect(await pool.compare('a text', await pool.hash('a text'))).toBe(true);
    },
  );

  it('turns away at once what its queue does not hold, and does the rest', async () => {
    const pool = open({ threads: 2, queued: 2 });
    const order: string[] = [];
    const jobs = Array.from({ length: 10 }, () =>
      pool.hash('a text').then(
        () => order.push('done'),
        () => order.push('refused'),
      ),
    );
    await expect(pool.hash('one more')).rejects.toMatchObject({
      code: 'overloaded',
      retryAfterSeconds: 5,
    });
    expect(order).toEqual(Array(4).fill('refused'));
    await Promise.all(jobs);
    expect(order.slice(4)).toEqual(Array(6).fill('done'));
    expect(await pool.hash('room again')).toMatch(/^\$2b/);
  });

  it('leaves the thread of its caller alone', async () => {
    const pool = open({ cost: 11 });
    const pending = pool.hash('a text').then(() => 'hashed');
    const ticked = new Promise((resolve) => setImmediate(() => resolve('ticked')));
    expect(await Promise.race([pending, ticked])).toBe('ticked');
    await pending;
  });

  it('rejects what runs and what waits when it closes, and what comes after', async () => {
    const pool = open({ cost: 14 });
    const jobs = Promise.allSettled([
      pool.hash('runs'),
      pool.hash('waits'),
      pool.compare('waits', 'x'),
    ]);
    await pool.close();
    for (const job of await jobs)
      expect(job).toMatchObject({ status: 'rejected', reason: STOPPED });
    await expect(pool.hash('late')).rejects.toMatchObject(STOPPED);
    await pool.close();
  });
});
