/** Admins. */
import type { Admin, AdminStore } from '../../src/domain/admins/admin.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { fold } from './codec.ts';
import { reading } from './errors.ts';
import type { Shared } from './noun.ts';
import { recordStore } from './record-store.ts';

const ENABLED_OWNER = `role = 'owner' AND status = 'enabled'`;

/** The admins of a connection; removing one also removes its tokens, sessions and guard. */
export function adminStore(shared: Shared): AdminStore {
  const { connection } = shared;
  const isLastOwner = connection.prepare(
    `SELECT 1 FROM admins WHERE id = ?1 AND ${ENABLED_OWNER}
     AND NOT EXISTS (SELECT 1 FROM admins WHERE id <> ?1 AND ${ENABLED_OWNER})`,
  );
  const count = connection.prepare<{ count: number }>('SELECT count(*) AS count FROM admins');
  function keepAnOwner(adminId: string): void {
    if (isLastOwner.get(adminId) !== undefined) throw new DomainError('last_owner');
  }
  const store = recordStore<Admin, Record<string, never>>(shared, {
    kind: 'admin',
    changeKind: 'admin',
    table: 'admins',
    id: (admin) => admin.adminId,
    columns: {
      user_name: (admin) => fold(admin.userName),
      role: (admin) => admin.role,
      status: (admin) => admin.status,
      created_at: (admin) => admin.createdAt.getTime(),
    },
    unique: (admin) => ({
      id: ['adminId', admin.adminId],
      user_name: ['userName', admin.userName],
    }),
    searched: (admin) => [admin.userName, admin.displayName, admin.email],
    sorts: { userName: 'user_name', createdAt: 'created_at' },
    beforeUpdate({ adminId, role, status }) {
      if (role !== 'owner' || status !== 'enabled') keepAnOwner(adminId);
    },
    beforeRemove: keepAnOwner,
    afterRemove: belongingsRemover(shared),
  });
  const findByFoldedName = store.findBy('user_name');
  return {
    ...store,
    count: () => reading(() => count.get()?.count ?? 0),
    findByName: (userName) => findByFoldedName(fold(userName)),
  };
}

/** Removes what an admin leaves: personal access tokens, sessions, the guard. */
function belongingsRemover({ connection, changes }: Shared): (adminId: string) => void {
  const removeTokens = connection.prepare<{ id: string }>(
    'DELETE FROM personal_access_tokens WHERE admin_id = ? RETURNING id',
  );
  const removeTokenDocument = connection.prepare(
    `DELETE FROM documents WHERE kind = 'access token' AND id = ?`,
  );
  const others = ['admin_sessions', 'admin_guards'].map((table) =>
    connection.prepare(`DELETE FROM ${table} WHERE admin_id = ?`),
  );
  return (adminId) => {
    for (const { id } of removeTokens.all(adminId)) {
      removeTokenDocument.run(id);
      changes.enter('access_token', id);
    }
    for (const statement of others) statement.run(adminId);
  };
}
