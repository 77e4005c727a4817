/** A tab that edits one section of the client's form: reads it, saves it, and tells of a stale version. */
import type { Client } from '../../domain/clients/client.ts';
import type { ClientPatch } from '../../domain/clients/client-input.ts';
import { updateClient } from '../../domain/clients/manage-clients.ts';
import { type FieldProblem, invalid } from '../../domain/errors.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { clientOf, clientPath } from '../clients/client-page.ts';
import { readPatch, type SectionName, sectionValues, typedValues } from '../forms/client-form.ts';
import { type ClientForm, clientForm } from '../forms/client-form-view.ts';
import type { FormValues } from '../forms/field-kinds.ts';
import { formProblems, labelOf } from '../forms/form-problems.ts';
import { unlimitedOf } from '../forms/unlimited.ts';
import {
  changedText,
  STALE_STATUS,
  type Stale,
  type StaleRow,
  staleClient,
} from './security-page.ts';

/** What a tab shows: the client, and what became of a form that was sent. */
export interface ShownSection {
  client: Client;
  form: ClientForm;
  stale: Stale | null;
  status: number;
}

/** How a tab shows itself. */
export interface SectionTab {
  section: SectionName;
  /** Path of the tab below its client. */
  path: string;
  show(call: ConsoleCall, shown: ShownSection): Promise<void>;
}

/** Shows the tab as the client is now. */
export async function showSection(call: ConsoleCall, { section, show }: SectionTab): Promise<void> {
  const client = await clientOf(call);
  const form = await clientForm(call, {
    mode: 'edit',
    values: values(call, section, client),
    client,
  });
  return show(call, { client, form, stale: null, status: 200 });
}

/** Saves what was entered; what is bad, or was overtaken, is shown again. */
export async function saveSection(call: ConsoleCall, tab: SectionTab): Promise<void> {
  const { services, actor, form, t, formats } = call;
  const { section, path, show } = tab;
  const before = await clientOf(call);
  const typed = typedValues(form);
  const shown = (client: Client, problems: FieldProblem[] = []) =>
    clientForm(call, { mode: 'edit', values: typed, problems, client });
  let patch: ClientPatch = {};
  return submit({
    async change() {
      const context = { t, timeZone: formats.timeZone, unlimited: unlimitedOf(before) };
      const { input, problems } = readPatch([section], form, context);
      patch = input;
      const { clientId } = before;
      const version = versionOf(call.form);
      if (problems.length > 0) throw invalid(problems);
      const { client, removed } = await updateClient(services, actor, clientId, version, input);
      const key = client.version === version ? 'security.unchanged' : 'security.saved';
      call.redirect(clientPath(client, path), changedText(call, key, { removed }));
    },
    async again(problems) {
      const told = formProblems(problems, patch, t);
      await show(call, {
        client: before,
        form: await shown(before, told),
        stale: null,
        status: 422,
      });
    },
    async stale(current) {
      const client = current as Client;
      const now = values(call, section, client);
      const form = await clientForm(call, { mode: 'edit', values: now, client });
      const stale = await staleClient(call, staleRows(call, now, typed));
      await show(call, { client, form, stale, status: STALE_STATUS });
    },
  });
}

function values({ formats }: ConsoleCall, section: SectionName, client: Client): FormValues {
  return sectionValues(section, client, formats.timeZone);
}

/** What is stored beside what was entered, for each field that has a label. */
function staleRows({ t }: ConsoleCall, now: FormValues, typed: FormValues): StaleRow[] {
  const fields = Object.keys(now).filter((field) => field in typed && labelOf(field, t) !== '');
  return fields.map((field) => ({
    field: labelOf(field, t),
    before: fieldText(field, now, t),
    after: fieldText(field, typed, t),
  }));
}

/** A field in words: a limit that is switched off, a number with its unit, lines after each other. */
function fieldText(field: string, from: FormValues, t: ConsoleCall['t']): string {
  if (from[`${field}.unlimited`]) return t('common.unlimited');
  const unit = from[`${field}.unit`];
  const text = (from[field] ?? '')
    .split(/\s*\n/)
    .filter((line) => line !== '')
    .sort()
    .join(', ');
  if (unit === undefined) return text;
  const key = `components.duration.${unit}`;
  return `${text} ${t.has(key) ? t(key) : unit}`;
}
