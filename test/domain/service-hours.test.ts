import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  isTimeZone,
  isWithinHours,
  nextOpening,
  type ServiceHours,
  serviceHours,
  WEEKDAYS,
  type Weekday,
} from '../../src/domain/clients/service-hours.ts';

const MINUTE_MS = 60_000;

function hours(timeZone: string, days: Weekday[], from: string, to: string): ServiceHours {
  return { timeZone, windows: [{ days, from, to }] };
}

/** `open` at each instant of a list, as a string of 1 and 0. */
function openAt(of: ServiceHours, instants: string[]): string {
  return instants.map((text) => Number(isWithinHours(of, new Date(text)))).join('');
}

describe('isWithinHours', () => {
  // 2027-03-29 is a Monday.
  it.each(WEEKDAYS.map((day, i) => [day, i] as const))('on %s only', (day, index) => {
    const of = hours('UTC', [day], '09:00', '17:00');
    const week = WEEKDAYS.map(
      (_, i) => `2027-${i < 3 ? `03-${29 + i}` : `04-0${i - 2}`}T12:00:00Z`,
    );
    expect(openAt(of, week)).toBe(WEEKDAYS.map((_, i) => Number(i === index)).join(''));
  });

  it('is closed before the first minute and from the last on', () => {
    const of = hours('UTC', ['mon'], '09:00', '17:00');
    const at = ['08:59:59.999', '09:00:00', '16:59:59.999', '17:00:00'];
    expect(
      openAt(
        of,
        at.map((time) => `2027-03-29T${time}Z`),
      ),
    ).toBe('0110');
  });

  it('lets a window cross midnight and belong to the day on which it starts', () => {
    const of = hours('Asia/Taipei', ['mon'], '22:00', '06:00');
    const at = [
      '2027-03-29T05:59:00+08:00', // Monday morning: Sunday's window would have been it
      '2027-03-29T21:59:59+08:00',
      '2027-03-29T22:00:00+08:00',
      '2027-03-30T00:00:00+08:00',
      '2027-03-30T05:59:59+08:00',
      '2027-03-30T06:00:00+08:00',
      '2027-03-30T22:00:00+08:00',
    ];
    expect(openAt(of, at)).toBe('0011100');
  });

  it('crosses the week from Sunday into Monday', () => {
    const of = hours('UTC', ['sun'], '23:00', '01:00');
    const at = ['2027-03-28T23:00:00Z', '2027-03-29T00:59:59Z', '2027-03-29T01:00:00Z'];
    expect(openAt(of, at)).toBe('110');
  });

  it('reads 24:00 as the end of the day, and equal times as a whole day', () => {
    const all = hours('UTC', ['mon'], '00:00', '24:00');
    const at = [
      '2027-03-28T23:59:59Z',
      '2027-03-29T00:00:00Z',
      '2027-03-29T23:59:59Z',
      '2027-03-30T00:00:00Z',
    ];
    expect(openAt(all, at)).toBe('0110');
    const shifted = hours('UTC', ['mon'], '09:00', '09:00');
    const times = [
      '2027-03-29T08:59:00Z',
      '2027-03-29T09:00:00Z',
      '2027-03-30T08:59:59Z',
      '2027-03-30T09:00:00Z',
    ];
    expect(openAt(shifted, times)).toBe('0110');
  });

  it('is open in any of several windows', () => {
    const two = { ...hours('UTC', ['mon'], '08:00', '09:00') };
    two.windows = [...two.windows, { days: ['mon', 'tue'], from: '10:00', to: '11:00' }];
    const at = ['08:30', '09:30', '10:30'].map((time) => `2027-03-29T${time}:00Z`);
    expect(openAt(two, at)).toBe('101');
  });

  it.each([
    ['Asia/Kathmandu', '2027-03-29T03:14:00Z', '2027-03-29T03:15:00Z'], // +05:45
    ['Pacific/Apia', '2027-03-28T19:59:00Z', '2027-03-28T20:00:00Z'], // +13:00, a day ahead
    ['America/New_York', '2027-03-29T12:59:00Z', '2027-03-29T13:00:00Z'],
    ['Europe/Berlin', '2027-03-29T06:59:00Z', '2027-03-29T07:00:00Z'],
    ['Australia/Lord_Howe', '2027-03-28T21:59:00Z', '2027-03-28T22:00:00Z'], // +11:00 in summer
  ])('opens at 09:00 of the wall clock in %s', (zone, before, at) => {
    expect(openAt(hours(zone, ['mon'], '09:00', '17:00'), [before, at])).toBe('01');
  });

  it.each([
    // The hour that the clocks skip is not there; the hour after it is.
    [
      'Europe/Berlin',
      'sun',
      '02:00',
      '03:00',
      '2027-03-28T00:59:59Z',
      '2027-03-28T01:00:00Z',
      '00',
    ],
    [
      'Europe/Berlin',
      'sun',
      '03:00',
      '04:00',
      '2027-03-28T00:59:59Z',
      '2027-03-28T01:00:00Z',
      '01',
    ],
    // The hour that they repeat is there twice.
    [
      'Europe/Berlin',
      'sun',
      '02:00',
      '03:00',
      '2027-10-31T00:30:00Z',
      '2027-10-31T01:30:00Z',
      '11',
    ],
    [
      'Europe/Berlin',
      'sun',
      '03:00',
      '04:00',
      '2027-10-31T01:59:59Z',
      '2027-10-31T02:00:00Z',
      '01',
    ],
    [
      'America/New_York',
      'sun',
      '02:00',
      '03:00',
      '2027-03-14T06:59:00Z',
      '2027-03-14T07:00:00Z',
      '00',
    ],
    [
      'America/New_York',
      'sun',
      '01:00',
      '02:00',
      '2027-11-07T05:30:00Z',
      '2027-11-07T06:30:00Z',
      '11',
    ],
    // Half an hour of difference.
    [
      'Australia/Lord_Howe',
      'sun',
      '02:00',
      '02:30',
      '2027-10-02T15:29:59Z',
      '2027-10-02T15:30:00Z',
      '00',
    ],
    [
      'Australia/Lord_Howe',
      'sun',
      '02:30',
      '03:00',
      '2027-10-02T15:29:59Z',
      '2027-10-02T15:30:00Z',
      '01',
    ],
    [
      'Australia/Lord_Howe',
      'sun',
      '01:30',
      '02:00',
      '2027-04-03T14:45:00Z',
      '2027-04-03T15:15:00Z',
      '11',
    ],
  ] as const)(
    'keeps its wall clock when clocks change in %s: %s %s-%s',
    (zone, day, from, to, a, b, open) => {
      expect(openAt(hours(zone, [day], from, to), [a, b])).toBe(open);
    },
  );

  it('keeps an overnight window over both changes of the clocks', () => {
    const of = hours('Europe/Berlin', ['sat'], '22:00', '06:00');
    const spring = ['2027-03-27T21:00:00Z', '2027-03-28T03:59:59Z', '2027-03-28T04:00:00Z'];
    const autumn = ['2027-10-30T20:00:00Z', '2027-10-31T04:59:59Z', '2027-10-31T05:00:00Z'];
    expect([openAt(of, spring), openAt(of, autumn)]).toEqual(['110', '110']);
  });
});

const timeOfDay = fc
  .tuple(fc.nat(23), fc.constantFrom(0, 1, 15, 30, 59))
  .map(([h, m]) => `${String(h).padStart(2, '0')}:${String(m).padStart(2, '0')}`);
const anyWindow = fc.record({
  days: fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1, maxLength: 7 }),
  from: timeOfDay,
  to: fc.oneof(timeOfDay, fc.constant('24:00')),
});
const zones = [
  'UTC',
  'Asia/Taipei',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
];
const anyHours = fc
  .record({
    timeZone: fc.constantFrom(...zones),
    windows: fc.array(anyWindow, { minLength: 1, maxLength: 3 }),
  })
  .filter((of) => serviceHours.safeParse(of).success);
/** Moments near and far from changes of the clocks. */
const anyMoment = fc
  .tuple(
    fc.constantFrom(
      '2027-03-14',
      '2027-03-28',
      '2027-04-03',
      '2027-10-02',
      '2027-10-31',
      '2027-11-07',
      '2027-07-01',
    ),
    fc.integer({ min: -8 * 86_400_000, max: 3 * 86_400_000 }),
  )
  .map(([day, distance]) => new Date(new Date(day).getTime() + distance));

const clocks = new Map<string, Intl.DateTimeFormat>();

/** What the runtime prints for a clock of a zone: `mon, 09:00`. */
function printedClock(timeZone: string, at: number): string {
  const clock =
    clocks.get(timeZone) ??
    new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  clocks.set(timeZone, clock);
  return clock.format(at).toLowerCase();
}

/** The rule as plainly as can be. */
function isOpenPlainly(of: ServiceHours, at: number): boolean {
  const [weekday = '', time = ''] = printedClock(of.timeZone, at).split(/,? /);
  const today = WEEKDAYS.indexOf(weekday as Weekday);
  const yesterday = WEEKDAYS[(today + 6) % 7] as Weekday;
  return of.windows.some(({ days, from, to }) => {
    const startsToday = days.includes(weekday as Weekday) && time >= from;
    if (from < to) return startsToday && time < to;
    return startsToday || (days.includes(yesterday) && time < to);
  });
}

function nextOpeningPlainly(of: ServiceHours, from: Date): Date | null {
  if (isOpenPlainly(of, from.getTime())) return from;
  const first = Math.ceil(from.getTime() / MINUTE_MS) * MINUTE_MS;
  for (let at = first; at <= first + 15 * 24 * 60 * MINUTE_MS; at += MINUTE_MS)
    if (isOpenPlainly(of, at)) return new Date(at);
  return null;
}

/** Moments up to two days around a change of the clocks, among them some that move midnight or a day. */
const oddMoments = fc
  .tuple(
    fc.constantFrom(
      ['Europe/Berlin', '2027-03-28T01:00Z'],
      ['Europe/Berlin', '2027-10-31T01:00Z'],
      ['America/Santiago', '2026-09-06T04:00Z'],
      ['America/Santiago', '2026-04-05T03:00Z'],
      ['Africa/Cairo', '2027-04-29T22:00Z'],
      ['America/Havana', '2027-11-07T05:00Z'],
      ['America/St_Johns', '2010-11-07T02:31Z'],
      ['Australia/Lord_Howe', '2027-04-03T15:00Z'],
      ['Pacific/Apia', '2011-12-30T10:00Z'],
      ['Africa/Monrovia', '1972-01-07T00:44:30Z'],
      ['Asia/Kathmandu', '2027-01-01T00:00Z'],
    ),
    fc.integer({ min: -48 * 60, max: 48 * 60 }),
    fc.constantFrom(0, 1, 29_999, 30_000, 59_999),
  )
  .map(([[timeZone = '', change = ''], distance, ms]) => ({
    timeZone,
    at: new Date(Date.parse(change) + distance * MINUTE_MS + ms),
  }));

describe('around changes of the clocks', () => {
  it('hours are open exactly when the printed clock says so', () => {
    fc.assert(
      fc.property(anyHours, oddMoments, ({ windows }, { timeZone, at }) => {
        const of = { timeZone, windows };
        expect(isWithinHours(of, at)).toBe(isOpenPlainly(of, at.getTime()));
      }),
      { numRuns: 300 },
    );
  });

  it('the next opening is the one that a search of every minute finds', () => {
    fc.assert(
      fc.property(anyHours, oddMoments, ({ windows }, { timeZone, at }) => {
        const of = { timeZone, windows };
        expect(nextOpening(of, at)).toEqual(nextOpeningPlainly(of, at));
      }),
      { numRuns: 40 },
    );
  });
});

describe('nextOpening', () => {
  it('is open, and the minute before it is not', () => {
    fc.assert(
      fc.property(anyHours, anyMoment, (of, from) => {
        const at = nextOpening(of, from);
        if (at === null) throw new Error('some window opens within two weeks');
        expect(isWithinHours(of, at)).toBe(true);
        if (at.getTime() === from.getTime()) return;
        expect(at.getTime()).toBeGreaterThan(from.getTime());
        expect(isWithinHours(of, new Date(at.getTime() - MINUTE_MS))).toBe(false);
        expect(at.getTime() % MINUTE_MS).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('is the same from every moment of the pause before it', () => {
    const of = hours('Europe/Berlin', ['mon'], '09:00', '17:00');
    const opens = new Date('2027-03-29T07:00:00Z');
    for (const from of pause()) expect(nextOpening(of, from)).toEqual(opens);
    expect(nextOpening(of, opens)).toEqual(opens);
    expect(nextOpening(of, new Date('2027-03-29T15:00:00Z'))).toEqual(
      new Date('2027-04-05T07:00:00Z'),
    );

    function pause(): Date[] {
      const times = [
        '03-27T00:00:00Z',
        '03-28T00:00:01.500Z',
        '03-29T06:59:59.999Z',
        '03-26T12:00:00Z',
      ];
      return times.map((time) => new Date(`2027-${time}`));
    }
  });

  it('looks past a week in which the clocks skip the window', () => {
    const of = hours('Europe/Berlin', ['sun'], '02:00', '03:00');
    const at = nextOpening(of, new Date('2027-03-21T02:00:00Z'));
    expect(at).toEqual(new Date('2027-04-04T00:00:00Z'));
  });

  it('looks past a week without the day: Apia had no Friday before 2012', () => {
    const of = hours('Pacific/Apia', ['fri'], '09:00', '17:00');
    expect(nextOpening(of, new Date('2011-12-25T00:00:00Z'))).toEqual(
      new Date('2012-01-05T19:00:00Z'),
    );
  });

  it('answers quickly when it is asked again, as every refused call does', () => {
    const of = hours('Europe/Berlin', ['mon'], '09:00', '09:01');
    const from = new Date('2027-03-29T07:01:00Z').getTime();
    nextOpening(of, new Date(from));
    const started = performance.now();
    for (let i = 0; i < 200; i += 1) nextOpening(of, new Date(from + i * 1000));
    expect((performance.now() - started) / 200).toBeLessThan(2);
  });
});

describe('serviceHours', () => {
  it.each([
    [{ from: '00:00', to: '24:00' }, []],
    [{ from: '22:00', to: '06:00' }, []],
    [{ from: '22:00', to: '00:00' }, []],
    [{ from: '24:00', to: '06:00' }, ['windows.0.from']],
    [{ from: '00:00', to: '00:00' }, ['windows.0.to']],
    [{ from: '9:00', to: '17:00' }, ['windows.0.from']],
    [{ from: '09:60', to: '24:01' }, ['windows.0.from', 'windows.0.to']],
    [{ days: [] }, ['windows.0.days']],
    [{ days: ['Mon'] }, ['windows.0.days.0']],
    [{ until: '17:00' }, ['windows.0']],
  ])('a window of %j is refused at %j', (changes, fields) => {
    const window = { days: ['mon'], from: '09:00', to: '17:00', ...changes };
    const { error } = serviceHours.safeParse({ timeZone: 'UTC', windows: [window] });
    expect(error?.issues.map((issue) => issue.path.join('.')) ?? []).toEqual(fields);
  });

  it.each([
    ['UTC', true],
    ['Asia/Taipei', true],
    ['America/Argentina/Buenos_Aires', true],
    ['Asia/Atlantis', false],
    ['', false],
    ['+08:00', false],
    ['../etc/passwd', false],
  ])('time zone %j: %s', (timeZone, isFine) => {
    const window = { days: ['mon'], from: '09:00', to: '17:00' };
    expect(serviceHours.safeParse({ timeZone, windows: [window] }).success).toBe(isFine);
    if (!timeZone.startsWith('+')) expect(isTimeZone(timeZone)).toBe(isFine);
  });
});
