/** Where the pages of a client are. */
import type { Client } from '../../domain/clients/client.ts';

/** Path of a client, or of something below it, such as `/tokens`. */
export function clientPath({ clientId }: Pick<Client, 'clientId'>, below = ''): string {
  return `/admin/clients/${encodeURIComponent(clientId)}${below}`;
}
