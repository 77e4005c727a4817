/** Service hours: weekly windows in one IANA time zone; a window may cross midnight. */
import { z } from 'zod';

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

const timeZone = z
  .string()
  .max(60)
  .refine(
    (zone) => /^[A-Za-z]/.test(zone) && isTimeZone(zone),
    'must be an IANA time zone such as Asia/Taipei',
  );

export const serviceHours = z.strictObject({
  timeZone,
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
  timeZone: timeZone.optional().describe('Default: the time zone of the server'),
});

/** Service hours in a patch. */
export const serviceHoursPatch = serviceHours.extend({
  timeZone: timeZone
    .nullable()
    .optional()
    .describe('Left out: as it was; null, or none before: the time zone of the server'),
});

export type ServiceHours = z.output<typeof serviceHours>;

/** A wall-clock reading: weekday and minutes since midnight. */
interface WallClock {
  day: number;
  minute: number;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function wallClock(at: Date, timeZone: string): WallClock {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formatters.set(timeZone, formatter);
  }
  const parts = Object.fromEntries(formatter.formatToParts(at).map((p) => [p.type, p.value]));
  const day = WEEKDAYS.indexOf((parts['weekday'] ?? '').toLowerCase() as Weekday);
  return { day, minute: Number(parts['hour']) * 60 + Number(parts['minute']) };
}

function minutes(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
}

/**
 * Whether an instant lies within the hours. A window from 22:00 to 06:00 belongs to the day it starts
 * on. The wall clock of the zone decides, so on days when clocks change a window keeps its times.
 */
export function isWithinHours(hours: ServiceHours, at: Date): boolean {
  const now = wallClock(at, hours.timeZone);
  const yesterday = WEEKDAYS[(now.day + 6) % 7] as Weekday;
  const today = WEEKDAYS[now.day] as Weekday;
  return hours.windows.some((window) => {
    const from = minutes(window.from);
    const to = minutes(window.to);
    if (from < to) return window.days.includes(today) && now.minute >= from && now.minute < to;
    return (
      (window.days.includes(today) && now.minute >= from) ||
      (window.days.includes(yesterday) && now.minute < to)
    );
  });
}

const MINUTE_MS = 60_000;
/** Two weeks and a day: one weekly window can fall into an hour, or a day, that the clocks skip. */
const SEARCH_MINUTES = 15 * 24 * 60;

/** The latest answer for each hours: every refused call asks anew, and a search takes thousands of steps. */
const found = new WeakMap<ServiceHours, { from: Date; opens: Date }>();

/** The next minute at which the hours are open, from an instant on; null when no window ever opens. */
export function nextOpening(hours: ServiceHours, from: Date): Date | null {
  if (isWithinHours(hours, from)) return from;
  const known = found.get(hours);
  if (known !== undefined && known.from <= from && from < known.opens) return known.opens;
  const first = Math.ceil(from.getTime() / MINUTE_MS) * MINUTE_MS;
  for (let i = 0; i <= SEARCH_MINUTES; i += 1) {
    const opens = new Date(first + i * MINUTE_MS);
    if (!isWithinHours(hours, opens)) continue;
    found.set(hours, { from, opens });
    return opens;
  }
  return null;
}
