/** Changes a client, one section at a time. */
import type { ClientSettings } from '../../domain/clients/client.ts';
import type { Removed } from '../../domain/clients/client-references.ts';
import { updateClient } from '../../domain/clients/manage-clients.ts';
import { type FieldProblem, notFound } from '../../domain/errors.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import {
  isSection,
  type ReadContext,
  readPatch,
  SECTIONS,
  type SectionName,
  typedValues,
} from '../forms/client-form.ts';
import { clientForm, formValues, type ShownForm } from '../forms/client-form-view.ts';
import { editedForm } from '../forms/form-edits.ts';
import { formProblems } from '../forms/form-problems.ts';
import { unlimitedOf } from '../forms/unlimited.ts';
import { usersNamed } from '../forms/user-lines.ts';
import { named } from '../security/security-page.ts';
import { clientOf, clientPath, showClientPage } from './client-page.ts';
import { settingLabel } from './client-values.ts';
import { choiceOf, showConflict, unanswered } from './conflict.ts';
import {
  asRead,
  type EditTarget,
  type FormChange,
  formChange,
  settingsAsRead,
} from './edit-changes.ts';
import { previewOf, removalOf } from './edit-preview.ts';
import type { ClientViews } from './views.ts';

const PATH = '/admin/clients/:clientId/edit/:section';

export const editRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'operator', handler: editSection },
  { method: 'POST', path: PATH, role: 'operator', handler: saveSection },
];

async function editSection(call: ConsoleCall): Promise<void> {
  const target = await targetOf(call);
  const values = await formValues(call, target.section, target.client);
  await showEdit(call, target, { values });
}

async function saveSection(call: ConsoleCall): Promise<void> {
  const target = await targetOf(call);
  const { client, section } = target;
  const edited = editedForm(call.form);
  if (edited !== null) return showEdit(call, target, { values: typedValues(edited.form), edited });
  const { input, problems } = readPatch([section], call.form, await contextOf(call, target));
  const values = typedValues(call.form);
  if (problems.length > 0) return showEdit(call, target, { values, problems, status: 422 });
  const change = formChange(call, target, input);
  await submit({
    change: () => save(call, target, change),
    again: async (refused) =>
      showEdit(call, target, {
        values: await valuesAgain(call, target, change),
        problems: formProblems(refused, change.mine, call.t),
        status: 422,
      }),
    stale: (current) => showConflict(call, { client: current as typeof client, section }, change),
  });
}

async function targetOf(call: ConsoleCall): Promise<EditTarget> {
  const section = param(call, 'section');
  if (!isSection(section)) throw notFound('section of the form', section);
  return { client: await clientOf(call), section };
}

async function contextOf(call: ConsoleCall, target: EditTarget): Promise<ReadContext> {
  const { services, form, formats, offers, t } = call;
  // As they were when the form was opened: what others changed since is no change of this form.
  const read = { ...target.client, ...settingsAsRead(call, target) };
  const { kind, userAllowlist } = read;
  return {
    mode: 'edit',
    t,
    timeZone: formats.timeZone,
    security: offers('security'),
    kind,
    unlimited: unlimitedOf(read),
    users: await usersNamed(services, form, [...target.client.userAllowlist, ...userAllowlist]),
  };
}

async function save(call: ConsoleCall, target: EditTarget, change: FormChange): Promise<void> {
  const { services, actor, form, t } = call;
  const { client } = target;
  const asked = unanswered(form);
  if (asked.length > 0) return showConflict(call, target, change, asked);
  const mine = chosenOf(form, change.mine);
  if (Object.keys(mine).length === 0)
    return call.redirect(clientPath(client), t('client.done.same'));
  const update = (dryRun: boolean) =>
    updateClient(services, actor, client.clientId, versionOf(call.form), mine, { dryRun });
  const isPreview = form.has('preview');
  if (isPreview || 'securityLevel' in mine || 'audience' in mine) {
    const would = await update(true);
    const removes = removalOf(call, would.removed);
    const isAgreed = removes === null || form.get('removes') === removes.names;
    if (isPreview || !isAgreed) {
      const values = await valuesAgain(call, target, change);
      const preview = await previewOf(call, client, would.client);
      return showEdit(call, target, { values, preview, removes });
    }
  }
  const { removed } = await update(false);
  call.redirect(clientPath(client), doneText(call, mine, removed));
}

/** What of a change stays after the choices of the conflict page. */
function chosenOf(form: URLSearchParams, mine: Partial<ClientSettings>): Partial<ClientSettings> {
  return Object.fromEntries(
    Object.entries(mine).filter(([field]) => choiceOf(form, field) !== 'theirs'),
  );
}

function hasChoices(form: URLSearchParams): boolean {
  return form.has('asked');
}

/** What was entered; after a conflict, what was chosen on top of what is stored now. */
function valuesAgain(call: ConsoleCall, { client, section }: EditTarget, { mine }: FormChange) {
  const { form } = call;
  return hasChoices(form)
    ? formValues(call, section, { ...client, ...chosenOf(form, mine) })
    : typedValues(form);
}

/** Names what was changed, and what that took away. */
function doneText(call: ConsoleCall, mine: Partial<ClientSettings>, removed: Removed): string {
  const { t } = call;
  const fields = Object.keys(mine).map((field) => settingLabel(t, field));
  const names = [...removed.apiGroups, ...removed.apiScopes];
  const saved = t('client.done.saved', { fields: fields.join(', ') });
  if (names.length === 0) return saved;
  return `${saved} ${t('client.done.removed', { count: names.length, names: named(call, names) })}`;
}

interface Shown extends Pick<ShownForm, 'values' | 'edited'> {
  problems?: FieldProblem[];
  status?: number;
  preview?: ClientViews['admin/clients/edit']['preview'];
  removes?: ClientViews['admin/clients/edit']['removes'];
}

async function showEdit(call: ConsoleCall, target: EditTarget, shown: Shown): Promise<void> {
  const { form, t } = call;
  const { client, section } = target;
  const { preview = null, removes = null, status, ...fields } = shown;
  const title = t(`client-form.section.${section}`);
  const isFresh = hasChoices(form);
  await showClientPage(call, client, {
    tab: 'details',
    view: 'admin/clients/edit',
    title: t('client.edit.title', { section: title }),
    ...(status !== undefined && { status }),
    locals: {
      section,
      title,
      action: clientPath(client, `/edit/${section}`),
      version: form.get('version') ?? String(client.version),
      read: (isFresh ? null : form.get('read')) ?? asRead(call, target),
      sections: sectionLinks(call, target),
      form: await clientForm(call, { mode: 'edit', client, ...fields }),
      preview,
      removes,
    },
  });
}

function sectionLinks({ t }: ConsoleCall, { client, section }: EditTarget) {
  return (Object.keys(SECTIONS) as SectionName[]).map((name) => ({
    href: clientPath(client, `/edit/${name}`),
    label: t(`client-form.section.${name}`),
    current: name === section,
  }));
}
