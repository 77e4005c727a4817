/**
 * Quota windows: which period of a client's quota an instant falls into, and when it ends. Periods
 * begin at midnight of a wall clock; where clocks skip that midnight, at the instant that they skip
 * to, and where they read it twice, at the first.
 */
import type { Client } from '../clients/client.ts';
import { instantOf, wallClockAt } from '../zoned-time.ts';

/** A period of a quota. */
export interface QuotaWindow {
  /** Names it, such as `day:2026-11-22`, `week:2026-11-16` (its Monday), `month:2026-11` or `total`. */
  window: string;
  /** The first instant after it; null = never ends. */
  endsAt: Date | null;
}

const DAY_MS = 86_400_000;

type Period = Exclude<Client['apiQuota']['period'], 'total'>;

const TOTAL: QuotaWindow = Object.freeze({ window: 'total', endsAt: null });

/** A window with its ends as numbers, so that the next call of the same period finds it by comparing. */
interface Found {
  from: number;
  to: number;
  found: QuotaWindow;
}

/** The latest window of each zone, by period. Zones are few: more than this many are not remembered. */
const MAX_ZONES = 1000;
const latest: Record<Period, Map<string, Found>> = {
  day: new Map(),
  week: new Map(),
  month: new Map(),
};

/** The zone of a client's quota: its own, else that of its service hours, else the server's. */
export function timeZoneOf(
  client: Pick<Client, 'timeZone' | 'serviceHours'>,
  serverZone: string,
): string {
  return client.timeZone ?? client.serviceHours?.timeZone ?? serverZone;
}

/**
 * The window of a quota that an instant falls into; windows of one zone and period follow each other
 * without gap or overlap.
 *
 * @param timeZone IANA zone in whose midnights periods begin
 */
export function quotaWindow(
  { period }: Client['apiQuota'],
  timeZone: string,
  now: Date,
): QuotaWindow {
  if (period === 'total') return TOTAL;
  const at = now.getTime();
  const windows = latest[period];
  const known = windows.get(timeZone);
  if (known !== undefined && known.from <= at && at < known.to) return known.found;
  if (windows.size >= MAX_ZONES) windows.clear();
  const fresh = find(period, timeZone, at);
  windows.set(timeZone, fresh);
  return fresh.found;
}

/** Looks a window up; takes some microseconds. */
function find(period: Period, timeZone: string, at: number): Found {
  const begin = (day: number) => instantOf(timeZone, day * DAY_MS);
  let [first, next] = daysAround(period, Math.floor(wallClockAt(timeZone, at) / DAY_MS));
  // Clocks that go back over midnight read the day before once more, after the new one has begun.
  while (begin(next) <= at) [first, next] = daysAround(period, next);
  const to = begin(next);
  const found = { window: nameOf(period, first), endsAt: new Date(to) };
  return { from: begin(first), to, found: Object.freeze(found) };
}

/** The first day of the period that a day lies in, and that of the next; days count from 1970-01-01. */
function daysAround(period: Period, day: number): [number, number] {
  if (period === 'day') return [day, day + 1];
  // That day was a Thursday.
  const monday = day - ((((day + 3) % 7) + 7) % 7);
  if (period === 'week') return [monday, monday + 7];
  const date = new Date(day * DAY_MS);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return [Date.UTC(year, month) / DAY_MS, Date.UTC(year, month + 1) / DAY_MS];
}

function nameOf(period: Period, firstDay: number): string {
  const [date = ''] = new Date(firstDay * DAY_MS).toISOString().split('T');
  return `${period}:${period === 'month' ? date.slice(0, -3) : date}`;
}
