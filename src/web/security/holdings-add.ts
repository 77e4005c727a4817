/**
 * Adding API groups or API scopes: a search, ticks, and "Update". A search keeps what was ticked before
 * it: both stand in the address of the page.
 */
import type { Catalog } from '../../domain/apis/catalog.ts';
import type { Client } from '../../domain/clients/client.ts';
import { invalidField } from '../../domain/errors.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { type ClientHeader, clientOf, clientPath, showClientPage } from '../clients/client-page.ts';
import { HOLDINGS, type Holding, type HoldingRow, holdingRows, matches } from './holding-rows.ts';
import { changeHoldings, MOST_ROWS } from './holdings.ts';
import { catalogNow } from './level.ts';
import {
  clientAsRead,
  type FormProblems,
  named,
  outcomeOf,
  type SentForm,
  type Stale,
  staleClient,
} from './security-page.ts';

/** A row that can be ticked. */
export interface OfferedRow extends HoldingRow {
  checked: boolean;
}

/** The locals of the view. */
export interface HoldingsAddLocals {
  client: ClientHeader;
  kind: Holding;
  path: string;
  /** The ticked ones first, then what the search finds. */
  rows: OfferedRow[];
  search: string;
  /** What may be added, what the search finds of it, and what is shown. */
  counts: { offered: number; found: number; shown: number };
  /** How many are not offered and why; empty where all are. */
  hidden: string;
  problems: FormProblems;
  stale: Stale | null;
}

/** The routes of both pages. */
export const holdingAddRoutes: ConsoleRoute[] = (['apiGroups', 'apiScopes'] as const).flatMap(
  (kind): ConsoleRoute[] => {
    const path = `/admin/clients/:clientId${HOLDINGS[kind].path}/add`;
    return [
      { method: 'GET', path, role: 'operator', handler: (call) => showOffered(call, kind) },
      { method: 'POST', path, role: 'operator', handler: (call) => addHoldings(call, kind) },
    ];
  },
);

interface Shown extends SentForm {
  client?: Client;
}

async function showOffered(
  call: ConsoleCall,
  kind: Holding,
  { client: read, ...sent }: Shown = {},
): Promise<void> {
  const { query, form, t } = call;
  const client = read ?? (await clientOf(call));
  const { tab, path } = HOLDINGS[kind];
  const from = form.has('version') ? form : query;
  const [search, ticked] = [(from.get('search') ?? '').trim(), new Set(from.getAll('name'))];
  const { names, hidden } = offered(call, await catalogNow(call.services), client, kind);
  const rows = await holdingRows(call, client, { kind, names });
  const chosen = rows.filter(({ name }) => ticked.has(name));
  const found = rows.filter((row) => !ticked.has(row.name) && matches(row, search));
  const shown = found.slice(0, MOST_ROWS);
  const { status, ...told } = outcomeOf(sent, { name: t(`security.${kind}.many`) });
  return showClientPage(call, client, {
    ...{ tab, view: 'admin/security/holdings-add', title: t(`security.${kind}.add`) },
    status,
    locals: {
      ...{ kind, search, hidden, path: clientPath(client, path) },
      rows: [
        ...chosen.map((row) => ({ ...row, checked: true })),
        ...shown.map((row) => ({ ...row, checked: false })),
      ],
      counts: { offered: names.length, found: found.length, shown: shown.length },
      ...told,
    },
  });
}

/** Names that the client may hold and does not, and how many it may not, by reason. */
function offered(
  { t }: ConsoleCall,
  catalog: Catalog,
  client: Client,
  kind: Holding,
): { names: string[]; hidden: string } {
  const held = new Set(client[kind]);
  const all = kind === 'apiGroups' ? catalog.groups : catalog.scopes;
  const names: string[] = [];
  const counts = { level_too_low: 0, audience_mismatch: 0 };
  for (const name of all.keys()) {
    if (held.has(name)) continue;
    const problem = catalog.holdingProblem(client, name);
    if (problem === null) names.push(name);
    else counts[problem] += 1;
  }
  const reasons = (['level_too_low', 'audience_mismatch'] as const)
    .filter((reason) => counts[reason] > 0)
    .map((reason) => {
      const { securityLevel: level, audience } = client;
      const values = { count: counts[reason], level, audience };
      return t(`security.${kind}.hidden.${reason}`, values);
    });
  return { names, hidden: reasons.join(' ') };
}

async function addHoldings(call: ConsoleCall, kind: Holding): Promise<void> {
  const { form, t } = call;
  const ticked = [...new Set(form.getAll('name'))];
  if (form.has('find')) return searchAgain(call, kind, ticked);
  return submit({
    async change() {
      const client = await clientAsRead(call);
      const added = ticked.filter((name) => !client[kind].includes(name));
      if (added.length === 0) throw invalidField('name', 'required', t('security.tick_one'));
      await changeHoldings(call, client, {
        kind,
        names: [...client[kind], ...added],
        told: { key: `security.${kind}.added`, name: named(call, added) },
      });
    },
    again: (problems) =>
      showOffered(call, kind, {
        problems: problems.map((each) => ({
          ...each,
          field: each.field.startsWith(kind) ? 'name' : each.field,
        })),
      }),
    async stale(current) {
      await showOffered(call, kind, { client: current as Client, stale: await staleClient(call) });
    },
  });
}

/** Characters of a query that every browser and proxy takes. */
const MOST_ADDRESS = 2000;

/** The page that the search finds, as an address that can be kept. */
async function searchAgain(call: ConsoleCall, kind: Holding, ticked: string[]): Promise<void> {
  const client = await clientOf(call);
  const search = (call.form.get('search') ?? '').trim();
  const query = new URLSearchParams([
    ...(search === '' ? [] : [['search', search] as [string, string]]),
    ...ticked.map((name): [string, string] => ['name', name]),
  ]);
  const text = query.toString();
  // Too many ticks for an address are kept in the form alone.
  if (text.length > MOST_ADDRESS) return showOffered(call, kind, { client });
  const path = clientPath(client, `${HOLDINGS[kind].path}/add`);
  call.redirect(text === '' ? path : `${path}?${text}`);
}
