/** How long the value before a rotation still works: a number and a unit. */
import type { FieldProblem } from '../../domain/errors.ts';
import { invalid } from '../../domain/errors.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { readLifetime, UNITS, type Unit } from '../forms/field-kinds.ts';
import { FormReader } from '../forms/form-reader.ts';

/** What the component `duration` shows. */
export interface GraceView {
  value: string;
  unit: string;
  sum: string;
}

/** The grace period as it was typed; at first one day. */
export function graceView({ form, formats, t }: ConsoleCall): GraceView {
  const [value, unit] = [form.get('grace') ?? '1', form.get('grace.unit') ?? 'd'];
  const seconds = Number(value || Number.NaN) * UNITS[unit as Unit];
  const isWhole = Number.isInteger(seconds) && seconds >= 0;
  const sum = isWhole ? t('client-form.sum', { seconds: formats.number(seconds) }) : '';
  return { value, unit, sum };
}

/**
 * The grace period in seconds.
 *
 * @param most in seconds
 * @throws DomainError `validation_failed`, also for a blank: none at all is written as 0
 */
export function readGrace({ form, formats, t }: ConsoleCall, most: number): number {
  const reader = new FormReader(form, { mode: 'edit', t, timeZone: formats.timeZone });
  const seconds = readLifetime(reader, 'grace');
  if (seconds !== undefined && seconds >= 0 && seconds <= most) return seconds;
  const code = seconds === undefined ? 'required' : 'out_of_range';
  const message = t(`security.grace.${code}`, { most: formats.duration(most) });
  const problem: FieldProblem = { field: 'grace', code, message };
  throw invalid(reader.problems.length > 0 ? reader.problems : [problem]);
}
