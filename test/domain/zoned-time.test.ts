import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clockChanges, instantOf, offsetAt, wallClockAt } from '../../src/domain/zoned-time.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What a clock in a zone reads, asked of the runtime in another way: as `2027-03-28 03:00:00`. */
function reading(timeZone: string, at: number): string {
  const clock = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return clock.format(at);
}

const shown = (wallClock: number) =>
  new Date(wallClock).toISOString().slice(0, 19).replace('T', ' ');

/** Every zone of the runtime. */
const anyZone = fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'UTC');
const anyInstant = fc
  .integer({ min: Date.UTC(1971, 0), max: Date.UTC(2060, 0) })
  .map((ms) => ms - (ms % 1000));

/** Instants around a change of the clocks of a zone. */
const nearChanges = fc
  .tuple(
    anyZone,
    fc.integer({ min: 1971, max: 2059 }),
    fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -4 * HOUR_MS, max: 4 * HOUR_MS })),
    fc.nat(3),
  )
  .map(([zone, year, distance, which]) => {
    const changes = clockChanges(zone, Date.UTC(year, 0), Date.UTC(year + 1, 0));
    return { zone, at: (changes[which % (changes.length || 1)] ?? Date.UTC(year, 5)) + distance };
  });
const somewhere = fc.oneof(fc.record({ zone: anyZone, at: anyInstant }), nearChanges);

describe('wallClockAt', () => {
  it('is what the runtime shows, in every zone, far from changes of the clocks and near', () => {
    fc.assert(
      fc.property(somewhere, ({ zone, at }) => {
        expect(shown(wallClockAt(zone, at))).toBe(reading(zone, at));
        expect(wallClockAt(zone, at)).toBe(at + offsetAt(zone, at));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['Africa/Monrovia', '1971-06-01T12:00:00Z', '1971-06-01 11:15:30'],
    ['America/New_York', '1880-01-01T12:00:00Z', '1880-01-01 07:03:58'],
    ['Pacific/Kiritimati', '2027-01-01T00:00:00Z', '2027-01-01 14:00:00'],
    ['Pacific/Pago_Pago', '2027-01-01T00:00:00Z', '2026-12-31 13:00:00'],
  ])('reads odd distances from UTC: %s', (zone, at, expected) => {
    expect(shown(wallClockAt(zone, Date.parse(at)))).toBe(expected);
  });
});

describe('instantOf', () => {
  it.each([
    ['an ordinary time', 'Asia/Kolkata', '2027-03-28T00:00', '2027-03-27T18:30Z'],
    ['the end of a skipped hour', 'Europe/Berlin', '2027-03-28T02:30', '2027-03-28T01:00Z'],
    ['the first of a repeated hour', 'Europe/Berlin', '2027-10-31T02:30', '2027-10-31T00:30Z'],
    [
      'the end of a skipped half hour',
      'Australia/Lord_Howe',
      '2027-10-03T02:10',
      '2027-10-02T15:30Z',
    ],
    ['the end of a skipped day', 'Pacific/Apia', '2011-12-30T00:00', '2011-12-30T10:00Z'],
    ['the end of a skipped day', 'Pacific/Apia', '2011-12-30T23:59', '2011-12-30T10:00Z'],
    ['the first of a repeated day', 'Pacific/Kwajalein', '1969-09-30T12:00', '1969-09-30T01:00Z'],
  ])('finds %s in %s', (_, zone, wallClock, expected) => {
    expect(new Date(instantOf(zone, Date.parse(`${wallClock}Z`)))).toEqual(new Date(expected));
  });

  it('is the first instant at which the clock reads the time or a later one', () => {
    fc.assert(
      fc.property(somewhere, fc.nat(2 * DAY_MS), ({ zone, at }, before) => {
        const wallClock = wallClockAt(zone, at);
        const instant = instantOf(zone, wallClock);
        expect(instant).toBeLessThanOrEqual(at);
        expect(wallClockAt(zone, instant)).toBeGreaterThanOrEqual(wallClock);
        expect(wallClockAt(zone, instant - 1)).toBeLessThan(wallClock);
        expect(wallClockAt(zone, instant - before - 1)).toBeLessThan(wallClock);
      }),
      { numRuns: 500 },
    );
  });
});

describe('clockChanges', () => {
  it('lists changes after an instant and up to another', () => {
    const changes = (from: string, to: string) =>
      clockChanges('Europe/Berlin', Date.parse(from), Date.parse(to)).map((at) => new Date(at));
    const [spring, autumn] = ['2027-03-28T01:00:00.000Z', '2027-10-31T01:00:00.000Z'];
    expect(changes('2027-01-01', '2028-01-01')).toEqual([new Date(spring), new Date(autumn)]);
    expect(changes(spring, autumn)).toEqual([new Date(autumn)]);
    expect(changes('2027-03-28T00:59:59.999Z', spring)).toEqual([new Date(spring)]);
    expect(changes(spring, '2027-10-31T00:59:59.999Z')).toEqual([]);
    expect(clockChanges('UTC', 0, 400 * DAY_MS)).toEqual([]);
  });
});
