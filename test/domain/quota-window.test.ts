import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { quotaWindow, timeZoneOf } from '../../src/domain/usage/quota-window.ts';

const PERIODS = ['day', 'week', 'month'] as const;

function windowAt(period: (typeof PERIODS)[number] | 'total', timeZone: string, at: string) {
  return quotaWindow({ calls: 5, period }, timeZone, new Date(at));
}

describe('quotaWindow', () => {
  it.each([
    ['day', '2026-11-22T15:59:59.999Z', 'day:2026-11-22', '2026-11-22T16:00:00Z'],
    ['day', '2026-11-22T16:00:00.000Z', 'day:2026-11-23', '2026-11-23T16:00:00Z'],
    ['week', '2026-11-22T15:59:59.999Z', 'week:2026-11-16', '2026-11-22T16:00:00Z'],
    ['week', '2026-11-22T16:00:00.000Z', 'week:2026-11-23', '2026-11-29T16:00:00Z'],
    ['week', '2027-01-01T00:00:00.000Z', 'week:2026-12-28', '2027-01-03T16:00:00Z'],
    ['week', '1969-12-31T12:00:00.000Z', 'week:1969-12-29', '1970-01-04T16:00:00Z'],
    ['month', '2026-11-30T15:59:59.999Z', 'month:2026-11', '2026-11-30T16:00:00Z'],
    ['month', '2026-12-31T16:00:00.000Z', 'month:2027-01', '2027-01-31T16:00:00Z'],
    ['month', '2028-02-29T12:00:00.000Z', 'month:2028-02', '2028-02-29T16:00:00Z'],
  ] as const)('of a %s at %s in Taipei is %s', (period, at, window, endsAt) => {
    expect(windowAt(period, 'Asia/Taipei', at)).toEqual({ window, endsAt: new Date(endsAt) });
  });

  it('of a total is one for ever', () => {
    const all = { window: 'total', endsAt: null };
    expect(windowAt('total', 'UTC', '1970-01-01')).toEqual(all);
    expect(windowAt('total', 'Asia/Taipei', '2970-01-01')).toEqual(all);
  });

  // What the clocks of the zone do on the day, its first instant and the first instant after it.
  it.each([
    ['Europe/Berlin', 'skip an hour', '2027-03-28', '2027-03-27T23:00Z', '2027-03-28T22:00Z'],
    ['Europe/Berlin', 'repeat an hour', '2027-10-31', '2027-10-30T22:00Z', '2027-10-31T23:00Z'],
    ['America/Santiago', 'skip 00:00', '2026-09-06', '2026-09-06T04:00Z', '2026-09-07T03:00Z'],
    ['America/Santiago', 'repeat 23:00', '2026-04-04', '2026-04-04T03:00Z', '2026-04-05T04:00Z'],
    ['Africa/Cairo', 'skip 00:00', '2027-04-30', '2027-04-29T22:00Z', '2027-04-30T21:00Z'],
    ['Africa/Cairo', 'repeat 23:00', '2027-10-28', '2027-10-27T21:00Z', '2027-10-28T22:00Z'],
    ['Asia/Beirut', 'skip 00:00', '2027-03-28', '2027-03-27T22:00Z', '2027-03-28T21:00Z'],
    ['America/Havana', 'skip 00:00', '2027-03-14', '2027-03-14T05:00Z', '2027-03-15T04:00Z'],
    ['America/Havana', 'repeat 00:00', '2027-11-07', '2027-11-07T04:00Z', '2027-11-08T05:00Z'],
    [
      'America/St_Johns',
      'go back at 00:01',
      '2010-11-07',
      '2010-11-07T02:30Z',
      '2010-11-08T03:30Z',
    ],
    ['Asia/Kolkata', 'do nothing', '2027-03-28', '2027-03-27T18:30Z', '2027-03-28T18:30Z'],
    ['Australia/Lord_Howe', 'skip 30 min', '2027-10-03', '2027-10-02T13:30Z', '2027-10-03T13:00Z'],
    ['Pacific/Apia', 'skip the next day', '2011-12-29', '2011-12-29T10:00Z', '2011-12-30T10:00Z'],
    ['Pacific/Apia', 'skipped a day', '2011-12-31', '2011-12-30T10:00Z', '2011-12-31T10:00Z'],
  ])('of a day in %s where clocks %s: %s', (zone, _, date, from, to) => {
    const [first, last] = [Date.parse(from), Date.parse(to) - 1];
    const day = { window: `day:${date}`, endsAt: new Date(to) };
    for (const at of [first, first + 90 * 60_000, (first + last) / 2, last - 45 * 60_000, last])
      expect(quotaWindow({ calls: 1, period: 'day' }, zone, new Date(at))).toEqual(day);
    for (const at of [first - 1, last + 1])
      expect(quotaWindow({ calls: 1, period: 'day' }, zone, new Date(at))).not.toEqual(day);
  });

  it('of a week that lacks a day ends with the week', () => {
    expect(windowAt('week', 'Pacific/Apia', '2011-12-28T00:00Z')).toEqual({
      window: 'week:2011-12-26',
      endsAt: new Date('2012-01-01T10:00Z'),
    });
  });

  it('follows the one before it without gap or overlap, in every zone', () => {
    const zones = fc.oneof(
      fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
      fc.constantFrom('America/St_Johns', 'America/Santiago', 'America/Havana', 'Pacific/Apia'),
    );
    const instant = fc.integer({ min: Date.UTC(1971, 0), max: Date.UTC(2050, 0) });
    fc.assert(
      fc.property(fc.constantFrom(...PERIODS), zones, instant, (period, zone, at) => {
        const find = (ms: number) => quotaWindow({ calls: 1, period }, zone, new Date(ms));
        const { window, endsAt } = find(at);
        const end = Number(endsAt);
        expect(end).toBeGreaterThan(at);
        expect(find(end - 1)).toEqual({ window, endsAt });
        const next = find(end);
        expect(next.window > window).toBe(true);
        expect(Number(next.endsAt)).toBeGreaterThan(end);
        // As found without the window at hand.
        expect(find(at)).toEqual({ window, endsAt });
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps zones and periods apart when they are asked by turns', () => {
    const at = '2026-11-30T18:00:00Z';
    const names = [1, 2].flatMap(() =>
      ['UTC', 'Asia/Taipei'].flatMap((zone) => PERIODS.map((p) => windowAt(p, zone, at).window)),
    );
    const utc = ['day:2026-11-30', 'week:2026-11-30', 'month:2026-11'];
    const taipei = ['day:2026-12-01', 'week:2026-11-30', 'month:2026-12'];
    expect(names).toEqual([...utc, ...taipei, ...utc, ...taipei]);
  });
});

describe('timeZoneOf', () => {
  it.each([
    ['Asia/Taipei', 'Asia/Taipei', 'Europe/Berlin'],
    ['Europe/Berlin', null, 'Europe/Berlin'],
    ['UTC', null, null],
    ['Asia/Taipei', 'Asia/Taipei', null],
  ])('is %s where the client has %s and its hours %s', (expected, timeZone, hoursZone) => {
    const serviceHours = hoursZone === null ? null : { timeZone: hoursZone, windows: [] };
    expect(timeZoneOf({ timeZone, serviceHours }, 'UTC')).toBe(expected);
  });
});
