/**
 * Wall clocks: what the clock on a wall reads in an IANA time zone, and when it reads something. A
 * reading is a number of milliseconds, like an instant: the instant at which a clock in UTC reads so.
 */

const DAY_MS = 86_400_000;

/** A stretch of time with one distance from UTC. */
interface Stretch {
  /** Its first instant. */
  from: number;
  /** What the wall clock is ahead of UTC, in milliseconds. */
  offset: number;
}

/** Zones and days remembered; beyond that all are forgotten, and read anew. */
const MAX_ZONES = 200;
const MAX_DAYS = 400;

interface Zone {
  formatter: Intl.DateTimeFormat;
  /** Stretches of a day of UTC, by its number since 1970, the first one reaching back to its start. */
  days: Map<number, Stretch[]>;
}

const zones = new Map<string, Zone>();

function zoneOf(timeZone: string): Zone {
  const known = zones.get(timeZone);
  if (known !== undefined) return known;
  if (zones.size >= MAX_ZONES) zones.clear();
  const formatter = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const zone: Zone = { formatter, days: new Map() };
  zones.set(timeZone, zone);
  return zone;
}

/** Asks the runtime, which takes about a microsecond; it writes `1/15/2027, GMT+05:30`. */
function readOffset({ formatter }: Zone, at: number): number {
  const text = formatter.format(at);
  const [, sign, hours, minutes, seconds = '0'] =
    /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text) ?? [];
  if (sign === undefined) return 0;
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -ms : ms;
}

/** Adds the stretches that begin after `from` and no later than `to`, found by halving. */
function addChanges(zone: Zone, from: Stretch, to: Stretch, found: Stretch[]): void {
  if (from.offset === to.offset) return;
  if (to.from - from.from === 1) {
    found.push(to);
    return;
  }
  const middle = Math.floor((from.from + to.from) / 2);
  const between = { from: middle, offset: readOffset(zone, middle) };
  addChanges(zone, from, between, found);
  addChanges(zone, between, to, found);
}

/**
 * The stretches of a day of UTC. Its two ends tell whether the clocks change in it: since 1970 no zone
 * has changed its clocks twice within six days.
 */
function stretchesOf(zone: Zone, day: number): Stretch[] {
  const known = zone.days.get(day);
  if (known !== undefined) return known;
  if (zone.days.size >= MAX_DAYS) zone.days.clear();
  const [start, end] = [day * DAY_MS, (day + 1) * DAY_MS - 1];
  const first = { from: start, offset: readOffset(zone, start) };
  const found = [first];
  addChanges(zone, first, { from: end, offset: readOffset(zone, end) }, found);
  zone.days.set(day, found);
  return found;
}

/** What the wall clock of a zone is ahead of UTC at an instant, in milliseconds. */
export function offsetAt(timeZone: string, at: number): number {
  const stretches = stretchesOf(zoneOf(timeZone), Math.floor(at / DAY_MS));
  return (stretches.findLast(({ from }) => from <= at) as Stretch).offset;
}

/** What the wall clock of a zone reads at an instant. */
export function wallClockAt(timeZone: string, at: number): number {
  return at + offsetAt(timeZone, at);
}

/**
 * The first instant at which the wall clock of a zone reads a time or a later one: the earlier of two
 * where clocks go back, and the end of the gap where they skip it.
 */
export function instantOf(timeZone: string, wallClock: number): number {
  const zone = zoneOf(timeZone);
  const day = Math.floor(wallClock / DAY_MS);
  // No zone is a whole day away from UTC, so the instant lies in one of these three days of it.
  const stretches = [day - 1, day, day + 1].flatMap((near) => stretchesOf(zone, near));
  for (const [i, { from, offset }] of stretches.entries()) {
    const end = stretches[i + 1]?.from ?? Number.POSITIVE_INFINITY;
    if (end + offset > wallClock) return Math.max(from, wallClock - offset);
  }
  throw new RangeError(`no clock in ${timeZone} reads ${wallClock}`);
}

/** The instants after one, up to another, at which a zone changes its clocks, in order. */
export function clockChanges(timeZone: string, after: number, to: number): number[] {
  const zone = zoneOf(timeZone);
  const changes: number[] = [];
  let offset = offsetAt(timeZone, after);
  for (let day = Math.floor(after / DAY_MS); day * DAY_MS <= to; day += 1) {
    for (const stretch of stretchesOf(zone, day)) {
      if (stretch.from <= after || stretch.from > to || stretch.offset === offset) continue;
      changes.push(stretch.from);
      ({ offset } = stretch);
    }
  }
  return changes;
}
