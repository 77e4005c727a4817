/** Recorded refusals, and a sample of allowed calls, newest first. */
import { canonicalAddress } from '../../domain/clients/ip-binding.ts';
import { plusSeconds } from '../../domain/clock.ts';
import {
  type DecisionFilter,
  type DecisionRecord,
  MOST_COUNTED,
} from '../../domain/decision/decision-store.ts';
import { REASONS, type ReasonCode } from '../../domain/decision/reasons.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import { type ChipsView, chipsView, hrefWith, listRequest, pagerOf } from '../lists.ts';
import { outcomeChip } from './trace.ts';
import type { DecisionRow } from './views.ts';

export const decisionListRoutes: ConsoleRoute[] = [
  { method: 'GET', path: '/admin/decisions', role: 'viewer', handler: listDecisions },
];

const FILTERS = ['outcome', 'reason', 'clientId', 'address', 'hours', 'id'] as const;

async function listDecisions(call: ConsoleCall): Promise<void> {
  const { query, services, t, formats } = call;
  const id = (query.get('id') ?? '').trim();
  if (id !== '') return call.redirect(`/admin/decisions/${encodeURIComponent(id)}`);
  const values = Object.fromEntries(FILTERS.map((name) => [name, query.get(name)?.trim() ?? '']));
  const since = sinceHours(values['hours'], formats.now);
  if (since === null) values['hours'] = '';
  const filter = { ...filterOf(values), ...(since && { from: since }), at: formats.now };
  const { search: _, ...list } = listRequest(query);
  const page = await services.stores.decisions.list({ ...list, filter });
  const capped = page.total >= MOST_COUNTED ? `${formats.number(MOST_COUNTED)}+` : undefined;
  await call.show(
    'admin/decisions/list',
    {
      filter: {
        values,
        reasons: [
          { value: '', label: t('decision.any_reason') },
          ...Object.keys(REASONS).map((reason) => ({ value: reason, label: reason })),
        ],
        outcomes: [
          { value: '', label: t('decision.refused') },
          { value: 'allowed', label: t('decision.allowed_sample') },
        ],
      },
      chips: chipsOf(call, values),
      rows: page.items.map((record) => rowOf(call, record)),
      pager: pagerOf(call, page, capped === undefined ? {} : { total: capped }),
    },
    { title: t('nav.decisions'), section: 'decisions' },
  );
}

function filterOf(values: Record<string, string>): DecisionFilter {
  const { outcome, reason = '', clientId, address } = values;
  return {
    ...(outcome === 'allowed' && { outcome }),
    ...(Object.hasOwn(REASONS, reason) && { reason: reason as ReasonCode }),
    ...(clientId && { clientId }),
    ...(address && { address: canonicalAddress(address) ?? address }),
  };
}

/** Start of the whole hours up to now that the list is narrowed to, or null. */
function sinceHours(hours = '', now: Date): Date | null {
  return /^[1-9]\d{0,2}$/.test(hours) ? plusSeconds(now, -3600 * Number(hours)) : null;
}

function chipsOf(call: ConsoleCall, values: Record<string, string>): ChipsView {
  const { query, t } = call;
  const items = FILTERS.flatMap((name) => {
    const value = values[name];
    if (!value) return [];
    const label = t(`decision.chip.${name}`, { value });
    return [{ label, remove: hrefWith('/admin/decisions', query, { [name]: null }) }];
  });
  return chipsView(call, items, '/admin/decisions');
}

function rowOf(call: ConsoleCall, record: DecisionRecord): DecisionRow {
  const { decisionId, at, clientId, address, reason } = record;
  return {
    href: `/admin/decisions/${encodeURIComponent(decisionId)}`,
    at: call.formats.instant(at),
    outcome: outcomeChip(call, reason),
    client: {
      label: clientId ?? call.t('decision.no_client'),
      href: clientId === null ? null : clientPath({ clientId }),
    },
    call: callInWords(call, record),
    isCall: isCall(record),
    address,
  };
}

/** Whether a decision is about a call whose method and path are known. */
export function isCall({ method, path }: DecisionRecord): boolean {
  return method !== null && path !== null;
}

/** What was asked: the call where it is known, else the door and the grant type. */
export function callInWords({ t }: Pick<ConsoleCall, 't'>, record: DecisionRecord): string {
  const { method, path, place, grantType } = record;
  if (isCall(record)) return `${method} ${path}`;
  const door = t(`decision.place.${place}`);
  return grantType === null ? door : `${door} (${grantType})`;
}
