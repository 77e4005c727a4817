/** What a check saw and wanted, in the words that the pages of a client have for the same settings. */
import { types } from 'node:util';
import type { TraceEntry } from '../../domain/decision/explain.ts';
import { instantText, settingText, usesInWords, type Words } from '../clients/client-values.ts';

type Value = TraceEntry['seen'];
type Members = Record<string, unknown>;

/** Checks whose values are addresses, ids and names that people paste. */
const OF_CODE: ReadonlySet<string> = new Set(['address', 'user', 'API is granted']);

/** Whether the values of a check are shown as code. */
export function isOfCode({ check }: Pick<TraceEntry, 'check'>): boolean {
  return OF_CODE.has(check);
}

/** What a check saw or wanted; a dash where there is nothing. */
export function checkInWords(words: Words, { check }: TraceEntry, value: Value): string {
  const { t } = words;
  if (check === 'credential' && typeof value === 'string') {
    const key = `decision.credential.${value}`;
    return t.has(key) ? t(key) : value;
  }
  if (check === 'grant type') return settingText(words, 'grantTypes', [value].flat());
  if (check === 'service hours' && isObject(value))
    return settingText(words, 'serviceHours', value);
  if (check === 'address' && Array.isArray(value)) return settingText(words, 'ipBindings', value);
  return isObject(value) ? membersInWords(words, value) : valueInWords(words, value);
}

/** Any value on one line: of a trace, or of a change that an audit event tells. */
export function valueInWords(words: Words, value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  const at = instantOf(value);
  if (at !== null) return instantText(words, at);
  if (Array.isArray(value)) {
    return value.length === 0 ? '–' : value.map((one) => valueInWords(words, one)).join(', ');
  }
  if (typeof value === 'object') {
    const members = Object.entries(value).map(
      ([name, one]) => `${name}: ${valueInWords(words, one)}`,
    );
    return members.length === 0 ? '–' : members.join('; ');
  }
  return typeof value === 'number' ? words.formats.number(value) : String(value);
}

/** Each shape that the checks give has a sentence `decision.value.<its members>`. */
function membersInWords(words: Words, value: Members): string {
  const { t, formats } = words;
  const { failedLogins, lockedAt, before, from, level, audience, method, path, oneOf } = value;
  const { used, calls, callsPerSecond, spent, below, period, weight } = value;
  const number = (one: unknown) => formats.number(Number(one));
  const counts =
    weight === undefined ? '' : ` · ${t('decision.value.weight', { weight: number(weight) })}`;
  if (failedLogins !== undefined) {
    const since = instantOf(lockedAt);
    const count = Number(failedLogins);
    if (since === null) return t('decision.value.not_locked', { count });
    return t('decision.value.locked', { count, at: instantText(words, since) });
  }
  if (before !== undefined) return t('decision.value.before', { at: valueInWords(words, before) });
  if (from !== undefined) return t('decision.value.from', { at: valueInWords(words, from) });
  if (level !== undefined) {
    const named = settingText(words, 'audience', audience);
    return t('decision.value.level', { level: String(level), audience: named });
  }
  if (method !== undefined) return `${method} ${path}`;
  if (oneOf !== undefined) return t('decision.value.one_of', { names: valueInWords(words, oneOf) });
  if (callsPerSecond !== undefined) return settingText(words, 'tps', callsPerSecond);
  if (period !== undefined) return settingText(words, 'apiQuota', value) + counts;
  if (used !== undefined) return t('decision.value.used', { number: number(used) });
  if (calls !== undefined) return t('decision.value.rate', { number: number(calls) });
  if (spent !== undefined) return t('decision.value.spent', { number: number(spent) });
  if (below !== undefined) return usesInWords(words, Number(below)) + counts;
  return valueInWords(words, value);
}

function isObject(value: unknown): value is Members {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !types.isDate(value)
  );
}

/** Stored traces and changes hold instants as texts. */
function instantOf(value: unknown): Date | null {
  if (types.isDate(value)) return value;
  const isText = typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value);
  return isText ? new Date(value) : null;
}
