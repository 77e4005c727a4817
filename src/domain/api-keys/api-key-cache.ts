/** Keys by the digest of a value that was presented, until the change feed names the key. */
import { LRUCache } from 'lru-cache';
import type { ApiKey } from './api-key.ts';

interface Entry {
  loading: Promise<ApiKey | null>;
  /** Null while it is loading. */
  apiKeyId: string | null;
}

/** Keeps promises, not keys, so that one which is dropped while it loads is not put back. */
export class ApiKeyCache {
  readonly #entries: LRUCache<string, Entry>;

  /** @param max values kept; the least recently used goes first */
  constructor(max: number) {
    this.#entries = new LRUCache({ max });
  }

  /** The key of this digest. Digests of no key are not kept: strangers choose them. */
  find(digest: string, load: () => Promise<ApiKey | null>): Promise<ApiKey | null> {
    const known = this.#entries.get(digest);
    if (known !== undefined) return known.loading;
    const entry: Entry = { loading: load(), apiKeyId: null };
    this.#entries.set(digest, entry);
    const forget = () => {
      if (this.#entries.peek(digest) === entry) this.#entries.delete(digest);
    };
    entry.loading.then((found) => {
      if (found === null) forget();
      else entry.apiKeyId = found.apiKeyId;
    }, forget);
    return entry.loading;
  }

  /** Drops every value of these keys, and whatever is still loading: it may be one of them. */
  drop(apiKeyIds: ReadonlySet<string>): void {
    for (const [digest, { apiKeyId }] of [...this.#entries.entries()]) {
      if (apiKeyId === null || apiKeyIds.has(apiKeyId)) this.#entries.delete(digest);
    }
  }

  /** Drops everything. */
  clear(): void {
    this.#entries.clear();
  }
}
