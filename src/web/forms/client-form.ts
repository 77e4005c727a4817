/**
 * The form of a client: what its sections show of a client, and how what was typed becomes input of
 * the domain. The rules are the domain's; here stands how people write values, and where problems go.
 */
import type { z } from 'zod';
import { CLIENT_DEFAULTS } from '../../domain/clients/client.ts';
import {
  type ClientPatch,
  clientPatch,
  type NewClient,
  newClient,
} from '../../domain/clients/client-input.ts';
import { type FieldProblem, isDomainError } from '../../domain/errors.ts';
import { parse } from '../../domain/validation.ts';
import { SECTIONS, type SectionName } from './client-fields.ts';
import type { FormValues, ShownClient } from './field-kinds.ts';
import { formProblems } from './form-problems.ts';
import { FormReader, type ReadContext } from './form-reader.ts';
import { compactRows } from './form-rows.ts';

export { isSection, SECTIONS, type SectionName } from './client-fields.ts';
export type { FormValues, ShownClient } from './field-kinds.ts';
export type { ReadContext } from './form-reader.ts';

/** What a section makes of a form. Input that is bad is left out of `input` where problems are told. */
export interface ReadForm<Input> {
  input: Input;
  /** Problems by the name of the form's field. */
  problems: FieldProblem[];
}

/**
 * The texts that sections show of a client, or of the parts of a new one; defaults for the rest.
 *
 * @param timeZone zone in which dates are shown, unless the client has one of its own
 */
export function sectionValues(
  sections: SectionName | readonly SectionName[],
  client: Partial<ShownClient>,
  timeZone: string,
): FormValues {
  const shown = { clientName: '', displayName: '', note: '', ...CLIENT_DEFAULTS, ...client };
  const zone = shown.timeZone ?? shown.serviceHours?.timeZone ?? timeZone;
  const fields = [sections].flat().flatMap((section) => [...SECTIONS[section]]);
  const values = fields.map((field) => field.show(shown as ShownClient, zone));
  return Object.assign({ zone }, ...values) as FormValues;
}

/** The texts of a form as it was sent, for showing it again; what must not be shown again is left out. */
export function typedValues(form: URLSearchParams): FormValues {
  const values: FormValues = {};
  for (const [name, value] of compactRows(form)) {
    if (NEVER_SHOWN_AGAIN.has(name)) continue;
    values[name] = values[name] ? `${values[name]}\n${value}` : value;
  }
  return values;
}

const NEVER_SHOWN_AGAIN = new Set(['csrf', 'password', 'confirmation']);

/** Reads one section, as the mode of the context says: for a new client, or as a patch. Never throws. */
export function readSection(
  section: SectionName,
  form: URLSearchParams,
  context: ReadContext,
): ReadForm<Partial<NewClient> | ClientPatch> {
  return context.mode === 'create'
    ? readNew([section], form, context)
    : readPatch([section], form, context);
}

/** Reads sections as the fields of a new client; blank ones take their default. Never throws. */
export function readNew(
  sections: readonly SectionName[],
  form: URLSearchParams,
  context: Omit<ReadContext, 'mode'>,
): ReadForm<Partial<NewClient>> {
  return read(sections, new FormReader(form, { ...context, mode: 'create' }));
}

/** Reads sections as a patch; blank fields keep their value. Never throws. */
export function readPatch(
  sections: readonly SectionName[],
  form: URLSearchParams,
  context: Omit<ReadContext, 'mode'>,
): ReadForm<ClientPatch> {
  return read(sections, new FormReader(form, { ...context, mode: 'edit' }));
}

function read(
  sections: readonly SectionName[],
  reader: FormReader,
): ReadForm<Partial<NewClient> & ClientPatch> {
  const isNew = reader.context.mode === 'create';
  const fields = sections
    .flatMap((section) => [...SECTIONS[section]])
    .filter(({ field }) => isNew || field !== 'clientId');
  const raw: Record<string, unknown> = {};
  for (const { field, read: readField } of fields) {
    const value = readField(reader);
    if (value !== undefined) raw[field] = value;
  }
  const { input, problems } = judged(
    raw,
    fields.map(({ field }) => field),
    isNew,
  );
  const told = formProblems(problems, raw, reader.context.t);
  return { input, problems: withoutRepeats([...reader.problems, ...told]) };
}

/** What the domain says of the input; fields that it refuses are left out. */
function judged(raw: Record<string, unknown>, fields: string[], isNew: boolean) {
  const schema: z.ZodObject = isNew ? newClient : clientPatch;
  const picked = schema.pick(
    Object.fromEntries(fields.map((field) => [field, true])) as Record<string, true> & object,
  );
  try {
    return { input: parse(picked, raw) as Partial<NewClient> & ClientPatch, problems: [] };
  } catch (error) {
    if (!isDomainError(error)) throw error;
    const bad = new Set(error.problems.map(({ field }) => field.split('.', 1)[0]));
    const good = Object.entries(raw).filter(([field]) => !bad.has(field));
    const rest = picked.partial().parse(Object.fromEntries(good));
    return { input: rest as Partial<NewClient> & ClientPatch, problems: error.problems };
  }
}

/** The first problem of each field: what the form says of a text goes before what the domain says of it. */
function withoutRepeats(problems: FieldProblem[]): FieldProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ field }) => {
    if (seen.has(field)) return false;
    seen.add(field);
    return true;
  });
}
