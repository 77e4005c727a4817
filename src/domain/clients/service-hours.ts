/** Service hours: weekly windows in one IANA time zone; a window may cross midnight. */
import { z } from 'zod';
import { clockChanges, offsetAt, wallClockAt } from '../zoned-time.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Whether the runtime knows an IANA time zone. */
export function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

const timeOfDay = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time such as 09:00 or 24:00');

/** Name of an IANA time zone. */
export const timeZoneRule = z
  .string()
  .max(60)
  .refine(
    (zone) => /^[A-Za-z]/.test(zone) && isTimeZone(zone),
    'must be an IANA time zone such as Asia/Taipei',
  );

export const serviceHours = z.strictObject({
  timeZone: timeZoneRule,
  windows: z
    .array(
      z
        .strictObject({
          days: z.array(z.enum(WEEKDAYS)).min(1).max(7),
          from: timeOfDay,
          to: timeOfDay,
        })
        .refine((w) => w.from !== '24:00', { path: ['from'], error: 'must be before 24:00' })
        .refine((w) => w.to !== '00:00' || w.from !== '00:00', {
          path: ['to'],
          error: 'use 24:00 for the end of the day',
        }),
    )
    .min(1)
    .max(50),
});

/** Service hours of a new client. */
export const newServiceHours = serviceHours.extend({
  timeZone: timeZoneRule.optional().describe('Default: the time zone of the server'),
});

/** Service hours in a patch. */
export const serviceHoursPatch = serviceHours.extend({
  timeZone: timeZoneRule
    .nullable()
    .optional()
    .describe('Left out: as it was; null, or none before: the time zone of the server'),
});

export type ServiceHours = z.output<typeof serviceHours>;

function minutes(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/** The day of the week of a day, counted from 1970-01-01, which was a Thursday. */
function weekdayOf(day: number): Weekday {
  return WEEKDAYS[(((day + 3) % 7) + 7) % 7] as Weekday;
}

/**
 * Whether an instant lies within the hours. A window from 22:00 to 06:00 belongs to the day it starts
 * on. The wall clock of the zone decides, so on days when clocks change a window keeps its times.
 */
export function isWithinHours(hours: ServiceHours, at: Date): boolean {
  const wallClock = wallClockAt(hours.timeZone, at.getTime());
  const day = Math.floor(wallClock / DAY_MS);
  const minute = Math.floor((wallClock - day * DAY_MS) / MINUTE_MS);
  const today = weekdayOf(day);
  const yesterday = weekdayOf(day - 1);
  return hours.windows.some((window) => {
    const from = minutes(window.from);
    const to = minutes(window.to);
    if (from < to) return window.days.includes(today) && minute >= from && minute < to;
    return (
      (window.days.includes(today) && minute >= from) ||
      (window.days.includes(yesterday) && minute < to)
    );
  });
}

/**
 * Days that are searched: few at first, as most hours open soon; then two weeks and a day, as one
 * weekly window can fall into an hour, or a day, that the clocks skip.
 */
const SEARCHES = [2, 15];

/** The next minute at which the hours are open, from an instant on; null when no window ever opens. */
export function nextOpening(hours: ServiceHours, from: Date): Date | null {
  if (isWithinHours(hours, from)) return from;
  const earliest = wholeMinute(from.getTime());
  for (const days of SEARCHES) {
    const latest = earliest + days * DAY_MS;
    const opens = possibleOpenings(hours, from.getTime(), latest)
      .map(wholeMinute)
      .filter((at) => at >= earliest && at <= latest)
      .sort((a, b) => a - b)
      .find((at) => isWithinHours(hours, new Date(at)));
    if (opens !== undefined) return new Date(opens);
  }
  return null;
}

/**
 * Instants among which are all those at which closed hours open: the clocks change, or they read the
 * beginning of a window, whichever of the zone's distances from UTC is then in force.
 */
function possibleOpenings({ timeZone, windows }: ServiceHours, from: number, to: number): number[] {
  const changes = clockChanges(timeZone, from, to);
  const offsets = new Set([from, ...changes].map((at) => offsetAt(timeZone, at)));
  const openings = [...changes];
  const lastDay = Math.floor(to / DAY_MS) + 1;
  for (let day = Math.floor(from / DAY_MS) - 1; day <= lastDay; day += 1) {
    const weekday = weekdayOf(day);
    for (const window of windows.filter(({ days }) => days.includes(weekday))) {
      const opens = day * DAY_MS + minutes(window.from) * MINUTE_MS;
      for (const offset of offsets) openings.push(opens - offset);
    }
  }
  return openings;
}

function wholeMinute(at: number): number {
  return Math.ceil(at / MINUTE_MS) * MINUTE_MS;
}
