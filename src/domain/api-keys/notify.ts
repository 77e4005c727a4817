/** Mails that tell a client's addresses about its keys; no mail ever holds a value. */
import type { Actor } from '../audit/audit-event.ts';
import type { Client } from '../clients/client.ts';
import { aboutClient } from '../mails/client-mails.ts';
import type { Services } from '../services.ts';
import { type ApiKey, auditedObject, previousExpiry } from './api-key.ts';

/** What has happened to a key, and by whom. */
export interface KeyNews {
  happened: 'created' | 'rotated';
  actor: Actor;
  client: Client;
  apiKey: ApiKey;
}

/** Tells every address of the client; without one nobody is told. */
export function notifyOfKey(
  services: Pick<Services, 'mailer' | 'timeZone'>,
  { happened, actor, client, apiKey }: KeyNews,
): void {
  if (client.emails.length === 0) return;
  const { alias, current, startsAt, expiresAt, apiGroups } = apiKey;
  const about = {
    ...aboutClient(services, actor, client),
    ...{ alias, lastFour: current.lastFour, startsAt, expiresAt, apiGroups },
  };
  const previousUntil = previousExpiry(apiKey);
  services.mailer.send({
    to: client.emails,
    object: auditedObject(apiKey),
    ...(happened === 'created'
      ? { template: 'api-key-created', locals: about }
      : { template: 'api-key-rotated', locals: { ...about, previousUntil } }),
  });
}
