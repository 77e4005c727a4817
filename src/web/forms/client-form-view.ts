/** What the views of the sections are told: texts, problems by field, and what can be chosen. */
import { GRANT_TYPES } from '../../domain/clients/client.ts';
import { WEEKDAYS } from '../../domain/clients/service-hours.ts';
import type { FieldProblem } from '../../domain/errors.ts';
import type { ConsoleCall } from '../admin/route.ts';
import type { Translate } from '../messages.ts';
import { type SectionName, type ShownClient, sectionValues } from './client-form.ts';
import { type FormValues, UNITS, type Unit } from './field-kinds.ts';
import type { EditedForm } from './form-edits.ts';
import { messagesByField, summaryOf } from './form-problems.ts';
import { type RowList, rowNumbers } from './form-rows.ts';
import { type HoldingOptions, holdingOptions, type Option } from './holding-options.ts';
import { type OfferedUser, searchUsers, userLines } from './user-lines.ts';

/** What a form is shown with: parts of a handler's call. */
export type FormCall = Pick<ConsoleCall, 'services' | 't' | 'formats' | 'offers'>;

/** A row of a repeated list; its fields begin with `name`. */
export interface FormRow {
  /** Such as `ipBindings.0`. */
  name: string;
  /** Counted from 1; 0 in the template, from which the script makes new rows. */
  number: number;
  values: FormValues;
  days: Option[];
}

type ChoiceName =
  | 'audience'
  | 'environment'
  | 'kind'
  | 'period'
  | 'grantTypes'
  | 'status'
  | 'passwordChoice';

/** What every view in `views/admin/clients/sections` reads, as `locals.form`. */
export interface ClientForm {
  mode: 'create' | 'edit';
  values: FormValues;
  /** What is wrong, by the name of the field. */
  problems: Record<string, string>;
  /** The same with labels, for the summary on top. */
  summary: { field: string; message: string }[];
  /** Zone of the dates. */
  zone: string;
  /** Zone of the server, which blank zones stand for. */
  serverZone: string;
  options: Record<ChoiceName, Option[]> & HoldingOptions;
  /** Rows by list, at least one; `blank` is that of the script's template. */
  rows: Record<RowList, FormRow[]>;
  blank: Record<RowList, FormRow>;
  /** Lifetimes in seconds, such as `= 86,400 s`. */
  sums: Record<'accessToken' | 'refreshToken', string>;
  /** Users whom the search found; null where nobody searched. */
  foundUsers: { users: OfferedUser[]; more: number } | null;
  /** Whether the admin may set keys. */
  offersKeys: boolean;
  /** Whether the client is a resource server, or can be made one in this form. */
  offersServed: boolean;
}

/** What a form shows. */
export interface ShownForm {
  mode: 'create' | 'edit';
  values: FormValues;
  problems?: readonly FieldProblem[];
  /** After a button that edits the form. */
  edited?: EditedForm | null;
  /** The client that is edited: its level and audience decide what is offered where the form has neither. */
  client?: Pick<ShownClient, 'securityLevel' | 'audience' | 'kind'>;
}

/** The texts that sections show of a client, its users by name. */
export async function formValues(
  { services, formats }: Pick<FormCall, 'services' | 'formats'>,
  sections: SectionName | readonly SectionName[],
  client: Partial<ShownClient>,
): Promise<FormValues> {
  const values = sectionValues(sections, client, formats.timeZone);
  if (client.userAllowlist !== undefined && 'userAllowlist' in values)
    values['userAllowlist'] = await userLines(services, client.userAllowlist);
  return values;
}

/** The form as its views show it. */
export async function clientForm(call: FormCall, shown: ShownForm): Promise<ClientForm> {
  const { services, t, formats, offers } = call;
  const { mode, values, problems = [], edited = null, client } = shown;
  const search = edited?.userSearch ?? null;
  if (mode === 'create') values['passwordChoice'] ??= 'generate';
  return {
    mode,
    values,
    problems: messagesByField(problems),
    summary: summaryOf(problems, t),
    zone: values['zone'] || formats.timeZone,
    serverZone: services.timeZone,
    options: { ...choices(call, values), ...(await holdingOptions(call, values, client)) },
    rows: {
      ipBindings: rowsOf('ipBindings', shown, t),
      'serviceHours.windows': rowsOf('serviceHours.windows', shown, t),
    },
    blank: {
      ipBindings: rowOf('ipBindings', '__index__', {}, t),
      'serviceHours.windows': rowOf('serviceHours.windows', '__index__', {}, t),
    },
    sums: {
      accessToken: sumOf('accessToken', call, values),
      refreshToken: sumOf('refreshToken', call, values),
    },
    foundUsers: search === null ? null : await searchUsers(services, search),
    offersKeys: offers('security'),
    offersServed:
      (values['kind'] ?? client?.kind) === 'resource_server' ||
      ('kind' in values && offers('security')),
  };
}

function choices({ t, offers }: FormCall, values: FormValues) {
  const chosen = (field: string, value: string) =>
    (values[field] ?? '').split('\n').includes(value);
  const of = (field: string, all: readonly string[]): Option[] =>
    all.map((value) => {
      const key = `client-form.${field}.${value}`;
      const hint = t.has(`${key}.hint`) ? { hint: t(`${key}.hint`) } : {};
      return { value, label: t(key), checked: chosen(field, value), ...hint };
    });
  const kinds = of('kind', ['partner', 'resource_server']).map((kind) =>
    kind.value === 'partner' || kind.checked || offers('security')
      ? kind
      : { ...kind, disabled: true, hint: t('common.needs_role', { role: 'security' }) },
  );
  return {
    audience: of('audience', ['internal', 'external', 'both']),
    environment: of('environment', ['production', 'testing', 'development']),
    kind: kinds,
    period: of('apiQuota.period', ['day', 'week', 'month', 'total']),
    grantTypes: of('grantTypes', GRANT_TYPES),
    status: of('status', ['enabled', 'disabled']),
    passwordChoice: of('passwordChoice', ['generate', 'choose']),
  };
}

/** Rows that are filled in, then blank ones: those asked for, or one where there is none. */
function rowsOf(list: RowList, { values, edited }: ShownForm, t: Translate): FormRow[] {
  const filled = rowValues(list, values);
  const blanks = edited?.blankRows[list] ?? (filled.size === 0 ? 1 : 0);
  const next = Math.max(-1, ...filled.keys()) + 1;
  const added = Array.from({ length: blanks }, (_, i) => [next + i, {}] as const);
  return [...filled, ...added].map(([number, row]) => rowOf(list, number, row, t));
}

/** The texts of each row of a list, by its number, in order. */
function rowValues(list: RowList, values: FormValues): Map<number, FormValues> {
  const numbers = rowNumbers(new URLSearchParams(values), list);
  const rows = new Map(numbers.map((number): [number, FormValues] => [number, {}]));
  for (const [name, value] of Object.entries(values)) {
    const [number = '', field = ''] = name.slice(list.length + 1).split('.');
    const row = name.startsWith(`${list}.`) ? rows.get(Number(number)) : undefined;
    if (row !== undefined) row[field] = value;
  }
  return rows;
}

function rowOf(
  list: RowList,
  number: number | '__index__',
  ...[values, t]: [values: FormValues, t: Translate]
): FormRow {
  const days = (values['days'] ?? '').split('\n');
  return {
    name: `${list}.${number}`,
    number: number === '__index__' ? 0 : number + 1,
    values,
    days: WEEKDAYS.map((day) => ({
      value: day,
      label: t(`client-form.day.${day}`),
      checked: days.includes(day),
    })),
  };
}

function sumOf(
  field: 'accessToken' | 'refreshToken',
  { t, formats }: FormCall,
  values: FormValues,
) {
  const number = Number(values[`${field}.lifetime`] || Number.NaN);
  const seconds = number * UNITS[values[`${field}.lifetime.unit`] as Unit];
  return Number.isInteger(seconds)
    ? t('client-form.sum', { seconds: formats.number(seconds) })
    : '';
}
