/** The audit of one client and its keys: who changed what, when and from where, field by field. */
import type { AuditEvent, FieldChange } from '../../domain/audit/audit-event.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { actorNames } from '../audit/actor-name.ts';
import { actInWords } from '../audit/audit-rows.ts';
import { objectNames, type ShownObject } from '../audit/object-names.ts';
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
    filter: { clientId: client.clientId },
    limit,
    ...(cursor !== undefined && { cursor }),
  });
  const [objectOf, actorOf] = [await objectNames(call), actorNames(call)];
  await showClientPage(call, client, {
    tab: 'audit',
    view: 'admin/clients/audit',
    locals: {
      rows: await Promise.all(
        page.items.map(async (event) => {
          const key = event.object.kind === 'api_key' ? await objectOf(event.object) : null;
          return rowOf(call, event, { key, actor: await actorOf(event.actor) });
        }),
      ),
      pager: pagerOf(call, page),
    },
  });
}

async function rowOf(
  call: ConsoleCall,
  event: AuditEvent,
  { key, actor }: { key: ShownObject | null; actor: string },
): Promise<ClientAuditRow> {
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
  const act = actInWords(call, action);
  return {
    at: formats.instant(at),
    actor,
    address: event.actor.address,
    key: key && { label: key.label, href: key.href },
    action:
      key === null
        ? (act ?? action)
        : t('client.audit.of_key', { action: act ?? action, key: key.label }),
    // Other acts say in their name what they changed.
    what: action.endsWith('.update') || act === null ? whatChanged(call, event) : '',
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
