/** What narrows the list of clients: read from its URL, offered as a form, shown as chips and tabs. */
import { clientSettings } from '../../domain/clients/client.ts';
import { CLIENT_STATUS_FILTERS, type ClientCounts } from '../../domain/clients/client-store.ts';
import type { ClientListQuery } from '../../domain/clients/list-clients.ts';
import { plusSeconds } from '../../domain/clock.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { type ChipsView, chipsView, hrefWith } from '../lists.ts';
import type { ListFilters, TabView } from './list-views.ts';

/** Path of the list. */
export const CLIENTS = '/admin/clients';
/** Path of the list as a file, with the query of the list; no client can have it as its page. */
export const CLIENTS_FILE = '/admin/clients.csv';

/** Parameters that narrow the list, in the order of their chips. */
export const NARROWING = [
  'search',
  'status',
  'audience',
  'securityLevel',
  'apiGroup',
  'environment',
  'kind',
  'expiring',
  'idle',
] as const;
type Narrowing = (typeof NARROWING)[number];

/** Days within which a client expires, and without use, that the list can be filtered by. */
export const [EXPIRING_DAYS, IDLE_DAYS] = [30, 90];
const DAY_SECONDS = 86_400;

/** More API groups than these are named in a field, not picked from a list. */
const PICKED_MOST = 50;

const { audience, environment, kind } = clientSettings.shape;
const KNOWN: Partial<Record<Narrowing, readonly string[]>> = {
  status: CLIENT_STATUS_FILTERS,
  audience: audience.options,
  environment: environment.options,
  kind: kind.options,
  expiring: [String(EXPIRING_DAYS)],
  idle: [String(IDLE_DAYS)],
};

/** Values that narrow the list, by parameter; what is not understood narrows nothing. */
export function narrowedBy(query: URLSearchParams): Partial<Record<Narrowing, string>> {
  const named = NARROWING.flatMap((name) => {
    // A pattern of MongoDB cannot hold NUL.
    const value = (query.get(name) ?? '').replaceAll('\0', '').trim();
    const isUnderstood = KNOWN[name]?.includes(value) ?? value !== '';
    return isUnderstood ? [[name, value]] : [];
  });
  return Object.fromEntries(named);
}

/** The words and the filter that a URL asks for. */
export function clientQuery(
  query: URLSearchParams,
  now: Date,
): Required<Pick<ClientListQuery, 'search' | 'filter'>> {
  const { search = '', expiring, idle, ...filter } = narrowedBy(query);
  return {
    search,
    filter: {
      // Each value is one of those that are known.
      ...(filter as ClientListQuery['filter']),
      ...(expiring && { expiringBefore: plusSeconds(now, EXPIRING_DAYS * DAY_SECONDS) }),
      ...(idle && { idleSince: plusSeconds(now, -IDLE_DAYS * DAY_SECONDS) }),
    },
  };
}

/** What narrows the list, each with a link that drops it. */
export function clientChips(call: Pick<ConsoleCall, 'query' | 't'>): ChipsView {
  const { query, t } = call;
  const narrowed = Object.entries(narrowedBy(query));
  const items = narrowed.map(([name, value]) => ({
    label: t(`clients.chip.${name}`, { value: valueInWords(t, name, value) }),
    remove: hrefWith(CLIENTS, query, { [name]: null }),
  }));
  const nothing = Object.fromEntries(NARROWING.map((name) => [name, null]));
  return chipsView(call, items, hrefWith(CLIENTS, query, nothing));
}

function valueInWords(t: ConsoleCall['t'], name: string, value: string): string {
  if (name === 'status') return t(`status.${value}`);
  const key = `client-form.${name}.${value}`;
  return KNOWN[name as Narrowing] !== undefined && t.has(key) ? t(key) : value;
}

/** A tab for each status, with the number of clients that it would show. */
export function statusTabs(
  { query, t, formats }: Pick<ConsoleCall, 'query' | 't' | 'formats'>,
  counts: ClientCounts,
): TabView[] {
  const { status: current } = narrowedBy(query);
  const all = {
    label: t('clients.status.all'),
    href: hrefWith(CLIENTS, query, { status: null }),
    count: formats.number(counts.all),
    current: current === undefined,
  };
  const each = CLIENT_STATUS_FILTERS.map((status) => ({
    label: t(`status.${status}`),
    href: hrefWith(CLIENTS, query, { status }),
    count: formats.number(counts[status]),
    current: current === status,
  }));
  return [all, ...each];
}

/** The form of the filters, as the URL has filled it in. */
export async function clientFilters({ query, services, t }: ConsoleCall): Promise<ListFilters> {
  await services.directory.sync();
  const catalog = await services.directory.catalog();
  const values = narrowedBy(query);
  const any = { value: '', label: t('common.any') };
  const choices = (name: Narrowing, options: readonly string[]) => ({
    name,
    label: t(`clients.filter.${name}`),
    value: values[name] ?? '',
    options: [any, ...options.map((value) => ({ value, label: valueInWords(t, name, value) }))],
  });
  const levels = [...catalog.levels.values()].sort((a, b) => a.rank - b.rank);
  const groups = [...catalog.groups.keys()].sort();
  const isPicked = groups.length <= PICKED_MOST;
  const tick = (name: 'expiring' | 'idle', days: number) => ({
    name,
    value: String(days),
    label: t(`clients.filter.${name}`, { days }),
    checked: values[name] !== undefined,
  });
  return {
    search: values.search ?? '',
    isNarrowed: Object.keys(values).some((name) => name !== 'search' && name !== 'status'),
    selects: [
      ...(isPicked ? [choices('apiGroup', groups)] : []),
      choices('audience', KNOWN.audience ?? []),
      choices(
        'securityLevel',
        levels.map(({ name }) => name),
      ),
      choices('environment', KNOWN.environment ?? []),
      choices('kind', KNOWN.kind ?? []),
    ],
    apiGroup: isPicked ? null : (values.apiGroup ?? ''),
    ticks: [tick('expiring', EXPIRING_DAYS), tick('idle', IDLE_DAYS)],
    kept: keptFields(query, ['status', 'sort', 'limit', 'columns']),
  };
}

/** Parameters that a form of the list sends along as they are. */
export function keptFields(query: URLSearchParams, names: readonly string[]) {
  return names.flatMap((name) => query.getAll(name).map((value) => ({ name, value })));
}
