/** The tabs "API groups" and "API scopes": what the client holds, and taking one of it away. */
import type { Client } from '../../domain/clients/client.ts';
import type { ClientPatch } from '../../domain/clients/client-input.ts';
import { updateClient } from '../../domain/clients/manage-clients.ts';
import { notFound } from '../../domain/errors.ts';
import { type ConsoleCall, type ConsoleRoute, roleNeeded } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { type ClientHeader, clientOf, clientPath, showClientPage } from '../clients/client-page.ts';
import { showQuestion } from './confirm.ts';
import { HOLDINGS, type Holding, type HoldingRow, holdingRows, matches } from './holding-rows.ts';
import { catalogNow, keysThatLose, keyText } from './level.ts';
import {
  changedText,
  clientAsRead,
  STALE_STATUS,
  type Stale,
  staleClient,
} from './security-page.ts';

/** The locals of the view. */
export interface HoldingsLocals {
  client: ClientHeader;
  /** Begins the keys of its words: `security.<kind>.…`. */
  kind: Holding;
  path: string;
  rows: HoldingRow[];
  search: string;
  /** Held in all, found, and shown of those. */
  counts: { held: number; found: number; shown: number };
  stale: Stale | null;
  reason: string | undefined;
}

/** Rows that a page shows at most; beyond, one searches. */
export const MOST_ROWS = 200;

/** The routes of both tabs. */
export const holdingRoutes: ConsoleRoute[] = (['apiGroups', 'apiScopes'] as const).flatMap(
  (kind): ConsoleRoute[] => {
    const path = `/admin/clients/:clientId${HOLDINGS[kind].path}`;
    return [
      { method: 'GET', path, role: 'viewer', handler: (call) => showHeld(call, kind) },
      {
        method: 'POST',
        path: `${path}/remove`,
        role: 'operator',
        handler: (call) => removeHeld(call, kind),
      },
    ];
  },
);

async function showHeld(
  call: ConsoleCall,
  kind: Holding,
  { client: read, stale = null }: { client?: Client; stale?: Stale | null } = {},
): Promise<void> {
  const client = read ?? (await clientOf(call));
  const { tab, path } = HOLDINGS[kind];
  const search = (call.query.get('search') ?? '').trim();
  const all = await holdingRows(call, client, { kind, names: client[kind] });
  const found = all.filter((row) => matches(row, search));
  const rows = found.slice(0, MOST_ROWS);
  return showClientPage(call, client, {
    ...{ tab, view: 'admin/security/holdings', status: stale === null ? 200 : STALE_STATUS },
    locals: {
      ...{ kind, search, stale, rows, path: clientPath(client, path) },
      counts: { held: all.length, found: found.length, shown: rows.length },
      reason: roleNeeded(call, 'operator'),
    },
  });
}

async function removeHeld(call: ConsoleCall, kind: Holding): Promise<void> {
  const { form, t } = call;
  const name = form.get('name') ?? '';
  return submit({
    async change() {
      const client = await clientAsRead(call);
      if (!client[kind].includes(name)) throw notFound(t(`security.${kind}.one`), name);
      const wasAsked = form.get('confirmed') === 'yes';
      if (kind === 'apiGroups' && !wasAsked && (await askAboutKeys(call, client, name))) return;
      await changeHoldings(call, client, {
        kind,
        names: client[kind].filter((held) => held !== name),
        told: { key: `security.${kind}.removed`, name },
      });
    },
    again: () => showHeld(call, kind),
    async stale(current) {
      await showHeld(call, kind, { client: current as Client, stale: await staleClient(call) });
    },
  });
}

/** Asks where keys would lose the group too; false where none would. */
async function askAboutKeys(call: ConsoleCall, client: Client, name: string): Promise<boolean> {
  const { services, t } = call;
  const groups = new Set([name]);
  const keys = await keysThatLose(services, client, groups);
  if (keys.length === 0) return false;
  const path = clientPath(client, HOLDINGS.apiGroups.path);
  await showQuestion(call, client, {
    tab: 'api_groups',
    crumb: t('common.remove'),
    heading: t('security.apiGroups.remove.heading', { name }),
    text: t('security.apiGroups.remove.text', { name }),
    lists: [
      {
        title: t('security.level.preview.keys', { count: keys.length }),
        items: keys.map((key) => keyText(call, key, groups)),
      },
    ],
    action: `${path}/remove`,
    fields: { version: String(client.version), name, confirmed: 'yes' },
    submit: t('security.apiGroups.remove.submit', { name }),
    cancel: { href: path },
  });
  return true;
}

/**
 * Gives the client these names of what it may hold, and tells. What it holds and may not hold goes at
 * the same time, and is told too.
 */
export async function changeHoldings(
  call: ConsoleCall,
  client: Client,
  change: { kind: Holding; names: readonly string[]; told: { key: string; name: string } },
): Promise<void> {
  const { services, actor } = call;
  const { kind, names, told } = change;
  const catalog = await catalogNow(services);
  const may = (name: string) => catalog.holdingProblem(client, name) === null;
  const lost = names.filter((name) => client[kind].includes(name) && !may(name));
  const kept = names.filter((name) => !lost.includes(name));
  const patch: ClientPatch = kind === 'apiGroups' ? { apiGroups: kept } : { apiScopes: kept };
  const version = versionOf(call.form);
  const { removed } = await updateClient(services, actor, client.clientId, version, patch);
  const gone = { ...removed, [kind]: [...removed[kind], ...lost] };
  const text = changedText(call, told.key, { values: { name: told.name }, removed: gone });
  call.redirect(clientPath(client, HOLDINGS[kind].path), text);
}
