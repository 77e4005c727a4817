/**
 * Repeated rows of a form: `ipBindings.0.address`. Rows that are wholly blank count for nothing, so
 * the rest is numbered anew, and a problem of the domain's `ipBindings.1` is that of the row shown.
 */

/** Lists whose rows a form repeats, and the fields of a row. */
export const ROW_LISTS = {
  ipBindings: ['hostName', 'address'],
  'serviceHours.windows': ['days', 'from', 'to'],
} as const;

export type RowList = keyof typeof ROW_LISTS;

const ROW = /^(ipBindings|serviceHours\.windows)\.(\d{1,6})\.(\w+)$/;

/** Numbers of the rows that a form has of a list, in order. */
export function rowNumbers(form: URLSearchParams, list: RowList): number[] {
  const found = [...form.keys()]
    .map((name) => ROW.exec(name))
    .filter((match) => match?.[1] === list)
    .map((match) => Number(match?.[2]));
  return [...new Set(found)].sort((a, b) => a - b);
}

/**
 * Rows of a list that are read: one more than a client can hold, so that whoever sends more is told so
 * by the domain, and a form made by hand costs no more than that.
 */
const MOST_ROWS = 1001;

/** The same fields without blank rows, those that remain numbered from 0; of too many rows the first. */
export function compactRows(form: URLSearchParams): URLSearchParams {
  const filled = new Map<RowList, Set<number>>();
  for (const [name, value] of form) {
    const [, list, row, field] = ROW.exec(name) ?? [];
    if (list === undefined || field === undefined || value.trim() === '') continue;
    if (!(ROW_LISTS[list as RowList] as readonly string[]).includes(field)) continue;
    const rows = filled.get(list as RowList) ?? new Set();
    filled.set(list as RowList, rows.add(Number(row)));
  }
  const renumbered = new Map<string, number>();
  for (const [list, rows] of filled) {
    const kept = [...rows].sort((a, b) => a - b).slice(0, MOST_ROWS);
    for (const [index, row] of kept.entries()) renumbered.set(`${list}.${row}`, index);
  }
  const compact = new URLSearchParams();
  for (const [name, value] of form) {
    const [, list, row, field] = ROW.exec(name) ?? [];
    if (list === undefined) compact.append(name, value);
    const index = renumbered.get(`${list}.${Number(row)}`);
    if (index !== undefined) compact.append(`${list}.${index}.${field}`, value);
  }
  return compact;
}
