/** What an admin prefers, kept in a cookie of the browser: nothing of it is secret or decides anything. */
import type { Context } from 'koa';
import { timeZoneRule } from '../../domain/clients/service-hours.ts';

/** Colours: those of the system, or a choice. */
export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** What can be preferred. */
export interface Preferences {
  theme: Theme;
  /** IANA zone that instants are shown in; null = that of the server. */
  timeZone: string | null;
  /** Whether single keys act (WCAG 2.1.4). */
  keys: boolean;
}

const COOKIE = 'tollgate_preferences';
const YEAR_MS = 365 * 24 * 3600 * 1000;

/** The preferences of this browser; what cannot be read is as if it were not there. */
export function readPreferences(ctx: Context): Preferences {
  return preferencesFrom(new URLSearchParams(ctx.cookies.get(COOKIE, { signed: false }) ?? ''));
}

/** Preferences as a form or the cookie names them. */
export function preferencesFrom(named: URLSearchParams): Preferences {
  const timeZone = timeZoneRule.safeParse(named.get('timeZone'));
  return {
    theme: THEMES.find((theme) => theme === named.get('theme')) ?? 'system',
    timeZone: timeZone.success ? timeZone.data : null,
    keys: named.get('keys') !== 'off',
  };
}

/** Keeps the preferences in this browser for a year. */
export function writePreferences(ctx: Context, { theme, timeZone, keys }: Preferences): void {
  const named = new URLSearchParams({ theme, keys: keys ? 'on' : 'off' });
  if (timeZone !== null) named.set('timeZone', timeZone);
  ctx.cookies.set(COOKIE, named.toString(), {
    signed: false,
    httpOnly: true,
    sameSite: 'lax',
    secure: ctx.protocol === 'https',
    maxAge: YEAR_MS,
  });
}
