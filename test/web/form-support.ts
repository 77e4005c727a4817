/** Forms as a browser sends them, and the context in which they are read. */
import type { ReadContext } from '../../src/web/forms/client-form.ts';
import { createTranslate } from '../../src/web/messages.ts';

const t = createTranslate();

/** What forms are read with, unless a test says otherwise. */
export function context(changes: Partial<ReadContext> = {}): Omit<ReadContext, 'mode'> {
  return { t, timeZone: 'UTC', ...changes };
}

/** A form of these fields; a list is a field that comes more than once. */
export function formOf(fields: Readonly<Record<string, string | string[]>>): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, values] of Object.entries(fields)) {
    for (const value of [values].flat()) form.append(name, value);
  }
  return form;
}

/** The form that a browser sends when nobody changes what it shows. */
export function unedited(values: Readonly<Record<string, string>>): URLSearchParams {
  const groups =
    /^(grantTypes|api(Groups|Scopes)|servedApiGroups|serviceHours\.windows\.\d+\.days)$/;
  const fields = Object.entries(values)
    .filter(([name, value]) => !(name.endsWith('.unlimited') && value === ''))
    .map(([name, value]) => [name, groups.test(name) ? ['', ...value.split('\n')] : value]);
  return formOf({
    ...Object.fromEntries(fields),
    rows: ['ipBindings', 'serviceHours.windows'],
  });
}
