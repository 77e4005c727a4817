/**
 * Setting up and removing the second factor of an admin. The key of the authenticator is stored
 * encrypted, as it has to be read again; recovery codes as keyed digests. Whatever changes here ends
 * the admin's other sessions.
 */
import { type Actor, auditEvent, diff } from '../audit/audit-event.ts';
import { DomainError, invalidField, isDomainError } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Admin } from './admin.ts';
import type { AdminSession } from './admin-session.ts';
import { newRecoveryCodesFor, newTotpSecret, stepOf, type TotpKey, totpKey } from './codes.ts';
import { type Acting, endSessions, findAdmin, requireReach } from './manage-admins.ts';
import { keepOnly } from './manage-sessions.ts';

/** Times that a change is tried when others change the same admin meanwhile. */
const TRIES = 3;

/**
 * Makes a key for an authenticator; it counts once `confirmTotp` saw a code of it. An earlier key that
 * was not confirmed is forgotten. Throws `conflict` while a second factor is on.
 */
export async function beginTotp(services: Services, adminId: string): Promise<TotpKey> {
  const { issuer, keys, stores } = services;
  const admin = await findAdmin(services, adminId);
  requireNone(admin);
  const secret = newTotpSecret();
  const pendingTotpSecret = keys.encrypt('totp', secret);
  await stores.adminGuards.set(adminId, { pendingTotpSecret }, null);
  return totpKey(issuer, admin.userName, secret);
}

/** The key that waits for its first code, or null. */
export async function pendingTotp(services: Services, adminId: string): Promise<TotpKey | null> {
  const { issuer, keys, stores } = services;
  const { userName, totpSecret } = await findAdmin(services, adminId);
  const { pendingTotpSecret } = await stores.adminGuards.find(adminId);
  if (pendingTotpSecret === null || totpSecret) return null;
  return totpKey(issuer, userName, keys.decrypt('totp', pendingTotpSecret));
}

/**
 * Turns the second factor on, given a code of the key that waits; the session goes on, others end.
 *
 * @returns recovery codes, answered this once
 * @throws DomainError `validation_failed` (no key waits, a wrong code), `conflict` (it is on already)
 */
export async function confirmTotp(
  services: Services,
  session: AdminSession,
  { code, address }: { code: string; address: string | null },
): Promise<string[]> {
  const { clock, keys, stores } = services;
  const { adminId } = session;
  const { pendingTotpSecret } = await stores.adminGuards.find(adminId);
  if (pendingTotpSecret === null) {
    throw invalidField('code', 'not_begun', 'begin again: no key waits for a code');
  }
  const step = stepOf(keys.decrypt('totp', pendingTotpSecret), code, clock.now());
  if (step === null) {
    const message = 'is not of this key and this moment; check the clock of the device';
    throw invalidField('code', 'wrong', message);
  }
  const change = { totpSecret: pendingTotpSecret, action: 'admin.totp_enable' };
  const admin = await changeFactor(services, adminId, ownActor(adminId, address), change);
  const { codes, digests } = newRecoveryCodesFor(services, adminId);
  const guard = { totpStep: step, pendingTotpSecret: null, recoveryCodes: digests };
  await stores.adminGuards.set(adminId, guard, null);
  await keepOnly(services, session, admin, address);
  return codes;
}

/** Turns one's own second factor off; the session goes on, others end. */
export async function removeTotp(
  services: Services,
  session: AdminSession,
  address: string | null,
): Promise<void> {
  const { adminId } = session;
  const change = { totpSecret: null, action: 'admin.totp_disable' };
  const admin = await changeFactor(services, adminId, ownActor(adminId, address), change);
  await forgetCodes(services, adminId);
  await keepOnly(services, session, admin, address);
}

/**
 * Takes the second factor of another admin away, who has lost it; their sessions end.
 *
 * @throws DomainError `not_found`, `not_allowed` (an admin above one's own role)
 */
export async function dropSecondFactor(
  services: Services,
  by: Acting,
  adminId: string,
): Promise<void> {
  requireReach(by, (await findAdmin(services, adminId)).role, 'touch');
  const change = { totpSecret: null, action: 'admin.totp_disable' };
  await changeFactor(services, adminId, by.actor, change);
  await forgetCodes(services, adminId);
  await endSessions(services, by.actor, adminId);
}

/**
 * Lets an admin who is locked try again at once, and forgets the failures.
 *
 * @throws DomainError `not_found`, `not_allowed` (an admin above one's own role)
 */
export async function unlockAdmin(services: Services, by: Acting, adminId: string): Promise<void> {
  requireReach(by, (await findAdmin(services, adminId)).role, 'touch');
  const event = auditEvent({
    at: services.clock.now(),
    actor: by.actor,
    action: 'admin.unlock',
    object: { kind: 'admin', id: adminId },
  });
  await services.stores.adminGuards.clearFailures(adminId, null, event);
}

/**
 * New recovery codes in place of those before, answered this once.
 *
 * @throws DomainError `conflict` without a second factor
 */
export async function newRecoveryCodes(
  services: Services,
  { adminId }: AdminSession,
  address: string | null,
): Promise<string[]> {
  const { totpSecret } = await findAdmin(services, adminId);
  if (!totpSecret) throw new DomainError('conflict', { hint: 'set up the second factor first' });
  const { codes, digests } = newRecoveryCodesFor(services, adminId);
  const event = auditEvent({
    at: services.clock.now(),
    actor: ownActor(adminId, address),
    action: 'admin.renew_recovery_codes',
    object: { kind: 'admin', id: adminId },
    changes: [{ field: 'recoveryCodes', before: null, after: 'changed' }],
  });
  await services.stores.adminGuards.set(adminId, { recoveryCodes: digests }, event);
  return codes;
}

function ownActor(adminId: string, address: string | null): Actor {
  return { kind: 'admin', id: adminId, address };
}

function requireNone({ totpSecret }: Admin): void {
  if (totpSecret) throw new DomainError('conflict', { hint: 'remove the second factor first' });
}

function forgetCodes({ stores }: Services, adminId: string): Promise<void> {
  const nothing = { totpStep: 0, pendingTotpSecret: null, recoveryCodes: [] };
  return stores.adminGuards.set(adminId, nothing, null);
}

/** Writes the record; tries again when somebody else changed it meanwhile. */
async function changeFactor(
  services: Services,
  adminId: string,
  actor: Actor,
  change: { totpSecret: string | null; action: string },
): Promise<Admin> {
  const { clock, stores } = services;
  for (let left = TRIES - 1; ; left -= 1) {
    const before = await findAdmin(services, adminId);
    const { totpSecret, action } = change;
    if (totpSecret !== null) requireNone(before);
    if (totpSecret === null && !before.totpSecret) return before;
    const now = clock.now();
    const admin: Admin = { ...before, totpSecret, version: before.version + 1, updatedAt: now };
    const object = { kind: 'admin', id: adminId };
    const event = auditEvent({ at: now, actor, action, object, changes: diff(before, admin) });
    try {
      await stores.admins.update(admin, event);
      return admin;
    } catch (error) {
      if (!isDomainError(error) || error.code !== 'version_conflict' || left === 0) throw error;
    }
  }
}
