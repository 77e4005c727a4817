/** Resource servers: the clients that ask about credentials, and the API groups that they serve. */
import type { Client } from '../../domain/clients/client.ts';
import type { LastUse } from '../../domain/last-uses.ts';
import { type ConsoleCall, type ConsoleRoute, roleNeeded } from '../admin/route.ts';
import { type Column, recordPath } from '../catalog/noun.ts';
import { chipsOf, emptyOf, headOf, withOrder } from '../catalog/noun-list.ts';
import type { TableView } from '../catalog/views.ts';
import { clientPath } from '../clients/client-path.ts';
import { statusChip } from '../clients/client-status.ts';
import { listRequest, pagerOf } from '../lists.ts';

const [AREA, PATH] = ['resource_server', '/admin/resource-servers'];
const [SORTS, SORTED] = [['displayName', 'clientName', 'createdAt'], 'displayName'];
/** Served groups that a row names. */
const NAMED_MOST = 5;

/** The routes of resource servers; each of them is a client, whose page has the rest. */
export const resourceServerRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'viewer', handler: listResourceServers },
];

async function listResourceServers(call: ConsoleCall): Promise<void> {
  const { formats, query, services, t } = call;
  const request = listRequest(withOrder(query, SORTED), SORTS);
  const { search } = request;
  const page = await services.stores.clients.list({
    ...request,
    filter: { at: formats.now, kind: 'resource_server' },
  });
  const reason = roleNeeded(call, 'security');
  const create = {
    href: '/admin/clients/new?kind=resource_server',
    label: t('resource_server.create'),
    ...(reason !== undefined && { disabled: true, reason }),
  };
  const kept = ['sort', 'limit'].flatMap((name) => {
    const value = query.get(name);
    return value === null ? [] : [{ name, value }];
  });
  const filters = {
    action: PATH,
    search: { value: search, label: t('resource_server.search') },
    selects: [],
    kept,
  };
  await call.show(
    'admin/noun/list',
    {
      lead: t('resource_server.lead'),
      create,
      filters,
      chips: chipsOf(call, PATH, filters),
      table: page.items.length === 0 ? null : await tableOf(call, page.items),
      empty: emptyOf({ area: AREA, path: PATH }, call, create),
      pager: pagerOf(call, page),
      tried: null,
    },
    { title: t('nav.resource_servers'), section: 'resource_servers' },
  );
}

async function tableOf(call: ConsoleCall, clients: readonly Client[]): Promise<TableView> {
  const { services, t } = call;
  const lastUses = await services.stores.lastUses.find(
    clients.map(({ clientId }) => `client:${clientId}`),
  );
  const columns = columnsOf(call, lastUses);
  return {
    caption: t('nav.resource_servers'),
    columns: columns.map((column) =>
      headOf({ area: AREA, path: PATH, sorted: SORTED }, call, column),
    ),
    rows: clients.map((client) => ({
      cells: columns.map(({ cell }) => cell(client)),
      menu: {
        label: t('noun.menu', { name: client.displayName }),
        items: [
          { label: t('noun.information'), href: clientPath(client) },
          { label: t('resource_server.secrets'), href: clientPath(client, '/secrets') },
        ],
      },
    })),
  };
}

function columnsOf(call: ConsoleCall, lastUses: ReadonlyMap<string, LastUse>): Column<Client>[] {
  const { formats, t } = call;
  return [
    {
      key: 'displayName',
      sort: 'displayName',
      cell: (client) => ({
        name: { label: client.displayName, href: clientPath(client), id: client.clientId },
      }),
    },
    { key: 'status', cell: (client) => ({ chip: statusChip(call, client) }) },
    {
      key: 'servedApiGroups',
      cell: ({ servedApiGroups: served }) => {
        const links = served
          .slice(0, NAMED_MOST)
          .map((name) => ({ href: recordPath('/admin/api-groups', name), label: name }));
        const more = served.length - links.length;
        if (served.length === 0) return { links, text: t('resource_server.serves_all') };
        return { links, ...(more > 0 && { text: t('noun.more', { count: more }) }) };
      },
    },
    {
      key: 'lastUsed',
      cell: ({ clientId }) => ({
        time: formats.instant(lastUses.get(`client:${clientId}`)?.at ?? null),
      }),
    },
    {
      key: 'createdAt',
      sort: 'createdAt',
      cell: ({ createdAt }) => ({ time: formats.instant(createdAt) }),
    },
  ];
}
