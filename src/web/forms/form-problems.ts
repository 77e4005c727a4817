/** From the domain's problems, by dotted path, to those of a form's fields, in words. */
import type { FieldProblem } from '../../domain/errors.ts';
import type { MessageValues, Translate } from '../messages.ts';

/** Lists that one field of the form holds: a problem of an item is one of the field. */
const ONE_FIELD =
  /^(emails|userAllowlist|apiGroups|apiScopes|servedApiGroups|grantTypes|redirectUris)\.(\d+)$/;

/** Name of the form's field for a path of the domain, such as `accessToken.lifetimeSeconds`. */
export function fieldOf(path: string): string {
  return path
    .replace(/^(accessToken|refreshToken)\.lifetimeSeconds$/, '$1.lifetime')
    .replace(ONE_FIELD, '$1')
    .replace(/^jwks\..*$/, 'jwks')
    .replace(/^serviceHours$/, 'serviceHours.windows')
    .replace(/^(serviceHours\.windows\.\d+\.days)\..*$/, '$1');
}

/**
 * Problems of the domain as problems of the form's fields.
 *
 * @param input what the domain judged, to name the item of a list; default: nothing is named
 */
export function formProblems(
  problems: readonly FieldProblem[],
  input: Readonly<Record<string, unknown>>,
  t: Translate,
): FieldProblem[] {
  return problems.map((problem) => ({
    field: fieldOf(problem.field),
    code: problem.code,
    message: messageOf(problem, input, t),
  }));
}

function messageOf(problem: FieldProblem, input: Readonly<Record<string, unknown>>, t: Translate) {
  const [, list, index] = ONE_FIELD.exec(problem.field) ?? [];
  if (list !== undefined) {
    const item = String((input[list] as unknown[] | undefined)?.[Number(index)] ?? '');
    if (list === 'emails') return t('client-form.problem.email', { item });
    // What names its item already, such as a group that does not exist.
    if (item === '' || problem.message.includes(item)) return problem.message;
    return t('client-form.problem.item', { item, message: problem.message });
  }
  if (problem.field.endsWith('.lifetimeSeconds')) return t('client-form.problem.lifetime');
  if (problem.code === 'required') return t('client-form.problem.required');
  return problem.message;
}

/** A field's label, as the summary of errors and the review name it: rows are counted from 1. */
export function labelOf(field: string, t: Translate): string {
  const row = /^(.*)\.(\d+)\.(\w+)$/.exec(field);
  const key = `client-form.${row === null ? field : `${row[1]}.${row[3]}`}`;
  if (!t.has(key)) return '';
  const values: MessageValues = { row: Number(row?.[2] ?? 0) + 1 };
  return row === null ? t(key) : t('client-form.in_row', { ...values, label: t(key) });
}

/** Problems as the summary on top of a form tells them, each with the label of its field. */
export function summaryOf(
  problems: readonly FieldProblem[],
  t: Translate,
): { field: string; message: string }[] {
  return problems.map(({ field, message }) => {
    const label = labelOf(field, t);
    return {
      field,
      message: label === '' ? sentence(message) : t('client-form.problem.of', { label, message }),
    };
  });
}

/** What is wrong, by the name of the field. */
export function messagesByField(problems: readonly FieldProblem[]): Record<string, string> {
  const messages: Record<string, string> = {};
  for (const { field, message } of problems) messages[field] ??= sentence(message);
  return messages;
}

/** A text with a capital first letter. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
