/** Settings of a client in words: for its details, for what changed, and for what two admins entered. */
import type { Client, ClientSettings } from '../../domain/clients/client.ts';
import { WEEKDAYS, type Weekday } from '../../domain/clients/service-hours.ts';
import type { Services } from '../../domain/services.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { userLines } from '../forms/user-lines.ts';
import type { Translate } from '../messages.ts';

/** What words are made with. */
export type Words = Pick<ConsoleCall, 't' | 'formats'>;

/** What a setting is called, such as `API quota`; a field that no form has is called by its own name. */
export function settingLabel(t: Translate, field: string): string {
  const keys = [`client.setting.${field}`, `client-form.${field}`];
  const key = keys.find((each) => t.has(each));
  return key === undefined ? field : t(key);
}

/** A value on one line; the word for none where there is nothing. */
export function settingText(words: Words, field: string, value: unknown): string {
  return settingLines(words, field, value).join(' · ') || words.t('common.none');
}

/** A value, one line for each of its parts; empty where there is nothing to say. */
export function settingLines(words: Words, field: string, value: unknown): string[] {
  // A client that did not exist, or no more, holds nothing; some settings say something of null.
  if (value === null && !TELLS_OF_NULL.has(field)) return [];
  if (Object.hasOwn(SETTINGS, field)) {
    const name = field as keyof ClientSettings;
    return (SETTINGS[name] as Say<typeof name>)(value as ClientSettings[typeof name], words);
  }
  return anything(value, words);
}

/** Lines of a value that a page shows; it counts the others. */
const SHOWN_MOST = 50;

/** The first of many lines, and how many more there are. */
export function fewLines({ t }: Pick<Words, 't'>, lines: readonly string[]): string[] {
  const more = lines.length - SHOWN_MOST;
  if (more <= 0) return [...lines];
  return [...lines.slice(0, SHOWN_MOST), t('noun.more', { count: more })];
}

/** A value in which users are told by their names. */
export async function readable(
  services: Services,
  field: string,
  value: unknown,
): Promise<unknown> {
  if (field !== 'userAllowlist' || !Array.isArray(value)) return value;
  return (await userLines(services, value)).split('\n').filter((line) => line !== '');
}

/** Weekly windows, such as `Mon–Fri 09:00–18:00`. */
export function windowLines(
  t: Translate,
  { windows }: NonNullable<Client['serviceHours']>,
): string[] {
  return windows.map(({ days, from, to }) => `${daysInWords(t, days)} ${from}–${to}`);
}

/** Calls of a quota, such as `5,000 calls a day`. */
export function quotaInWords({ t, formats }: Words, { calls, period }: Client['apiQuota']): string {
  if (calls === 0) return t('common.unlimited');
  return t(`client.quota.${period}`, { calls: formats.number(calls) });
}

/** What a limit of uses allows, such as `100 uses`. */
export function usesInWords({ t, formats }: Words, maxUses: number): string {
  return maxUses === 0
    ? t('client.uses.unlimited')
    : t('client.uses', { count: maxUses, number: formats.number(maxUses) });
}

/** An instant with its distance, such as `25 Nov 2026, 00:00 Asia/Taipei (in 3 days)`. */
export function instantText({ formats }: Pick<Words, 'formats'>, at: Date): string {
  const { absolute, relative } = formats.instant(at);
  return `${absolute} (${relative})`;
}

type Say<K extends keyof ClientSettings> = (value: ClientSettings[K], words: Words) => string[];

const asIs = (value: string) => (value === '' ? [] : [value]);
const list = (values: readonly string[]) => [...values];

function named(field: string): (value: string, words: Words) => string[] {
  return (value, { t }) => {
    const key = `client-form.${field}.${value}`;
    return [t.has(key) ? t(key) : value];
  };
}

function date(field: 'startsAt' | 'expiresAt'): (at: Date | null, words: Words) => string[] {
  return (at, words) => [at === null ? words.t(`client.${field}.none`) : instantText(words, at)];
}

function tokenSetting({ lifetimeSeconds, maxUses }: Client['accessToken'], words: Words): string[] {
  const { formats, t } = words;
  const seconds = formats.number(lifetimeSeconds);
  const lifetime = t('client.lifetime', { duration: formats.duration(lifetimeSeconds), seconds });
  return [lifetime, usesInWords(words, maxUses)];
}

const SETTINGS: { [K in keyof ClientSettings]: Say<K> } = {
  clientName: asIs,
  applicationNo: asIs,
  displayName: asIs,
  description: asIs,
  ipBindings: (rows, { t }) =>
    rows.length === 0
      ? [t('client.any_address')]
      : rows.map(({ hostName, address }) => (hostName ? `${address} (${hostName})` : address)),
  startsAt: date('startsAt'),
  expiresAt: date('expiresAt'),
  serviceHours: (hours, { t }) =>
    hours === null
      ? [t('client.always')]
      : windowLines(t, hours).map((window) => `${window} ${hours.timeZone}`),
  apiQuota: (quota, words) => [quotaInWords(words, quota)],
  timeZone: (zone, { t }) => [zone ?? t('client.default_zone')],
  tps: (tps, { t, formats }) => [
    tps === 0
      ? t('common.unlimited')
      : t('client.tps', { count: tps, number: formats.number(tps) }),
  ],
  priority: (priority, { t }) => [t('client.priority', { priority })],
  note: asIs,
  status: named('status'),
  audience: named('audience'),
  emails: list,
  remark: asIs,
  environment: named('environment'),
  userAllowlist: (users, { t }) => (users.length === 0 ? [t('client.any_user')] : list(users)),
  securityLevel: asIs,
  apiGroups: list,
  apiScopes: list,
  grantTypes: (types, words) => types.flatMap((type) => named('grantTypes')(type, words)),
  accessToken: tokenSetting,
  refreshToken: tokenSetting,
  redirectUris: list,
  failedLoginLimit: (count, { t }) => [t('client.failed_logins', { count })],
  kind: named('kind'),
  servedApiGroups: (groups, { t }) =>
    groups.length === 0 ? [t('client.all_groups')] : list(groups),
  jwks: (jwks, { t }) => (jwks === null ? [] : [t('client.keys', { count: jwks.keys.length })]),
};

const TELLS_OF_NULL = new Set(['startsAt', 'expiresAt', 'serviceHours', 'timeZone', 'jwks']);

/** A value that is no setting: of the lock, of a secret, of tokens. */
function anything(value: unknown, words: Words): string[] {
  if (value === null || value === undefined || value === '') return [];
  if (value instanceof Date) return [instantText(words, value)];
  if (typeof value === 'number') return [words.formats.number(value)];
  return [typeof value === 'object' ? JSON.stringify(value) : String(value)];
}

/** Days in words: runs of three and more are told by their ends, such as `Mon–Fri`. */
function daysInWords(t: Translate, days: readonly Weekday[]): string {
  if (days.length === WEEKDAYS.length) return t('client.every_day');
  const runs: Weekday[][] = [];
  for (const day of WEEKDAYS.filter((each) => days.includes(each))) {
    const run = runs.at(-1);
    const follows = run?.at(-1) === WEEKDAYS[WEEKDAYS.indexOf(day) - 1];
    if (run !== undefined && follows) run.push(day);
    else runs.push([day]);
  }
  const name = (day: Weekday | undefined) => t(`client-form.day.${day}`);
  return runs
    .flatMap((run) => (run.length > 2 ? [`${name(run[0])}–${name(run.at(-1))}`] : run.map(name)))
    .join(', ');
}
