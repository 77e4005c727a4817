/** When and from where secrets, clients and keys were last used; written in batches. */

/** One observation. */
export interface LastUse {
  /** Kind and id, such as `client:orders-batch` or `secret:9f3c`. */
  subject: string;
  at: Date;
  address: string | null;
}

export interface LastUseStore {
  /** Stores observations; a newer one of the same subject replaces the older. */
  record(uses: LastUse[]): Promise<void>;
  /** Latest observations of these subjects, by subject. */
  find(subjects: string[]): Promise<Map<string, LastUse>>;
}

/** Observations kept until the next flush; older subjects beyond that are written first come. */
const BUFFERED_MOST = 50_000;

/** Collects observations in memory and writes them in batches; a crash loses what was not flushed yet. */
export class LastUseBuffer {
  readonly #store: LastUseStore;
  #pending = new Map<string, LastUse>();

  constructor(store: LastUseStore) {
    this.#store = store;
  }

  /** Notes one observation; no I/O. */
  note(subject: string, at: Date, address: string | null): void {
    if (this.#pending.size >= BUFFERED_MOST && !this.#pending.has(subject)) return;
    this.#pending.set(subject, { subject, at, address });
  }

  /** Writes what was noted. Throws `store_unavailable`; then nothing is lost. */
  async flush(): Promise<void> {
    if (this.#pending.size === 0) return;
    const batch = this.#pending;
    this.#pending = new Map();
    try {
      await this.#store.record([...batch.values()]);
    } catch (error) {
      this.#pending = new Map([...batch, ...this.#pending]);
      throw error;
    }
  }
}
