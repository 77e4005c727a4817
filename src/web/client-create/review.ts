/** The end of the wizard: everything in plain words, what is wrong with it, and the button that creates it. */
import { CLIENT_DEFAULTS } from '../../domain/clients/client.ts';
import {
  type ClientDraft,
  DRAFT_STEPS,
  type DraftStep,
  findDraft,
} from '../../domain/clients/client-drafts.ts';
import type { NewClient } from '../../domain/clients/client-input.ts';
import type { FieldProblem } from '../../domain/errors.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { fewLines, settingLabel, settingLines } from '../clients/client-values.ts';
import { SECTIONS, sectionValues, typedValues } from '../forms/client-form.ts';
import { type ClientForm, clientForm } from '../forms/client-form-view.ts';
import { readPassword } from '../forms/password-choice.ts';
import { userLines } from '../forms/user-lines.ts';
import { showCreated } from './created.ts';
import { create, judge, NEW_CLIENT, readSections } from './new-client.ts';
import { type StepItem, stepItems } from './wizard.ts';
import { draftInput, STEP_SECTIONS, stepOf, WIZARD, wizardPath } from './wizard-steps.ts';

/** A step as the review tells it. */
export interface ReviewedStep {
  /** Id of its part of the page. */
  id: string;
  title: string;
  edit: string;
  rows: { label: string; values: string[] }[];
}

/** The locals of the view. */
export interface ReviewLocals {
  action: string;
  /** Path of the step before. */
  back: string;
  steps: StepItem[];
  reviewed: ReviewedStep[];
  form: ClientForm;
}

const PATH = `${WIZARD}/:draftId/review`;

export const reviewRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'operator', handler: showReview },
  { method: 'POST', path: PATH, role: 'operator', handler: sendReview },
];

function draftOf(call: ConsoleCall): Promise<ClientDraft> {
  return findDraft(call.services, call.admin.adminId, param(call, 'draftId'));
}

async function showReview(call: ConsoleCall): Promise<void> {
  const draft = await draftOf(call);
  const { input, problems } = await draftInput(call, draft);
  const judged = problems.length > 0 ? [] : await judge(call, input);
  return show(call, { draft, input, problems: [...problems, ...judged] });
}

async function sendReview(call: ConsoleCall): Promise<void> {
  const { services, admin, form, t } = call;
  const draft = await draftOf(call);
  const { input, problems } = await draftInput(call, draft);
  const own = await readSections(call, ['status'], form);
  const password = readPassword(form, t);
  return submit({
    async change() {
      const made = await create(call, {
        input: { ...input, ...own.input, ...password.input },
        problems: [...problems, ...own.problems, ...password.problems],
      });
      await services.stores.clientDrafts.remove(draft.draftId, admin.adminId);
      await showCreated(call, made);
    },
    again: (told) => show(call, { draft, input, problems: told, status: 422 }),
  });
}

interface Shown {
  draft: ClientDraft;
  input: Partial<NewClient>;
  problems: FieldProblem[];
  status?: number;
}

async function show(call: ConsoleCall, shown: Shown): Promise<void> {
  const { draft, input, problems, status = 200 } = shown;
  const { t, form: sent, formats } = call;
  const values = sent.has('status')
    ? typedValues(sent)
    : sectionValues('status', {}, formats.timeZone);
  const form = await clientForm(call, { mode: 'create', values, problems });
  const locals = {
    action: wizardPath(draft.draftId, 'review'),
    back: wizardPath(draft.draftId, 'access'),
    steps: stepItems(call, draft, 'review'),
    reviewed: await reviewedSteps(call, draft, input),
    // A field of a step is not on this page: its problem leads to the part that tells of the step.
    form: {
      ...form,
      summary: form.summary.map((each) => ({ ...each, field: anchorOf(each.field) })),
    },
  };
  await call.show('admin/clients/create/review', locals, {
    title: t('client-create.review.title'),
    breadcrumbs: [{ label: t('client-create.title'), href: NEW_CLIENT }],
    section: 'clients',
    status,
  });
}

function anchorOf(field: string): string {
  const step = stepOf(field);
  return step === null ? field : `step-${step}`;
}

async function reviewedSteps(
  call: ConsoleCall,
  draft: ClientDraft,
  input: Partial<NewClient>,
): Promise<ReviewedStep[]> {
  const users = await userLines(call.services, input.userAllowlist ?? []);
  const told = { ...CLIENT_DEFAULTS, ...input, userAllowlist: users.split('\n').filter(Boolean) };
  const hoursZone = call.services.timeZone;
  const hours = told.serviceHours && { timeZone: hoursZone, ...told.serviceHours };
  return DRAFT_STEPS.map((step) => ({
    id: `step-${step}`,
    title: call.t(`client-create.step.${step}`),
    edit: `${wizardPath(draft.draftId, step)}?return=review`,
    rows: rowsOf(call, step, { ...told, serviceHours: hours }),
  }));
}

function rowsOf(call: ConsoleCall, step: DraftStep, told: Record<string, unknown>) {
  const isServer = told['kind'] === 'resource_server';
  const fields = STEP_SECTIONS[step]
    .flatMap((section) => SECTIONS[section].map(({ field }) => field as string))
    .filter((field) => field !== 'jwks' && (isServer || field !== 'servedApiGroups'));
  return fields.map((field) => ({
    label: settingLabel(call.t, field),
    values:
      field === 'clientId' && !told['clientId']
        ? [call.t('client-create.review.random_id')]
        : fewLines(call, settingLines(call, field, told[field])),
  }));
}
