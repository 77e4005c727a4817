/** Sessions of the console: what is stored of them, and how long they last. */
import type { AuditEvent } from '../audit/audit-event.ts';
import { plusSeconds } from '../clock.ts';

/** A session ends when it was not used for this long: 30 minutes. */
export const SESSION_IDLE_SECONDS = 1800;

/** A session ends this long after the sign-in, however much it is used: 12 hours. */
export const SESSION_SECONDS = 12 * 3600;

/** How long a password or code counts as just proved: 10 minutes. */
export const STEP_UP_SECONDS = 600;

/** A session of an admin in the console. */
export interface AdminSession {
  /** Random id; not a credential. */
  sessionId: string;
  adminId: string;
  /** Keyed digest of the cookie's value. */
  digest: string;
  /** Keyed digest of what the session stands on (see `manage-sessions.ts`); another one ends it. */
  standing: string;
  createdAt: Date;
  lastSeenAt: Date;
  /** When the password or a code was last proved. */
  verifiedAt: Date;
  /** Address of the sign-in. */
  address: string | null;
  /** What the browser called itself at the sign-in, at most 300 characters; empty when nothing. */
  userAgent: string;
}

/** What changes while a session lives. */
export type SessionChange = Partial<Pick<AdminSession, 'lastSeenAt' | 'verifiedAt' | 'standing'>>;

/**
 * Sessions of the console. They go when their admin goes, and some time after they end; the end is the
 * caller's to check. Each event is written in the same step.
 */
export interface AdminSessionStore {
  /** Stores a new session. */
  insert(session: AdminSession, event: AuditEvent): Promise<void>;
  /** The session under this digest, or null; its end is the caller's to check. */
  findByDigest(digest: string): Promise<AdminSession | null>;
  /** Every session of an admin, the latest used first. */
  list(adminId: string): Promise<AdminSession[]>;
  /** Changes a session; one that is gone stays gone. */
  change(sessionId: string, change: SessionChange): Promise<void>;
  /** Removes one session of an admin; false, and no event, when there is none. */
  remove(adminId: string, sessionId: string, event: AuditEvent): Promise<boolean>;
  /** Removes all sessions of an admin but one (null: all); answers how many, no event when none. */
  removeOthers(adminId: string, kept: string | null, event: AuditEvent): Promise<number>;
}

/** When a session ends unless it is used again. */
export function sessionEnd({
  createdAt,
  lastSeenAt,
}: Pick<AdminSession, 'createdAt' | 'lastSeenAt'>): Date {
  const idle = plusSeconds(lastSeenAt, SESSION_IDLE_SECONDS).getTime();
  const absolute = plusSeconds(createdAt, SESSION_SECONDS).getTime();
  return new Date(Math.min(idle, absolute));
}
