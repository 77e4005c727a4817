/** A new client with the settings of another: names and secret are its own. */

import type { Client } from '../../domain/clients/client.ts';
import { copyClient, needsSecurity } from '../../domain/clients/manage-clients.ts';
import { type FieldProblem, invalid } from '../../domain/errors.ts';
import { type ConsoleCall, type ConsoleRoute, roleNeeded } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { clientOf, clientPath } from '../clients/client-page.ts';
import { fewLines, settingLabel, settingLines } from '../clients/client-values.ts';
import { SECTIONS, typedValues } from '../forms/client-form.ts';
import { type ClientForm, clientForm } from '../forms/client-form-view.ts';
import type { FormValues } from '../forms/field-kinds.ts';
import { formProblems } from '../forms/form-problems.ts';
import { readPassword } from '../forms/password-choice.ts';
import { showCreated } from './created.ts';
import { NEW_SECTIONS, readSections } from './new-client.ts';

/** The locals of the view. */
export interface CopyLocals {
  action: string;
  cancel: string;
  original: string;
  form: ClientForm;
  /** What the copy takes over. */
  rows: { label: string; values: string[] }[];
  /** Why this admin may not copy this client; undefined when they may. */
  reason: string | undefined;
}

const PATH = '/admin/clients/:clientId/copy';

/** What the copy has of its own. */
const OWN = ['clientName', 'displayName', 'clientId'] as const;

export const copyRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'operator', handler: showCopy },
  { method: 'POST', path: PATH, role: 'operator', handler: sendCopy },
];

async function showCopy(call: ConsoleCall): Promise<void> {
  const original = await clientOf(call);
  const { t } = call;
  const clientName = `${original.clientName.slice(0, 45)}-copy`;
  const displayName = t('client-create.copy.name', { name: original.displayName.slice(0, 90) });
  return show(call, original, { values: { clientName, displayName, clientId: '' } });
}

async function sendCopy(call: ConsoleCall): Promise<void> {
  const { services, acting, form, t } = call;
  const original = await clientOf(call);
  return submit({
    async change() {
      const { input, problems } = await ownFields(call);
      if (problems.length > 0) throw invalid(problems);
      const made = await copyClient(services, acting, original.clientId, input);
      await showCreated(call, made);
    },
    again: (problems) =>
      show(call, original, { values: typedValues(form), problems: formProblems(problems, {}, t) }),
  });
}

/** The names and the password of the copy. */
async function ownFields(call: ConsoleCall) {
  const { form, t } = call;
  const named = new URLSearchParams(
    OWN.map((name): [string, string] => [name, form.get(name) ?? '']),
  );
  const { input, problems } = await readSections(call, ['who'], named);
  const password = readPassword(form, t);
  const { clientName = '', displayName = '', clientId } = input;
  return {
    input: { clientName, displayName, ...(clientId && { clientId }), ...password.input },
    // The note is that of the original.
    problems: [...problems.filter(({ field }) => field !== 'note'), ...password.problems],
  };
}

/** Whoever copies keys or a resource server sets them. */
function whyNot(call: ConsoleCall, original: Client): string | undefined {
  return needsSecurity(original) ? roleNeeded(call, 'security') : undefined;
}

async function show(
  call: ConsoleCall,
  original: Client,
  { values, problems = [] }: { values: FormValues; problems?: FieldProblem[] },
): Promise<void> {
  const { t } = call;
  const fields = NEW_SECTIONS.flatMap((section) => SECTIONS[section].map(({ field }) => field));
  const rows = fields
    .filter((field) => !(OWN as readonly string[]).includes(field))
    .filter((field) => field !== 'servedApiGroups' || original.kind === 'resource_server')
    .map((field) => ({
      label: settingLabel(t, field),
      values: fewLines(call, settingLines(call, field, original[field as keyof Client])),
    }))
    .filter((row) => row.values.length > 0);
  const form = await clientForm(call, { mode: 'create', values, problems });
  const locals = {
    action: clientPath(original, '/copy'),
    cancel: clientPath(original),
    original: original.displayName,
    reason: whyNot(call, original),
    ...{ form, rows },
  };
  await call.show('admin/clients/create/copy', locals, {
    title: t('client-create.copy.title', { name: original.displayName }),
    breadcrumbs: [{ label: original.displayName, href: clientPath(original) }],
    crumb: t('client-create.copy.crumb'),
    section: 'clients',
    status: problems.length > 0 ? 422 : 200,
  });
}
