/** The search over everything that has a page of its own: records by id, name and text, decisions by id. */
import type { ApiKey } from './api-keys/api-key.ts';
import type { Api } from './apis/api.ts';
import type { ApiGroup } from './apis/api-group.ts';
import type { ApiScope } from './apis/api-scope.ts';
import type { Client } from './clients/client.ts';
import type { DecisionRecord } from './decision/decision-store.ts';
import type { Page } from './records.ts';
import type { Services } from './services.ts';
import type { User } from './users/user.ts';

/** Records of each noun that a search shows. */
export const SHOWN_MOST = 5;
/** No id is longer, so that a longer text is looked for as words only. */
const LONGEST_ID = 100;

/** What was found of one noun. */
export interface Hits<T> {
  /** At most `SHOWN_MOST`; the record whose id was searched for is the first. */
  items: T[];
  /** How many there are. */
  total: number;
}

/** What was found of each noun. Admins are not searched: their names are for the eyes of owners. */
export interface SearchResult {
  clients: Hits<Client>;
  users: Hits<User>;
  apiGroups: Hits<ApiGroup>;
  apiScopes: Hits<ApiScope>;
  apis: Hits<Api>;
  apiKeys: Hits<ApiKey>;
  /** The decision of this id, unless it has expired. */
  decisions: Hits<DecisionRecord>;
}

/** What is searched. */
type SearchServices = Pick<Services, 'clock' | 'stores'>;

/** The part of a store that is searched. */
interface Searched<T> {
  find(id: string): Promise<T | null>;
  list(query: { search: string; limit: number }): Promise<Page<T>>;
}

/**
 * Searches all nouns at the same time. A blank text finds nothing.
 *
 * @throws DomainError `validation_failed` for too many words, or one that is too long
 */
export async function searchAll(services: SearchServices, text: string): Promise<SearchResult> {
  const { stores } = services;
  const search = text.trim();
  const [clients, users, apiGroups, apiScopes, apis, apiKeys, decisions] = await Promise.all([
    hitsOf(stores.clients, search, ({ clientId }) => clientId),
    hitsOf(stores.users, search, ({ userId }) => userId),
    hitsOf(stores.apiGroups, search, ({ name }) => name),
    hitsOf(stores.apiScopes, search, ({ name }) => name),
    hitsOf(stores.apis, search, ({ apiId }) => apiId),
    hitsOf(stores.apiKeys, search, ({ apiKeyId }) => apiKeyId),
    decisionOf(services, search),
  ]);
  return { clients, users, apiGroups, apiScopes, apis, apiKeys, decisions };
}

async function hitsOf<T>(
  store: Searched<T>,
  search: string,
  idOf: (record: T) => string,
): Promise<Hits<T>> {
  if (search === '') return { items: [], total: 0 };
  const [exact, page] = await Promise.all([
    search.length > LONGEST_ID ? null : store.find(search),
    store.list({ search, limit: SHOWN_MOST }),
  ]);
  const others =
    exact === null ? page.items : page.items.filter((one) => idOf(one) !== idOf(exact));
  const items = [...(exact === null ? [] : [exact]), ...others].slice(0, SHOWN_MOST);
  return { items, total: Math.max(page.total, items.length) };
}

async function decisionOf(services: SearchServices, search: string): Promise<Hits<DecisionRecord>> {
  if (search === '' || search.length > LONGEST_ID) return { items: [], total: 0 };
  const found = await services.stores.decisions.find(search, services.clock.now());
  return found === null ? { items: [], total: 0 } : { items: [found], total: 1 };
}
