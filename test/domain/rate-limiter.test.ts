import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RateLimiter } from '../../src/domain/usage/rate-limiter.ts';
import type { Job } from './rate-limiter-child.ts';

const T0 = Date.UTC(2027, 2, 31, 16, 0, 0, 123);
const at = (ms: number) => new Date(T0 + ms);

/** Calls counted at most, so that one bucket holds every key. */
const ONE_BUCKET = 16;

const small = () => new RateLimiter(RateLimiter.memory(ONE_BUCKET));

/** Of many calls at one instant, how many pass. */
function burst(limiter: RateLimiter, limit: number, ms: number, calls = 3 * limit + 1): number {
  const taken = Array.from({ length: calls }, () => limiter.take('orders', limit, at(ms)));
  return taken.filter(({ ok }) => ok).length;
}

/** The most of some instants, in order, that any second holds, both of its ends included. */
function mostInASecond(instants: number[]): number {
  let first = 0;
  let most = 0;
  for (const [i, instant] of instants.entries()) {
    while (instant - (instants[first] ?? 0) > 1000) first += 1;
    most = Math.max(most, i - first + 1);
  }
  return most;
}

/** Instants of calls: dense, sparse and in bursts. */
const arrivals = fc
  .array(fc.oneof(fc.nat(3), fc.nat(40), fc.nat(400), fc.constantFrom(0, 984, 999, 1000, 1016)), {
    minLength: 1,
    maxLength: 300,
  })
  .map((gaps) => {
    let now = 0;
    return gaps.map((gap) => {
      now += gap;
      return now;
    });
  });
const limits = fc.constantFrom(1, 2, 3, 7, 10, 40);
const phase = fc.nat(1000);

describe('RateLimiter.take', () => {
  it('lets no second, wherever it starts, hold more calls than the limit, and wastes none', () => {
    fc.assert(
      fc.property(arrivals, limits, phase, (instants, limit, shift) => {
        const limiter = small();
        const granted: number[] = [];
        for (const instant of instants.map((ms) => ms + shift)) {
          const { ok, used } = limiter.take('orders', limit, at(instant));
          const lately = granted.filter((before) => instant - before <= 1000).length;
          const nearly = granted.filter((before) => instant - before < 1016).length;
          expect(used - Number(ok)).toBeGreaterThanOrEqual(lately);
          expect(used - Number(ok)).toBeLessThanOrEqual(nearly);
          expect(ok).toBe(used - Number(ok) < limit);
          if (ok) granted.push(instant);
        }
        expect(mostInASecond(granted)).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 300 },
    );
  });

  it.each([1, 3, 10, 100, 5000])('sustains 95 %% of a limit of %d under pressure', (limit) => {
    const limiter = small();
    const granted: number[] = [];
    for (let ms = 0; ms < 60_000; ms += 1) {
      for (let call = 0; call < Math.ceil(limit / 900); call += 1)
        if (limiter.take('orders', limit, at(ms)).ok) granted.push(ms);
    }
    expect(granted.length / 60).toBeGreaterThanOrEqual(0.95 * limit);
    expect(mostInASecond(granted)).toBeLessThanOrEqual(limit);
  });

  it('allows no second burst within a second of the first, whatever edge lies between', () => {
    for (let start = 0; start < 1000; start += 7) {
      for (const later of [1, 10, 15, 16, 500, 984, 985, 999, 1000]) {
        const limiter = small();
        expect(burst(limiter, 10, start)).toBe(10);
        expect(burst(limiter, 10, start + later)).toBe(0);
      }
      const limiter = small();
      burst(limiter, 10, start);
      expect(burst(limiter, 10, start + 1016)).toBe(10);
    }
  });

  it('says how many calls the second holds and when the next can pass', () => {
    const limiter = small();
    const take = (ms: number) => limiter.take('orders', 2, at(ms));
    expect(take(2)).toEqual({ ok: true, used: 1, retryAfterMs: 0 });
    const second = take(402);
    expect(second).toMatchObject({ ok: true, used: 2 });
    expect(take(502)).toEqual({ ok: false, used: 2, retryAfterMs: second.retryAfterMs - 100 });
    expect(second.retryAfterMs).toBeGreaterThan(600);
    expect(second.retryAfterMs).toBeLessThanOrEqual(616);
  });

  it('names the first millisecond at which a call passes', () => {
    fc.assert(
      fc.property(
        arrivals,
        limits,
        limits,
        phase,
        phase,
        (instants, limit, lower, shift, pause) => {
          const limiter = small();
          for (const ms of instants) limiter.take('orders', limit, at(ms + shift));
          const now = shift + (instants.at(-1) ?? 0) + pause;
          const { ok, retryAfterMs } = limiter.look('orders', lower, at(now));
          expect(ok).toBe(retryAfterMs === 0);
          expect(limiter.look('orders', lower, at(now + retryAfterMs)).ok).toBe(true);
          if (!ok) expect(limiter.look('orders', lower, at(now + retryAfterMs - 1)).ok).toBe(false);
        },
      ),
    );
  });

  it('follows a limit that is changed, both ways, at once', () => {
    const limiter = small();
    expect(burst(limiter, 10, 0)).toBe(10);
    expect(burst(limiter, 15, 1)).toBe(5);
    expect(limiter.take('orders', 3, at(2))).toMatchObject({ ok: false, used: 15 });
    expect(burst(limiter, 3, 1017)).toBe(3);
  });
});

describe('RateLimiter.look', () => {
  it('counts nothing, creates nothing and moves nothing, also at a far instant', () => {
    const limiter = small();
    expect(limiter.look('orders', 1, at(0))).toEqual({ ok: true, used: 0, retryAfterMs: 0 });
    burst(limiter, 10, 0);
    expect(limiter.look('orders', 10, at(86_400_000))).toMatchObject({ ok: true, used: 0 });
    expect(limiter.look('orders', 10, at(-86_400_000))).toMatchObject({ ok: false, used: 10 });
    expect(limiter.look('orders', 11, at(500))).toEqual({ ok: true, used: 10, retryAfterMs: 0 });
    expect(burst(limiter, 10, 500)).toBe(0);
  });
});

describe('RateLimiter.giveBack', () => {
  it('makes room for one more call, and for no more than were taken', () => {
    const limiter = small();
    burst(limiter, 3, 0);
    limiter.giveBack('orders', at(0));
    expect(burst(limiter, 3, 400)).toBe(1);
    for (let i = 0; i < 9; i += 1) limiter.giveBack('orders', at(400));
    expect(limiter.look('orders', 3, at(400)).used).toBe(2);
    for (let i = 0; i < 9; i += 1) limiter.giveBack('orders', at(0));
    expect(burst(limiter, 3, 400)).toBe(3);
    limiter.giveBack('nobody', at(0));
    expect(limiter.look('nobody', 3, at(400)).used).toBe(0);
  });

  it('of a call that no longer counts leaves later calls alone', () => {
    const limiter = small();
    limiter.take('orders', 1, at(0));
    limiter.take('orders', 1, at(1200));
    limiter.giveBack('orders', at(0));
    expect(limiter.look('orders', 1, at(1200)).used).toBe(1);
  });

  it('never makes a second hold more calls than the limit that were kept', () => {
    const steps = fc.array(
      fc.record({ gap: fc.oneof(fc.nat(5), fc.nat(300)), keep: fc.boolean(), late: fc.nat(9) }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, limits, (calls, limit) => {
        const limiter = small();
        const kept: number[] = [];
        const doomed: { taken: number; steps: number }[] = [];
        let now = 0;
        for (const { gap, keep, late } of calls) {
          now += gap;
          if (limiter.take('orders', limit, at(now)).ok) {
            if (keep) kept.push(now);
            else doomed.push({ taken: now, steps: late });
          }
          for (const call of doomed) {
            if (call.steps === 0) limiter.giveBack('orders', at(call.taken));
            call.steps -= 1;
          }
        }
        expect(mostInASecond(kept)).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a clock that steps back', () => {
  it.each([1, 100, 900, 1000])('by %d ms grants nothing more, and soon something again', (step) => {
    const limiter = small();
    burst(limiter, 5, 5000);
    expect(burst(limiter, 5, 5000 - step)).toBe(0);
    expect(burst(limiter, 5, 6000)).toBe(0);
    expect(burst(limiter, 5, 6016)).toBe(5);
  });

  it.each([1100, 60_000, 3_600_000])('by %d ms locks a client out for a second only', (step) => {
    const limiter = small();
    burst(limiter, 5, 0);
    const { ok, retryAfterMs } = limiter.take('orders', 5, at(-step));
    expect(ok).toBe(false);
    expect(retryAfterMs).toBeLessThanOrEqual(1016);
    expect(burst(limiter, 5, -step + 999)).toBe(0);
    expect(burst(limiter, 5, -step + retryAfterMs)).toBe(5);
    // A pause in which every call grows old.
    expect(burst(limiter, 5, -step + 3000)).toBe(5);
  });

  it('gives no second burst when it was one late thread and not the clock', () => {
    for (const late of [1, 900, 1100, 5000, 3_600_000]) {
      const limiter = small();
      expect(burst(limiter, 5, 0)).toBe(5);
      expect(burst(limiter, 5, -late)).toBe(0);
      expect(burst(limiter, 5, 10)).toBe(0);
      expect(burst(limiter, 5, 1000)).toBe(0);
      expect(burst(limiter, 5, 1016)).toBe(5);
    }
  });

  it('now and then, by any amount, never makes a second of real time hold more than the limit', () => {
    const steps = fc.array(
      fc.record({
        gap: fc.oneof(fc.nat(5), fc.nat(300), fc.nat(1100)),
        back: fc.oneof(
          { weight: 20, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.oneof(fc.nat(1200), fc.nat(100_000)) },
        ),
      }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, limits, (calls, limit) => {
        const limiter = small();
        const granted: number[] = [];
        let real = 0;
        let behind = 0;
        for (const { gap, back } of calls) {
          real += gap;
          behind += back;
          if (limiter.take('orders', limit, at(real - behind)).ok) granted.push(real);
        }
        expect(mostInASecond(granted)).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the memory of a rate limiter', () => {
  it('is enough for a million clients that come and go, and remembers those of a second', async () => {
    const memory = RateLimiter.memory(64);
    expect(memory.byteLength).toBeLessThan(64 * 300);
    const worker = thread({ name: 'visit', memory, clients: 1_000_000, limit: 2 });
    expect(await once(worker, 'message')).toEqual([[1_000_000, 1_000_000, 0, 0]]);
  }, 60_000);

  it('counts 16 clients of one bucket apart, and for a 17th forgets the one still for longest', () => {
    const limiter = small();
    const ids = Array.from({ length: 17 }, (_, i) => `client-${i}`);
    for (const [i, id] of ids.slice(0, 16).entries())
      for (let call = 0; call <= i; call += 1) limiter.take(id, 100, at(20 * ((i + 11) % 16)));
    const used = (id: string) => limiter.look(id, 100, at(320)).used;
    expect(ids.map(used)).toEqual([...Array.from({ length: 16 }, (_, i) => i + 1), 0]);
    limiter.take('client-16', 100, at(320));
    expect(ids.map(used)).toEqual([1, 2, 3, 4, 5, 0, ...range(7, 16), 1]);

    function range(from: number, to: number): number[] {
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    }
  });

  it('gives a new client of a late thread the place of one that is gone', () => {
    const limiter = small();
    for (let i = 0; i < 15; i += 1) limiter.take(`client-${i}`, 5, at(-7000));
    burst(limiter, 5, 0);
    limiter.take('new', 5, at(-5000));
    expect(limiter.look('orders', 5, at(1)).used).toBe(5);
  });

  it('counts clients apart whose digests begin alike', () => {
    const limiter = small();
    limiter.take('client-42702', 1, at(0));
    expect(limiter.take('client-77027', 1, at(0)).ok).toBe(true);
  });

  it('is shared: what one limiter counts, another sees', () => {
    const memory = RateLimiter.memory();
    const [one, other] = [new RateLimiter(memory), new RateLimiter(memory)];
    expect(burst(one, 4, 0, 3)).toBe(3);
    expect(burst(other, 4, 0)).toBe(1);
  });
});

const THREADS = 4;

function thread(job: Job): Worker {
  return new Worker(new URL('./rate-limiter-child.ts', import.meta.url), { workerData: job });
}

/** Calls granted in each round, by all threads. */
async function race(memory: SharedArrayBuffer, rounds: (Job & { name: 'take' })['rounds']) {
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const job: Job = { name: 'take', memory, gate, threads: THREADS, rounds };
  const posts = Array.from({ length: THREADS }, async () => {
    const [granted] = (await once(thread(job), 'message')) as [number[]];
    return granted;
  });
  const granted = await Promise.all(posts);
  return rounds.map((_, round) => granted.reduce((sum, own) => sum + (own[round] ?? 0), 0));
}

describe('threads that share a rate limiter', () => {
  it('are granted exactly the limit among them, at one instant, for keys of one bucket', async () => {
    const rounds = Array.from({ length: 600 }, (_, i) => ({
      clientId: `client-${i % 3}`,
      limit: [10, 150, 1][i % 3] ?? 0,
      at: at(1016 * Math.floor(i / 3)),
      times: 100,
    }));
    const granted = await race(RateLimiter.memory(ONE_BUCKET), rounds);
    expect(granted).toEqual(rounds.map(({ limit }) => limit));
  });

  it('lose no count and no refusal when none is refused', async () => {
    const memory = RateLimiter.memory(ONE_BUCKET);
    const times = 50_000;
    const limit = THREADS * times;
    const round = { clientId: 'orders', limit, at: at(0), times };
    expect(await race(memory, [round])).toEqual([limit]);
    expect(new RateLimiter(memory).take('orders', limit, at(0))).toMatchObject({
      ok: false,
      used: limit,
    });
  });

  it('go on with true counts after one of them died in the middle', () => {
    const memory = RateLimiter.memory(ONE_BUCKET);
    const limiter = new RateLimiter(memory);
    burst(limiter, 10, 0, 4);
    const lock = new Int32Array(memory, memory.byteLength - 4, 1);
    lock[0] = (lock[0] ?? 0) + 1;
    expect(limiter.take('orders', 10, at(1))).toMatchObject({ ok: true, used: 5 });
    expect(burst(limiter, 10, 2)).toBe(5);
  });

  it('correct a sum that a paused thread left wrong, within a second or two of steady calls', () => {
    const memory = RateLimiter.memory(ONE_BUCKET);
    const limiter = new RateLimiter(memory);
    burst(limiter, 10, 0, 4);
    // The one word that counts 4, but for the cell, which lies behind it.
    const words = new Uint32Array(memory);
    words[words.indexOf(4)] = 1_000_000;
    expect(limiter.take('orders', 10, at(10))).toMatchObject({ ok: false, used: 1_000_000 });
    for (let ms = 20; ms < 2100; ms += 10) limiter.take('orders', 10, at(ms));
    expect(limiter.take('orders', 10, at(2100)).used).toBeLessThanOrEqual(10);
  });
});
