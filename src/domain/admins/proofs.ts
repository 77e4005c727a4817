/**
 * Proofs that an admin gives of being who they are, a password or a code; with the lockout. Failures
 * are kept in the audit trail with the address they came from.
 */
import { type AuditEvent, auditEvent } from '../audit/audit-event.ts';
import { plusSeconds } from '../clock.ts';
import type { SecretKeys } from '../secrets/secret-keys.ts';
import type { Services } from '../services.ts';
import type { Admin } from './admin.ts';
import {
  ADMIN_FAILED_LOGIN_LIMIT,
  ADMIN_LOCK_SECONDS,
  type AdminGuard,
  type CountedFailure,
} from './admin-guard.ts';
import { takeCode } from './codes.ts';

type StandingKeys = Pick<SecretKeys, 'digest' | 'digests'>;

/** Keyed digest of what a session stands on: when one of these changes, the session is over. */
export function standingOf(keys: StandingKeys, admin: Admin): string {
  return keys.digest('admin_session', standingText(admin));
}

/** Whether an admin still stands as they did, whichever of the server's keys was in use then. */
export function stands(keys: StandingKeys, admin: Admin, standing: string): boolean {
  return keys.digests('admin_session', standingText(admin)).includes(standing);
}

function standingText({ adminId, passwordHash, role, status, totpSecret = null }: Admin): string {
  return JSON.stringify(['standing', adminId, passwordHash, role, status, totpSecret]);
}

/** Until when locks have ended by now. */
function endedUntil(services: Services): Date {
  return plusSeconds(services.clock.now(), -ADMIN_LOCK_SECONDS);
}

/** When the lock of an admin ends by itself; null while there is none. */
export function lockEnd(services: Services, { lockedAt }: AdminGuard): Date | null {
  if (lockedAt === null || lockedAt <= endedUntil(services)) return null;
  return plusSeconds(lockedAt, ADMIN_LOCK_SECONDS);
}

/** A password that somebody gave. */
export interface GivenPassword {
  password: string;
  address: string | null;
  /** Whether it is all that is asked for, so that a right one clears the count of failures. */
  isEnough: boolean;
}

/**
 * Whether this is the password of an admin who may sign in. A wrong one counts towards the lock; what
 * cannot be tried (locked, disabled, no password yet) takes as long as a wrong one.
 *
 * @throws DomainError `too_many_attempts`, `overloaded`
 */
export async function provePassword(
  services: Services,
  admin: Admin,
  { password, address, isEnough }: GivenPassword,
): Promise<boolean> {
  const { stores, verifier } = services;
  const { adminId, passwordHash, status, version } = admin;
  const id = `admin:${adminId}`;
  const guard = await stores.adminGuards.find(adminId);
  if (passwordHash === null || status !== 'enabled' || lockEnd(services, guard) !== null) {
    await verifier.verifyNobody(id, password);
    return false;
  }
  const stored = [{ kind: 'password' as const, hash: passwordHash }];
  const verification = await verifier.verify({ id, version }, stored, [password], {
    isAllowed: async () => lockEnd(services, await stores.adminGuards.find(adminId)) === null,
    recordFailure: async () => keepFailure(services, admin, address, await count(services, admin)),
  });
  if (verification.outcome === 'not_allowed') await verifier.verifyNobody(id, password);
  if (verification.outcome !== 'matched') return false;
  if (isEnough && guard.failedLogins > 0) {
    await stores.adminGuards.clearFailures(adminId, endedUntil(services), null);
  }
  return true;
}

/**
 * Whether this code proves the second factor of an admin; it then works no more. It is counted as a
 * failure before it is looked at, so that of many codes tried at once no more than the limit are.
 */
export async function proveCode(
  services: Services,
  admin: Admin,
  { code, address }: { code: string; address: string | null },
): Promise<boolean> {
  const counted = await count(services, admin);
  if (!counted.counted) return false;
  if (!(await takeCode(services, admin, code))) {
    await keepFailure(services, admin, address, counted);
    return false;
  }
  await services.stores.adminGuards.clearFailures(admin.adminId, null, null);
  return true;
}

function count(services: Services, { adminId }: Admin): Promise<CountedFailure> {
  return services.stores.adminGuards.countFailure(adminId, services.clock.now(), {
    limit: ADMIN_FAILED_LOGIN_LIMIT,
    endedUntil: endedUntil(services),
  });
}

/** What was not counted, as the admin was locked, is not kept either: strangers fill no audit trail. */
async function keepFailure(
  services: Services,
  { adminId }: Admin,
  address: string | null,
  { counted, locked }: CountedFailure,
): Promise<void> {
  const { clock, stores } = services;
  const keep = (action: string): Promise<void> => {
    const event: AuditEvent = auditEvent({
      at: clock.now(),
      // Who it was is just what was not proved.
      actor: { kind: 'system', id: 'system', address },
      action,
      object: { kind: 'admin', id: adminId },
    });
    return stores.audit.append(event);
  };
  if (counted) await keep('admin.sign_in_failed');
  if (locked) await keep('admin.locked');
}
