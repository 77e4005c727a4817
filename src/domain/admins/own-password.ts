/** How an admin changes their own password. */
import { auditEvent, diff } from '../audit/audit-event.ts';
import { passwordRule } from '../clients/client.ts';
import { invalid, invalidField } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Admin } from './admin.ts';
import type { AdminSession } from './admin-session.ts';
import { findAdmin } from './manage-admins.ts';
import { keepOnly } from './manage-sessions.ts';
import { provePassword } from './proofs.ts';

/**
 * Changes one's own password, given the one so far; the session goes on, others end.
 *
 * @throws DomainError `validation_failed` (`current` is not the password, or the new one breaks a
 *   rule), `version_conflict`, `too_many_attempts`, `overloaded`
 */
export async function changeOwnPassword(
  services: Services,
  session: AdminSession,
  input: { current: string; password: string; address: string | null },
): Promise<void> {
  const { clock, passwords, stores } = services;
  const { address } = input;
  const rule = passwordRule.safeParse(input.password);
  if (!rule.success) {
    throw invalid(
      rule.error.issues.map(({ code, message }) => ({ field: 'password', code, message })),
    );
  }
  const before = await findAdmin(services, session.adminId);
  const proof = { password: input.current, address, isEnough: true };
  if (!(await provePassword(services, before, proof))) {
    throw invalidField('current', 'wrong', 'is not your password, or you are locked for now');
  }
  const passwordHash = await passwords.hash(rule.data);
  const now = clock.now();
  const admin: Admin = { ...before, passwordHash, version: before.version + 1, updatedAt: now };
  const event = auditEvent({
    at: now,
    actor: { kind: 'admin', id: admin.adminId, address },
    action: 'admin.change_password',
    object: { kind: 'admin', id: admin.adminId },
    changes: diff(before, admin),
  });
  await stores.admins.update(admin, event);
  await keepOnly(services, session, admin, address);
}
