/** What mails about a client have in common. */
import type { Actor } from '../audit/audit-event.ts';
import type { Client } from '../clients/client.ts';
import type { ClientMail } from '../mailer.ts';
import type { Services } from '../services.ts';
import { timeZoneOf } from '../usage/quota-window.ts';

/** What a mail tells about a client and who acted on it; instants are told in the client's zone. */
export function aboutClient(
  { timeZone }: Pick<Services, 'timeZone'>,
  actor: Actor,
  client: Client,
): ClientMail {
  const { clientId, displayName } = client;
  return { clientId, displayName, by: inWords(actor), timeZone: timeZoneOf(client, timeZone) };
}

/**
 * Who acted, for readers outside: an id by which the admins can find the act in the audit trail, and
 * no name.
 */
export function inWords({ kind, id }: Actor): string {
  if (kind === 'admin') return `an admin (id ${id})`;
  if (kind === 'user') return `a user (id ${id})`;
  if (kind === 'client') return 'the client itself';
  return kind === 'system' ? 'the server' : 'an admin';
}
