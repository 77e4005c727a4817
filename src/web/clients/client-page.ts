/**
 * The page that all tabs of a client share: its header, the tabs, and the effective policy beside them.
 * A tab of another folder shows itself through `showClientPage` and the includes `_header`, `_footer`.
 */
import type { Client } from '../../domain/clients/client.ts';
import { findClient } from '../../domain/clients/manage-clients.ts';
import { type ConsoleCall, param, roleNeeded } from '../admin/route.ts';
import type { Views } from '../views.ts';
import { type ClientActions, clientActions } from './client-actions.ts';
import { clientPath } from './client-path.ts';
import { type StatusChip, statusChip } from './client-status.ts';
import { effectivePolicy } from './effective-policy.ts';

export { clientPath } from './client-path.ts';

/** Tabs of a client, in their order; each label is the message `client.tab.<key>`. */
export const CLIENT_TABS = [
  { key: 'details', path: '' },
  { key: 'security_level', path: '/security-level' },
  { key: 'api_groups', path: '/api-groups' },
  { key: 'api_scopes', path: '/api-scopes' },
  { key: 'token_settings', path: '/token-settings' },
  { key: 'api_keys', path: '/api-keys' },
  { key: 'status', path: '/status' },
  { key: 'secrets', path: '/secrets' },
  { key: 'tokens', path: '/tokens' },
  { key: 'audit', path: '/audit' },
] as const;
export type ClientTab = (typeof CLIENT_TABS)[number]['key'];

/** What the view of every tab is told beside its own locals, as `locals.client`. */
export interface ClientHeader {
  clientId: string;
  displayName: string;
  clientName: string;
  status: StatusChip;
  environment: string;
  /** What the client is, where it is no partner's; null for a partner's. */
  kind: string | null;
  version: number;
  /** Path of the client. */
  path: string;
  tabs: { label: string; href: string; current: boolean }[];
  /** Buttons and menu; null on pages below a tab, which have a button of their own. */
  actions: ClientActions | null;
  /** What the client may do now, in sentences. */
  policy: string[];
  /** Why the client cannot be changed by this admin; undefined when it can. */
  locked: string | undefined;
}

/** A view of a tab. */
type TabView = {
  [V in keyof Views]: Views[V] extends { client: ClientHeader } ? V : never;
}[keyof Views];

/** What a tab shows. */
export interface ClientPage<V extends TabView> {
  tab: ClientTab;
  view: V;
  locals: Omit<Views[V], 'client'>;
  /** HTTP status; default 200. */
  status?: number;
  /** Title of a page below the tab; left out: that of the tab. */
  title?: string;
  /** The last step of the breadcrumbs; default: the title. */
  crumb?: string;
}

/** The client that the path names. Throws `not_found`. */
export function clientOf(call: ConsoleCall): Promise<Client> {
  return findClient(call.services, param(call, 'clientId'));
}

/** Answers with a tab of a client. */
export async function showClientPage<V extends TabView>(
  call: ConsoleCall,
  client: Client,
  page: ClientPage<V>,
): Promise<void> {
  const { tab, view, locals, status = 200, title, crumb = title } = page;
  const header = await clientHeader(call, client, page);
  const label = tabLabel(call, tab);
  const crumbs = [{ label: client.displayName, href: header.path }];
  const current = CLIENT_TABS.find(({ key }) => key === tab);
  if (title !== undefined && tab !== 'details')
    crumbs.push({ label, href: clientPath(client, current?.path) });
  await call.show(view, { ...locals, client: header } as unknown as Views[V], {
    title: `${title ?? label} · ${client.displayName}`,
    breadcrumbs: crumbs,
    crumb: crumb ?? label,
    section: client.kind === 'resource_server' ? 'resource_servers' : 'clients',
    ownHeading: true,
    status,
  });
}

async function clientHeader(
  call: ConsoleCall,
  client: Client,
  { tab, title }: { tab: ClientTab; title?: string },
): Promise<ClientHeader> {
  const { clientId, clientName, displayName, environment, kind, version } = client;
  return {
    clientId,
    clientName,
    displayName,
    environment: call.t(`client.environment.${environment}`),
    kind: kind === 'partner' ? null : call.t(`client.kind.${kind}`),
    status: statusChip(call, client),
    version,
    path: clientPath(client),
    tabs: CLIENT_TABS.map(({ key, path }) => ({
      label: tabLabel(call, key),
      href: clientPath(client, path),
      current: key === tab,
    })),
    actions: title === undefined ? clientActions(call, client, tab === 'details') : null,
    policy: await effectivePolicy(call, client),
    locked: roleNeeded(call, 'operator'),
  };
}

/** Ten tabs have little room: some have a shorter name there than on their page. */
function tabLabel({ t }: ConsoleCall, key: ClientTab): string {
  const short = `client.tab.${key}.short`;
  return t(t.has(short) ? short : `client.tab.${key}`);
}
