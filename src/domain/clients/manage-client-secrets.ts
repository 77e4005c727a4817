/** What admins and partners do with the secrets of a client: add, rotate, retire, change, reset by mail. */
import { type Actor, diff, type FieldChange } from '../audit/audit-event.ts';
import { plusSeconds } from '../clock.ts';
import { DomainError, invalidField, notFound } from '../errors.ts';
import { issueLink, requireLink, useLink } from '../links.ts';
import { aboutClient } from '../mails/client-mails.ts';
import type { Services } from '../services.ts';
import { parse } from '../validation.ts';
import { type Client, type ClientSecret, passwordRule } from './client.ts';
import { liveSecrets, MAX_SECRETS, newSecret } from './client-secret.ts';
import { event, findClient } from './manage-clients.ts';

/** A changed client and its new secret; `value` is null when the caller chose it. */
export interface SecretChange {
  client: Client;
  secret: { id: string; value: string | null };
}

/** The longest grace period of a rotated secret: 90 days. */
export const MAX_GRACE_SECONDS = 90 * 24 * 3600;

/**
 * Adds a secret beside the others; generated unless `value` is given.
 *
 * @throws DomainError `not_found`, `validation_failed` (too many secrets), `overloaded`
 */
export async function addSecret(
  services: Services,
  actor: Actor,
  clientId: string,
  input: {
    label?: string | undefined;
    value?: string | undefined;
    expiresAt?: Date | null | undefined;
  },
): Promise<SecretChange> {
  const { label = 'secret', value, expiresAt = null } = input;
  const made = await newSecret(services, { label, value, expiresAt });
  const client = await changeSecrets(services, actor, clientId, 'client.add_secret', (secrets) => [
    ...secrets,
    made.stored,
  ]);
  return { client, secret: { id: made.stored.secretId, value: made.generated } };
}

/**
 * Replaces a secret by a new one; the old one works for `graceSeconds` more (0 to 90 days).
 *
 * @throws DomainError `not_found` (client or secret), `validation_failed`, `overloaded`
 */
export async function rotateSecret(
  services: Services,
  actor: Actor,
  clientId: string,
  secretId: string,
  input: { graceSeconds: number; value?: string | undefined },
): Promise<SecretChange> {
  const old = secretOf(await findClient(services, clientId), secretId);
  const made = await newSecret(services, { label: old.label, value: input.value });
  const client = await changeSecrets(
    services,
    actor,
    clientId,
    'client.rotate_secret',
    (secrets, now) => {
      const end = plusSeconds(now, input.graceSeconds);
      const kept = secrets.map((s) =>
        s.secretId === secretId ? { ...s, expiresAt: earlier(s.expiresAt, end) } : s,
      );
      return [...kept, made.stored];
    },
  );
  return { client, secret: { id: made.stored.secretId, value: made.generated } };
}

/** Ends a secret now. Throws `not_found`. */
export async function retireSecret(
  services: Services,
  actor: Actor,
  clientId: string,
  secretId: string,
): Promise<Client> {
  secretOf(await findClient(services, clientId), secretId);
  return changeSecrets(services, actor, clientId, 'client.retire_secret', (secrets) =>
    secrets.filter((s) => s.secretId !== secretId),
  );
}

/** Sets the client's password: earlier passwords stop now, generated secrets stay. */
export async function changePassword(
  services: Services,
  actor: Actor,
  clientId: string,
  password: string,
): Promise<Client> {
  const made = await newSecret(services, { label: 'password', value: password });
  return changeSecrets(services, actor, clientId, 'client.change_password', (secrets) =>
    replacePasswords(secrets, made.stored),
  );
}

/** How long a mailed reset link works: 30 minutes. */
export const RESET_LINK_SECONDS = 30 * 60;

/**
 * Mails every address of the client a link that works once; the new password is chosen behind it.
 *
 * @throws DomainError `not_found`, `no_mail_address` (then nothing has changed)
 */
export async function mailPasswordReset(
  services: Services,
  actor: Actor,
  clientId: string,
): Promise<{ expiresAt: Date }> {
  const client = await findClient(services, clientId);
  if (client.emails.length === 0) {
    throw new DomainError('no_mail_address', {
      hint: `client "${client.clientName}" has no emails; add one first`,
    });
  }
  const link = await issueLink(services, {
    purpose: 'client_password',
    subjectId: clientId,
    seconds: RESET_LINK_SECONDS,
    event: event(services, actor, 'client.mail_password_reset', clientId),
  });
  services.mailer.send({
    to: client.emails,
    object: { kind: 'client', id: clientId },
    template: 'client-password-link',
    locals: { ...aboutClient(services, actor, client), ...link },
  });
  return { expiresAt: link.expiresAt };
}

/**
 * Sets the password behind a mailed link and unlocks the client.
 *
 * @throws DomainError `not_found` when the link was used or has expired, `validation_failed`
 */
export async function resetPasswordByLink(
  services: Services,
  token: string,
  password: string,
  address: string | null,
): Promise<Client> {
  const chosen = parse(passwordRule, password);
  // Before the hashing, which costs: strangers without a link pay nothing into the bcrypt queue.
  const { subjectId } = await requireLink(services, 'client_password', token);
  const { secrets: held } = await findClient(services, subjectId);
  const made = await newSecret(services, { label: 'password', value: chosen });
  const replaced = (secrets: ClientSecret[]) => replacePasswords(secrets, made.stored);
  // Before the link is used up, so that it works once there is room.
  requireRoom(replaced(liveSecrets(held, services.clock.now())));
  const link = await useLink(services, 'client_password', token);
  const actor: Actor = { kind: 'client', id: link.subjectId, address };
  await changeSecrets(services, actor, link.subjectId, 'client.reset_password', replaced);
  await services.stores.clients.clearFailedLogins(
    link.subjectId,
    event(services, actor, 'client.unlock', link.subjectId),
  );
  return findClient(services, link.subjectId);
}

/** The secrets with one password in place of all passwords; generated ones stay. */
function replacePasswords(secrets: ClientSecret[], password: ClientSecret): ClientSecret[] {
  return [...secrets.filter((s) => s.kind !== 'password'), password];
}

const TRIES = 5;

/** Changes the secrets of whatever version is current; another admin's change in between is kept. */
async function changeSecrets(
  services: Services,
  actor: Actor,
  clientId: string,
  action: string,
  change: (secrets: ClientSecret[], now: Date) => ClientSecret[],
): Promise<Client> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await findClient(services, clientId);
    const now = services.clock.now();
    const secrets = change(liveSecrets(before.secrets, now), now);
    requireRoom(secrets);
    const client: Client = { ...before, secrets, version: before.version + 1, updatedAt: now };
    try {
      await services.stores.clients.update(
        client,
        event(services, actor, action, clientId, secretChanges(before, client)),
      );
      return client;
    } catch (error) {
      if ((error as DomainError).code !== 'version_conflict' || attempt === TRIES) throw error;
    }
  }
}

/** Throws `validation_failed` when these are more than a client can hold. */
function requireRoom(secrets: ClientSecret[]): void {
  if (secrets.length <= MAX_SECRETS) return;
  const hint = `a client can hold ${MAX_SECRETS} secrets; retire one first`;
  throw invalidField('secrets', 'too_many', hint);
}

/** Which secrets came, went or got an end, by id and label only. */
function secretChanges(before: Client, after: Client): FieldChange[] {
  const shown = (client: Client) =>
    Object.fromEntries(
      client.secrets.map((s) => [
        `secret ${s.secretId}`,
        { label: s.label, kind: s.kind, expiresAt: s.expiresAt },
      ]),
    );
  return diff(shown(before), shown(after));
}

function secretOf(client: Client, secretId: string): ClientSecret {
  const secret = client.secrets.find((s) => s.secretId === secretId);
  if (secret === undefined) throw notFound('secret', secretId);
  return secret;
}

function earlier(a: Date | null, b: Date): Date {
  return a !== null && a < b ? a : b;
}
