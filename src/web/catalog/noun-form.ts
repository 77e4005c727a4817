/** The form of a noun: shown, sent, shown again with what is wrong or with what somebody else saved. */
import type { FieldProblem } from '../../domain/errors.ts';
import type { Versioned } from '../../domain/records.ts';
import { type ConsoleCall, param } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { sentence } from '../forms/form-problems.ts';
import { type ConsoleNoun, type FormValues, recordPath } from './noun.ts';
import type { ConflictView, ProblemView } from './views.ts';

/** What a form is shown with. */
interface Shown<T> {
  record: T | null;
  values: FormValues;
  problems?: FieldProblem[];
  conflict?: ConflictView;
}

/** Answers with the form of a new record. */
export function newRecord<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
): Promise<void> {
  return showForm(noun, call, { record: null, values: noun.form.show(null, call) });
}

/** Makes a record of what the form holds. */
export async function createRecord<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
): Promise<void> {
  const { form } = noun;
  const values = readValues(call.form, form.show(null, call));
  if (form.searches?.(call.form)) return showForm(noun, call, { record: null, values });
  await submit({
    change: () => form.create(call, values),
    again: (problems) => showForm(noun, call, { record: null, values, problems }),
  });
}

/** Answers with the form of a record. */
export async function showEdit<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
): Promise<void> {
  const record = await noun.find(call.services, param(call, 'id'));
  await showForm(noun, call, { record, values: noun.form.show(record, call) });
}

/** Changes a record to what the form holds. */
export async function updateRecord<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
): Promise<void> {
  const { form } = noun;
  const id = param(call, 'id');
  const before = await noun.find(call.services, id);
  const values = readValues(call.form, form.show(before, call));
  const version = versionOf(call.form);
  // What was read stays what the form is compared with, however often it is shown again.
  const shown = { record: { ...before, version }, values };
  if (form.searches?.(call.form)) return showForm(noun, call, shown);
  await submit({
    async change() {
      const { record, flash } = await form.update(call, { id, version, values });
      const saved = flash ?? call.t('noun.saved', { name: noun.nameOf(record) });
      call.redirect(recordPath(noun.path, id), saved);
    },
    again: (problems) => showForm(noun, call, { ...shown, problems }),
    stale: (current) => showConflict(noun, call, { current: current as T, values }),
  });
}

/** The values that a form holds of these fields; one that it does not have keeps its own. */
function readValues(form: URLSearchParams, fields: FormValues): FormValues {
  const texts = Object.entries(fields).map(([name, own]) => {
    const sent = form.getAll(name).map((text) => text.replaceAll('\r\n', '\n').trim());
    const filled = sent.filter((text) => text !== '');
    // Boxes are ticked in the order of the page, which means nothing.
    return [name, sent.length === 0 ? own : filled.sort().join('\n')] as const;
  });
  return Object.fromEntries(texts);
}

async function showForm<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
  { record, values, problems = [], conflict }: Shown<T>,
): Promise<void> {
  const { area, form, path, section } = noun;
  const { t } = call;
  const name = record === null ? '' : noun.nameOf(record);
  const own = record === null ? path : recordPath(path, noun.idOf(record));
  const title = record === null ? t(`${area}.create`) : t(`${area}.edit`, { name });
  const { errors, summary } = toldProblems(call, area, problems);
  await call.show(
    'admin/noun/form',
    {
      action: record === null ? `${path}/new` : `${own}/edit`,
      version: record === null ? null : String(record.version),
      read: readTexts(noun, call, record, conflict !== undefined),
      problems: summary,
      conflict: conflict ?? null,
      fields: await form.fields(call, { record, values, errors }),
      submit: record === null ? t(`${area}.create`) : t('common.save'),
      cancel: { href: own, label: t('common.cancel') },
    },
    {
      title,
      section,
      ...(record !== null && {
        breadcrumbs: [{ label: name, href: own }],
        crumb: t('common.edit'),
      }),
      status: conflict === undefined ? (problems.length > 0 ? 422 : 200) : 409,
    },
  );
}

/** What the form was made from: kept from form to form until a conflict shows the record anew. */
function readTexts<T extends Versioned>(
  { form }: ConsoleNoun<T>,
  call: ConsoleCall,
  record: T | null,
  isAnew: boolean,
): string {
  const kept = isAnew ? null : call.form.get('read');
  return kept ?? JSON.stringify(form.show(record, call));
}

/** Shows what is stored now beside what was entered; what only the others changed is theirs. */
async function showConflict<T extends Versioned>(
  noun: ConsoleNoun<T>,
  call: ConsoleCall,
  { current, values }: { current: T; values: FormValues },
): Promise<void> {
  const { form, area } = noun;
  const { t } = call;
  const stored = form.show(current, call);
  const read = textsOf(call.form.get('read'));
  const merged: FormValues = {};
  const rows: ConflictView['rows'] = [];
  const words = async (field: string, value: string) =>
    (value === '' ? '' : await form.words?.(call, field, value)) || value || t('common.none');
  for (const [field, entered] of Object.entries(values)) {
    const theirs = stored[field] ?? '';
    merged[field] = entered === read[field] ? theirs : entered;
    if (entered === theirs) continue;
    rows.push({
      field: t(`${area}.field.${field}`),
      before: await words(field, theirs),
      after: await words(field, entered),
    });
  }
  const when = call.formats.instant(current.updatedAt).relative;
  const conflict = { text: t('noun.conflict.text', { when }), rows };
  await showForm(noun, call, { record: current, values: merged, conflict });
}

/** The texts that a hidden field names; nothing where it was made by hand. */
function textsOf(json: string | null): FormValues {
  try {
    const read: unknown = JSON.parse(json ?? '{}');
    return typeof read === 'object' && read !== null ? (read as FormValues) : {};
  } catch {
    return {};
  }
}

/** What is wrong, in words: for the fields by name, and for the summary with the label of each. */
export function toldProblems(
  { t }: Pick<ConsoleCall, 't'>,
  area: string,
  problems: readonly FieldProblem[],
): { errors: Record<string, string>; summary: ProblemView[] } {
  const errors: Record<string, string> = {};
  const summary = problems.map((problem) => {
    const field = problem.field.replace(/\.\d+$/, '');
    const message = sentence(problem.message);
    errors[field] ??= message;
    const key = `${area}.field.${field}`;
    if (!t.has(key)) return { field: '', message };
    return { field, message: t('noun.problem', { label: t(key), message }) };
  });
  return { errors, summary };
}
