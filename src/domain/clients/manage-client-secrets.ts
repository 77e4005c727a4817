/** What admins and partners do with the secrets of a client: add, rotate, retire, change, reset by mail. */
import { type Actor, diff, type FieldChange } from '../audit/audit-event.ts';
import { plusSeconds } from '../clock.ts';
import { DomainError, invalidField, notFound } from '../errors.ts';
import { issueLink, requireLink, useLink } from '../links.ts';
import { aboutClient } from '../mails/client-mails.ts';
import { requireVersion } from '../manage-records.ts';
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

/** What an act on secrets was decided from. */
export interface SeenClient {
  /** The version that was read: any other is refused (`version_conflict`). Left out: whichever is current. */
  version?: number | undefined;
}

/** The longest grace period of a rotated secret: 90 days. */
export const MAX_GRACE_SECONDS = 90 * 24 * 3600;

/**
 * Adds a secret beside the others; generated unless `value` is given.
 *
 * @throws DomainError `not_found`, `version_conflict`, `validation_failed` (too many secrets), `overloaded`
 */
export async function addSecret(
  services: Services,
  actor: Actor,
  clientId: string,
  input: {
    label?: string | undefined;
    value?: string | undefined;
    expiresAt?: Date | null | undefined;
  } & SeenClient,
): Promise<SecretChange> {
  const { label = 'secret', value, expiresAt = null, version } = input;
  const made = await newSecret(services, { label, value, expiresAt });
  const act = { clientId, version, action: 'client.add_secret' };
  const client = await changeSecrets(services, actor, act, (secrets) => [...secrets, made.stored]);
  return { client, secret: { id: made.stored.secretId, value: made.generated } };
}

/**
 * Replaces a secret by a new one; the old one works for `graceSeconds` more (0 to 90 days).
 *
 * @throws DomainError `not_found` (client or secret), `version_conflict`, `validation_failed`, `overloaded`
 */
export async function rotateSecret(
  services: Services,
  actor: Actor,
  clientId: string,
  secretId: string,
  input: { graceSeconds: number; value?: string | undefined } & SeenClient,
): Promise<SecretChange> {
  const old = await seenSecret(services, { clientId, secretId, version: input.version });
  const made = await newSecret(services, { label: old.label, value: input.value });
  const act = { clientId, version: input.version, action: 'client.rotate_secret' };
  const client = await changeSecrets(services, actor, act, (secrets, now) => {
    const end = plusSeconds(now, input.graceSeconds);
    const kept = secrets.map((s) =>
      s.secretId === secretId ? { ...s, expiresAt: earlier(s.expiresAt, end) } : s,
    );
    return [...kept, made.stored];
  });
  return { client, secret: { id: made.stored.secretId, value: made.generated } };
}

/** Ends a secret now. Throws `not_found`, `version_conflict`. */
export async function retireSecret(
  services: Services,
  actor: Actor,
  clientId: string,
  secretId: string,
  { version }: SeenClient = {},
): Promise<Client> {
  await seenSecret(services, { clientId, secretId, version });
  const act = { clientId, version, action: 'client.retire_secret' };
  return changeSecrets(services, actor, act, (secrets) =>
    secrets.filter((s) => s.secretId !== secretId),
  );
}

/**
 * Sets the client's password: earlier passwords stop now, generated secrets stay.
 *
 * @throws DomainError `not_found`, `version_conflict`, `validation_failed` (too many secrets), `overloaded`
 */
export async function changePassword(
  services: Services,
  actor: Actor,
  clientId: string,
  password: string,
  { version }: SeenClient = {},
): Promise<Client> {
  const made = await newSecret(services, { label: 'password', value: password });
  const act = { clientId, version, action: 'client.change_password' };
  return changeSecrets(services, actor, act, (secrets) => replacePasswords(secrets, made.stored));
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
  const act = { clientId: link.subjectId, action: 'client.reset_password' };
  await changeSecrets(services, actor, act, replaced);
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

/**
 * Changes the secrets of the version that was seen, so that of concurrent acts from one version one
 * wins; without one of whatever version is current, and another admin's change in between is kept.
 */
async function changeSecrets(
  services: Services,
  actor: Actor,
  { clientId, version, action }: SeenClient & { clientId: string; action: string },
  change: (secrets: ClientSecret[], now: Date) => ClientSecret[],
): Promise<Client> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await findClient(services, clientId);
    if (version !== undefined) requireVersion(before, version);
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

/** The secret that an act names. Throws `not_found`; rather `version_conflict` when it went since it was seen. */
async function seenSecret(
  services: Services,
  { clientId, secretId, version }: SeenClient & { clientId: string; secretId: string },
): Promise<ClientSecret> {
  const client = await findClient(services, clientId);
  if (version !== undefined) requireVersion(client, version);
  const secret = client.secrets.find((s) => s.secretId === secretId);
  if (secret === undefined) throw notFound('secret', secretId);
  return secret;
}

function earlier(a: Date | null, b: Date): Date {
  return a !== null && a < b ? a : b;
}
