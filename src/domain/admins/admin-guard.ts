/**
 * What guards the sign-in of an admin: the count of failures, and which codes were used. Kept apart
 * from the admin's record, so that counting makes no new version of it.
 */
import type { AuditEvent } from '../audit/audit-event.ts';

/** Failed sign-ins in a row that lock an admin. */
export const ADMIN_FAILED_LOGIN_LIMIT = 5;

/**
 * How long an admin stays locked: 15 minutes. The lock ends by itself, so that nobody who knows the
 * name of an owner can shut them out for good; sessions that exist go on.
 */
export const ADMIN_LOCK_SECONDS = 900;

/** The guard of an admin; an admin who never failed and has no second factor has an empty one. */
export interface AdminGuard {
  adminId: string;
  /** Failures since the last success. */
  failedLogins: number;
  /** When the count reached the limit; the lock ends `ADMIN_LOCK_SECONDS` later. */
  lockedAt: Date | null;
  /** Latest time step whose code was accepted: that one and earlier ones work no more. */
  totpStep: number;
  /** Key of a second factor that is being set up, encrypted; null when none is. */
  pendingTotpSecret: string | null;
  /** Keyed digests of the recovery codes that are left. */
  recoveryCodes: string[];
}

/** A guard that nothing has touched. */
export const EMPTY_GUARD: Readonly<Omit<AdminGuard, 'adminId'>> = Object.freeze({
  failedLogins: 0,
  lockedAt: null,
  totpStep: 0,
  pendingTotpSecret: null,
  recoveryCodes: [],
});

/** How failures lock. */
export interface LockRule {
  limit: number;
  /** A lock from this instant or before has ended. */
  endedUntil: Date;
}

/** What became of a counted failure. */
export interface CountedFailure {
  /** False when the admin was locked already: nothing was counted. */
  counted: boolean;
  /** Whether this one reached the limit. */
  locked: boolean;
}

/** Which fields `AdminGuardStore.set` replaces. */
export type GuardChange = Partial<
  Pick<AdminGuard, 'totpStep' | 'pendingTotpSecret' | 'recoveryCodes'>
>;

/** Guards of admins; they go when their admin goes. Every step is atomic. */
export interface AdminGuardStore {
  /** The guard of an admin, an empty one where none is stored. */
  find(adminId: string): Promise<AdminGuard>;
  /**
   * Counts a failure at this instant, and locks when the count reaches the limit. While a lock lasts
   * nothing is counted; one that has ended is lifted first, and the count begins anew.
   */
  countFailure(adminId: string, at: Date, rule: LockRule): Promise<CountedFailure>;
  /**
   * Sets the count to 0 and lifts a lock from `liftsUntil` or before (null: any lock); a later lock
   * leaves everything as it is. `event`, of an act that unlocks, is written in the same step.
   */
  clearFailures(adminId: string, liftsUntil: Date | null, event: AuditEvent | null): Promise<void>;
  /** Replaces fields; `event`, where there is one, is written in the same step. */
  set(adminId: string, change: GuardChange, event: AuditEvent | null): Promise<void>;
  /** Takes a time step unless it or a later one was taken: of concurrent calls one gets true. */
  takeTotpStep(adminId: string, step: number): Promise<boolean>;
  /** Takes one of these recovery codes away: of concurrent calls one gets true. */
  takeRecoveryCode(adminId: string, digests: readonly string[]): Promise<boolean>;
}
