/** Access tokens by their ids, until the change feed names them or the family that they were issued with. */
import { LRUCache } from 'lru-cache';
import { EVERY_TOKEN } from './changes.ts';
import type { AccessToken } from './tokens/token.ts';

interface Entry {
  loading: Promise<AccessToken | null>;
  /** Null while it is loading. */
  token: AccessToken | null;
}

/**
 * Keeps promises, not tokens, so that one which is dropped while it loads is not put back. The `uses`
 * of a kept token are at least those that it had when it was read: they grow, here or on another node.
 */
export class TokenCache {
  readonly #max: number;
  #entries: LRUCache<string, Entry>;
  /** Ids of the kept tokens of each family. */
  #families = new Map<string, Set<string>>();
  /** Ids of the tokens that are loading: nobody knows yet whose they are. */
  #loading = new Set<string>();

  /** @param max tokens kept; the least recently used goes first */
  constructor(max: number) {
    this.#max = max;
    this.#entries = this.#noEntries();
  }

  /** Whether the token of this id is kept and done loading. */
  has(tokenId: string): boolean {
    return this.#entries.peek(tokenId)?.token != null;
  }

  /** The token of this id. Ids of no token are not kept: strangers choose them. */
  find(tokenId: string, load: () => Promise<AccessToken | null>): Promise<AccessToken | null> {
    const known = this.#entries.get(tokenId);
    if (known !== undefined) return known.loading;
    const entry: Entry = { loading: load(), token: null };
    this.#entries.set(tokenId, entry);
    this.#loading.add(tokenId);
    const settle = (token: AccessToken | null) => {
      if (this.#entries.peek(tokenId) !== entry) return;
      if (token === null) this.#entries.delete(tokenId);
      else this.#loaded(entry, token);
    };
    entry.loading.then(settle, () => settle(null));
    return entry.loading;
  }

  /** Raises the uses of a token that is kept to what a charge has shown; of any other, does nothing. */
  raiseUses(tokenId: string, uses: number): void {
    const entry = this.#entries.peek(tokenId);
    if (entry?.token == null || entry.token.uses >= uses) return;
    // Whoever holds the token as it was goes on with that.
    entry.token = { ...entry.token, uses };
    entry.loading = Promise.resolve(entry.token);
  }

  /**
   * Drops the tokens of these ids, the tokens of the families of these ids, and whatever is still
   * loading, which may be one of them; everything for `EVERY_TOKEN`.
   */
  drop(ids: readonly string[]): void {
    if (ids.includes(EVERY_TOKEN)) this.clear();
    for (const id of ids) {
      this.#entries.delete(id);
      for (const tokenId of [...(this.#families.get(id) ?? [])]) this.#entries.delete(tokenId);
    }
    for (const tokenId of [...this.#loading]) this.#entries.delete(tokenId);
  }

  /** Drops one token that is found to be out of date. */
  forget(tokenId: string): void {
    this.#entries.delete(tokenId);
  }

  /** Drops everything, at once: to dispose of 20,000 entries one by one takes a tenth of a second. */
  clear(): void {
    this.#entries = this.#noEntries();
    this.#families = new Map();
    this.#loading = new Set();
  }

  #noEntries(): LRUCache<string, Entry> {
    const dispose = (entry: Entry, tokenId: string) => this.#left(tokenId, entry);
    return new LRUCache({ max: this.#max, dispose });
  }

  #loaded(entry: Entry, token: AccessToken): void {
    const { tokenId, familyId } = token;
    entry.token = token;
    this.#loading.delete(tokenId);
    if (familyId === null) return;
    const members = this.#families.get(familyId) ?? new Set();
    this.#families.set(familyId, members.add(tokenId));
  }

  /** An entry was dropped, or was the least recently used. */
  #left(tokenId: string, { token }: Entry): void {
    if (token === null) {
      this.#loading.delete(tokenId);
      return;
    }
    if (token.familyId === null) return;
    const members = this.#families.get(token.familyId);
    members?.delete(tokenId);
    if (members?.size === 0) this.#families.delete(token.familyId);
  }
}
