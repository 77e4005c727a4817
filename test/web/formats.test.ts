import { describe, expect, it } from '@jest/globals';
import { createFormats, distanceInWords, durationInWords } from '../../src/web/formats.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const after = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

describe('distanceInWords', () => {
  it.each([
    [0, 'now'],
    [-0.4, 'now'],
    [-59, '59 seconds ago'],
    [60, 'in 1 minute'],
    [-3599, '59 minutes ago'],
    [47 * 3600, 'in 47 hours'],
    [48 * 3600, 'in 2 days'],
    [-59 * 86_400, '59 days ago'],
    [90 * 86_400, 'in 3 months'],
    [3 * 365 * 86_400, 'in 3 years'],
  ])('%d seconds from now is "%s"', (seconds, words) => {
    expect(distanceInWords(after(seconds), NOW)).toBe(words);
  });
});

describe('durationInWords', () => {
  it.each([
    [0, '0 seconds'],
    [1, '1 second'],
    [3600, '1 hour'],
    [93_600, '1 day, 2 hours'],
    [86_400 + 61, '1 day, 1 minute'],
    [365 * 86_400, '365 days'],
  ])('%d s is "%s"', (seconds, words) => {
    expect(durationInWords(seconds)).toBe(words);
  });
});

describe('createFormats', () => {
  const formats = createFormats({ now: NOW, timeZone: 'Asia/Taipei' });

  it('shows an instant in the zone of the reader, with its distance', () => {
    expect(formats.instant(after(3 * 86_400))).toEqual({
      iso: '2026-11-25T12:00:00.000Z',
      absolute: '25 Nov 2026, 20:00 Asia/Taipei',
      relative: 'in 3 days',
    });
    expect(formats.instant(null)).toBeNull();
  });

  it('separates thousands', () => {
    expect(formats.number(86_400)).toBe('86,400');
  });
});
