/**
 * The form that API groups and API scopes share: names, level, and their APIs, of which those that do
 * not exist yet are made with it.
 */
import { type FieldProblem, invalid, isDomainError } from '../../domain/errors.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { madeInWords, makeApis, pickerOf, typedApis } from './api-picker.ts';
import { apisById, callOf } from './api-views.ts';
import type { Bundle } from './bundles.ts';
import type { FormValues, ShownForm } from './noun.ts';
import type { FieldView } from './views.ts';

/** The texts of the form of a bundle. */
export function bundleValues(bundle: Bundle | null): FormValues {
  return {
    ...(bundle === null && { name: '' }),
    displayName: bundle?.displayName ?? '',
    description: bundle?.description ?? '',
    securityLevel: bundle?.securityLevel ?? 'SYSTEM',
    apis: [...(bundle?.apis ?? [])].sort().join('\n'),
    newApis: '',
  };
}

/** The fields of the form of a bundle; `more` stand before the APIs. */
export async function bundleFields(
  call: ConsoleCall,
  area: string,
  { values, errors }: ShownForm<Bundle>,
  more: FieldView[] = [],
): Promise<FieldView[]> {
  const { t } = call;
  const field = (name: string) => ({
    name,
    label: t(`${area}.field.${name}`),
    value: values[name] ?? '',
    ...(t.has(`${area}.hint.${name}`) && { hint: t(`${area}.hint.${name}`) }),
    ...(errors[name] !== undefined && { error: errors[name] }),
  });
  const name = { kind: 'field' as const, ...field('name'), mono: true, spellcheck: false };
  const { label: legend, value: _, ...apis } = field('apis');
  return [
    ...(values['name'] === undefined ? [] : [{ ...name, maxlength: 50, required: true }]),
    { kind: 'field', ...field('displayName'), maxlength: 100, optional: true },
    { kind: 'textarea', ...field('description'), rows: 3, optional: true },
    { kind: 'select', ...field('securityLevel'), options: await levelOptions(call) },
    ...more,
    { kind: 'picker', ...apis, legend, picker: await pickerOf(call, values['apis'] ?? '') },
    {
      kind: 'textarea',
      ...field('newApis'),
      rows: 4,
      mono: true,
      optional: true,
      spellcheck: false,
    },
  ];
}

/** The levels to choose among, the highest first. */
export async function levelOptions({ services }: Pick<ConsoleCall, 'services'>) {
  const levels = await services.stores.securityLevels.all();
  return levels
    .sort((a, b) => b.rank - a.rank)
    .map(({ name, displayName }) => ({
      value: name,
      label: displayName === '' || displayName === name ? name : `${name} · ${displayName}`,
    }));
}

/** The ids that a form ticks; undefined where they are those of the record, in another order. */
export function changedApis(ids: readonly string[], record: Bundle): string[] | undefined {
  const isSame = new Set([...ids, ...record.apis]).size === record.apis.length;
  return isSame && ids.length === record.apis.length ? undefined : [...ids];
}

/** What a form of a bundle did. */
interface SavedBundle<B extends Bundle> {
  record: B;
  /** What was made besides, for the text that follows; empty where nothing was. */
  made: string;
}

/**
 * Makes the APIs that were typed, then the bundle over them and those that are ticked. Nothing is made
 * before all of the form is found to be right.
 *
 * @param write makes or changes the bundle with these APIs, or only says whether it could
 */
export async function saveBundle<B extends Bundle>(
  call: ConsoleCall,
  values: FormValues,
  write: (apis: string[], options: { dryRun?: boolean }) => Promise<B>,
): Promise<SavedBundle<B>> {
  const ticked = (values['apis'] ?? '').split('\n').filter((id) => id !== '');
  const lines = values['newApis'] ?? '';
  const problems = [
    ...(await problemsOf(() => write(ticked, { dryRun: true }))),
    ...(await problemsOf(() => typedApis(call, lines))),
  ];
  if (problems.length > 0) throw invalid(problems);
  const { ids, made } = await makeApis(call, await typedApis(call, lines));
  const record = await write([...new Set([...ticked, ...ids])], {});
  return { record, made: madeInWords(call, made) };
}

async function problemsOf(step: () => Promise<unknown>): Promise<FieldProblem[]> {
  try {
    await step();
    return [];
  } catch (error) {
    if (!isDomainError(error) || error.problems.length === 0) throw error;
    return error.problems;
  }
}

/** A field of the form of a bundle in the comparison of two versions: APIs by name, not by id. */
export async function apiWords(call: ConsoleCall, field: string, value: string): Promise<string> {
  if (field !== 'apis') return value;
  return (await apisById(call.services, value.split('\n'))).map(callOf).join(', ');
}
