/**
 * Sessions of the console once they exist: found by the cookie's value, proved again, listed, ended.
 * A session stands on the admin's password, role, status and second factor: when one of them changes,
 * by whatever way and on whatever node, it is over with the next request.
 */
import { type Actor, type AuditEvent, auditEvent } from '../audit/audit-event.ts';
import { DomainError, notFound } from '../errors.ts';
import type { Services } from '../services.ts';
import type { Admin } from './admin.ts';
import { type AdminSession, sessionEnd } from './admin-session.ts';
import type { Acting } from './manage-admins.ts';
import { proveCode, provePassword, standingOf, stands } from './proofs.ts';

/** How often a session's last use is written: at most once a minute. */
const SEEN_EVERY_MS = 60_000;

/** A session, and who it is of. */
export interface FoundSession {
  session: AdminSession;
  admin: Admin;
}

/**
 * The session of a cookie's value while it lasts, or null: idle and absolute limit, an admin who
 * exists, is enabled and stands as they did. Notes the use, at most once a minute.
 */
export async function findSession(services: Services, value: string): Promise<FoundSession | null> {
  const { clock, keys, stores } = services;
  if (!value.startsWith('tgw_')) return null;
  const session = await sessionUnder(services, keys.digests('admin_session', value));
  if (session === null) return null;
  const admin = await stores.admins.find(session.adminId);
  if (admin === null || !isLive(services, admin, session)) return null;
  const now = clock.now();
  if (now.getTime() - session.lastSeenAt.getTime() < SEEN_EVERY_MS) return { session, admin };
  await stores.adminSessions.change(session.sessionId, { lastSeenAt: now });
  return { session: { ...session, lastSeenAt: now }, admin };
}

/**
 * Proves once more who sits there, by password or by code, and notes when. Failures count towards
 * the lock, as those of a sign-in do.
 *
 * @throws DomainError `not_authenticated`, `too_many_attempts`, `overloaded`
 */
export async function verifyAgain(
  services: Services,
  session: AdminSession,
  proof: { password?: string; code?: string; address: string | null },
): Promise<void> {
  const { clock, stores } = services;
  const { password = '', code, address } = proof;
  const admin = await stores.admins.find(session.adminId);
  if (admin === null) throw new DomainError('not_authenticated');
  const isProved =
    code === undefined
      ? await provePassword(services, admin, { password, address, isEnough: true })
      : Boolean(admin.totpSecret) && (await proveCode(services, admin, { code, address }));
  if (!isProved) {
    throw new DomainError('not_authenticated', {
      hint: 'that is not right, or you are locked for now after too many attempts',
    });
  }
  await stores.adminSessions.change(session.sessionId, { verifiedAt: clock.now() });
}

/** The live sessions of an admin, the latest used first. */
export async function listSessions(services: Services, adminId: string): Promise<AdminSession[]> {
  const { stores } = services;
  const admin = await stores.admins.find(adminId);
  if (admin === null) return [];
  const sessions = await stores.adminSessions.list(adminId);
  return sessions.filter((session) => isLive(services, admin, session));
}

/** Ends one's own session of this id, such as one on another machine. Throws `not_found`. */
export async function endSession(services: Services, by: Acting, sessionId: string): Promise<void> {
  const adminId = by.adminId ?? '';
  const event = sessionEvent(services, by.actor, adminId, 'end_session', sessionId);
  const removed = await services.stores.adminSessions.remove(adminId, sessionId, event);
  if (!removed) throw notFound('session', sessionId);
}

/** Ends a session as its admin signs out; one that is over already stays so. */
export async function signOut(
  services: Services,
  { adminId, sessionId }: AdminSession,
  address: string | null,
): Promise<void> {
  const actor: Actor = { kind: 'admin', id: adminId, address };
  const event = sessionEvent(services, actor, adminId, 'sign_out', sessionId);
  await services.stores.adminSessions.remove(adminId, sessionId, event);
}

/** Ends every session of the admin but this one; answers how many were still stored. */
export async function endOtherSessions(
  services: Services,
  { adminId, sessionId }: AdminSession,
  address: string | null,
): Promise<number> {
  const actor: Actor = { kind: 'admin', id: adminId, address };
  const event = sessionEvent(services, actor, adminId, 'end_other_sessions', null);
  return services.stores.adminSessions.removeOthers(adminId, sessionId, event);
}

/** Lets a session go on after its own admin changed what it stands on, and ends the others. */
export async function keepOnly(
  services: Services,
  session: AdminSession,
  admin: Admin,
  address: string | null,
): Promise<void> {
  const { keys, stores } = services;
  const standing = standingOf(keys, admin);
  await stores.adminSessions.change(session.sessionId, { standing });
  await endOtherSessions(services, session, address);
}

async function sessionUnder(
  { stores }: Services,
  digests: readonly string[],
): Promise<AdminSession | null> {
  for (const digest of digests) {
    const session = await stores.adminSessions.findByDigest(digest);
    if (session !== null) return session;
  }
  return null;
}

function isLive({ clock, keys }: Services, admin: Admin, session: AdminSession): boolean {
  if (admin.status !== 'enabled') return false;
  return sessionEnd(session) > clock.now() && stands(keys, admin, session.standing);
}

function sessionEvent(
  { clock }: Services,
  actor: Actor,
  adminId: string,
  ...[verb, sessionId]: [verb: string, sessionId: string | null]
): AuditEvent {
  return auditEvent({
    at: clock.now(),
    actor,
    action: `admin.${verb}`,
    object: { kind: 'admin', id: adminId },
    changes: sessionId === null ? [] : [{ field: 'sessionId', before: sessionId, after: null }],
  });
}
