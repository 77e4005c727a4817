/** The contract of ClientDraftStore. */
import { describe, expect, it } from '@jest/globals';
import type { ClientDraft, DraftFields } from '../../src/domain/clients/client-drafts.ts';
import { fresh, fromNow, NOW } from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';

/** A draft of which every step was saved. */
function draftFixture(changes: Partial<ClientDraft> = {}): Required<ClientDraft> {
  return {
    draftId: fresh('draft'),
    adminId: fresh('admin'),
    steps: {
      who: [
        ['clientName', 'orders'],
        ['displayName', '訂單 "quoted" \\ $set'],
      ],
      when: [['serviceHours.windows.0.days', 'mon']],
      limits: [['tps.unlimited', 'on']],
      access: [
        ['apiGroups', 'orders.read'],
        ['apiGroups', 'orders.write'],
      ],
    },
    expiresAt: fromNow(3600),
    ...changes,
  };
}

/** Describes the contract. */
export function describeClientDrafts(open: Open): void {
  describe('drafts of clients', () => {
    const stores = useStores(open);
    const drafts = () => stores().clientDrafts;

    it('round-trips a draft until it expires', async () => {
      const draft = draftFixture();
      const { draftId, adminId } = draft;
      await drafts().insert(draft);
      expect(await drafts().find(draftId, adminId, NOW)).toStrictEqual(draft);
      expect(await drafts().find(draftId, adminId, fromNow(3599.999))).toStrictEqual(draft);
      expect(await drafts().find(draftId, adminId, fromNow(3600))).toBeNull();
    });

    it('replaces one step, leaves the others, and keeps the draft longer', async () => {
      const draft = draftFixture();
      const { draftId, adminId, steps } = draft;
      await drafts().insert(draft);
      const fields: DraftFields = [['tps', '7']];
      const saved = { step: 'limits', fields, expiresAt: fromNow(7200) } as const;
      expect(await drafts().saveStep(draftId, adminId, saved, NOW)).toBe(true);
      expect(await drafts().find(draftId, adminId, fromNow(7199))).toStrictEqual({
        ...draft,
        steps: { ...steps, limits: fields },
        expiresAt: fromNow(7200),
      });
    });

    it('saves a step that the draft did not have', async () => {
      const draft = draftFixture({ steps: {} });
      const { draftId, adminId, expiresAt } = draft;
      await drafts().insert(draft);
      const fields: DraftFields = [['note', 'x']];
      const saves = (['who', 'when', 'limits', 'access'] as const).map((step) =>
        drafts().saveStep(draftId, adminId, { step, fields, expiresAt }, NOW),
      );
      expect(await Promise.all(saves)).toEqual([true, true, true, true]);
      expect((await drafts().find(draftId, adminId, NOW))?.steps).toStrictEqual({
        who: fields,
        when: fields,
        limits: fields,
        access: fields,
      });
    });

    it('does not exist for another admin, and not once it has expired', async () => {
      const draft = draftFixture();
      const { draftId, adminId } = draft;
      await drafts().insert(draft);
      const saved = { step: 'who' as const, fields: [], expiresAt: fromNow(7200) };
      expect(await drafts().find(draftId, 'another', NOW)).toBeNull();
      expect(await drafts().saveStep(draftId, 'another', saved, NOW)).toBe(false);
      expect(await drafts().saveStep(draftId, adminId, saved, fromNow(3600))).toBe(false);
      expect(await drafts().saveStep('nothing', adminId, saved, NOW)).toBe(false);
      await drafts().remove(draftId, 'another');
      expect(await drafts().find(draftId, adminId, NOW)).toStrictEqual(draft);
    });

    it('removes', async () => {
      const { draftId, adminId, ...rest } = draftFixture();
      await drafts().insert({ draftId, adminId, ...rest });
      await drafts().remove(draftId, adminId);
      await drafts().remove(draftId, adminId);
      expect(await drafts().find(draftId, adminId, NOW)).toBeNull();
    });

    it('is gone after a removal of what expired, unless the database removes it in its own time', async () => {
      const [old, kept] = [draftFixture(), draftFixture({ expiresAt: fromNow(86_400) })];
      for (const draft of [old, kept]) await drafts().insert(draft);
      const removed = await stores().removeExpired(fromNow(3600));
      const found = await drafts().find(old.draftId, old.adminId, NOW);
      expect(found).toStrictEqual(removed === 0 ? old : null);
      expect(await drafts().find(kept.draftId, kept.adminId, fromNow(3600))).toStrictEqual(kept);
    });
  });
}
