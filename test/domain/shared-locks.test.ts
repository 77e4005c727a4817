import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from '@jest/globals';
import { SharedLocks } from '../../src/domain/usage/shared-locks.ts';
import type { Job } from './rate-limiter-child.ts';

function thread(job: Job): Worker {
  return new Worker(new URL('./rate-limiter-child.ts', import.meta.url), { workerData: job });
}

const words = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));

function unexpected(): void {
  throw new Error('no thread has died');
}

describe('a shared lock', () => {
  it('is held by one thread at a time', async () => {
    const [locks, counter, times] = [words(1), words(1), 200_000];
    const job: Job = { name: 'count', locks, counter, times };
    const ends = Array.from({ length: 4 }, () => once(thread(job), 'message'));
    expect((await Promise.all(ends)).flat()).toEqual([0, 0, 0, 0]);
    expect(counter[0]).toBe(4 * times);
  });

  it('is taken over, repaired, a second after its holder died, by one that waits', async () => {
    const locks = words(2);
    await once(thread({ name: 'die', locks }), 'exit');
    const repaired: number[] = [];
    const shared = new SharedLocks(locks, (lock) => repaired.push(lock));
    shared.release(1, shared.acquire(1));
    expect(repaired).toEqual([]);
    const started = performance.now();
    const held = shared.acquire(0);
    expect(performance.now() - started).toBeGreaterThan(990);
    expect(repaired).toEqual([0]);
    shared.release(0, held);
    shared.release(0, shared.acquire(0));
    expect(performance.now() - started).toBeLessThan(1990);
  });

  it('stays with the one who took it over when the late holder frees it', () => {
    const locks = words(1);
    const shared = new SharedLocks(locks, () => undefined);
    const late = shared.acquire(0);
    const held = shared.acquire(0);
    shared.release(0, late);
    const word = locks[0];
    shared.release(0, held);
    expect(locks[0]).not.toBe(word);
    expect(new SharedLocks(locks, unexpected).acquire(0)).toBeGreaterThan(held);
  });

  it('still works when it has been freed 2^30 times', () => {
    const locks = words(1);
    const shared = new SharedLocks(locks, unexpected);
    locks[0] = 0x7ffffffc;
    for (let i = 0; i < 3; i += 1) shared.release(0, shared.acquire(0));
    locks[0] = -4;
    for (let i = 0; i < 3; i += 1) shared.release(0, shared.acquire(0));
    expect(locks[0]).toBe(8);
  });
});
