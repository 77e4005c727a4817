/** Audit events as rows: who changed what, when, from where, field by field. */
import type { AuditEvent, FieldChange } from '../../domain/audit/audit-event.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { readable, settingLabel, settingText } from '../clients/client-values.ts';
import { settingChange } from '../clients/setting-change.ts';
import { valueInWords } from '../decisions/trace-words.ts';
import { actorNames } from './actor-name.ts';
import { objectNames, type ShownObject } from './object-names.ts';
import type { AuditRow } from './views.ts';

type Rows = Pick<ConsoleCall, 'formats' | 'services' | 't'>;

/** The rows of a page of events. */
export async function auditRows(call: Rows, events: readonly AuditEvent[]): Promise<AuditRow[]> {
  const [objectOf, actorOf] = [await objectNames(call), actorNames(call)];
  return Promise.all(
    events.map(async (event) => {
      const [object, actor] = await Promise.all([objectOf(event.object), actorOf(event.actor)]);
      return rowOf(call, event, { object, actor });
    }),
  );
}

async function rowOf(
  call: Rows,
  event: AuditEvent,
  named: { object: ShownObject; actor: string },
): Promise<AuditRow> {
  const { at, action, changes } = event;
  return {
    at: call.formats.instant(at),
    ...named,
    address: event.actor.address,
    action: { words: actInWords(call, action), code: action },
    changes: await Promise.all(changes.map((change) => changeInWords(call, event, change))),
  };
}

/** What was done, such as `Secret rotated`; null where only its code says it. */
export function actInWords({ t }: Rows, action: string): string | null {
  const verb = action.slice(action.indexOf('.') + 1);
  const keys = [`audit.act.${action}`, `client.action.${verb}`];
  const key = keys.find((each) => t.has(each));
  return key === undefined ? null : t(key);
}

/** The fields of a client have labels and words; those of others are told as they are stored. */
async function changeInWords(
  call: Rows,
  { action, object }: AuditEvent,
  { field, before, after }: FieldChange,
) {
  if (object.kind !== 'client') {
    return { field, before: valueInWords(call, before), after: valueInWords(call, after) };
  }
  // Before it was created a client had no value, not one that means "any" or "always".
  if (action === 'client.create' || action === 'client.delete') {
    const held = settingText(call, field, await readable(call.services, field, before ?? after));
    const none = call.t('common.none');
    const [was, is] = action === 'client.create' ? [none, held] : [held, none];
    return { field: settingLabel(call.t, field), before: was, after: is };
  }
  const [was, is] = await Promise.all(
    [before, after].map((value) => readable(call.services, field, value)),
  );
  return settingChange(call, { field, before: was, after: is });
}
