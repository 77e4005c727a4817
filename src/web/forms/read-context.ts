/** What a handler reads the form of a new client with: the admin's role, the users that are named. */
import type { FormCall } from './client-form-view.ts';
import type { ReadContext } from './form-reader.ts';
import { usersNamed } from './user-lines.ts';

/** The context for `readNew`. */
export async function readContext(
  { services, t, formats, offers }: FormCall,
  form: URLSearchParams,
): Promise<Omit<ReadContext, 'mode'>> {
  return {
    t,
    timeZone: formats.timeZone,
    security: offers('security'),
    users: await usersNamed(services, form),
  };
}
