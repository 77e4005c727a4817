/** What the creation and the change of a client take as input, and how a merge patch is applied. */
import { z } from 'zod';
import { invalid } from '../errors.ts';
import {
  CLIENT_DEFAULTS,
  type ClientSettings,
  clientIdRule,
  clientSettings,
  passwordRule,
} from './client.ts';
import { newServiceHours, serviceHoursPatch } from './service-hours.ts';

type Shape = typeof clientSettings.shape;
type Defaulted = keyof typeof CLIENT_DEFAULTS;

const optional = Object.fromEntries(
  Object.keys(CLIENT_DEFAULTS).map((field) => [field, true]),
) as Record<Defaulted, true>;

const HOURS = 'Weekly windows in one time zone; null = always';

/** A new client: fields with a default may be left out; a missing password means "generate a secret". */
export const newClient = clientSettings.partial(optional).extend({
  serviceHours: newServiceHours.nullable().optional().describe(HOURS),
  clientId: clientIdRule.optional().describe('Random when left out; never changes'),
  password: passwordRule.optional(),
});

export type NewClient = z.output<typeof newClient>;

/** A merge patch (RFC 7396): absent keeps, null gives the default, also inside nested objects. */
export const clientPatch = z
  .strictObject(
    mapShape(clientSettings.shape, (rule) =>
      patchable(
        rule instanceof z.ZodObject ? z.strictObject(mapShape(rule.shape, patchable)) : rule,
      ),
    ) as unknown as { [K in keyof Shape]: z.ZodOptional<z.ZodNullable<Shape[K]>> },
  )
  .extend({ serviceHours: serviceHoursPatch.nullable().optional().describe(HOURS) });

export type ClientPatch = z.output<typeof clientPatch>;

function mapShape(shape: z.ZodRawShape, map: (rule: z.ZodType) => z.ZodType): z.ZodRawShape {
  return Object.fromEntries(Object.entries(shape).map(([k, rule]) => [k, map(rule as z.ZodType)]));
}

function patchable(rule: z.ZodType): z.ZodType {
  return rule.nullable().optional();
}

/** The settings of a new client, defaults filled in; `timeZone` is that of hours that name none. */
export function completeSettings(
  given: Omit<NewClient, 'clientId' | 'password'>,
  timeZone: string,
): ClientSettings {
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  return checked(withTimeZone({ ...CLIENT_DEFAULTS, ...Object.fromEntries(named) }, timeZone));
}

/**
 * Settings after a patch; `timeZone` is that of hours that name none.
 *
 * @throws DomainError `validation_failed`, naming every bad field
 */
export function mergeSettings(
  before: ClientSettings,
  patch: ClientPatch,
  timeZone: string,
): ClientSettings {
  const fields = Object.keys(clientSettings.shape) as (keyof ClientSettings)[];
  const merged = Object.fromEntries(
    fields.map((field) => [
      field,
      mergeValue(before[field], patch[field], CLIENT_DEFAULTS[field as Defaulted] ?? null),
    ]),
  );
  return checked(withTimeZone(merged, timeZone));
}

function withTimeZone(settings: Record<string, unknown>, timeZone: string): object {
  const { serviceHours: hours } = settings;
  if (!isPlainObject(hours)) return settings;
  return { ...settings, serviceHours: { ...hours, timeZone: hours['timeZone'] ?? timeZone } };
}

function mergeValue(before: unknown, change: unknown, byDefault: unknown): unknown {
  if (change === undefined) return before;
  if (change === null) return byDefault;
  if (!isPlainObject(change)) return change;
  const merged: Record<string, unknown> = isPlainObject(before) ? { ...before } : {};
  for (const [member, value] of Object.entries(change)) {
    const memberDefault = isPlainObject(byDefault) ? byDefault[member] : null;
    merged[member] = mergeValue(merged[member], value, memberDefault);
  }
  return merged;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

/** One schema checks every path into the store; it reads instants as text. */
function checked(settings: object): ClientSettings {
  const input = Object.fromEntries(
    Object.entries(settings).map(([k, v]) => [k, v instanceof Date ? v.toISOString() : v]),
  );
  const result = clientSettings.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.map((issue) => ({
      field: issue.path.join('.'),
      code: issue.code,
      message: issue.input === null ? 'is required' : issue.message,
    })),
  );
}
