/** What a handler reads a client's form with: the admin's role, the client as it is, the users that are named. */
import type { Client } from '../../domain/clients/client.ts';
import type { FormCall } from './client-form-view.ts';
import type { ReadContext } from './form-reader.ts';
import { usersNamed } from './user-lines.ts';

/**
 * The context for `readNew` and `readPatch`.
 *
 * @param client the client that is edited; left out for a new one
 */
export async function readContext(
  { services, t, formats, offers }: FormCall,
  form: URLSearchParams,
  client?: Pick<Client, 'kind' | 'userAllowlist'>,
): Promise<Omit<ReadContext, 'mode'>> {
  return {
    t,
    timeZone: formats.timeZone,
    security: offers('security'),
    ...(client && { kind: client.kind }),
    users: await usersNamed(services, form, client?.userAllowlist),
  };
}
