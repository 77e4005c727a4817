/** What an act on several clients would change: worked out, shown, and agreed to before it is done. */
import type { Client } from '../../domain/clients/client.ts';
import type { ClientPatch } from '../../domain/clients/client-input.ts';
import { type FieldProblem, invalidField } from '../../domain/errors.ts';
import { instantOf, wallClockAt } from '../../domain/zoned-time.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { instantFrom } from '../forms/local-times.ts';

/** Acts on several clients. */
export const BULK_ACTS = ['enable', 'disable', 'extend', 'export'] as const;
export type BulkAct = (typeof BULK_ACTS)[number];
/** Those that change something. */
export type ChangingAct = Exclude<BulkAct, 'export'>;

/** Clients that one act takes at most. */
export const BULK_MOST = 1000;

/** The clients that an act is about. */
export interface Picked {
  clients: Client[];
  /** Ids of ticked clients that are no more. */
  gone: string[];
  /** How many match, where those are more than one act takes; else null. */
  matching: number | null;
}

/** Why a client stays as it is. */
export type SkipReason = 'same' | 'endless' | 'later' | 'not_started';

/** The clients that an act changes, each with its patch, and those that it leaves alone. */
export interface Plan {
  changes: { client: Client; patch: Pick<ClientPatch, 'status' | 'expiresAt'> }[];
  skipped: { reason: SkipReason; clients: Client[] }[];
}

/** When a client would expire. */
export type NewExpiry = (client: Client, expiresAt: Date) => Date;

/** Works out an act. `newExpiry` is asked for `extend` only, of clients that expire. */
export function planOf(act: ChangingAct, clients: readonly Client[], newExpiry: NewExpiry): Plan {
  const plan: Plan = { changes: [], skipped: [] };
  for (const client of clients) {
    const found = act === 'extend' ? extended(client, newExpiry) : switched(client, act);
    if (typeof found === 'object') plan.changes.push({ client, patch: found });
    else {
      const others = plan.skipped.find(({ reason }) => reason === found);
      if (others === undefined) plan.skipped.push({ reason: found, clients: [client] });
      else others.clients.push(client);
    }
  }
  return plan;
}

function switched(
  client: Client,
  act: 'enable' | 'disable',
): { status: Client['status'] } | 'same' {
  const status = act === 'enable' ? 'enabled' : 'disabled';
  return client.status === status ? 'same' : { status };
}

function extended(client: Client, newExpiry: NewExpiry): { expiresAt: Date } | SkipReason {
  const { expiresAt: present, startsAt } = client;
  if (present === null) return 'endless';
  const expiresAt = newExpiry(client, present);
  // An extension never shortens.
  if (expiresAt <= present) return 'later';
  return startsAt !== null && expiresAt <= startsAt ? 'not_started' : { expiresAt };
}

const DAY_MS = 86_400_000;
const MOST_DAYS = 3650;

/** How an expiry can be moved. */
export const EXTEND_MODES = ['to', 'days'] as const;

/** The extension that a form asks for, or what is wrong with it. */
export function readExtension({ form, formats, t }: ConsoleCall): {
  newExpiry: NewExpiry;
  problems: FieldProblem[];
} {
  const timeZone = form.get('timeZone')?.trim() || formats.timeZone;
  const problems: FieldProblem[] = [];
  const refuse = (field: string, code: string) =>
    problems.push({ field, code, message: t(`clients.extend.problem.${code}`) });
  if (!isZone(timeZone)) {
    refuse('timeZone', 'zone');
    return { newExpiry: (_, at) => at, problems };
  }
  if (form.get('mode') === 'days') {
    const days = Number(form.get('days')?.trim() || Number.NaN);
    if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS) refuse('days', 'days');
    return { newExpiry: (_, at) => daysLater(at, { days, timeZone, now: formats.now }), problems };
  }
  const to = instantFrom(form.get('to')?.trim() ?? '', timeZone);
  if (typeof to === 'string') refuse('to', to);
  else if (to <= formats.now) refuse('to', 'past');
  return { newExpiry: (_, at) => (typeof to === 'string' ? at : to), problems };
}

/** Days of the calendar after an expiry, or after now where that has passed, at the same time of day. */
function daysLater(at: Date, plus: { days: number; timeZone: string; now: Date }): Date {
  const { days, timeZone, now } = plus;
  const from = Math.max(at.getTime(), now.getTime());
  return new Date(instantOf(timeZone, wallClockAt(timeZone, from) + days * DAY_MS));
}

function isZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }) !== null;
  } catch {
    return false;
  }
}

/** A change that was agreed to: of this version of the client, and of no other. */
export interface AgreedChange {
  clientId: string;
  version: number;
  patch: Plan['changes'][number]['patch'];
}

/** A plan as a form carries it: `id:version`, for an extension `id:version:milliseconds`. */
export function carried({ changes }: Plan): string {
  const words = changes.map(({ client: { clientId, version }, patch }) => {
    const { expiresAt } = patch;
    return [clientId, version, ...(expiresAt ? [expiresAt.getTime()] : [])].join(':');
  });
  return words.join(' ');
}

/** What a form carries. Throws `validation_failed` where no form of ours has it, or it is too long. */
export function agreedChanges(act: ChangingAct, text: string): AgreedChange[] {
  const words = text.split(' ').filter((word) => word !== '');
  const changes = words.map((word) => agreedChange(act, word));
  if (changes.length <= BULK_MOST) return changes;
  throw invalidField('changes', 'too_many', `may name at most ${BULK_MOST} clients`);
}

function agreedChange(act: ChangingAct, word: string): AgreedChange {
  const [, clientId = '', version, expiry] =
    /^([\w-]+):(\d{1,15})(?::(\d{1,15}))?$/.exec(word) ?? [];
  if (clientId === '' || (act === 'extend') !== (expiry !== undefined)) {
    throw invalidField('changes', 'malformed', 'is not of this page: tick the clients again');
  }
  const patch =
    act === 'extend'
      ? { expiresAt: new Date(Number(expiry)) }
      : { status: act === 'enable' ? ('enabled' as const) : ('disabled' as const) };
  return { clientId, version: Number(version), patch };
}
