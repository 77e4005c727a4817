/** A key in words and chips, and what stands on the page that shows its value. */

import { type ApiKey, apiKeyStatus, previousExpiry } from '../../domain/api-keys/api-key.ts';
import type { Api } from '../../domain/apis/api.ts';
import type { Client } from '../../domain/clients/client.ts';
import { plusSeconds } from '../../domain/clock.ts';
import type { ConsoleCall } from '../admin/route.ts';
import type { StatusChip } from '../clients/client-status.ts';
import type { IssuedLocals } from './issued.ts';
import { shellWord } from './issued.ts';

/** An end that is nearer than this is warned of: 14 days. */
export const WARNED_SECONDS = 14 * 86_400;

/** A value that is not shown: its prefix and its last four characters. */
export function masked({ current }: Pick<ApiKey, 'current'>): string {
  return `tgk_…${current.lastFour}`;
}

const TONES = {
  enabled: 'good',
  disabled: 'neutral',
  not_yet_effective: 'info',
  expired: 'danger',
} as const;

/** The state of a key, now. */
export function keyState({ t, formats }: ConsoleCall, key: ApiKey): StatusChip {
  const status = apiKeyStatus(key, formats.now);
  if (status === 'enabled' && key.apiGroups.length === 0) {
    return { tone: 'warning', word: t('security.key.no_groups') };
  }
  return { tone: TONES[status], word: t(`security.key.state.${status}`) };
}

/** How near the end of something is: a chip once it is near or past, else null. */
export function expiryChip({ t, formats }: ConsoleCall, expiresAt: Date): StatusChip | null {
  const { now } = formats;
  const { relative } = formats.instant(expiresAt);
  if (expiresAt <= now) {
    return { tone: 'danger', word: t('security.expiry.expired'), cause: relative };
  }
  if (expiresAt > plusSeconds(now, WARNED_SECONDS)) return null;
  return { tone: 'warning', word: t('security.expiry.soon'), cause: relative };
}

/** Until when the value before the last rotation works; null once it does not. */
export function previousText({ t, formats }: ConsoleCall, key: ApiKey): string | null {
  const until = previousExpiry(key);
  if (until === null || until <= formats.now) return null;
  const { relative, absolute } = formats.instant(until);
  const values = { lastFour: key.previous?.lastFour ?? '', relative, absolute };
  return t('security.key.previous', values);
}

/** Whether the client was told of its key. */
export function toldText(
  { t }: ConsoleCall,
  { emails }: Client,
): NonNullable<IssuedLocals['told']> {
  if (emails.length === 0) return { tone: 'warning', text: t('security.key.nobody_told') };
  return { tone: 'good', text: t('security.key.mailed', { count: emails.length }) };
}

/** What a key is for, beside its value. */
export function keyFacts({ t, formats }: ConsoleCall, key: ApiKey): IssuedLocals['facts'] {
  const instant = (at: Date) => {
    const { absolute, relative } = formats.instant(at);
    return `${absolute} (${relative})`;
  };
  return [
    { label: t('security.key.alias'), value: key.alias },
    { label: t('security.key.groups'), values: key.apiGroups },
    {
      label: t('security.key.startsAt'),
      value: key.startsAt === null ? t('security.key.at_once') : instant(key.startsAt),
    },
    { label: t('security.key.expiresAt'), value: instant(key.expiresAt) },
  ];
}

/** An address of the documentation range, for a client that may call from anywhere. */
const SOME_ADDRESS = '192.0.2.10';

/** Commands to try a key with: a call of its first API, and the question that a gateway asks. */
export async function keyCommands(
  { services, t }: ConsoleCall,
  { ipBindings }: Client,
  { apiGroups, value }: { apiGroups: readonly string[]; value: string },
): Promise<IssuedLocals['code']> {
  const api = await firstApi(services.stores, apiGroups);
  const method = api === null || api.method === '*' ? 'GET' : api.method;
  const path = (api?.path ?? '/').replaceAll(/:[A-Za-z][A-Za-z0-9_]*/g, '1').replace(/\*$/, '');
  const [clientIp = SOME_ADDRESS] = (ipBindings[0]?.address ?? SOME_ADDRESS).split('/');
  const question = JSON.stringify({ apiKey: value, clientIp, method, path, consume: false });
  const verb = method === 'GET' ? '' : `-X ${method} `;
  return [
    {
      label: t('security.key.curl.call'),
      value: `curl ${verb}-H ${shellWord(`X-Api-Key: ${value}`)} "$API_URL"${shellWord(path)}`,
    },
    {
      label: t('security.key.curl.decide'),
      value: [
        'curl -u "$RESOURCE_SERVER_ID:$RESOURCE_SERVER_SECRET"',
        "-H 'Content-Type: application/json'",
        `-d ${shellWord(question)}`,
        shellWord(`${services.issuer}/decide`),
      ].join(' \\\n  '),
    },
  ];
}

async function firstApi(
  stores: ConsoleCall['services']['stores'],
  groups: readonly string[],
): Promise<Api | null> {
  for (const name of groups) {
    const [apiId] = (await stores.apiGroups.find(name))?.apis ?? [];
    if (apiId !== undefined) return stores.apis.find(apiId);
  }
  return null;
}
