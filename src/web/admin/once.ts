/**
 * Forms that make something are sent once. Such a form carries an id of its own (component `once`);
 * whoever sends it again within the hour, by a second press or a reload, on whichever node, is led to
 * what it made. Kept is where that is, never a secret that the first answer showed.
 */
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { plusSeconds } from '../../domain/clock.ts';
import { isDomainError } from '../../domain/errors.ts';
import type { ConsoleCall } from './route.ts';

/** The locals of the view: path of what the form made; null while nobody knows whether it did. */
export interface SentAlreadyLocals {
  path: string | null;
}

const MODEL = 'SentForm';
/** How long a form is known as sent. */
const KEPT_SECONDS = 3600;
/** How long a second press waits for what becomes of the first, and how often it looks. */
const PATIENCE_MS = 3000;
const LOOK_MS = 50;

/** What is kept of a form that made something. */
interface Outcome {
  path: string;
  /** Whether the first answer was a page, which may have shown a secret. */
  wasShown: boolean;
}

/** Runs the handler of a form unless the form was sent before; forms without an id run always. */
export async function once(call: ConsoleCall, handle: () => Promise<void>): Promise<void> {
  const formId = call.form.get('formId') ?? '';
  if (formId === '') return handle();
  const { services } = call;
  const digest = digestOf(call, formId);
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    const now = services.clock.now();
    const expiresAt = plusSeconds(now, KEPT_SECONDS);
    const claim = { model: MODEL, digest, payload: {}, expiresAt };
    if (await services.stores.artifacts.insert(claim, now)) return first(call, digest, handle);
    const outcome = await services.stores.artifacts.find(MODEL, digest, now);
    if (outcome !== null && 'path' in outcome) return again(call, outcome as unknown as Outcome);
    if (waitedMs >= PATIENCE_MS) return sentAlready(call, null);
    await setTimeout(LOOK_MS);
  }
}

/** Only for this session and this path, so that nobody can take the id of another's form. */
function digestOf({ ctx, session }: ConsoleCall, formId: string): string {
  const parts = JSON.stringify([session.sessionId, ctx.path, formId]);
  return createHash('sha256').update(parts).digest('base64url');
}

async function first(
  call: ConsoleCall,
  digest: string,
  handle: () => Promise<void>,
): Promise<void> {
  const { artifacts } = call.services.stores;
  try {
    await handle();
  } catch (error) {
    // Of other errors nobody knows whether something was made before: the form stays sent.
    const madeNothing = isDomainError(error) && error.code !== 'store_unavailable';
    if (madeNothing) await artifacts.remove(MODEL, digest);
    throw error;
  }
  const outcome = outcomeOf(call);
  if (outcome === null) return artifacts.remove(MODEL, digest);
  const expiresAt = plusSeconds(call.services.clock.now(), KEPT_SECONDS);
  const payload = { ...outcome };
  try {
    await artifacts.upsert({ model: MODEL, digest, payload, expiresAt });
  } catch (error) {
    // The answer may hold the only copy of a secret: it goes out whatever is kept of it.
    call.ctx.app.emit('error', error, call.ctx);
  }
}

/** Where the answer leads; null where the form is shown again. */
function outcomeOf({ ctx, made }: ConsoleCall): Outcome | null {
  if (made !== null) return { path: made, wasShown: true };
  if (ctx.status !== 303) return null;
  return { path: ctx.response.get('Location'), wasShown: false };
}

async function again(call: ConsoleCall, { path, wasShown }: Outcome): Promise<void> {
  if (wasShown) return sentAlready(call, path);
  call.redirect(path, call.t('common.sent_already.once'));
}

function sentAlready(call: ConsoleCall, path: string | null): Promise<void> {
  const title = call.t('common.sent_already');
  return call.show('admin/sent-already', { path }, { title, status: 409 });
}
