/** The audit of one client: who changed what, when and from where, field by field. */
import type { AuditEvent, FieldChange } from '../../domain/audit/audit-event.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { actorNames } from '../audit/actor-name.ts';
import { listRequest, pagerOf } from '../lists.ts';
import { clientOf, showClientPage } from './client-page.ts';
import { fewLines, readable, settingLabel, settingLines } from './client-values.ts';
import { settingChange } from './setting-change.ts';
import type { ClientAuditRow, SummaryRow } from './views.ts';

export const clientAuditRoutes: ConsoleRoute[] = [
  { method: 'GET', path: '/admin/clients/:clientId/audit', role: 'viewer', handler: listEvents },
];

async function listEvents(call: ConsoleCall): Promise<void> {
  const { services, query } = call;
  const client = await clientOf(call);
  const { limit, cursor } = listRequest(query);
  const page = await services.stores.audit.list({
    filter: { objectKind: 'client', objectId: client.clientId },
    limit,
    ...(cursor !== undefined && { cursor }),
  });
  const actorOf = actorNames(call);
  await showClientPage(call, client, {
    tab: 'audit',
    view: 'admin/clients/audit',
    locals: {
      rows: await Promise.all(
        page.items.map(async (event) => rowOf(call, event, await actorOf(event.actor))),
      ),
      pager: pagerOf(call, page),
    },
  });
}

async function rowOf(call: ConsoleCall, event: AuditEvent, actor: string): Promise<ClientAuditRow> {
  const { formats, services, t } = call;
  const { at, action } = event;
  const changes = await Promise.all(
    event.changes.map(async ({ field, before, after }) => ({
      field,
      before: await readable(services, field, before),
      after: await readable(services, field, after),
    })),
  );
  const isWhole = /\.(?:create|delete)$/.test(action);
  const key = `client.action.${action.replace('client.', '')}`;
  return {
    at: formats.instant(at),
    actor,
    address: event.actor.address,
    action: t.has(key) ? t(key) : action,
    // Other acts say in their name what they changed.
    what: action.endsWith('.update') || !t.has(key) ? whatChanged(call, event) : '',
    changes: isWhole ? null : changes.map((change) => settingChange(call, change)),
    record: isWhole ? changes.flatMap((change) => settingHeld(call, change)) : [],
  };
}

/** A setting of a client that began or ended; nothing where it held nothing. */
function settingHeld(call: ConsoleCall, { field, before, after }: FieldChange): SummaryRow[] {
  const value = after ?? before;
  const values = value === null ? [] : fewLines(call, settingLines(call, field, value));
  return values.length === 0 ? [] : [{ label: settingLabel(call.t, field), values }];
}

/** Fields that a row names; the rest is counted. */
const NAMED_MOST = 4;

function whatChanged({ t }: ConsoleCall, { changes }: AuditEvent): string {
  const labels = changes.map(({ field }) => settingLabel(t, field));
  const named = labels.slice(0, NAMED_MOST).join(', ');
  const more = labels.length - NAMED_MOST;
  return more > 0 ? t('client.audit.more', { named, more }) : named;
}
