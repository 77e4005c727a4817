/** The steps of the wizard: which sections each has, and what a draft holds of them. */
import {
  type ClientDraft,
  DRAFT_STEPS,
  type DraftFields,
  type DraftStep,
} from '../../domain/clients/client-drafts.ts';
import type { NewClient } from '../../domain/clients/client-input.ts';
import type { FieldProblem } from '../../domain/errors.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { SECTIONS, type SectionName } from '../forms/client-form.ts';
import { compactRows } from '../forms/form-rows.ts';
import { NEW_CLIENT, readSections } from './new-client.ts';
import { templateOf } from './templates.ts';

/** Path of the wizard's first step. */
export const WIZARD = `${NEW_CLIENT}/wizard`;

/** Sections of each step. */
export const STEP_SECTIONS = {
  who: ['who'],
  when: ['when', 'where'],
  limits: ['limits'],
  access: ['access', 'tokens'],
} as const satisfies Record<DraftStep, readonly SectionName[]>;

/** A page of the wizard: a step, or the review that ends it. */
export type WizardPage = DraftStep | 'review';
export const WIZARD_PAGES: readonly WizardPage[] = [...DRAFT_STEPS, 'review'];

/** Whether a text names a step. */
export function isStep(name: string): name is DraftStep {
  return (DRAFT_STEPS as readonly string[]).includes(name);
}

/** Path of a page of a draft. */
export function wizardPath(draftId: string, page: WizardPage): string {
  return `${WIZARD}/${encodeURIComponent(draftId)}/${page}`;
}

/** Buttons and marks of the wizard itself: no texts of the client. */
const OWN_FIELDS = new Set(['csrf', 'go', 'return', 'userAllowlist.search']);

/** What a draft keeps of a form. */
export function fieldsOf(form: URLSearchParams): DraftFields {
  return [...compactRows(form)].filter(([name]) => !OWN_FIELDS.has(name));
}

/** The texts that a draft has of a step, as a form; null where the step was never saved. */
export function savedForm({ steps }: Pick<ClientDraft, 'steps'>, step: DraftStep) {
  const fields = steps[step];
  return fields === undefined ? null : new URLSearchParams(fields);
}

/** The template that a draft began with: it fills the steps that nobody has saved. */
export function templateOfDraft(draft: Pick<ClientDraft, 'steps'>) {
  return templateOf(savedForm(draft, 'who')?.get('template') ?? null);
}

/** What a draft amounts to. */
export interface DraftInput {
  input: Partial<NewClient>;
  problems: (FieldProblem & { step: DraftStep })[];
}

/** The input of all steps; of one that nobody has saved, what the template gives. */
export async function draftInput(
  call: ConsoleCall,
  draft: Pick<ClientDraft, 'steps'>,
): Promise<DraftInput> {
  const template = templateOfDraft(draft).client as Partial<NewClient>;
  const whole: DraftInput = { input: {}, problems: [] };
  for (const step of DRAFT_STEPS) {
    const form = savedForm(draft, step);
    if (form === null) {
      const own = Object.entries(template).filter(([field]) => stepOf(field) === step);
      Object.assign(whole.input, Object.fromEntries(own));
      continue;
    }
    const { input, problems } = await readSections(call, STEP_SECTIONS[step], form);
    Object.assign(whole.input, input);
    whole.problems.push(...problems.map((problem) => ({ ...problem, step })));
  }
  return whole;
}

/** The step that has a field of the form; null for fields of the review itself. */
export function stepOf(field: string): DraftStep | null {
  const [first = ''] = field.split('.');
  if (first === 'zone') return 'when';
  const has = (step: DraftStep) =>
    STEP_SECTIONS[step].some((section) => SECTIONS[section].some((each) => each.field === first));
  return DRAFT_STEPS.find(has) ?? null;
}
