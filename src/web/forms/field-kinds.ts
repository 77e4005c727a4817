/**
 * Kinds of fields: each shows a value as the texts of a form, and reads them back as input of the
 * domain, whose own rules judge it. `undefined` is a blank that keeps the value or takes the default.
 */
import { CLIENT_DEFAULTS, type ClientSettings } from '../../domain/clients/client.ts';
import type { NewClient } from '../../domain/clients/client-input.ts';
import type { FormReader } from './form-reader.ts';
import { instantFrom, localText } from './local-times.ts';

/** The texts of a form, by the name of the field; of several ticked values, one a line. */
export type FormValues = Record<string, string>;

/** A client whose values a form shows. */
export type ShownClient = Omit<NewClient, 'password'>;

/** A field of a client, as a form shows and reads it. */
export interface FormField {
  field: keyof ClientSettings | 'clientId';
  show(client: ShownClient, timeZone: string): FormValues;
  read(form: FormReader): unknown;
}

type FieldOf<Value> = {
  [K in keyof ClientSettings]: ClientSettings[K] extends Value ? K : never;
}[keyof ClientSettings];

/** A text; one that is `required` keeps its value when it is left blank, any other can be emptied. */
export function text(
  field: FieldOf<string> | 'clientId',
  { required = false }: { required?: boolean } = {},
): FormField {
  return {
    field,
    show: (client) => ({ [field]: client[field] ?? '' }),
    read: (form) =>
      required || form.context.mode === 'create' ? form.filled(field) : form.text(field),
  };
}

/** One of several values. */
export function choice(field: FieldOf<string>): FormField {
  return text(field, { required: true });
}

/** Values that are ticked, and where a list is too long for that, names in a text area `<field>.more`. */
export function ticks(field: FieldOf<string[]>): FormField {
  return {
    field,
    show: (client) => ({ [field]: (client[field] ?? []).join('\n') }),
    read(form) {
      const [ticked, more] = [form.ticked(field), form.lines(`${field}.more`)];
      if (ticked === undefined && more === undefined) return undefined;
      return [...new Set([...(ticked ?? []), ...(more ?? [])])];
    },
  };
}

/** Several texts in one text area, one a line. */
export function lines(field: FieldOf<string[]>): FormField {
  return {
    field,
    show: (client) => ({ [field]: (client[field] ?? []).join('\n') }),
    read: (form) => form.lines(field),
  };
}

/** An instant, as the wall clock of the form's zone reads it. */
export function instant(field: 'startsAt' | 'expiresAt'): FormField {
  return {
    field,
    show(client, timeZone) {
      const at = client[field] ?? null;
      if (at === null) return { [field]: '' };
      return { [field]: localText(at, timeZone), [`${field}.was`]: at.toISOString() };
    },
    read(form) {
      if (form.isOn(`${field}.none`)) return null;
      const typed = form.filled(field);
      if (typed === undefined || form.zone === null) return undefined;
      const was = storedInstant(form.text(`${field}.was`) ?? '');
      // The field shows minutes: one that nobody edited keeps its seconds, and which of two 02:30 it was.
      if (was !== null && localText(was, form.zone) === typed) return was.toISOString();
      const at = instantFrom(typed, form.zone);
      if (typeof at === 'string') return form.refuse(field, at, { zone: form.zone, time: typed });
      return at.toISOString();
    },
  };
}

/** The instant that a hidden field names as it is stored, with a year of four digits; null for any other text. */
function storedInstant(text: string): Date | null {
  const at = new Date(text);
  return /^\d{4}-/.test(text) && !Number.isNaN(at.getTime()) ? at : null;
}

const WHOLE = /^[+-]?\d{1,18}$/;
const GROUPED = /^\d{1,3}(?:([,\s_'])\d{3})(?:\1\d{3})*$/;

/** A whole number, with or without separators of thousands; undefined where it is blank or none. */
export function wholeNumber(form: FormReader, name: string): number | undefined {
  const typed = form.filled(name);
  if (typed === undefined) return undefined;
  const digits = GROUPED.test(typed) ? typed.replace(/[^\d]/g, '') : typed;
  return WHOLE.test(digits) ? Number(digits) : form.refuse(name, 'whole_number');
}

/** How a limit is shown: its number, and the switch where 0 means unlimited. */
export function showLimit(name: string, value: number): FormValues {
  return value === 0
    ? { [name]: '', [`${name}.unlimited`]: 'on' }
    : { [name]: String(value), [`${name}.unlimited`]: '' };
}

/**
 * A limit: a number, or the switch; both at once are a problem, as one of them would be lost unseen.
 * What is unlimited, by default in a new client, stays so only by the switch or a 0: a blank would be
 * taken for it unseen.
 */
export function readLimit(form: FormReader, name: string, byDefault: number): number | undefined {
  if (form.isOn(`${name}.unlimited`)) {
    return form.filled(name) === undefined ? 0 : form.refuse(name, 'not_both');
  }
  const { mode, unlimited } = form.context;
  const isUnlimited = mode === 'create' ? byDefault === 0 : unlimited?.has(name);
  if (isUnlimited && form.text(name) === '') return form.refuse(name, 'number_or_unlimited');
  return wholeNumber(form, name);
}

/** Units of a lifetime and their seconds, the largest first. */
export const UNITS = { d: 86_400, h: 3600, m: 60, s: 1 } as const;
export type Unit = keyof typeof UNITS;

/** How a length of time is shown: in the largest unit that gives a whole number. */
export function showLifetime(name: string, seconds: number): FormValues {
  const units = Object.keys(UNITS) as Unit[];
  const unit = units.find((each) => seconds % UNITS[each] === 0) ?? 's';
  return { [name]: String(seconds / UNITS[unit]), [`${name}.unit`]: unit };
}

/** A length of time in seconds; undefined where it is blank or none. */
export function readLifetime(form: FormReader, name: string): number | undefined {
  const number = wholeNumber(form, name);
  const unit = form.filled(`${name}.unit`) ?? 's';
  if (number === undefined) return undefined;
  if (!Object.hasOwn(UNITS, unit)) return form.refuse(name, 'unit');
  return number * UNITS[unit as Unit];
}

/** Lifetime and uses of a kind of token. */
export function tokenSetting(field: 'accessToken' | 'refreshToken'): FormField {
  const [lifetime, maxUses] = [`${field}.lifetime`, `${field}.maxUses`];
  const byDefault = CLIENT_DEFAULTS[field];
  return {
    field,
    show(client) {
      const shown = client[field] ?? byDefault;
      return {
        ...showLifetime(lifetime, shown.lifetimeSeconds),
        ...showLimit(maxUses, shown.maxUses),
      };
    },
    read: (form) =>
      members(form, byDefault, {
        lifetimeSeconds: readLifetime(form, lifetime),
        maxUses: readLimit(form, maxUses, byDefault.maxUses),
      }),
  };
}

/** An object of a new client is whole; that of a patch holds only what was filled in. */
export function members<T extends object>(
  form: FormReader,
  byDefault: T,
  read: { [K in keyof T]: unknown },
): object | undefined {
  const filled = Object.entries(read).filter(([, value]) => value !== undefined);
  if (filled.length === 0) return undefined;
  return { ...(form.context.mode === 'create' && byDefault), ...Object.fromEntries(filled) };
}
