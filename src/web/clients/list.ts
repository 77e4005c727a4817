/** The list of clients: search, filters, order, columns and page all stand in its URL. */
import {
  type ClientList,
  type ListedClient,
  listClients,
} from '../../domain/clients/list-clients.ts';
import { type ConsoleCall, type ConsoleRoute, roleNeeded } from '../admin/route.ts';
import { hrefWith, listRequest, pagerOf } from '../lists.ts';
import { BULK_ACTS, BULK_MOST } from './bulk-plan.ts';
import { type MenuItem, quickActs } from './client-actions.ts';
import { clientPath } from './client-path.ts';
import {
  CLIENT_SORTS,
  columnCells,
  columnChoices,
  columnHeads,
  shownColumns,
} from './list-columns.ts';
import {
  CLIENTS,
  CLIENTS_FILE,
  clientChips,
  clientFilters,
  clientQuery,
  keptFields,
  NARROWING,
  narrowedBy,
  statusTabs,
} from './list-filters.ts';
import type { ClientListViews, ListRow } from './list-views.ts';

type ListView = ClientListViews['admin/clients/list'];

export const clientListRoutes: ConsoleRoute[] = [
  { method: 'GET', path: CLIENTS, role: 'viewer', handler: showClients },
];

/** Id of the form under the list; its field `next` leads back to the list. */
const BULK_FORM = 'bulk';
const NEW_CLIENT = '/admin/clients/new';

async function showClients(call: ConsoleCall): Promise<void> {
  const { query, services, t } = call;
  const list = await listClients(services, clientListQuery(call));
  const columns = shownColumns(call);
  const reason = roleNeeded(call, 'operator');
  await call.show(
    'admin/clients/list',
    {
      create: {
        href: NEW_CLIENT,
        label: t('clients.create'),
        ...(reason !== undefined && { reason }),
      },
      exportHref: hrefWith(CLIENTS_FILE, query, { limit: null, columns: null }),
      tabs: statusTabs(call, list.counts),
      filters: await clientFilters(call),
      chips: clientChips(call),
      columns: columnChoices(call, columns),
      columnsKept: keptFields(query, [...NARROWING, 'sort', 'limit']),
      heads: columnHeads(call, columns),
      rows: list.items.map((listed) => rowOf(call, listed, columns)),
      pager: pagerOf(call, list),
      bulk: {
        reason: reason ?? null,
        acts: BULK_ACTS.map((value) => ({ value, label: t(`clients.bulk.${value}`) })),
        query: query.toString(),
        next: call.ctx.path + call.ctx.search,
        all: allThatMatch(call, list),
      },
      empty: list.items.length > 0 ? null : await emptyOf(call, list),
    },
    { title: t('nav.clients'), section: 'clients' },
  );
}

/** The clients that a URL of the list asks for, and which page of them. */
export function clientListQuery({ query, formats }: Pick<ConsoleCall, 'query' | 'formats'>) {
  const {
    sort = { field: 'displayName', descending: false },
    limit,
    cursor,
  } = listRequest(query, CLIENT_SORTS);
  return {
    ...clientQuery(query, formats.now),
    sort,
    limit,
    ...(cursor !== undefined && { cursor }),
  };
}

function rowOf(call: ConsoleCall, listed: ListedClient, columns: readonly string[]): ListRow {
  const { client } = listed;
  const { clientId, displayName: name } = client;
  return {
    clientId,
    name,
    href: clientPath(client),
    pick: call.t('clients.pick', { name }),
    cells: columnCells(call, listed, columns),
    menu: { label: call.t('clients.menu', { name }), items: menuOf(call, client) },
  };
}

function menuOf(call: ConsoleCall, client: ListedClient['client']): MenuItem[] {
  const { t } = call;
  const reason = roleNeeded(call, 'operator');
  const offered = reason === undefined ? {} : { disabled: true, reason };
  return [
    { label: t('clients.menu.information'), href: clientPath(client) },
    { label: t('common.edit'), href: clientPath(client, '/edit/who'), ...offered },
    { label: t('client.security'), href: clientPath(client, '/security-level') },
    ...quickActs(call, client).map(withSharedForm),
    { label: t('common.delete'), href: clientPath(client, '/delete'), danger: true, ...offered },
  ];
}

/** The act, sent by the form of the bulk acts: a form for each row would be a tenth of the page. */
function withSharedForm({ post, ...act }: MenuItem): MenuItem {
  return post === undefined ? act : { ...act, post: { action: post.action, form: BULK_FORM } };
}

/** Offers to act on clients of other pages too; null where the page shows them all. */
function allThatMatch({ t, formats }: ConsoleCall, { items, total }: ClientList): string | null {
  if (total <= items.length) return null;
  const values = { total: formats.number(total), most: formats.number(BULK_MOST) };
  return t(total > BULK_MOST ? 'clients.bulk.all_most' : 'clients.bulk.all', values);
}

/** What a page without rows says: what a client is, which filter to drop, or where the rows are. */
async function emptyOf(call: ConsoleCall, list: ClientList): Promise<ListView['empty']> {
  const { query, t } = call;
  const first = hrefWith(CLIENTS, query, {});
  if (list.total > 0) {
    const link = { href: first, label: t('clients.empty.first_page') };
    return { text: t('clients.empty.page'), link, drops: [] };
  }
  const { items, clear } = clientChips(call);
  if (items.length === 0) {
    const text = t('clients.empty');
    const action = { href: NEW_CLIENT, label: t('clients.create') };
    return { text, ...(call.offers('operator') && { action }), drops: [] };
  }
  const drops = await Promise.all(
    Object.keys(narrowedBy(query)).map((name, i) => dropOf(call, name, items[i]?.label ?? '')),
  );
  const useful = drops.filter((drop) => drop !== null);
  const all = clear ?? { href: CLIENTS, label: t('list.clear') };
  if (useful.length > 0) return { text: t('clients.empty.drop'), link: all, drops: useful };
  return { text: t('clients.empty.drop_all'), link: all, drops: [] };
}

/** A filter without which the list would show some; null where it would not. */
async function dropOf({ query, services, formats, t }: ConsoleCall, name: string, chip: string) {
  const href = hrefWith(CLIENTS, query, { [name]: null });
  const without = new URLSearchParams(query);
  without.delete(name);
  const { search, filter } = clientQuery(without, formats.now);
  const { total } = await services.stores.clients.list({
    search,
    filter: { ...filter, at: formats.now },
    limit: 1,
  });
  if (total === 0) return null;
  return { href, label: t('clients.empty.without', { chip, count: total }) };
}
