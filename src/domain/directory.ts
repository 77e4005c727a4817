/**
 * What decisions read: clients, users, API keys, access tokens and the catalog, kept in memory and
 * dropped the moment the change feed names them. `sync` runs once at the start of each request; after
 * it, nothing that is read here is older than the request, but for the uses of a token.
 */
import { LRUCache } from 'lru-cache';
import type { ApiKey } from './api-keys/api-key.ts';
import { ApiKeyCache } from './api-keys/api-key-cache.ts';
import { Catalog } from './apis/catalog.ts';
import type { Change } from './changes.ts';
import { CLIENT_ID, type Client } from './clients/client.ts';
import type { Stores } from './stores.ts';
import { TokenCache } from './token-cache.ts';
import type { AccessToken } from './tokens/token.ts';
import type { User } from './users/user.ts';

/** Clients, users, API keys and access tokens kept in memory, each. */
const KEPT = 20_000;
/** No user name comes near it: a longer text is nobody's, and not worth a read. */
const LONGEST_NAME = 400;

type DirectoryStores = Pick<
  Stores,
  | 'changes'
  | 'clients'
  | 'users'
  | 'apiKeys'
  | 'apis'
  | 'apiGroups'
  | 'apiScopes'
  | 'securityLevels'
  | 'tokens'
>;

/** A read-through cache of governed records, true at every request. */
export class Directory {
  readonly #stores: DirectoryStores;
  readonly #clients = new LRUCache<string, Promise<Client | null>>({ max: KEPT });
  readonly #users = new LRUCache<string, Promise<User | null>>({ max: KEPT });
  readonly #usersByName = new LRUCache<string, Promise<User | null>>({ max: KEPT });
  readonly #apiKeys = new ApiKeyCache(KEPT);
  readonly #tokens = new TokenCache(KEPT);
  #catalog: Promise<Catalog> | null = null;
  #position = 0;
  #looking: Promise<void> | null = null;

  constructor(stores: DirectoryStores) {
    this.#stores = stores;
  }

  /** Drops what has changed. Throws `store_unavailable` when the store does not answer. */
  sync(): Promise<void> {
    if (this.#looking === null) {
      this.#looking = this.#look();
      // Who asks later in this tick has arrived before the look; nobody else shares it.
      queueMicrotask(() => {
        this.#looking = null;
      });
    }
    return this.#looking;
  }

  async #look(): Promise<void> {
    const asked = this.#position;
    const news = await this.#stores.changes.since(asked);
    if (news === null) return;
    // The feed ends before what was read of it: an older copy of the database was restored.
    const wentBack = news.changed === 'everything' && news.position < asked;
    if (news.position <= this.#position && !wentBack) return;
    this.#position = news.position;
    const { changed } = news;
    if (changed === 'everything') return this.#dropAll();
    for (const { kind, id } of changed) {
      if (kind === 'client') this.#clients.delete(id);
      else if (kind === 'catalog') this.#catalog = null;
      else if (kind === 'user') {
        this.#users.delete(id);
        this.#usersByName.clear();
      }
    }
    const idsOf = (wanted: Change['kind']) =>
      changed.filter(({ kind }) => kind === wanted).map(({ id }) => id);
    const [apiKeyIds, tokenIds] = [idsOf('api_key'), idsOf('token')];
    if (apiKeyIds.length > 0) this.#apiKeys.drop(new Set(apiKeyIds));
    if (tokenIds.length > 0) this.#tokens.drop(tokenIds);
  }

  /** The client of this id, or null; also for what cannot be an id, as unverified assertions hold anything. */
  client(clientId: unknown): Promise<Client | null> {
    if (typeof clientId !== 'string' || !CLIENT_ID.test(clientId)) return Promise.resolve(null);
    return remember(this.#clients, clientId, () => this.#stores.clients.find(clientId));
  }

  /** The user of this id, or null. */
  user(userId: string): Promise<User | null> {
    return remember(this.#users, userId, () => this.#stores.users.find(userId));
  }

  /** The user of this name, without regard to case, or null. */
  userByName(userName: string): Promise<User | null> {
    if (userName.length > LONGEST_NAME) return Promise.resolve(null);
    return remember(this.#usersByName, userName.toLowerCase(), () =>
      this.#stores.users.findByName(userName),
    );
  }

  /** The API key whose current or previous value has this digest, or null. */
  apiKeyByDigest(digest: string): Promise<ApiKey | null> {
    return this.#apiKeys.find(digest, () => this.#stores.apiKeys.findByDigest(digest));
  }

  /**
   * The access token under one of these ids, or null. Its `uses` may lag behind: a charge decides.
   *
   * @param tokenIds of one value, one for each secret key; see `accessTokenIds`
   */
  async accessToken(...tokenIds: string[]): Promise<AccessToken | null> {
    // A value has one token: one that is kept spares the look-ups under the other keys.
    const kept = tokenIds.find((tokenId) => this.#tokens.has(tokenId));
    for (const tokenId of kept === undefined ? tokenIds : [kept]) {
      const load = () => this.#stores.tokens.findAccess(tokenId);
      const token = await this.#tokens.find(tokenId, load);
      if (token !== null) return token;
    }
    return null;
  }

  /** Notes the uses that a charge has left an access token with. */
  noteUses(tokenId: string, uses: number): void {
    this.#tokens.raiseUses(tokenId, uses);
  }

  /** Drops an access token whose uses a charge has shown to be out of date. */
  forgetUses(tokenId: string): void {
    this.#tokens.forget(tokenId);
  }

  /** APIs, groups, scopes and levels. */
  catalog(): Promise<Catalog> {
    if (this.#catalog === null) {
      const loading = Catalog.load(this.#stores);
      loading.catch(() => {
        if (this.#catalog === loading) this.#catalog = null;
      });
      this.#catalog = loading;
    }
    return this.#catalog;
  }

  #dropAll(): void {
    this.#clients.clear();
    this.#users.clear();
    this.#usersByName.clear();
    this.#apiKeys.clear();
    this.#tokens.clear();
    this.#catalog = null;
  }
}

/**
 * Caches the promise, not the value: a record dropped while it loads is not put back. What is not
 * there is not kept, or strangers could fill the memory with names of their own making.
 */
function remember<T extends object>(
  cache: LRUCache<string, Promise<T | null>>,
  key: string,
  load: () => Promise<T | null>,
): Promise<T | null> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const loading = load();
  cache.set(key, loading);
  const forget = () => {
    if (cache.peek(key) === loading) cache.delete(key);
  };
  loading.then((found) => found === null && forget(), forget);
  return loading;
}
