/** The list of a noun: everything that it shows stands in its URL. */
import type { Page, Versioned } from '../../domain/records.ts';
import { type ConsoleCall, roleNeeded } from '../admin/route.ts';
import { chipsView, hrefWith, listRequest, pagerOf } from '../lists.ts';
import { type Column, type ConsoleNoun, recordPath } from './noun.ts';
import type { MenuItem, NounViews, OfferedLink, TableView } from './views.ts';

type ListView = NounViews['admin/noun/list'];

/** Answers with the list. */
export async function listRecords<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
): Promise<void> {
  const { query, t } = call;
  const { list, path, area } = noun;
  const request = listRequest(withOrder(query, list.sorted), list.sorts);
  const { search } = request;
  const page = await list.read(call, request);
  const create = createLink(noun, call);
  const filters = filtersOf(noun, call, search);
  await call.show(
    'admin/noun/list',
    {
      lead: t(`${area}.lead`),
      create,
      filters,
      chips: chipsOf(call, path, filters),
      table: page.items.length === 0 ? null : await tableOf(noun, call, page),
      empty: emptyOf(noun, call, create),
      pager: pagerOf(call, page),
      tried: (await list.tried?.(call)) ?? null,
    },
    { title: t(`nav.${noun.section}`), section: noun.section },
  );
}

/** The query, with the order of the list where it names none. */
export function withOrder(query: URLSearchParams, sorted: string): URLSearchParams {
  const ordered = new URLSearchParams(query);
  if (!ordered.get('sort')) ordered.set('sort', sorted);
  return ordered;
}

function createLink({ area, path, role }: CreatedNoun, call: ConsoleCall): OfferedLink {
  const reason = roleNeeded(call, role);
  const link = { href: `${path}/new`, label: call.t(`${area}.create`) };
  return reason === undefined ? link : { ...link, disabled: true, reason };
}
type CreatedNoun = Pick<ConsoleNoun<Versioned>, 'area' | 'path' | 'role'>;

function filtersOf<T extends Versioned>(
  { area, list, path }: ConsoleNoun<T>,
  call: ConsoleCall,
  search: string,
): ListView['filters'] {
  const { query, t } = call;
  const selects = (list.selects?.(call) ?? []).map(({ name, options }) => ({
    name,
    label: t(`${area}.field.${name}`),
    value: query.get(name) ?? '',
    options: [{ value: '', label: t('common.any') }, ...options],
  }));
  const kept = ['sort', 'limit'].flatMap((name) => {
    const value = query.get(name);
    return value === null ? [] : [{ name, value }];
  });
  return { action: path, search: { value: search, label: t(`${area}.search`) }, selects, kept };
}

/** What narrows a list, each with a link that drops it. */
export function chipsOf(
  call: ConsoleCall,
  path: string,
  filters: ListView['filters'],
): ListView['chips'] {
  const { query, t } = call;
  const chip = (name: string, label: string) => ({
    label,
    remove: hrefWith(path, query, { [name]: null }),
  });
  const { search, selects } = filters;
  const chosen = selects.flatMap(({ name, label, value, options }) => {
    const option = options.find((each) => each.value === value && value !== '');
    return option === undefined ? [] : [chip(name, `${label}: ${option.label}`)];
  });
  const words =
    search.value === '' ? [] : [chip('search', t('noun.chip', { search: search.value }))];
  const items = [...words, ...chosen];
  return chipsView(call, items, path);
}

/** What a list without rows says: that nothing was found, or what the noun is for. */
export function emptyOf(
  { area, path }: { area: string; path: string },
  { query, t }: ConsoleCall,
  create: OfferedLink,
): ListView['empty'] {
  const narrowed = [...query.keys()].some((name) => !['sort', 'limit', 'try'].includes(name));
  if (narrowed) {
    return { text: t('noun.nothing_found'), link: { href: path, label: t('noun.show_all') } };
  }
  const text = t(`${area}.empty`);
  return create.disabled ? { text } : { text, action: create };
}

async function tableOf<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
  { items }: Page<T>,
): Promise<TableView> {
  const { t } = call;
  const { area, list, path } = noun;
  const columns = await list.columns(call, items);
  return {
    caption: t(`nav.${noun.section}`),
    columns: columns.map((column) => headOf({ area, path, sorted: list.sorted }, call, column)),
    rows: items.map((record) => ({
      cells: columns.map(({ cell }) => cell(record)),
      menu: {
        label: t('noun.menu', { name: noun.nameOf(record) }),
        items: menuOf(noun, call, record),
      },
    })),
  };
}

/** The head of a column; its link sorts by it, and the other way where it already does. */
export function headOf<T>(
  { area, path, sorted: usual }: { area: string; path: string; sorted: string },
  { query, t }: ConsoleCall,
  { key, number = false, sort }: Column<T>,
): TableView['columns'][number] {
  const label = t(`${area}.field.${key}`);
  if (sort === undefined) return { label, number };
  const sorted = withOrder(query, usual).get('sort');
  const direction = sorted === sort ? 'ascending' : sorted === `-${sort}` ? 'descending' : null;
  const href = hrefWith(path, query, { sort: direction === 'ascending' ? `-${sort}` : sort });
  return { label, number, sort: { href, direction } };
}

function menuOf<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
  record: T,
): MenuItem[] {
  const { t } = call;
  const href = (below = '') => recordPath(noun.path, noun.idOf(record), below);
  const reason = roleNeeded(call, noun.role);
  const offered = reason === undefined ? {} : { disabled: true, reason };
  return [
    { label: t('noun.information'), href: href() },
    { label: t('common.edit'), href: href('/edit'), ...offered },
    ...(noun.list.menu?.(call, record) ?? []),
    { label: t('common.delete'), href: href('/delete'), danger: true, ...offered },
  ];
}
