/**
 * A new client step by step. Each step is checked when it is left forwards and kept in a draft when
 * it is left any way, so that nothing is lost; every step can be visited again until the end.
 */
import {
  beginDraft,
  type ClientDraft,
  type DraftStep,
  findDraft,
  saveDraftStep,
} from '../../domain/clients/client-drafts.ts';
import { type FieldProblem, invalid, notFound } from '../../domain/errors.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { typedValues } from '../forms/client-form.ts';
import { type ClientForm, clientForm, formValues } from '../forms/client-form-view.ts';
import { type EditedForm, editedForm } from '../forms/form-edits.ts';
import { judge, NEW_CLIENT, readSections } from './new-client.ts';
import { templateOf } from './templates.ts';
import {
  draftInput,
  fieldsOf,
  isStep,
  STEP_SECTIONS,
  savedForm,
  stepOf,
  templateOfDraft,
  WIZARD,
  WIZARD_PAGES,
  type WizardPage,
  wizardPath,
} from './wizard-steps.ts';

/** A step in the list of steps. */
export interface StepItem {
  page: WizardPage;
  label: string;
  href?: string;
  state: 'done' | 'current' | 'todo';
}

/** The locals of a step's view. */
export interface WizardLocals {
  action: string;
  step: DraftStep;
  steps: StepItem[];
  form: ClientForm;
  template: string;
  /** Whether the step was opened from the review, and leads back to it. */
  returns: boolean;
  /** Where "Back" leads from the first step; null where a button saves before it goes back. */
  back: string | null;
  /** The step before. */
  previous: WizardPage;
}

const STEP = `${WIZARD}/:draftId/:step`;

export const wizardRoutes: ConsoleRoute[] = [
  { method: 'GET', path: WIZARD, role: 'operator', handler: showFirst },
  { method: 'POST', path: WIZARD, role: 'operator', handler: sendFirst },
  { method: 'GET', path: STEP, role: 'operator', handler: showStep },
  { method: 'POST', path: STEP, role: 'operator', handler: sendStep },
];

/** The draft before anything of it is stored. */
const NO_DRAFT: Pick<ClientDraft, 'steps'> & { draftId: null } = { draftId: null, steps: {} };
type Draft = ClientDraft | typeof NO_DRAFT;

/** The draft and the step that the path names. Throws `not_found`. */
async function place(call: ConsoleCall): Promise<{ draft: ClientDraft; step: DraftStep }> {
  const step = param(call, 'step');
  if (!isStep(step)) throw notFound('step', step);
  const draft = await findDraft(call.services, call.admin.adminId, param(call, 'draftId'));
  return { draft, step };
}

function showFirst(call: ConsoleCall): Promise<void> {
  return show(call, { draft: NO_DRAFT, step: 'who' });
}

function sendFirst(call: ConsoleCall): Promise<void> {
  return send(call, NO_DRAFT, 'who');
}

async function showStep(call: ConsoleCall): Promise<void> {
  return show(call, await place(call));
}

async function sendStep(call: ConsoleCall): Promise<void> {
  const { draft, step } = await place(call);
  return send(call, draft, step);
}

/** Keeps the step, and moves on: checked to the next one, unchecked to any that a button names. */
async function send(call: ConsoleCall, draft: Draft, step: DraftStep): Promise<void> {
  const { form } = call;
  const edited = editedForm(form);
  if (edited !== null) return show(call, { draft, step, typed: edited.form, edited });
  const elsewhere = WIZARD_PAGES.find((page) => page === form.get('go'));
  if (elsewhere !== undefined) {
    const draftId = await save(call, draft, step);
    return call.redirect(wizardPath(draftId, elsewhere));
  }
  return submit({
    async change() {
      const problems = await problemsOf(call, draft, step);
      if (problems.length > 0) throw invalid(problems);
      const draftId = await save(call, draft, step);
      const next = form.get('return') === 'review' ? 'review' : neighbour(step, 1);
      call.redirect(wizardPath(draftId, next));
    },
    again: (problems) => show(call, { draft, step, typed: form, problems }),
  });
}

async function save({ services, admin, form }: ConsoleCall, draft: Draft, step: DraftStep) {
  const { adminId } = admin;
  const fields = fieldsOf(form);
  if (draft.draftId === null)
    return (await beginDraft(services, adminId, { [step]: fields })).draftId;
  await saveDraftStep(services, draft, step, fields);
  return draft.draftId;
}

/** What is wrong with a step: its own fields, then what the domain says of them beside the other steps. */
async function problemsOf(call: ConsoleCall, draft: Draft, step: DraftStep) {
  const own = await readSections(call, STEP_SECTIONS[step], call.form);
  if (own.problems.length > 0) return own.problems;
  const steps = { ...draft.steps, [step]: fieldsOf(call.form) };
  const { input } = await draftInput(call, { steps });
  const judged = await judge(call, { ...input, ...own.input });
  return judged.filter(({ field }) => stepOf(field) === step);
}

function neighbour(step: DraftStep, distance: 1 | -1): WizardPage {
  const index = WIZARD_PAGES.indexOf(step) + distance;
  return WIZARD_PAGES[Math.max(0, index)] ?? 'review';
}

interface Shown {
  draft: Draft;
  step: DraftStep;
  /** What was typed; left out: what the draft holds, else the template. */
  typed?: URLSearchParams;
  problems?: FieldProblem[];
  edited?: EditedForm;
}

async function show(call: ConsoleCall, shown: Shown): Promise<void> {
  const { draft, step, typed = savedForm(draft, step), problems = [], edited = null } = shown;
  const { t, query, form: sent } = call;
  const template =
    draft.draftId === null
      ? templateOf(sent.get('template') ?? query.get('template'))
      : templateOfDraft(draft);
  const values =
    typed === null
      ? await formValues(call, STEP_SECTIONS[step], template.client)
      : typedValues(typed);
  const { input: client } = await draftInput(call, draft);
  const returns = (sent.get('return') ?? query.get('return')) === 'review';
  const locals = {
    action: draft.draftId === null ? WIZARD : wizardPath(draft.draftId, step),
    ...{ step, returns, template: template.name },
    steps: stepItems(call, draft, step),
    form: await clientForm(call, { mode: 'create', values, problems, edited, client }),
    back: step === 'who' ? NEW_CLIENT : null,
    previous: neighbour(step, -1),
  };
  await call.show('admin/clients/create/wizard', locals, {
    title: t('client-create.wizard.title', { step: t(`client-create.step.${step}`) }),
    breadcrumbs: [{ label: t('client-create.title'), href: NEW_CLIENT }],
    section: 'clients',
    status: problems.length > 0 ? 422 : 200,
  });
}

/** The list of steps, each a link once there is a draft. */
export function stepItems(
  { t }: Pick<ConsoleCall, 't'>,
  { draftId, steps }: Draft,
  current: WizardPage,
): StepItem[] {
  return WIZARD_PAGES.map((page) => {
    const isSaved = page !== 'review' && steps[page] !== undefined;
    return {
      page,
      label: t(`client-create.step.${page}`),
      state: page === current ? 'current' : isSaved ? 'done' : 'todo',
      ...(draftId !== null && { href: wizardPath(draftId, page) }),
    };
  });
}
