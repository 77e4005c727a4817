/**
 * The memory behind the rate limiter: calls counted per key, in one block of fixed size that the
 * threads of a node share. A key picks a bucket, which has one lock, and slots for 16 keys. A slot
 * counts in a ring of cells, one per tick, the newest at the ring's head. Whoever calls anything here
 * but `keyOf` holds the lock of the bucket.
 */
import { SharedLocks } from './shared-locks.ts';

/** A second has 64 ticks of 15.625 ms. */
export const TICKS_PER_SECOND = 64;
/** The newest tick and the 64 before it: together they always cover a full second. */
const CELLS = TICKS_PER_SECOND + 1;

const SLOTS = 16;
const WORD_BYTES = 4;
const BYTES_PER_SLOT = 2 * Float64Array.BYTES_PER_ELEMENT + (4 + CELLS) * WORD_BYTES;
const BYTES_PER_BUCKET = SLOTS * BYTES_PER_SLOT + WORD_BYTES;

/** Who is counted: 64 bits of a digest. */
export interface Key {
  /** Where its slot is; also the number of the lock. */
  bucket: number;
  high: number;
  low: number;
}

/** A block that can count so many keys at once; it has counted nothing yet. */
export function rateMemory(keys: number): SharedArrayBuffer {
  return new SharedArrayBuffer(Math.ceil(keys / SLOTS) * BYTES_PER_BUCKET);
}

/** A thread's view of such a block. */
export class RateTable {
  readonly locks: SharedLocks;
  readonly #buckets: number;
  /** Per slot, the tick of its newest cell. */
  readonly #last: Float64Array;
  /** Per slot, the latest tick that it has seen; `last` is earlier only after the clock stepped back. */
  readonly #latest: Float64Array;
  readonly #highs: Uint32Array;
  readonly #lows: Uint32Array;
  /** Per slot, where in its ring the newest cell is. */
  readonly #heads: Uint32Array;
  /** Per slot, the sum of its cells. */
  readonly #sums: Uint32Array;
  readonly #cells: Uint32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#buckets = Math.floor(memory.byteLength / BYTES_PER_BUCKET);
    const slots = this.#buckets * SLOTS;
    this.#last = new Float64Array(memory, 0, slots);
    this.#latest = new Float64Array(memory, this.#last.byteLength, slots);
    let offset = 2 * this.#last.byteLength;
    const words = (length: number) => {
      const view = new Uint32Array(memory, offset, length);
      offset += view.byteLength;
      return view;
    };
    this.#highs = words(slots);
    this.#lows = words(slots);
    this.#heads = words(slots);
    this.#sums = words(slots);
    this.#cells = words(slots * CELLS);
    const locks = new Int32Array(memory, offset, this.#buckets);
    this.locks = new SharedLocks(locks, (bucket) => {
      for (let slot = bucket * SLOTS; slot < (bucket + 1) * SLOTS; slot += 1) this.#addUp(slot);
    });
  }

  /** The key that a digest of whoever is counted stands for. */
  keyOf(digest: Buffer): Key {
    const high = digest.readUInt32BE(0);
    return { bucket: high % this.#buckets, high, low: digest.readUInt32BE(4) };
  }

  /** The slot of a key, or -1. */
  find({ bucket, high, low }: Key): number {
    const end = (bucket + 1) * SLOTS;
    for (let slot = bucket * SLOTS; slot < end; slot += 1) {
      if (this.#highs[slot] === high && this.#lows[slot] === low) return slot;
    }
    return -1;
  }

  /**
   * Gives a key without a slot an empty one: one without calls in the window, else the one that has
   * been still for longest. So a key is forgotten early only where more than 16 keys of one bucket
   * are counted within a second.
   */
  claim(key: Key, tick: number): number {
    const first = key.bucket * SLOTS;
    let claimed = first;
    for (let slot = first; slot < first + SLOTS; slot += 1) {
      if (this.#sums[slot] === 0 || this.#shift(slot, tick) === CELLS) {
        claimed = slot;
        break;
      }
      if (this.#distance(slot, tick) > this.#distance(claimed, tick)) claimed = slot;
    }
    this.#turn(claimed, CELLS);
    this.#last[claimed] = tick;
    this.#latest[claimed] = tick;
    // Last, so that a thread that dies in between leaves no calls of somebody else under the key.
    this.#highs[claimed] = key.high;
    this.#lows[claimed] = key.low;
    return claimed;
  }

  /**
   * The tick at which a slot counts what happens at `tick`. Mostly the same. A thread that comes a bit
   * late counts at the tick of those before it. A clock that was set back by more than a second counts
   * on from where it is, and what was counted before stays for one more second.
   */
  #reach(slot: number, tick: number): number {
    const origin = this.#origin(slot, tick);
    return tick < origin - TICKS_PER_SECOND ? tick : Math.max(tick, origin);
  }

  /**
   * The tick that the newest cell stands for. Ticks that run back and then return to where they were
   * tell of one late thread, and not of a clock that was set back: then nothing may be forgotten.
   */
  #origin(slot: number, tick: number): number {
    const last = this.#last[slot] as number;
    const latest = this.#latest[slot] as number;
    return tick - last > TICKS_PER_SECOND && tick >= latest - TICKS_PER_SECOND ? latest : last;
  }

  /** How many cells leave the window as it moves to a tick. */
  #shift(slot: number, tick: number): number {
    const shift = this.#reach(slot, tick) - this.#origin(slot, tick);
    return Math.min(Math.max(shift, 0), CELLS);
  }

  #distance(slot: number, tick: number): number {
    return Math.abs(tick - (this.#last[slot] as number));
  }

  /** Moves the window of a slot to a tick. */
  advance(slot: number, tick: number): void {
    const reach = this.#reach(slot, tick);
    const shift = this.#shift(slot, tick);
    // Before the cells, so that a thread that dies in between makes calls count for longer, never for less.
    this.#latest[slot] = Math.max(this.#latest[slot] as number, reach);
    this.#last[slot] = reach;
    this.#turn(slot, shift);
  }

  #turn(slot: number, shift: number): void {
    const ring = slot * CELLS;
    if (shift === CELLS) {
      this.#cells.fill(0, ring, ring + CELLS);
      this.#sums[slot] = 0;
      return;
    }
    const start = this.#heads[slot] as number;
    let head = start;
    let sum = this.#sums[slot] as number;
    for (let i = 0; i < shift; i += 1) {
      head = head === CELLS - 1 ? 0 : head + 1;
      sum -= this.#cells[ring + head] as number;
      this.#cells[ring + head] = 0;
    }
    this.#heads[slot] = head;
    this.#sums[slot] = sum;
    // Once a round, in case that a lock was taken from a thread that had only been paused.
    if (head < start) this.#addUp(slot);
  }

  /** Counts a call in the newest cell. */
  count(slot: number): void {
    const head = slot * CELLS + (this.#heads[slot] as number);
    this.#cells[head] = (this.#cells[head] as number) + 1;
    this.#sums[slot] = (this.#sums[slot] as number) + 1;
  }

  /**
   * Takes back a call that was counted at a tick, if it is in the window. If another thread's call
   * moved it to a later cell, the first call after that tick is taken in its stead: what is left then
   * counts for as long or longer, so that it never lets a call too many through.
   */
  discount(slot: number, tick: number): void {
    const age = Math.max((this.#last[slot] as number) - tick, 0);
    for (let i = age; i >= 0 && age < CELLS; i -= 1) {
      const at = this.#cellOf(slot, i);
      const calls = this.#cells[at] as number;
      if (calls === 0) continue;
      this.#cells[at] = calls - 1;
      this.#sums[slot] = (this.#sums[slot] as number) - 1;
      return;
    }
  }

  /** Where the cell lies that is so many ticks older than the newest. */
  #cellOf(slot: number, age: number): number {
    const head = this.#heads[slot] as number;
    return slot * CELLS + (head >= age ? head - age : head - age + CELLS);
  }

  /** Calls in the window that ends with a tick. */
  sum(slot: number, tick: number): number {
    let sum = this.#sums[slot] as number;
    for (let left = this.#shift(slot, tick); left > 0; left -= 1)
      sum -= this.#cells[this.#cellOf(slot, CELLS - left)] as number;
    return sum;
  }

  /** The tick from which on the window holds fewer calls than `limit`, 1 or more. */
  roomAt(slot: number, tick: number, limit: number): number {
    let sum = this.sum(slot, tick);
    let age = CELLS - this.#shift(slot, tick);
    const reach = this.#reach(slot, tick);
    while (sum >= limit && age > 0) {
      age -= 1;
      sum -= this.#cells[this.#cellOf(slot, age)] as number;
    }
    return reach + CELLS - this.#shift(slot, tick) - age;
  }

  #addUp(slot: number): void {
    let sum = 0;
    for (let age = 0; age < CELLS; age += 1) sum += this.#cells[slot * CELLS + age] as number;
    this.#sums[slot] = sum;
  }
}
