/**
 * Locks in memory that the threads of a node share. A lock is held for a microsecond, by code that
 * neither awaits nor calls out; it may be waited for on the event loop.
 */

/** States, in the two lowest bits of a lock; the bits above count how often it was freed. */
const [FREE, TAKEN, AWAITED, STATE, FREED] = [0, 1, 2, 3, 4];
/** Looks at a taken lock before the thread sleeps. */
const SPINS = 500;
/** Whoever has held a lock for longer has died. */
const DEAD_HOLDER_MS = 1000;

/** Locks, one per element of an array in shared memory, all free while it is zero. */
export class SharedLocks {
  readonly #words: Int32Array;
  readonly #repair: (lock: number) => void;

  /** `repair` runs under a lock that was taken over from a thread that died holding it. */
  constructor(words: Int32Array, repair: (lock: number) => void) {
    this.#words = words;
    this.#repair = repair;
  }

  /** Takes a lock, and answers what `release` needs. */
  acquire(lock: number): number {
    for (let look = 0; look < SPINS; look += 1) {
      const word = Atomics.load(this.#words, lock);
      if ((word & STATE) === FREE && this.#swap(lock, word, word + TAKEN)) return word + TAKEN;
    }
    for (;;) {
      const held = this.#await(lock);
      if (held !== null) return held;
    }
  }

  /** Frees a lock, and wakes a thread that waits for it. */
  release(lock: number, held: number): void {
    const awaited = (held & ~STATE) | AWAITED;
    const free = ((held & ~STATE) + FREED) | 0;
    if (held !== awaited && this.#swap(lock, held, free)) return;
    if (this.#swap(lock, awaited, free)) Atomics.notify(this.#words, lock, 1);
  }

  /** Waits once; null when in vain. A lock that was waited for stays marked: others may wait too. */
  #await(lock: number): number | null {
    const word = Atomics.load(this.#words, lock);
    const awaited = (word & ~STATE) | AWAITED;
    if ((word & STATE) === FREE) return this.#swap(lock, word, awaited) ? awaited : null;
    if (word !== awaited && !this.#swap(lock, word, awaited)) return null;
    if (Atomics.wait(this.#words, lock, awaited, DEAD_HOLDER_MS) !== 'timed-out') return null;
    // Every holder has a word of its own: it is still that of a second ago.
    const next = (awaited + FREED) | 0;
    if (!this.#swap(lock, awaited, next)) return null;
    this.#repair(lock);
    return next;
  }

  #swap(lock: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, lock, from, to) === from;
  }
}
