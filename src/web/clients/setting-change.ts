/** A changed setting of a client in words: both values, or of long lists what came and what went. */
import type { FieldChange } from '../../domain/audit/audit-event.ts';
import { fewLines, settingLabel, settingText, type Words } from './client-values.ts';

/** A changed setting, as the component `diff` shows it. */
export interface SettingChange {
  field: string;
  before: string;
  after: string;
}

/** Lists with more parts than this are told by what came and what went. */
const LONG = 20;

/** A change in words, its users already told by their names (see `readable`). */
export function settingChange(words: Words, { field, before, after }: FieldChange): SettingChange {
  const label = settingLabel(words.t, field);
  const [old, now] = [partsOf(before), partsOf(after)];
  if (Math.max(old.length, now.length) <= LONG) {
    const [was, is] = [settingText(words, field, before), settingText(words, field, after)];
    return { field: label, before: was, after: is };
  }
  return { field: label, before: others(words, old, now), after: others(words, now, old) };
}

/** The parts of a list; none of any other value. */
function partsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.map((part) =>
    typeof part === 'object' && part !== null ? Object.values(part).join(' ') : String(part),
  );
}

/** The parts that the other list has not, and how many there are in all. */
function others(words: Words, list: readonly string[], other: readonly string[]): string {
  const shared = new Set(other);
  const own = list.filter((part) => !shared.has(part));
  const names = fewLines(words, own).join(' · ') || words.t('common.none');
  return words.t('client.audit.among', { names, count: list.length });
}
