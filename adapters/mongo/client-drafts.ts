/** Drafts of clients. The texts of a step are one JSON text, so that saving one leaves the others. */
import {
  type ClientDraft,
  type ClientDraftStore,
  DRAFT_STEPS,
  type DraftFields,
  type DraftStep,
} from '../../src/domain/clients/client-drafts.ts';
import { type Database, text } from './connection.ts';
import { collection, part } from './schema.ts';

interface DraftDocument {
  _id: string;
  adminId: string;
  steps: Partial<Record<DraftStep, string>>;
  expiresAt: Date;
}

export const clientDraftSchema = collection({
  adminId: String,
  steps: part(Object.fromEntries(DRAFT_STEPS.map((step) => [step, String]))),
  expiresAt: Date,
});
clientDraftSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

/** Drafts of a database. */
export function clientDraftStore(database: Database): ClientDraftStore {
  const drafts = database.native<DraftDocument>('clientDrafts');
  const own = (draftId: string, adminId: string) => ({
    _id: text(draftId),
    adminId: text(adminId),
  });
  return {
    async insert({ draftId, adminId, steps, expiresAt }) {
      const encoded = Object.entries(steps).map(([step, fields]) => [step, JSON.stringify(fields)]);
      await drafts.insertOne({
        ...own(draftId, adminId),
        steps: Object.fromEntries(encoded) as DraftDocument['steps'],
        expiresAt,
      });
    },
    async find(draftId, adminId, now) {
      const found = await drafts.findOne({ ...own(draftId, adminId), expiresAt: { $gt: now } });
      return found && draftOf(found);
    },
    async saveStep(draftId, adminId, { step, fields, expiresAt }, now) {
      const { matchedCount } = await drafts.updateOne(
        { ...own(draftId, adminId), expiresAt: { $gt: now } },
        { $set: { [`steps.${text(step)}`]: JSON.stringify(fields), expiresAt } },
      );
      return matchedCount === 1;
    },
    async remove(draftId, adminId) {
      await drafts.deleteOne(own(draftId, adminId));
    },
  };
}

function draftOf({ _id, adminId, steps, expiresAt }: DraftDocument): ClientDraft {
  const decoded = Object.entries(steps).map(([step, fields]) => [
    step,
    JSON.parse(fields) as DraftFields,
  ]);
  return {
    draftId: _id,
    adminId,
    steps: Object.fromEntries(decoded) as ClientDraft['steps'],
    expiresAt,
  };
}
