/**
 * Drafts of clients: what an admin has typed into the steps of a wizard, kept between its pages. A
 * draft belongs to its admin, holds texts as they were typed, never a secret, and goes after a day.
 */
import { plusSeconds } from '../clock.ts';
import { notFound } from '../errors.ts';
import { randomId } from '../secrets/random.ts';
import type { Services } from '../services.ts';

/** Steps whose texts a draft keeps, in their order. */
export const DRAFT_STEPS = ['who', 'when', 'limits', 'access'] as const;
export type DraftStep = (typeof DRAFT_STEPS)[number];

/** How long a draft is kept after it was last saved: 24 hours. */
export const DRAFT_SECONDS = 24 * 3600;

/** Names and values of a form, in its order; a name may come more than once. */
export type DraftFields = [name: string, value: string][];

/** A stored draft. */
export interface ClientDraft {
  draftId: string;
  adminId: string;
  /** The texts of the steps that were saved. */
  steps: Partial<Record<DraftStep, DraftFields>>;
  expiresAt: Date;
}

/** The texts of one step. */
export interface SavedStep {
  step: DraftStep;
  fields: DraftFields;
  /** When the draft now goes. */
  expiresAt: Date;
}

/** Storage of drafts. To any other admin than its own, a draft does not exist. */
export interface ClientDraftStore {
  /** Stores a new draft. */
  insert(draft: ClientDraft): Promise<void>;
  /** The draft while it is kept, or null. */
  find(draftId: string, adminId: string, now: Date): Promise<ClientDraft | null>;
  /**
   * Replaces the texts of one step and leaves the others, also those that another request saves at
   * the same time; false when there is no such draft.
   */
  saveStep(draftId: string, adminId: string, saved: SavedStep, now: Date): Promise<boolean>;
  /** Removes a draft, if there is one. */
  remove(draftId: string, adminId: string): Promise<void>;
}

type DraftServices = Pick<Services, 'clock' | 'stores'>;

/** Fields that a draft never keeps: secrets, and keys, among which somebody may paste a private one. */
const NEVER_KEPT: ReadonlySet<string> = new Set(['csrf', 'password', 'confirmation', 'jwks']);

/** Starts a draft with the texts of some steps. */
export async function beginDraft(
  { clock, stores }: DraftServices,
  adminId: string,
  steps: ClientDraft['steps'],
): Promise<ClientDraft> {
  const kept = Object.entries(steps).map(([step, fields]) => [step, withoutSecrets(fields)]);
  const draft: ClientDraft = {
    draftId: randomId(),
    adminId,
    steps: Object.fromEntries(kept) as ClientDraft['steps'],
    expiresAt: plusSeconds(clock.now(), DRAFT_SECONDS),
  };
  await stores.clientDrafts.insert(draft);
  return draft;
}

/** The draft of an admin. Throws `not_found` when it has expired, was used, or is another's. */
export async function findDraft(
  { clock, stores }: DraftServices,
  adminId: string,
  draftId: string,
): Promise<ClientDraft> {
  const draft = await stores.clientDrafts.find(draftId, adminId, clock.now());
  if (draft === null) throw notFound('draft', draftId);
  return draft;
}

/** Keeps the texts of a step, and the draft for another day. Throws `not_found` as `findDraft` does. */
export async function saveDraftStep(
  { clock, stores }: DraftServices,
  { adminId, draftId }: Pick<ClientDraft, 'adminId' | 'draftId'>,
  step: DraftStep,
  fields: DraftFields,
): Promise<void> {
  const now = clock.now();
  const expiresAt = plusSeconds(now, DRAFT_SECONDS);
  const saved = { step, fields: withoutSecrets(fields), expiresAt };
  if (!(await stores.clientDrafts.saveStep(draftId, adminId, saved, now)))
    throw notFound('draft', draftId);
}

function withoutSecrets(fields: DraftFields): DraftFields {
  return fields.filter(([name]) => !NEVER_KEPT.has(name));
}
