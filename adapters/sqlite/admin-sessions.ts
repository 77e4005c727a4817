/** Sessions of the console. */
import {
  type AdminSession,
  type AdminSessionStore,
  SESSION_SECONDS,
} from '../../src/domain/admins/admin-session.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import type { Audit } from './audit.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';

interface SessionRow {
  session_id: string;
  admin_id: string;
  digest: string;
  standing: string;
  created_at: number;
  last_seen_at: number;
  verified_at: number;
  address: string | null;
  user_agent: string;
}

const COLUMNS =
  'session_id, admin_id, digest, standing, created_at, last_seen_at, verified_at, address, user_agent';

/** The sessions of a connection. */
export function adminSessionStore(
  { prepare, write, transact }: Connection,
  audit: Audit,
): AdminSessionStore {
  const insert = prepare(
    `INSERT INTO admin_sessions (${COLUMNS}, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const findByDigest = prepare<SessionRow>(
    `SELECT ${COLUMNS} FROM admin_sessions WHERE digest = ?`,
  );
  const list = prepare<SessionRow>(
    `SELECT ${COLUMNS} FROM admin_sessions WHERE admin_id = ?
     ORDER BY last_seen_at DESC, session_id`,
  );
  const change = prepare(
    `UPDATE admin_sessions SET
       last_seen_at = coalesce(?2, last_seen_at),
       verified_at = coalesce(?3, verified_at),
       standing = coalesce(?4, standing)
     WHERE session_id = ?1`,
  );
  const remove = prepare('DELETE FROM admin_sessions WHERE admin_id = ? AND session_id = ?');
  const removeOthers = prepare(
    'DELETE FROM admin_sessions WHERE admin_id = ?1 AND (?2 IS NULL OR session_id <> ?2)',
  );
  return {
    insert: (session, event) =>
      transact(() => {
        insert.run(...valuesOf(session));
        audit.enter(event);
      }),
    findByDigest: (digest) =>
      reading(() => {
        const row = findByDigest.get(digest);
        return row === undefined ? null : sessionOf(row);
      }),
    list: (adminId) => reading(() => list.all(adminId).map(sessionOf)),
    change: (sessionId, { lastSeenAt, verifiedAt, standing }) =>
      write(() => {
        const instants = [lastSeenAt, verifiedAt].map((at) => at?.getTime() ?? null);
        change.run(sessionId, ...instants, standing ?? null);
      }),
    remove: (adminId, sessionId, event) =>
      transact(() => {
        if (remove.run(adminId, sessionId).changes === 0) return false;
        audit.enter(event);
        return true;
      }),
    removeOthers: (adminId, kept, event) =>
      transact(() => {
        const removed = Number(removeOthers.run(adminId, kept).changes);
        if (removed > 0) audit.enter(event);
        return removed;
      }),
  };
}

function valuesOf(session: AdminSession) {
  const { sessionId, adminId, digest, standing, address, userAgent } = session;
  const { createdAt, lastSeenAt, verifiedAt } = session;
  const instants = [createdAt, lastSeenAt, verifiedAt].map((at) => at.getTime());
  const expiresAt = plusSeconds(createdAt, SESSION_SECONDS).getTime();
  return [sessionId, adminId, digest, standing, ...instants, address, userAgent, expiresAt];
}

function sessionOf(row: SessionRow): AdminSession {
  return {
    sessionId: row.session_id,
    adminId: row.admin_id,
    digest: row.digest,
    standing: row.standing,
    createdAt: new Date(row.created_at),
    lastSeenAt: new Date(row.last_seen_at),
    verifiedAt: new Date(row.verified_at),
    address: row.address,
    userAgent: row.user_agent,
  };
}
