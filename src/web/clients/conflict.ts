/** Two admins changed one client: the later one sees both changes, field by field, and chooses. */
import type { ClientSettings } from '../../domain/clients/client.ts';
import type { FieldProblem } from '../../domain/errors.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { actorName } from '../audit/actor-name.ts';
import { STALE_STATUS } from '../security/security-page.ts';
import { clientPath, showClientPage } from './client-page.ts';
import { readable, settingLabel, settingText } from './client-values.ts';
import { type EditTarget, type FormChange, fieldsOf, isSame } from './edit-changes.ts';
import type { ConflictRow } from './views.ts';

/** Fields of the page that are not of the section's form. */
const OWN_FIELDS = /^(?:csrf|version|asked|removes|preview|use\..*)$/;

/** Which side was chosen for a setting; null where nobody was asked or has answered. */
export function choiceOf(form: URLSearchParams, field: string): 'mine' | 'theirs' | null {
  const chosen = form.get(`use.${field}`);
  return chosen === 'mine' || chosen === 'theirs' ? chosen : null;
}

/** Settings that the page asked about and that no choice was made for. */
export function unanswered(form: URLSearchParams): string[] {
  const asked = (form.get('asked') ?? '').split(' ').filter((field) => field !== '');
  return asked.filter((field) => choiceOf(form, field) === null);
}

/**
 * Shows what was read, what is stored now and what was entered.
 *
 * @param unchosen settings that a choice is missing for; default: the page is new
 */
export async function showConflict(
  call: ConsoleCall,
  target: EditTarget,
  change: FormChange,
  unchosen: readonly string[] = [],
): Promise<void> {
  const { form, t } = call;
  const { client, section } = target;
  const rows = await conflictRows(call, target, change);
  const asks = rows.some(({ by }) => by === 'both');
  const problems = unchosen.map((field): FieldProblem => {
    const message = t('client.conflict.choose', { field: settingLabel(t, field) });
    return { field: `use.${field}`, code: 'required', message };
  });
  await showClientPage(call, client, {
    tab: 'details',
    view: 'admin/clients/conflict',
    title: t('client.conflict.title'),
    status: problems.length > 0 ? 422 : STALE_STATUS,
    locals: {
      action: clientPath(client, `/edit/${section}`),
      version: String(client.version),
      entered: [...form]
        .filter(([name]) => !OWN_FIELDS.test(name))
        .map(([name, value]) => ({ name, value })),
      rows,
      text: `${await lastChange(call, client.clientId)} ${t(asks ? 'client.conflict.both' : 'client.conflict.apart')}`,
      problems,
      submit: t(asks ? 'client.conflict.save' : 'client.conflict.save_on_top'),
    },
  });
}

async function conflictRows(
  call: ConsoleCall,
  { client, section }: EditTarget,
  { base, isKnown, mine }: FormChange,
): Promise<ConflictRow[]> {
  const { services, form, offers, t } = call;
  const text = async (field: keyof ClientSettings, value: unknown) =>
    settingText(call, field, await readable(services, field, value));
  const rows: ConflictRow[] = [];
  for (const field of fieldsOf(section, offers('security'))) {
    const by = changedBy(field, { stored: client, base, isKnown, mine });
    if (by === null) continue;
    rows.push({
      field,
      label: settingLabel(t, field),
      read: isKnown ? await text(field, base[field]) : null,
      stored: await text(field, client[field]),
      mine: await text(field, field in mine ? mine[field] : base[field]),
      by,
      chosen: choiceOf(form, field),
    });
  }
  return rows;
}

/** Who changed a setting; null where nobody did, or both to the same value. */
function changedBy(
  field: keyof ClientSettings,
  { stored, base, isKnown, mine }: FormChange & { stored: ClientSettings },
): ConflictRow['by'] | null {
  const isTheirs = !isSame(field, stored[field], base[field]);
  if (!(field in mine)) return isTheirs ? 'theirs' : null;
  if (isSame(field, stored[field], mine[field])) return null;
  return isTheirs || !isKnown ? 'both' : 'mine';
}

/** Who changed the client last, and when. */
async function lastChange(call: ConsoleCall, clientId: string): Promise<string> {
  const { services, formats, t } = call;
  const filter = { objectKind: 'client', objectId: clientId };
  const [last] = (await services.stores.audit.list({ filter, limit: 1 })).items;
  if (last === undefined) return t('client.conflict.somebody');
  const who = await actorName(call, last.actor);
  return t('client.conflict.by', { who, when: formats.instant(last.at).relative });
}
