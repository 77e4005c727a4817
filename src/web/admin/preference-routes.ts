/** Preferences of this browser: theme, time zone, single keys. */
import { nextPath } from '../sign-in/next-path.ts';
import { preferencesFrom, readPreferences, writePreferences } from './preferences.ts';
import type { ConsoleCall, ConsoleRoute } from './route.ts';

export const preferenceRoutes: ConsoleRoute[] = [
  { method: 'POST', path: '/admin/preferences', role: 'viewer', handler: savePreferences },
];

/** Keeps what the form names; what it leaves out stays as it was. */
async function savePreferences(call: ConsoleCall): Promise<void> {
  const { ctx, form } = call;
  const { theme, timeZone, keys } = readPreferences(ctx);
  const named = new URLSearchParams({ theme, timeZone: timeZone ?? '', keys: keys ? 'on' : 'off' });
  for (const name of ['theme', 'timeZone', 'keys']) {
    const value = form.get(name);
    if (value !== null) named.set(name, value);
  }
  writePreferences(ctx, preferencesFrom(named));
  call.redirect(nextPath(form.get('next')));
}
