/** Who uses a record: found in the stores, and shown as a section of its page. */
import type { Client } from '../../domain/clients/client.ts';
import type { ClientFilter } from '../../domain/clients/client-store.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import { statusChip } from '../clients/client-status.ts';
import type { Link, SectionView } from './views.ts';

/** Users that a page names; it counts the others. */
export const NAMED_MOST = 25;

/** Records that were found. */
export interface Found<T> {
  /** The first of them, at most `NAMED_MOST`. */
  items: readonly T[];
  total: number;
}

/** The clients that a filter wants. */
export function clientsFound(
  { services, formats }: Pick<ConsoleCall, 'services' | 'formats'>,
  filter: Omit<ClientFilter, 'at'>,
): Promise<Found<Client>> {
  const wanted = { at: formats.now, ...filter };
  return services.stores.clients.list({ filter: wanted, limit: NAMED_MOST });
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
  const { items, total } = found;
  const hidden = total - items.length;
  const more = { text: t('noun.more', { count: hidden }), ...(all && { link: all }) };
  return {
    id,
    title: t('noun.counted', { title, count: formats.number(total) }),
    empty,
    ...(text !== undefined && { text }),
    ...(hidden > 0 && { more }),
  };
}

/** Link to the list of all clients that hold an API group. */
export function clientsOfGroup({ t }: Pick<ConsoleCall, 't'>, apiGroup: string): Link {
  return { href: `/admin/clients?${new URLSearchParams({ apiGroup })}`, label: t('noun.all') };
}

/** Link to a security level. */
export function levelLink(name: string): Link {
  return { href: `/admin/security-levels/${encodeURIComponent(name)}`, label: name };
}
