/** When and from where secrets, clients and keys were last used; written in batches. */

/** One observation. */
export interface LastUse {
  /** Kind and id, such as `client:orders-batch` or `secret:9f3c`. */
  subject: string;
  at: Date;
  address: string | null;
}

/**
 * Seconds that the last use of a client has to advance before lists follow: an index that moved with
 * each use of a busy client would cost more than the uses themselves.
 */
export const LAST_USE_STEP_SECONDS = 60;

/** The client that a subject names, or null for a subject of another kind. */
export function clientOfSubject(subject: string): string | null {
  return subject.startsWith(CLIENT) ? subject.slice(CLIENT.length) : null;
}

/** The subject of a client. */
export function clientSubject(clientId: string): string {
  return `${CLIENT}${clientId}`;
}

export interface LastUseStore {
  /**
   * Stores observations; a newer one of the same subject replaces the older. Of clients
   * (`client:<id>`) it also moves the place in lists that are sorted or filtered by last use, in
   * steps; that is no new version of a client and enters no change feed.
   */
  record(uses: LastUse[]): Promise<void>;
  /** Latest observations of these subjects, by subject. */
  find(subjects: string[]): Promise<Map<string, LastUse>>;
}

const CLIENT = 'client:';

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
