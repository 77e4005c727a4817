/** Dates as a form holds them: what the wall clock of a zone reads, without an offset. */
import { instantOf, wallClockAt } from '../../domain/zoned-time.ts';

const LOCAL = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)?$/;
const MINUTES = 'YYYY-MM-DDTHH:MM'.length;

/** An instant as a field of type `datetime-local` holds it, to the minute, such as `2027-03-31T09:00`. */
export function localText(at: Date, timeZone: string): string {
  return new Date(wallClockAt(timeZone, at.getTime())).toISOString().slice(0, MINUTES);
}

/**
 * The instant at which the wall clock of a zone reads a text; the earlier one where clocks go back. A
 * day alone is its first minute.
 *
 * @returns `malformed` for no such date, `skipped` for a time that the zone's clocks jump over
 */
export function instantFrom(text: string, timeZone: string): Date | 'malformed' | 'skipped' {
  if (!LOCAL.test(text)) return 'malformed';
  const [day = '', time = '00:00'] = text.split(/[T ]/);
  const wallClock = Date.parse(`${day}T${time}Z`);
  // The runtime reads 30 February as 2 March.
  if (Number.isNaN(wallClock) || !new Date(wallClock).toISOString().startsWith(day))
    return 'malformed';
  const at = instantOf(timeZone, wallClock);
  return wallClockAt(timeZone, at) === wallClock ? new Date(at) : 'skipped';
}
