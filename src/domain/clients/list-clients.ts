/** The list of clients as people read it: each with what its row tells, in few calls of the store. */
import { clientSubject } from '../last-uses.ts';
import type { ListQuery, Page } from '../records.ts';
import type { Services } from '../services.ts';
import { quotaWindow, timeZoneOf } from '../usage/quota-window.ts';
import type { Client } from './client.ts';
import { type ClientState, clientState } from './client-state.ts';
import type { ClientCounts, ClientFilter } from './client-store.ts';

/** What the list is read from. */
type ListServices = Pick<Services, 'clock' | 'stores' | 'timeZone'>;

/** What a client has used of its quota. */
export interface QuotaUse {
  /** Units used in the present window. */
  used: number;
  /** Units allowed in it. */
  limit: number;
  /** When the next window begins; null = never. */
  resetsAt: Date | null;
}

/** A row of the list. */
export interface ListedClient {
  client: Client;
  state: ClientState;
  /** Null = unlimited. */
  quota: QuotaUse | null;
  /** Live tokens of both kinds. */
  liveTokens: number;
  /** Null = never. */
  lastUsedAt: Date | null;
  /** X-Api-Keys, whatever their status. */
  apiKeys: number;
}

/** Which clients are wanted; the status is judged now. */
export interface ClientListQuery extends Omit<ListQuery<ClientFilter>, 'filter'> {
  filter?: Omit<ClientFilter, 'at'>;
}

/** A page of the list, and how many clients each status would show under the other filters. */
export interface ClientList extends Page<ListedClient> {
  counts: ClientCounts;
}

/**
 * A page of clients with the facts of its rows, by five calls of the store however many rows.
 *
 * @throws DomainError `validation_failed` for an unknown sort field or an unreadable cursor
 */
export async function listClients(
  services: ListServices,
  query: ClientListQuery,
): Promise<ClientList> {
  const now = services.clock.now();
  const filter = { ...query.filter, at: now };
  const page = await services.stores.clients.listWithCounts({ ...query, filter });
  return { ...page, items: await withFacts(services, page.items, now) };
}

/** Clients with the facts of their rows, by four calls of the store. */
export async function withFacts(
  services: ListServices,
  clients: readonly Client[],
  now: Date,
): Promise<ListedClient[]> {
  const { tokens, apiKeys, lastUses } = services.stores;
  const ids = clients.map(({ clientId }) => clientId);
  const [quotas, liveTokens, keys, uses] = await Promise.all([
    quotasOf(services, clients, now),
    tokens.countLive(ids, now),
    apiKeys.countOf(ids),
    lastUses.find(ids.map(clientSubject)),
  ]);
  return clients.map((client) => ({
    client,
    state: clientState(client, now),
    quota: quotas.get(client.clientId) ?? null,
    liveTokens: liveTokens.get(client.clientId) ?? 0,
    lastUsedAt: uses.get(clientSubject(client.clientId))?.at ?? null,
    apiKeys: keys.get(client.clientId) ?? 0,
  }));
}

/** Quotas by client; unlimited ones are not in it. */
async function quotasOf(
  { stores, timeZone }: ListServices,
  clients: readonly Client[],
  now: Date,
): Promise<Map<string, QuotaUse>> {
  const limited = clients.filter(({ apiQuota }) => apiQuota.calls > 0);
  const windows = limited.map((client) => ({
    clientId: client.clientId,
    ...quotaWindow(client.apiQuota, timeZoneOf(client, timeZone), now),
  }));
  const used = await stores.charges.quotasUsed(windows);
  return new Map(
    limited.map(({ clientId, apiQuota }, i) => [
      clientId,
      { used: used[i] ?? 0, limit: apiQuota.calls, resetsAt: windows[i]?.endsAt ?? null },
    ]),
  );
}
