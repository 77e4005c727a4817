/**
 * What a form changes of a client: not all that it holds, only what differs from what its reader saw.
 * So two admins who change different fields of one section do not undo each other's change.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Client, type ClientSettings, clientSettings } from '../../domain/clients/client.ts';
import { type ClientPatch, mergeSettings } from '../../domain/clients/client-input.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { SECTIONS, type SectionName } from '../forms/client-form.ts';

/** A section of a client that is edited. */
export interface EditTarget {
  client: Client;
  section: SectionName;
}

/** A change of some settings. */
export interface FormChange {
  /** The settings of the section as they were read; as they are stored where the form does not tell. */
  base: Partial<ClientSettings>;
  /** Whether the form tells what was read. */
  isKnown: boolean;
  /** The settings that were changed, each whole. */
  mine: Partial<ClientSettings>;
}

/** Settings of a section; the keys only for those who may set them. */
export function fieldsOf(section: SectionName, offersKeys: boolean): (keyof ClientSettings)[] {
  return SECTIONS[section]
    .map(({ field }) => field)
    .filter((field) => field !== 'clientId')
    .filter((field) => field !== 'jwks' || offersKeys);
}

/** What the section holds, for the hidden field `read` of its form. */
export function asRead(call: Pick<ConsoleCall, 'offers'>, { client, section }: EditTarget): string {
  return JSON.stringify(pick(client, fieldsOf(section, call.offers('security'))));
}

/**
 * What a form changes.
 *
 * @param patch what was read of it; blank fields are not in it
 * @throws DomainError `validation_failed`
 */
export function formChange(
  call: Pick<ConsoleCall, 'services' | 'form' | 'offers'>,
  target: EditTarget,
  patch: ClientPatch,
): FormChange {
  const { services, offers } = call;
  const { client, section } = target;
  const fields = fieldsOf(section, offers('security'));
  const read = settingsAsRead(call, target);
  const before = { ...client, ...read };
  const merged = mergeSettings(before, patch, services.timeZone);
  const changed = fields.filter((field) => !isSame(field, merged[field], before[field]));
  return { base: pick(before, fields), isKnown: read !== null, mine: pick(merged, changed) };
}

/** Lists that a form shows in an order of its own, which means nothing. */
const UNORDERED: ReadonlySet<string> = new Set([
  'apiGroups',
  'apiScopes',
  'servedApiGroups',
  'grantTypes',
  'userAllowlist',
]);

/** Whether two values of a setting mean the same. */
export function isSame(field: keyof ClientSettings, a: unknown, b: unknown): boolean {
  if (!UNORDERED.has(field)) return isDeepStrictEqual(a, b);
  return isDeepStrictEqual(new Set(a as string[]), new Set(b as string[]));
}

/**
 * The settings that a form was made from; null where it does not tell. They come from the browser: to
 * be compared with, never to be stored.
 */
export function settingsAsRead(
  { form, offers }: Pick<ConsoleCall, 'form' | 'offers'>,
  { section }: Pick<EditTarget, 'section'>,
): Partial<ClientSettings> | null {
  const fields = fieldsOf(section, offers('security')).map((field) => [field, true]);
  const mask = Object.fromEntries(fields) as { [K in keyof ClientSettings]: true };
  try {
    const text: unknown = JSON.parse(form.get('read') ?? '');
    const read = clientSettings.pick(mask).partial().safeParse(text);
    return read.success ? (read.data as Partial<ClientSettings>) : null;
  } catch {
    return null;
  }
}

function pick(
  settings: ClientSettings,
  fields: readonly (keyof ClientSettings)[],
): Partial<ClientSettings> {
  return Object.fromEntries(fields.map((field) => [field, settings[field]]));
}
