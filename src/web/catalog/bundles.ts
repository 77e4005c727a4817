/** What API groups and API scopes share: both are named sets of APIs at a security level. */
import type { ApiGroup, ApiGroupFilter } from '../../domain/apis/api-group.ts';
import type { ApiScope } from '../../domain/apis/api-scope.ts';
import type { Client } from '../../domain/clients/client.ts';
import type { Page } from '../../domain/records.ts';
import { type ConsoleCall, roleNeeded } from '../admin/route.ts';
import { apisById, apiTable } from './api-views.ts';
import { type Column, recordPath } from './noun.ts';
import { levelLink } from './used-by.ts';
import type { SectionView, SummaryRow, TableView } from './views.ts';

/** Rows that a section shows, and the most of a page; it counts the others. */
const SHOWN_MOST = 100;

/** An API group or an API scope. */
export type Bundle = ApiGroup | ApiScope;

/** The columns that lists of groups and scopes share. */
export function bundleColumns(
  { t }: Pick<ConsoleCall, 't'>,
  listPath: string,
): { [key in 'name' | 'securityLevel' | 'apis']: Column<Bundle> } {
  return {
    name: {
      key: 'name',
      sort: 'name',
      cell: ({ name, displayName }) => ({
        name: { label: name, href: recordPath(listPath, name), below: displayName },
        mono: true,
      }),
    },
    securityLevel: {
      key: 'securityLevel',
      cell: ({ securityLevel }) => ({ links: [levelLink(securityLevel)] }),
    },
    apis: {
      key: 'apis',
      number: true,
      cell: ({ apis }) => ({ text: t('noun.apis', { count: apis.length }), number: true }),
    },
  };
}

/** Why a client that holds this group or scope may not use it now; null where it may. */
export async function holdingProblemOf(
  { services, t }: Pick<ConsoleCall, 'services' | 't'>,
  name: string,
): Promise<(client: Client) => string | null> {
  const { directory } = services;
  await directory.sync();
  const catalog = await directory.catalog();
  return (client) => {
    const problem = catalog.holdingProblem(client, name);
    return problem === null ? null : t(`noun.problem.${problem}`);
  };
}

/** The rows that the summaries of groups and scopes share. */
export function bundleSummary(
  { formats, t }: ConsoleCall,
  area: string,
  bundle: Bundle,
): SummaryRow[] {
  const { name, displayName, description, securityLevel, createdAt, updatedAt } = bundle;
  const label = (field: string) => t(`${area}.field.${field}`);
  return [
    { label: label('name'), value: name, mono: true, copy: true },
    { label: label('displayName'), value: displayName },
    { label: label('description'), value: description },
    { label: label('securityLevel'), value: securityLevel },
    { label: t('noun.created_at'), time: formats.instant(createdAt) },
    { label: t('noun.updated_at'), time: formats.instant(updatedAt) },
  ];
}

/** The APIs of a bundle as a section of its page. */
export async function apisSection(
  call: ConsoleCall,
  { apis, name }: Bundle,
  listPath: string,
): Promise<SectionView> {
  const { formats, t } = call;
  const held = await apisById(call.services, apis);
  const title = t('noun.counted', { title: t('nav.apis'), count: formats.number(held.length) });
  const empty = t('noun.no_apis');
  const href = recordPath(listPath, name, '/edit');
  if (held.length === 0) return { id: 'apis', title, empty };
  const reason = roleNeeded(call, 'operator');
  const hidden = held.length - SHOWN_MOST;
  return {
    id: 'apis',
    title,
    action: {
      href,
      label: t('common.edit'),
      ...(reason !== undefined && { disabled: true, reason }),
    },
    table: apiTable(call, held.slice(0, SHOWN_MOST)),
    ...(hidden > 0 && { more: { text: t('noun.more', { count: hidden }) } }),
  };
}

/**
 * The groups and scopes that a filter wants, as sections of the page of what they have in common.
 *
 * @param area of that page, such as `api`
 */
export async function bundleSections(
  call: ConsoleCall,
  area: string,
  filter: ApiGroupFilter,
): Promise<{ sections: SectionView[]; total: number }> {
  const { apiGroups, apiScopes } = call.services.stores;
  const query = { filter, limit: SHOWN_MOST };
  const [groups, scopes] = await Promise.all([apiGroups.list(query), apiScopes.list(query)]);
  const sections = [
    bundleSection(call, area, 'api_groups', groups),
    bundleSection(call, area, 'api_scopes', scopes),
  ];
  return { sections, total: groups.total + scopes.total };
}

function bundleSection(
  call: ConsoleCall,
  area: string,
  kind: 'api_groups' | 'api_scopes',
  { items, total }: Pick<Page<Bundle>, 'items' | 'total'>,
): SectionView {
  const { formats, t } = call;
  const id = kind.replace('_', '-');
  const hidden = total - items.length;
  return {
    id,
    title: t('noun.counted', { title: t(`nav.${kind}`), count: formats.number(total) }),
    empty: t(`${area}.used_by.no_${kind}`),
    ...(items.length > 0 && { table: bundleTable(call, `/admin/${id}`, items) }),
    ...(hidden > 0 && { more: { text: t('noun.more', { count: hidden }) } }),
  };
}

/** A table of groups or scopes. */
function bundleTable(call: ConsoleCall, listPath: string, bundles: readonly Bundle[]): TableView {
  const columns = Object.values(bundleColumns(call, listPath));
  const area = listPath === '/admin/api-groups' ? 'api_group' : 'api_scope';
  return {
    caption: call.t(`nav.${area}s`),
    columns: columns.map(({ key, number = false }) => ({
      label: call.t(`${area}.field.${key}`),
      number,
    })),
    rows: bundles.map((bundle) => ({ cells: columns.map(({ cell }) => cell(bundle)) })),
  };
}
