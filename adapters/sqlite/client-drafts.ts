/** Drafts of clients. */
import type { ClientDraft, ClientDraftStore } from '../../src/domain/clients/client-drafts.ts';
import type { Connection } from './connection.ts';
import { reading } from './errors.ts';

interface DraftRow {
  draft_id: string;
  admin_id: string;
  steps: string;
  expires_at: number;
}

/** The drafts of a connection. */
export function clientDraftStore({ prepare, write }: Connection): ClientDraftStore {
  const insert = prepare(
    'INSERT INTO client_drafts (draft_id, admin_id, steps, expires_at) VALUES (?, ?, ?, ?)',
  );
  const find = prepare<DraftRow>(
    `SELECT draft_id, admin_id, steps, expires_at FROM client_drafts
     WHERE draft_id = ? AND admin_id = ? AND expires_at > ?`,
  );
  const saveStep = prepare(
    `UPDATE client_drafts SET steps = json_set(steps, '$.' || ?, json(?)), expires_at = ?
     WHERE draft_id = ? AND admin_id = ? AND expires_at > ?`,
  );
  const remove = prepare('DELETE FROM client_drafts WHERE draft_id = ? AND admin_id = ?');
  return {
    insert: ({ draftId, adminId, steps, expiresAt }) =>
      write(() => void insert.run(draftId, adminId, JSON.stringify(steps), expiresAt.getTime())),
    find: (draftId, adminId, now) =>
      reading(() => draftOf(find.get(draftId, adminId, now.getTime()))),
    saveStep: (draftId, adminId, { step, fields, expiresAt }, now) =>
      write(() => {
        const set = [step, JSON.stringify(fields), expiresAt.getTime()] as const;
        return saveStep.run(...set, draftId, adminId, now.getTime()).changes === 1;
      }),
    remove: (draftId, adminId) => write(() => void remove.run(draftId, adminId)),
  };
}

function draftOf(row: DraftRow | undefined): ClientDraft | null {
  if (row === undefined) return null;
  return {
    draftId: row.draft_id,
    adminId: row.admin_id,
    steps: JSON.parse(row.steps) as ClientDraft['steps'],
    expiresAt: new Date(row.expires_at),
  };
}
