/** What an admin does behind a set-up link: choose the password, and get a first personal access token. */
import { type Actor, auditEvent, diff } from '../audit/audit-event.ts';
import { passwordRule } from '../clients/client.ts';
import { findLink, requireLink, useLink } from '../links.ts';
import type { Services } from '../services.ts';
import { parse } from '../validation.ts';
import type { Admin } from './admin.ts';
import { createAccessToken } from './manage-access-tokens.ts';
import { findAdmin } from './manage-admins.ts';

/** The admin behind a set-up link while it works, or null. */
export async function findSetUpAdmin(services: Services, token: string): Promise<Admin | null> {
  const link = await findLink(services, 'admin_set_up', token);
  return link === null ? null : services.stores.admins.find(link.subjectId);
}

/**
 * Sets the admin's password and uses the link up.
 *
 * @returns the admin and the value of a personal access token, answered this once
 * @throws DomainError `validation_failed`, `not_found` (the link was used or has expired), `overloaded`
 */
export async function setUpAdmin(
  services: Services,
  input: { token: string; password: string; address: string | null },
): Promise<{ admin: Admin; accessToken: string | null }> {
  const password = parse(passwordRule, input.password);
  // Before the hashing, which costs: strangers without a link pay nothing into the bcrypt queue.
  await requireLink(services, 'admin_set_up', input.token);
  const passwordHash = await services.passwords.hash(password);
  const link = await useLink(services, 'admin_set_up', input.token);
  const before = await findAdmin(services, link.subjectId);
  const now = services.clock.now();
  const admin: Admin = { ...before, passwordHash, version: before.version + 1, updatedAt: now };
  const actor: Actor = { kind: 'admin', id: admin.adminId, address: input.address };
  const object = { kind: 'admin', id: admin.adminId };
  const event = auditEvent({
    at: now,
    actor,
    action: 'admin.set_up',
    object,
    changes: diff(before, admin),
  });
  await services.stores.admins.update(admin, event);
  // Whoever holds the link is not whom the lock was for.
  await services.stores.adminGuards.clearFailures(admin.adminId, null, null);
  const { value } = await createAccessToken(
    services,
    { actor, role: admin.role, adminId: admin.adminId },
    { label: 'set-up', role: admin.role },
  );
  return { admin, accessToken: value };
}
