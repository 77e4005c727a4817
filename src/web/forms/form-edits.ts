/**
 * Buttons that edit a form without sending it off, so that everything works without script: one more
 * row, one fewer, a search for users, a user added. The form is then shown again, with what was typed.
 */
import { compactRows, ROW_LISTS, type RowList, rowNumbers } from './form-rows.ts';

/** What a button asks for, and the form after it. */
export interface EditedForm {
  form: URLSearchParams;
  /** Rows to show blank after those that are filled in, by list. */
  blankRows: Partial<Record<RowList, number>>;
  /** Words that users are searched by; null = no search. */
  userSearch: string | null;
}

const BUTTONS = ['rows.add', 'rows.remove', 'users.search', 'users.add', 'refresh'];

/** The form after the button that edits it; null when another button sent it. */
export function editedForm(sent: URLSearchParams): EditedForm | null {
  if (!BUTTONS.some((name) => sent.has(name))) return null;
  const form = new URLSearchParams(sent);
  for (const name of BUTTONS) form.delete(name);
  const removed = /^(.+)\.(\d+)$/.exec(sent.get('rows.remove') ?? '');
  if (removed !== null) removeRow(form, removed[1] ?? '', removed[2] ?? '');
  const user = sent.get('users.add') ?? '';
  if (user !== '') form.set('userAllowlist', withLine(form.get('userAllowlist') ?? '', user));
  const added = sent.get('rows.add') ?? '';
  // A pattern of MongoDB cannot hold NUL.
  const words = sent.get('userAllowlist.search')?.replaceAll('\0', '').trim() ?? '';
  const searches = sent.has('users.search') || sent.has('users.add');
  return {
    form: compactRows(form),
    blankRows: isList(added) ? { [added]: blankRowsOf(sent, added) + 1 } : {},
    userSearch: searches && words !== '' ? words : null,
  };
}

function isList(name: string): name is RowList {
  return Object.hasOwn(ROW_LISTS, name);
}

/** Blank rows that a form already shows: one more is added to those. */
function blankRowsOf(form: URLSearchParams, list: RowList): number {
  return rowNumbers(form, list).length - rowNumbers(compactRows(form), list).length;
}

function removeRow(form: URLSearchParams, list: string, row: string): void {
  if (!isList(list)) return;
  for (const field of ROW_LISTS[list]) form.delete(`${list}.${Number(row)}.${field}`);
}

function withLine(text: string, line: string): string {
  const lines = text.split(/[\r\n]+/).filter((each) => each.trim() !== '');
  return lines.includes(line) ? lines.join('\n') : [...lines, line].join('\n');
}
