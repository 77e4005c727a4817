/** Who uses a record: found in the stores, and shown as a section of its page. */
import type { Client } from '../../domain/clients/client.ts';
import type { ListQuery, Page } from '../../domain/records.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import { statusChip } from '../clients/client-status.ts';
import type { Link, SectionView } from './views.ts';

/** Users that a page names; it counts the others. */
export const NAMED_MOST = 25;

/** Records that are looked through where the store cannot look for what is wanted. */
const LOOKED_MOST = 5000;
const PAGE = 100;

/** Records that were found. */
export interface Found<T> {
  /** The first of them, at most `NAMED_MOST`. */
  items: T[];
  total: number;
  /** Records that were not looked at, as there are too many; then `total` may be too small. */
  unseen: number;
}

/** What a page of a list tells of all that it lists. */
export function foundIn<T>({ items, total }: Pick<Page<T>, 'items' | 'total'>): Found<T> {
  return { items: items.slice(0, NAMED_MOST), total, unseen: 0 };
}

/** The records of a list that are wanted, among its first 5,000. */
export async function lookThrough<T>(
  list: (query: Pick<ListQuery<never>, 'limit' | 'cursor'>) => Promise<Page<T>>,
  isWanted: (record: T) => boolean,
): Promise<Found<T>> {
  const wanted: T[] = [];
  let page = await list({ limit: PAGE });
  let seen = page.items.length;
  wanted.push(...page.items.filter(isWanted));
  while (page.nextCursor !== null && seen < LOOKED_MOST) {
    page = await list({ limit: PAGE, cursor: page.nextCursor });
    seen += page.items.length;
    wanted.push(...page.items.filter(isWanted));
  }
  const unseen = page.nextCursor === null ? 0 : Math.max(0, page.total - seen);
  return { items: wanted.slice(0, NAMED_MOST), total: wanted.length, unseen };
}

/** Clients for which this holds, among the first 5,000. */
export function clientsWhere(
  { services, formats }: Pick<ConsoleCall, 'services' | 'formats'>,
  isWanted: (client: Client) => boolean,
  filter: { kind?: Client['kind'] } = {},
): Promise<Found<Client>> {
  const { clients } = services.stores;
  const wanted = { at: formats.now, ...filter };
  return lookThrough((page) => clients.list({ ...page, filter: wanted }), isWanted);
}

/** Clients that hold an API group. */
export async function clientsHolding(
  { services, formats }: Pick<ConsoleCall, 'services' | 'formats'>,
  apiGroup: string,
): Promise<Found<Client>> {
  const filter = { at: formats.now, apiGroup };
  return foundIn(await services.stores.clients.list({ filter, limit: NAMED_MOST }));
}

/** What a section of users is made from. */
export interface UsersSection<T> {
  id: string;
  title: string;
  text?: string;
  found: Found<T>;
  empty: string;
  /** Leads to the whole list. */
  all?: Link;
}

/**
 * A section of clients.
 *
 * @param problemOf why a client cannot use the record although it names it; default: nothing is wrong
 */
export function clientSection(
  call: ConsoleCall,
  section: UsersSection<Client>,
  problemOf: (client: Client) => string | null = () => null,
): SectionView {
  const { t } = call;
  const { found, title } = section;
  const table = {
    caption: title,
    columns: ['client', 'status', 'level', 'audience'].map((key) => ({
      label: t(`noun.client.${key}`),
    })),
    rows: found.items.map((client) => {
      const problem = problemOf(client);
      const own = statusChip(call, client);
      return {
        cells: [
          { name: { label: client.displayName, href: clientPath(client), id: client.clientId } },
          { chip: problem === null ? own : { tone: 'warning' as const, word: problem } },
          { links: [levelLink(client.securityLevel)] },
          { text: t(`noun.audience.${client.audience}`) },
        ],
      };
    }),
  };
  return { ...sectionOf(call, section), ...(found.items.length > 0 && { table }) };
}

/** A section without its table: title, count, and what to say where nothing was found. */
export function sectionOf<T>(
  { formats, t }: Pick<ConsoleCall, 'formats' | 't'>,
  { id, title, text, found, empty, all }: UsersSection<T>,
): SectionView {
  const { items, total, unseen } = found;
  const hidden = total - items.length;
  const lines = [
    ...(hidden > 0 ? [t('noun.more', { count: hidden })] : []),
    ...(unseen > 0 ? [t('noun.unseen', { count: unseen })] : []),
  ];
  const more = { text: lines.join(' '), ...(hidden > 0 && all && { link: all }) };
  return {
    id,
    title: t('noun.counted', { title, count: formats.number(total) }),
    empty,
    ...(text !== undefined && { text }),
    ...(lines.length > 0 && { more }),
  };
}

/** Link to a security level. */
export function levelLink(name: string): Link {
  return { href: `/admin/security-levels/${encodeURIComponent(name)}`, label: name };
}
