/** Numbers, durations and instants as people read them. */

/** An instant, in the zone of the reader and as a distance from now. */
export interface TimeView {
  iso: string;
  /** Such as `25 Nov 2026, 00:00 Asia/Taipei`. */
  absolute: string;
  /** Such as `in 3 days`. */
  relative: string;
}

/** What a reader sees; made once for each request. */
export interface Formats {
  now: Date;
  /** IANA zone that instants are shown in. */
  timeZone: string;
  /** Null stays null, so that a view can say what that means. */
  instant<T extends Date | null>(at: T): T extends null ? TimeView | null : TimeView;
  /** Such as `1,200`. */
  number(value: number): string;
  /** Such as `1 day, 2 hours`. */
  duration(seconds: number): string;
}

/** How formats are made. */
export interface FormatOptions {
  now: Date;
  timeZone: string;
  /** BCP 47 tag; default English. */
  locale?: string;
}

/** Formats for one reader at one moment. */
export function createFormats({ now, timeZone, locale = 'en' }: FormatOptions): Formats {
  const view = (at: Date): TimeView => ({
    iso: at.toISOString(),
    absolute: instantInWords(at, timeZone),
    relative: distanceInWords(at, now, locale),
  });
  return {
    now,
    timeZone,
    instant: ((at: Date | null) => (at === null ? null : view(at))) as Formats['instant'],
    number: (value) => numberFormat(locale).format(value),
    duration: (seconds) => durationInWords(seconds, locale),
  };
}

/** An instant for people, such as `25 Nov 2026, 00:00 Asia/Taipei`. */
export function instantInWords(instant: Date, timeZone: string): string {
  const parts = new Map(
    dateFormat(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, value]),
  );
  const [day, month, year, hour, minute] = (
    ['day', 'month', 'year', 'hour', 'minute'] as const
  ).map((part) => parts.get(part));
  return `${day} ${month} ${year}, ${hour}:${minute} ${timeZone}`;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Units of distance: each up to how many seconds it is used. */
const UNITS = [
  { unit: 'second', seconds: 1, below: MINUTE },
  { unit: 'minute', seconds: MINUTE, below: HOUR },
  { unit: 'hour', seconds: HOUR, below: 2 * DAY },
  { unit: 'day', seconds: DAY, below: 60 * DAY },
  { unit: 'month', seconds: 30 * DAY, below: 730 * DAY },
  { unit: 'year', seconds: 365 * DAY, below: Number.POSITIVE_INFINITY },
] as const;

/** How far an instant is from now, such as `in 3 days` or `4 min. ago`. */
export function distanceInWords(at: Date, now: Date, locale = 'en'): string {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  const found = UNITS.find(({ below }) => Math.abs(seconds) < below);
  const { unit, seconds: size } = found ?? { unit: 'year' as const, seconds: 365 * DAY };
  const distance = Math.trunc(seconds / size);
  // Below a second there is no "in 0 seconds", only "now".
  return distance === 0
    ? nowFormat(locale).format(0, unit)
    : relativeFormat(locale).format(distance, unit);
}

/** A length of time in its two largest units, such as `1 day, 2 hours`. */
export function durationInWords(seconds: number, locale = 'en'): string {
  const parts = [
    ['days', Math.floor(seconds / DAY)],
    ['hours', Math.floor((seconds % DAY) / HOUR)],
    ['minutes', Math.floor((seconds % HOUR) / MINUTE)],
    ['seconds', Math.floor(seconds % MINUTE)],
  ] as const;
  const whole = parts.filter(([, count]) => count > 0).slice(0, 2);
  const shown = whole.length > 0 ? whole : [['seconds', 0]];
  const secondsDisplay = whole.length === 0 ? 'always' : 'auto';
  const format = new Intl.DurationFormat(locale, { style: 'long', secondsDisplay });
  return format.format(Object.fromEntries(shown));
}

/** Formatters cost a hundred times what a use of them costs. */
function remembered<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    let found = made.get(key);
    if (found === undefined) {
      if (made.size >= 1000) made.clear();
      found = make(key);
      made.set(key, found);
    }
    return found;
  };
}

const numberFormat = remembered((locale) => new Intl.NumberFormat(locale));
const relativeFormat = remembered(
  (locale) => new Intl.RelativeTimeFormat(locale, { numeric: 'always' }),
);
const nowFormat = remembered((locale) => new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }));
const dateFormat = remembered(
  (timeZone) =>
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      day: 'numeric',
      month: 'short',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }),
);
