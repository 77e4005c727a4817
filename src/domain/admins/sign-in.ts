/**
 * Sign-in of admins: password, then the second factor where there is one. Whatever fails gives one
 * answer, after the time that a wrong password takes: it tells nobody which names exist, which are
 * locked and which have no password yet.
 */
import { auditEvent } from '../audit/audit-event.ts';
import { plusSeconds } from '../clock.ts';
import { DomainError } from '../errors.ts';
import { randomCredential, randomId } from '../secrets/random.ts';
import type { Services } from '../services.ts';
import type { Admin } from './admin.ts';
import type { AdminSession } from './admin-session.ts';
import { proveCode, provePassword, standingOf, stands } from './proofs.ts';

export { findSession } from './manage-sessions.ts';

/** Where a sign-in comes from. */
export interface SignInOrigin {
  address: string | null;
  /** What the browser calls itself; empty when nothing. */
  userAgent: string;
}

/** A new session. */
export interface SignedIn {
  /** Value of the cookie, answered this once. */
  value: string;
  session: AdminSession;
  admin: Admin;
}

/** A name and a password, and from where. */
export interface PasswordInput extends SignInOrigin {
  userName: string;
  password: string;
}

/** How long the second step of a sign-in may take: 5 minutes. */
export const SECOND_STEP_SECONDS = 300;

const MOST_USER_AGENT = 300;

/**
 * Signs an admin in, in one step.
 *
 * @param input `code` is that of the authenticator, or a recovery code
 * @throws DomainError `not_authenticated`, `second_factor_required` (the password was right and `code`
 *   is missing), `too_many_attempts`, `overloaded`
 */
export async function signIn(
  services: Services,
  input: PasswordInput & { code?: string | undefined },
): Promise<SignedIn> {
  const { code, ...passwordInput } = input;
  const first = await beginSignIn(services, passwordInput);
  if (!('ticket' in first)) return first;
  if (code === undefined) throw new DomainError('second_factor_required');
  return finishSignIn(services, { ...first, ...passwordInput, code });
}

/**
 * Checks name and password. An admin without a second factor is then signed in; for one with, the
 * answer is a ticket to `finishSignIn`, which takes the place of the password for five minutes.
 *
 * @throws DomainError `not_authenticated`, `too_many_attempts`, `overloaded`
 */
export async function beginSignIn(
  services: Services,
  input: PasswordInput,
): Promise<SignedIn | { ticket: string }> {
  const { clock, keys, stores, verifier } = services;
  const admin = await stores.admins.findByName(input.userName);
  if (admin === null) {
    await verifier.verifyNobody(`admin-name:${input.userName.toLowerCase()}`, input.password);
    throw refused();
  }
  const { address } = input;
  // With a second factor, failures stay counted until the code is right as well.
  const isEnough = !admin.totpSecret;
  const { password } = input;
  if (!(await provePassword(services, admin, { password, address, isEnough }))) throw refused();
  if (isEnough) return newSession(services, admin, input);
  const until = plusSeconds(clock.now(), SECOND_STEP_SECONDS).getTime();
  const ticket = { adminId: admin.adminId, standing: standingOf(keys, admin), until };
  return { ticket: keys.encrypt('sign_in', JSON.stringify(ticket)) };
}

/**
 * Checks the code that goes with a ticket, and signs in.
 *
 * @throws DomainError `not_authenticated` (a wrong or used code, a ticket that is over, a locked admin)
 */
export async function finishSignIn(
  services: Services,
  input: SignInOrigin & { ticket: string; code: string },
): Promise<SignedIn> {
  const admin = await adminOfTicket(services, input.ticket);
  if (admin === null) throw refused();
  if (!(await proveCode(services, admin, input))) throw refused();
  return newSession(services, admin, input);
}

/** The admin whose password was right, or null once the ticket is over. */
export async function adminOfTicket(services: Services, ticket: string): Promise<Admin | null> {
  const { clock, keys, stores } = services;
  const opened = openTicket(services, ticket);
  if (opened === null || opened.until <= clock.now().getTime()) return null;
  const admin = await stores.admins.find(opened.adminId);
  // A password that has changed since then proves nothing any more.
  return admin?.status === 'enabled' && stands(keys, admin, opened.standing) ? admin : null;
}

interface Ticket {
  adminId: string;
  standing: string;
  /** Milliseconds since 1970. */
  until: number;
}

function openTicket({ keys }: Services, ticket: string): Ticket | null {
  try {
    return JSON.parse(keys.decrypt('sign_in', ticket)) as Ticket;
  } catch {
    return null;
  }
}

/** Always a new value: one that somebody put into the browser before is worth nothing (no fixation). */
async function newSession(
  services: Services,
  admin: Admin,
  { address, userAgent }: SignInOrigin,
): Promise<SignedIn> {
  const { clock, keys, stores } = services;
  const now = clock.now();
  const value = randomCredential('tgw_');
  const { adminId } = admin;
  const session: AdminSession = {
    sessionId: randomId(),
    adminId,
    digest: keys.digest('admin_session', value),
    standing: standingOf(keys, admin),
    createdAt: now,
    lastSeenAt: now,
    verifiedAt: now,
    address,
    userAgent: userAgent.slice(0, MOST_USER_AGENT),
  };
  const event = auditEvent({
    at: now,
    actor: { kind: 'admin', id: adminId, address },
    action: 'admin.sign_in',
    object: { kind: 'admin', id: adminId },
    changes: [{ field: 'sessionId', before: null, after: session.sessionId }],
  });
  await stores.adminSessions.insert(session, event);
  return { value, session, admin };
}

function refused(): DomainError {
  return new DomainError('not_authenticated', {
    hint: 'the name, the password or the code is wrong, or the admin is locked for now',
  });
}
