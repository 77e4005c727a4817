/**
 * The rate limiter: calls of each client in the present second, on this node. Its threads share one
 * block of memory, so that they count as one. No second, wherever it starts, holds more calls than the
 * limit; whoever keeps asking gets 64/65 of the limit, since a call counts until the tick in which its
 * second ends is over.
 */
import { hash } from 'node:crypto';
import { type Key, RateTable, rateMemory, TICKS_PER_SECOND } from './rate-table.ts';

/** Where a client stands after it took a call, or asked. */
export interface RateTaken {
  ok: boolean;
  /** Calls in the present second, this one included where it was granted. */
  used: number;
  /** Milliseconds until the next call can pass; 0 when one can pass now. */
  retryAfterMs: number;
}

const TICK_MS = 1000 / TICKS_PER_SECOND;

/** Digests of ids remembered; beyond that all are forgotten, and made anew. */
const MAX_KEYS = 50_000;

/** Counts calls per client id; a thread's view of the memory it is given. */
export class RateLimiter {
  readonly #table: RateTable;
  readonly #keys = new Map<string, Key>();

  /** Shared memory to count in: 300 bytes per client that is to be counted at the same time. */
  static memory(clients = 65_536): SharedArrayBuffer {
    return rateMemory(clients);
  }

  constructor(memory: SharedArrayBuffer = RateLimiter.memory()) {
    this.#table = new RateTable(memory);
  }

  /** Counts a call, if the client made fewer than `limit`, 1 or more, in the second that ends now. */
  take(clientId: string, limit: number, now: Date): RateTaken {
    const table = this.#table;
    const key = this.#keyOf(clientId);
    const tick = tickOf(now);
    const held = table.locks.acquire(key.bucket);
    try {
      const known = table.find(key);
      const slot = known === -1 ? table.claim(key, tick) : known;
      table.advance(slot, tick);
      const ok = table.sum(slot, tick) < limit;
      if (ok) table.count(slot);
      const standing = this.#standing(slot, limit, now);
      standing.ok = ok;
      return standing;
    } finally {
      table.locks.release(key.bucket, held);
    }
  }

  /** Gives back a call, if it still counts; `takenAt` is the instant that it was taken with. */
  giveBack(clientId: string, takenAt: Date): void {
    const table = this.#table;
    const key = this.#keyOf(clientId);
    const held = table.locks.acquire(key.bucket);
    try {
      const slot = table.find(key);
      if (slot !== -1) table.discount(slot, tickOf(takenAt));
    } finally {
      table.locks.release(key.bucket, held);
    }
  }

  /** Where a client stands; `ok` when a call could pass. Counts nothing and changes nothing. */
  look(clientId: string, limit: number, now: Date): RateTaken {
    const table = this.#table;
    const key = this.#keyOf(clientId);
    const held = table.locks.acquire(key.bucket);
    try {
      const slot = table.find(key);
      return slot === -1
        ? { ok: true, used: 0, retryAfterMs: 0 }
        : this.#standing(slot, limit, now);
    } finally {
      table.locks.release(key.bucket, held);
    }
  }

  #standing(slot: number, limit: number, now: Date): RateTaken {
    const tick = tickOf(now);
    const used = this.#table.sum(slot, tick);
    if (used < limit) return { ok: true, used, retryAfterMs: 0 };
    const room = Math.ceil(this.#table.roomAt(slot, tick, limit) * TICK_MS);
    return { ok: false, used, retryAfterMs: room - now.getTime() };
  }

  #keyOf(clientId: string): Key {
    const known = this.#keys.get(clientId);
    if (known !== undefined) return known;
    if (this.#keys.size >= MAX_KEYS) this.#keys.clear();
    const key = this.#table.keyOf(hash('sha256', clientId, 'buffer'));
    this.#keys.set(clientId, key);
    return key;
  }
}

function tickOf(at: Date): number {
  return Math.floor(at.getTime() / TICK_MS);
}
