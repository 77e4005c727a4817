/** The audit page: every change, newest first, and the same as a file. */
import type { AuditEvent, AuditFilter } from '../../domain/audit/audit-event.ts';
import { everyRow } from '../../domain/manage-dry-runs.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { type ChipsView, chipsView, hrefWith, listRequest, pagerOf } from '../lists.ts';
import { auditRows } from './audit-rows.ts';

export const auditRoutes: ConsoleRoute[] = [
  { method: 'GET', path: '/admin/audit', role: 'viewer', handler: listAudit },
  { method: 'GET', path: '/admin/audit/export', role: 'viewer', handler: exportAudit },
];

const PATH = '/admin/audit';
const FILTERS = ['search', 'objectKind', 'objectId', 'actorId', 'action', 'from', 'to'] as const;
const KINDS = [
  'client',
  'user',
  'api',
  'api_group',
  'api_scope',
  'api_key',
  'security_level',
  'admin',
  'access_token',
  'token',
  'mail',
];

/** Events that one export holds at most. */
const MOST_EXPORTED = 10_000;

async function listAudit(call: ConsoleCall): Promise<void> {
  const { query, services, t } = call;
  const values = Object.fromEntries(FILTERS.map((name) => [name, query.get(name)?.trim() ?? '']));
  const page = await services.stores.audit.list({
    ...listRequest(query),
    filter: filterOf(values),
  });
  await call.show(
    'admin/audit/list',
    {
      values,
      kinds: [
        { value: '', label: t('common.any') },
        ...KINDS.map((kind) => ({ value: kind, label: t(`audit.kind.${kind}`) })),
      ],
      chips: chipsOf(call, values),
      rows: await auditRows(call, page.items),
      exportHref: hrefWith(`${PATH}/export`, query, {}),
      pager: pagerOf(call, page),
    },
    { title: t('nav.audit'), section: 'audit' },
  );
}

/** Dates as days in UTC; what is no date filters nothing. */
function filterOf(values: Record<string, string>): AuditFilter {
  const { objectKind, objectId, actorId, action, from, to } = values;
  return {
    ...(objectKind && { objectKind }),
    ...(objectId && { objectId }),
    ...(actorId && { actorId }),
    ...(action && { action }),
    ...dayBound('from', from, 0),
    ...dayBound('to', to, 1),
  };
}

function dayBound(name: 'from' | 'to', day = '', plusDays: number) {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return {};
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + plusDays);
  return Number.isNaN(at.getTime()) ? {} : { [name]: at };
}

function chipsOf(call: ConsoleCall, values: Record<string, string>): ChipsView {
  const { query, t } = call;
  const items = FILTERS.flatMap((name) => {
    const value = values[name];
    if (!value) return [];
    const kind = `audit.kind.${value}`;
    const told = name === 'objectKind' && t.has(kind) ? t(kind) : value;
    const label = t(`audit.chip.${name}`, { value: told });
    return [{ label, remove: hrefWith(PATH, query, { [name]: null }) }];
  });
  return chipsView(call, items, PATH);
}

/** One event a line (JSON Lines), newest first. */
async function exportAudit({ ctx, query, services }: ConsoleCall): Promise<void> {
  const values = Object.fromEntries(FILTERS.map((name) => [name, query.get(name)?.trim() ?? '']));
  const wanted = { search: values['search'] ?? '', filter: filterOf(values) };
  const events: AuditEvent[] = [];
  for await (const event of everyRow((page) =>
    services.stores.audit.list({ ...page, ...wanted }),
  )) {
    events.push(event);
    if (events.length === MOST_EXPORTED) break;
  }
  ctx.attachment('audit-events.jsonl');
  ctx.type = 'application/jsonl';
  ctx.body = events.map((event) => `${JSON.stringify(event)}\n`).join('');
}
