/** Usage counts on their way to the store: added up in memory, written in batches. */
import type { UsageCount, UsageStore } from './usage-store.ts';

/** One decision on a call. */
export interface CountedCall {
  clientId: string;
  /** The API called; null where the asker did not say, or no API matches. */
  apiId: string | null;
  at: Date;
  outcome: UsageCount['outcome'];
}

/** Counts kept until the next flush; new APIs beyond that are counted as no API. */
export const COUNTS_MOST = 50_000;

/** Counts that one write adds, so that no write takes long and a failed one leaves few to add again. */
const BATCH = 1000;

const HOUR_MS = 3_600_000;

/** Counts of an hour, by client, API and outcome. */
type HourCounts = Map<string, Map<string | null, Map<UsageCount['outcome'], UsageCount>>>;

/** Counts calls in memory; a crash loses what was not flushed yet. */
export class UsageBuffer {
  readonly #store: UsageStore;
  /** By the start of the hour, in milliseconds. */
  #hours = new Map<number, HourCounts>();
  #counts: UsageCount[] = [];
  #lastFlush: Promise<void> = Promise.resolve();

  constructor(store: UsageStore) {
    this.#store = store;
  }

  /** Counts one decision; no I/O. */
  note({ clientId, apiId, at, outcome }: CountedCall): void {
    const hourMs = at.getTime() - (at.getTime() % HOUR_MS);
    const known = this.#hours.get(hourMs)?.get(clientId)?.get(apiId)?.get(outcome);
    if (known !== undefined) known.calls += 1;
    else this.#insert({ clientId, apiId, hour: new Date(hourMs), outcome, calls: 1 });
  }

  /**
   * Writes what was counted before, one flush after the other. Throws `store_unavailable`; then nothing
   * is lost, and what the failed write added all the same is added again.
   */
  flush(): Promise<void> {
    const flush = this.#lastFlush.then(() => this.#writeAll());
    this.#lastFlush = flush.catch(() => {});
    return flush;
  }

  async #writeAll(): Promise<void> {
    const counts = this.#counts;
    this.#hours = new Map();
    this.#counts = [];
    for (let start = 0; start < counts.length; start += BATCH) {
      try {
        await this.#store.add(counts.slice(start, start + BATCH));
      } catch (error) {
        for (const count of counts.slice(start)) this.#add(count);
        throw error;
      }
    }
  }

  #add(count: UsageCount): void {
    const { clientId, apiId, hour, outcome, calls } = count;
    const known = this.#hours.get(hour.getTime())?.get(clientId)?.get(apiId)?.get(outcome);
    if (known === undefined) this.#insert(count);
    else known.calls += calls;
  }

  /** Beyond the most, counts without an API may still come: one for a client, an hour and an outcome. */
  #insert(count: UsageCount): void {
    const { clientId, apiId, hour, outcome } = count;
    if (this.#counts.length >= COUNTS_MOST && apiId !== null) {
      this.#add({ ...count, apiId: null });
      return;
    }
    const clients = entryOf(this.#hours, hour.getTime());
    const apis = entryOf(clients, clientId);
    entryOf(apis, apiId).set(outcome, count);
    this.#counts.push(count);
  }
}

/** The map under a key, made where there is none. */
function entryOf<K, L, V>(maps: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const known = maps.get(key);
  if (known !== undefined) return known;
  const made = new Map<L, V>();
  maps.set(key, made);
  return made;
}
