/** Columns of the list of clients: which there are, which are shown, and what each says of a client. */
import type { ListedClient } from '../../domain/clients/list-clients.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { hrefWith, listRequest } from '../lists.ts';
import { clientPath } from './client-path.ts';
import { statusChip } from './client-status.ts';
import { CLIENTS } from './list-filters.ts';
import type { Cell, HeadView } from './list-views.ts';

/** What a column shows. */
interface Column {
  /** Whether it is shown until somebody chooses; default true. */
  isExtra?: true;
  /** Whether it holds numbers. */
  number?: true;
  /** Field that its head sorts by. */
  sort?: string;
  cell(listed: ListedClient, call: ConsoleCall): Cell;
}

/** Every column beside the name, in order; the label of each is the message `clients.column.<key>`. */
const COLUMNS: Readonly<Record<string, Column>> = {
  status: { cell: ({ client }, call) => ({ chip: statusChip(call, client) }) },
  audience: {
    cell: ({ client }, { t }) => ({ text: t(`client-form.audience.${client.audience}`) }),
  },
  securityLevel: { cell: ({ client }) => ({ text: client.securityLevel }) },
  environment: {
    isExtra: true,
    cell: ({ client }, { t }) => ({ text: t(`client-form.environment.${client.environment}`) }),
  },
  kind: {
    isExtra: true,
    cell: ({ client }, { t }) => ({ text: t(`client-form.kind.${client.kind}`) }),
  },
  clientName: {
    isExtra: true,
    sort: 'clientName',
    cell: ({ client }) => ({ text: client.clientName, isMono: true }),
  },
  applicationNo: {
    isExtra: true,
    cell: ({ client }) => ({ text: client.applicationNo, isMono: true }),
  },
  groups: {
    number: true,
    cell: ({ client }, call) => counted(call, client.apiGroups.length, client, '/api-groups'),
  },
  quota: { cell: (listed, call) => ({ meter: quotaMeter(listed, call) }) },
  tokens: {
    number: true,
    cell: ({ client, liveTokens }, call) => counted(call, liveTokens, client, '/tokens'),
  },
  apiKeys: {
    isExtra: true,
    number: true,
    cell: ({ client, apiKeys }, call) => counted(call, apiKeys, client, '/api-keys'),
  },
  lastUsed: {
    sort: 'lastUsedAt',
    cell: ({ lastUsedAt }, call) => timeCell(call, lastUsedAt),
  },
  expires: {
    sort: 'expiresAt',
    cell: ({ client }, call) => timeCell(call, client.expiresAt),
  },
  createdAt: {
    isExtra: true,
    sort: 'createdAt',
    cell: ({ client }, call) => timeCell(call, client.createdAt),
  },
};
const KEYS = Object.keys(COLUMNS);
const USUAL = KEYS.filter((key) => !COLUMNS[key]?.isExtra);

/** Field that the name sorts by, which is also the order of a list that names none. */
const BY_NAME = 'displayName';
/** Fields that the list can be sorted by. */
export const CLIENT_SORTS = [BY_NAME, ...Object.values(COLUMNS).flatMap(({ sort }) => sort ?? [])];

/** From this share of its quota on a client is warned of, and from all of it on refused. */
const WARNED_SHARE = 0.8;

function quotaMeter({ quota }: ListedClient, { t, formats }: ConsoleCall) {
  const label = t('clients.column.quota');
  if (quota === null) return { label, used: 0, limit: null, text: t('common.unlimited') };
  const { used, limit } = quota;
  const share = used / limit;
  const tone = share >= 1 ? 'danger' : share >= WARNED_SHARE ? 'warning' : 'good';
  const values = { used: formats.number(used), limit: formats.number(limit) };
  return { label, used, limit, text: t('clients.quota', values), tone } as const;
}

/** A number that leads to what it counts. */
function counted(
  { formats }: ConsoleCall,
  count: number,
  client: ListedClient['client'],
  below: string,
): Cell {
  return { link: { href: clientPath(client, below), label: formats.number(count) } };
}

function timeCell({ formats }: ConsoleCall, at: Date | null): Cell {
  return { time: formats.instant(at) };
}

const COOKIE = 'tollgate_client_columns';
const YEAR_MS = 365 * 24 * 3600 * 1000;

/** Keys of the columns that are shown: those that the URL names, which this browser then remembers. */
export function shownColumns({ ctx, query }: Pick<ConsoleCall, 'ctx' | 'query'>): string[] {
  const named = known(query.getAll('columns'));
  if (named.length === 0) {
    const remembered = known((ctx.cookies.get(COOKIE, { signed: false }) ?? '').split('.'));
    return remembered.length === 0 ? USUAL : remembered;
  }
  ctx.cookies.set(COOKIE, named.join('.'), {
    signed: false,
    httpOnly: true,
    sameSite: 'lax',
    secure: ctx.protocol === 'https',
    path: CLIENTS,
    maxAge: YEAR_MS,
  });
  return named;
}

function known(named: readonly string[]): string[] {
  return KEYS.filter((key) => named.includes(key));
}

/** Every column, as a choice. */
export function columnChoices({ t }: Pick<ConsoleCall, 't'>, shown: readonly string[]) {
  return KEYS.map((key) => ({
    value: key,
    label: t(`clients.column.${key}`),
    checked: shown.includes(key),
  }));
}

/** The heads of the name and of the columns that are shown. */
export function columnHeads(call: ConsoleCall, shown: readonly string[]): HeadView[] {
  const { t } = call;
  const heads = shown.map((key) => {
    const { number = false, sort } = COLUMNS[key] ?? {};
    return { label: t(`clients.column.${key}`), number, ...sorting(call, sort) };
  });
  return [{ label: t('clients.column.name'), number: false, ...sorting(call, BY_NAME) }, ...heads];
}

/** The link of a head sorts by it, and the other way where the list already is. */
function sorting({ query }: ConsoleCall, field: string | undefined): Pick<HeadView, 'sort'> {
  if (field === undefined) return {};
  const { sort = { field: BY_NAME, descending: false } } = listRequest(query, CLIENT_SORTS);
  const isCurrent = sort.field === field;
  const direction = !isCurrent ? null : sort.descending ? 'descending' : 'ascending';
  const href = hrefWith(CLIENTS, query, {
    sort: direction === 'ascending' ? `-${field}` : field,
  });
  return { sort: { href, direction } };
}

/** What the columns say of a client. */
export function columnCells(
  call: ConsoleCall,
  listed: ListedClient,
  shown: readonly string[],
): Cell[] {
  return shown.flatMap((key) => COLUMNS[key]?.cell(listed, call) ?? []);
}
