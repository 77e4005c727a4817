/**
 * The log of decisions: refusals, and a sample of what was allowed, on their way to the store. A trace
 * costs more than the decision itself, so a decision only leaves the means to make its record; records
 * are made and written at the next flush. Each node keeps a bounded number of them, however many
 * calls a flood brings.
 */
import { LRUCache } from 'lru-cache';
import { isDomainError } from '../errors.ts';
import type { DecisionRecord, DecisionStore } from './decision-store.ts';

/** How many records one node keeps. */
export interface Allowance {
  /** Records at once, and records that may wait for the store. */
  burst: number;
  /** Records a second in the long run. */
  perSecond: number;
}

/**
 * Refusals of known clients. The burst shows an incident whole; the rate bounds the disk that a client in
 * a loop fills: a record takes about 5 kB, so 50 a second for 30 days are at most 600 GB a node.
 */
export const REFUSALS: Allowance = { burst: 20_000, perSecond: 50 };
/** Refusals of strangers: anybody can cause them, and they must not use up what clients' need. */
export const STRANGERS: Allowance = { burst: 2000, perSecond: 20 };
/** Allowed calls, which serve replays: one of each kind is enough. */
export const SAMPLES: Allowance = { burst: 1000, perSecond: 20 };

/** Kinds of allowed calls that are remembered as sampled; forgotten ones are sampled again. */
const KINDS_MOST = 10_000;
const HOUR_MS = 3_600_000;
/** Records made and written before other work has its turn: some 25 ms. */
const SLICE = 500;

/** Makes the record of a decision; called once, at a flush. */
export type MakeRecord = () => DecisionRecord;

/** How a log works beside the rest of the process. */
export interface DecisionLogOptions {
  /** Resolves when other work of the process has had its turn. */
  otherWork: () => Promise<void>;
  /** Refusals of known clients that are kept in the long run; default 50 a second. */
  refusalsPerSecond?: number | undefined;
}

/** Collects decisions in memory and writes them in batches; a crash loses what was not flushed yet. */
export class DecisionLog {
  readonly #store: DecisionStore;
  readonly #otherWork: () => Promise<void>;
  readonly #refusals: Queue;
  readonly #strangers = new Queue(STRANGERS);
  readonly #samples = new Queue(SAMPLES);
  /** The hour in which a kind of call was sampled last, by its key. */
  readonly #sampledIn = new LRUCache<string, number>({ max: KINDS_MOST });
  #dropped = 0;
  #lastFlush: Promise<void> = Promise.resolve();

  constructor(store: DecisionStore, { otherWork, refusalsPerSecond }: DecisionLogOptions) {
    const { burst, perSecond } = REFUSALS;
    this.#refusals = new Queue({ burst, perSecond: refusalsPerSecond ?? perSecond });
    this.#store = store;
    this.#otherWork = otherWork;
  }

  /** Records lost so far: refusals beyond the allowance, and what could not be made or stored. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Notes a refusal; no I/O.
   *
   * @param isStranger whether no client is known
   */
  note(at: Date, isStranger: boolean, make: MakeRecord): void {
    const queue = isStranger ? this.#strangers : this.#refusals;
    if (!queue.add(at, make)) this.#dropped += 1;
  }

  /**
   * Notes an allowed call, the first of its kind in each hour; no I/O.
   *
   * @param key names the kind, such as client, API and credential
   */
  sample(at: Date, key: string, make: MakeRecord): void {
    const hour = Math.floor(at.getTime() / HOUR_MS);
    if (this.#sampledIn.get(key) === hour) return;
    if (this.#samples.add(at, make)) this.#sampledIn.set(key, hour);
  }

  /**
   * Writes what was noted before, one flush after the other. Throws `store_unavailable`; then nothing is
   * lost. A record that cannot be made or stored is dropped, and its error thrown when the others are
   * written.
   */
  flush(): Promise<void> {
    const flush = this.#lastFlush.then(() => this.#writeAll());
    this.#lastFlush = flush.catch(() => {});
    return flush;
  }

  async #writeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const queue of [this.#refusals, this.#strangers, this.#samples]) {
      for (let left = queue.length; left > 0; left -= SLICE) {
        await this.#write(queue, Math.min(left, SLICE), errors);
        await this.#otherWork();
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Writes the first records of a queue; what was made stays in it until it is stored. */
  async #write(queue: Queue, count: number, errors: unknown[]): Promise<void> {
    const records = queue.first(count).flatMap((make) => this.#attempt(make, errors));
    queue.replaceFirst(
      count,
      records.map((record) => () => record),
    );
    try {
      await this.#store.record(records);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      await this.#writeEach(records, errors);
    }
    queue.replaceFirst(records.length, []);
  }

  #attempt(make: MakeRecord, errors: unknown[]): DecisionRecord[] {
    try {
      return [make()];
    } catch (error) {
      this.#dropped += 1;
      errors.push(error);
      return [];
    }
  }

  /** One by one, so that a record which cannot be stored keeps no other from it. */
  async #writeEach(records: DecisionRecord[], errors: unknown[]): Promise<void> {
    const refused: unknown[] = [];
    for (const record of records) {
      try {
        await this.#store.record([record]);
      } catch (error) {
        if (isUnavailable(error)) throw error;
        refused.push(error);
      }
    }
    this.#dropped += refused.length;
    errors.push(...refused);
  }
}

/** What waits to be written, let in by a token bucket. */
class Queue {
  readonly #allowance: Allowance;
  #tokens: number;
  #filledMs = 0;
  #waiting: MakeRecord[] = [];

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
    this.#tokens = allowance.burst;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Adds a record; false where the allowance is spent. */
  add(at: Date, make: MakeRecord): boolean {
    const { burst, perSecond } = this.#allowance;
    // Calls are noted in about the order of their instants: one from before must not fill again.
    const passedMs = Math.max(0, at.getTime() - this.#filledMs);
    this.#filledMs += passedMs;
    this.#tokens = Math.min(burst, this.#tokens + (passedMs / 1000) * perSecond);
    if (this.#tokens < 1 || this.#waiting.length >= burst) return false;
    this.#tokens -= 1;
    this.#waiting.push(make);
    return true;
  }

  first(count: number): MakeRecord[] {
    return this.#waiting.slice(0, count);
  }

  replaceFirst(count: number, makes: MakeRecord[]): void {
    this.#waiting.splice(0, count, ...makes);
  }
}

function isUnavailable(error: unknown): boolean {
  return isDomainError(error) && error.code === 'store_unavailable';
}
