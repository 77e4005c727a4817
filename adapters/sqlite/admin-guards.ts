/** What guards the sign-in of admins: failures, locks, used codes. */
import {
  type AdminGuard,
  type AdminGuardStore,
  EMPTY_GUARD,
} from '../../src/domain/admins/admin-guard.ts';
import type { Audit } from './audit.ts';
import { decode, encode, fromMs, toMs } from './codec.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';

interface GuardRow {
  failed_logins: number;
  locked_at: number | null;
  totp_step: number;
  pending_totp_secret: string | null;
  recovery_codes: string;
}

/** What the methods share. */
interface Guards {
  sql: ReturnType<typeof statements>;
  transact: Connection['transact'];
  audit: Audit;
  find(adminId: string): AdminGuard;
}

/** The guards of a connection. */
export function adminGuardStore(connection: Connection, audit: Audit): AdminGuardStore {
  const sql = statements(connection);
  const { transact } = connection;
  const find = (adminId: string): AdminGuard => guardOf(adminId, sql.find.get(adminId));
  const guards = { sql, transact, audit, find };
  return { find: (adminId) => reading(() => find(adminId)), ...lockout(guards), ...codes(guards) };
}

function lockout({
  sql,
  transact,
  audit,
  find,
}: Guards): Pick<AdminGuardStore, 'countFailure' | 'clearFailures'> {
  return {
    countFailure: (adminId, at, { limit, endedUntil }) =>
      transact(() => {
        const { failedLogins, lockedAt } = find(adminId);
        const hasEnded = lockedAt !== null && lockedAt <= endedUntil;
        if (lockedAt !== null && !hasEnded) return { counted: false, locked: false };
        const failures = (hasEnded ? 0 : failedLogins) + 1;
        const locked = failures >= limit;
        sql.ensure.run(adminId);
        sql.setLock.run(failures, toMs(locked ? at : null), adminId);
        return { counted: true, locked };
      }),
    clearFailures: (adminId, liftsUntil, event) =>
      transact(() => {
        const { lockedAt } = find(adminId);
        const stays = liftsUntil !== null && lockedAt !== null && lockedAt > liftsUntil;
        if (!stays) sql.setLock.run(0, null, adminId);
        if (event !== null) audit.enter(event);
      }),
  };
}

function codes({
  sql,
  transact,
  audit,
  find,
}: Guards): Pick<AdminGuardStore, 'set' | 'takeTotpStep' | 'takeRecoveryCode'> {
  return {
    set: (adminId, { totpStep, pendingTotpSecret, recoveryCodes }, event) =>
      transact(() => {
        sql.ensure.run(adminId);
        if (totpStep !== undefined) sql.setStep.run(totpStep, adminId);
        if (pendingTotpSecret !== undefined) sql.setPending.run(pendingTotpSecret, adminId);
        if (recoveryCodes !== undefined) sql.setCodes.run(encode(recoveryCodes), adminId);
        if (event !== null) audit.enter(event);
      }),
    takeTotpStep: (adminId, step) =>
      transact(() => {
        if (find(adminId).totpStep >= step) return false;
        sql.ensure.run(adminId);
        sql.setStep.run(step, adminId);
        return true;
      }),
    takeRecoveryCode: (adminId, digests) =>
      transact(() => {
        const { recoveryCodes } = find(adminId);
        const left = recoveryCodes.filter((code) => !digests.includes(code));
        if (left.length === recoveryCodes.length) return false;
        sql.setCodes.run(encode(left), adminId);
        return true;
      }),
  };
}

function statements({ prepare }: Connection) {
  return {
    find: prepare<GuardRow>(
      `SELECT failed_logins, locked_at, totp_step, pending_totp_secret, recovery_codes
       FROM admin_guards WHERE admin_id = ?`,
    ),
    ensure: prepare('INSERT INTO admin_guards (admin_id) VALUES (?) ON CONFLICT DO NOTHING'),
    setLock: prepare('UPDATE admin_guards SET failed_logins = ?, locked_at = ? WHERE admin_id = ?'),
    setStep: prepare('UPDATE admin_guards SET totp_step = ? WHERE admin_id = ?'),
    setPending: prepare('UPDATE admin_guards SET pending_totp_secret = ? WHERE admin_id = ?'),
    setCodes: prepare('UPDATE admin_guards SET recovery_codes = ? WHERE admin_id = ?'),
  };
}

function guardOf(adminId: string, row: GuardRow | undefined): AdminGuard {
  if (row === undefined) return { adminId, ...EMPTY_GUARD, recoveryCodes: [] };
  return {
    adminId,
    failedLogins: row.failed_logins,
    lockedAt: fromMs(row.locked_at),
    totpStep: row.totp_step,
    pendingTotpSecret: row.pending_totp_secret,
    recoveryCodes: decode(row.recovery_codes) as string[],
  };
}
