/** API groups and API scopes as rows, for what a client holds and for what it may add. */
import type { Catalog } from '../../domain/apis/catalog.ts';
import type { Client } from '../../domain/clients/client.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { catalogNow } from './level.ts';

/** What a client holds of the catalog, and the words and paths of its tab. */
export const HOLDINGS = {
  apiGroups: { tab: 'api_groups', path: '/api-groups', record: '/admin/api-groups' },
  apiScopes: { tab: 'api_scopes', path: '/api-scopes', record: '/admin/api-scopes' },
} as const;

/** A kind of holding. */
export type Holding = keyof typeof HOLDINGS;

/** A group or scope, as both pages of a tab show it. */
export interface HoldingRow {
  name: string;
  href: string;
  displayName: string;
  level: string;
  /** Empty for a scope, which has none. */
  audience: string;
  /** Calls such as `GET /orders/:id`, and how many more there are, in words; empty where none. */
  apis: { calls: string[]; more: string };
  /** Why the client may not use it; null when it may. */
  problem: string | null;
}

/** Whether a row has the words that are searched for. */
export function matches({ name, displayName }: HoldingRow, search: string): boolean {
  const text = `${name} ${displayName}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** How many APIs of a row are told by name. */
const TOLD_APIS = 2;

/** Rows of these names, in alphabetical order. */
export async function holdingRows(
  call: ConsoleCall,
  client: Client,
  { kind, names }: { kind: Holding; names: readonly string[] },
): Promise<HoldingRow[]> {
  const { services, t } = call;
  const catalog = await catalogNow(services);
  const apis = await services.stores.apis.all();
  const calls = new Map(apis.map(({ apiId, method, path }) => [apiId, `${method} ${path}`]));
  return [...names].sort().map((name) => {
    const group = kind === 'apiGroups' ? catalog.groups.get(name) : undefined;
    const record = group ?? catalog.scopes.get(name);
    const ids = record?.apis ?? [];
    const told = ids.slice(0, TOLD_APIS).map((id) => calls.get(id) ?? id);
    const more = ids.length - told.length;
    return {
      name,
      href: `${HOLDINGS[kind].record}/${encodeURIComponent(name)}`,
      displayName: record?.displayName ?? '',
      level: record?.securityLevel ?? '',
      audience: group === undefined ? '' : t(`client-form.audience.${group.audience}`),
      apis: { calls: told, more: t('security.apis', { count: ids.length, more }) },
      problem: problemText(call, catalog, client, name),
    };
  });
}

function problemText(
  { t }: ConsoleCall,
  catalog: Catalog,
  client: Client,
  name: string,
): string | null {
  const problem = catalog.holdingProblem(client, name);
  if (problem === null) return null;
  return t(`security.holding.${problem}`, { level: client.securityLevel });
}
