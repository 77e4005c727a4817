/**
 * What a client may do now, in plain words, made from what decides: the table of checks says whether
 * it may call at all, the catalog what, the charges how much is left.
 */
import type { Client } from '../../domain/clients/client.ts';
import { windowOf } from '../../domain/decision/charges.ts';
import type { TraceEntry } from '../../domain/decision/explain.ts';
import type { ReasonCode } from '../../domain/decision/reasons.ts';
import { REASONS } from '../../domain/decision/reasons.ts';
import { simulate } from '../../domain/decision/simulate.ts';
import type { Services } from '../../domain/services.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { instantText, usesInWords, type Words, windowLines } from './client-values.ts';

/** What the policy is made with. */
export type PolicyCall = Pick<ConsoleCall, 'services' | 't' | 'formats'>;

/** What is used of a quota; null where the client has none. */
export interface QuotaState {
  used: number;
  limit: number;
  /** When the period ends; null = never. */
  resetsAt: Date | null;
}

/** Three to six sentences; the first says so where the client may not call now. */
export async function effectivePolicy(call: PolicyCall, client: Client): Promise<string[]> {
  const { services, formats } = call;
  await services.directory.sync();
  const [refusal, quota, what] = await Promise.all([
    refusalNow(services, client, formats.now),
    quotaState(services, client, formats.now),
    whatInWords(call, client),
  ]);
  const sentences = [
    refusal === null ? null : refusalInWords(call, client, refusal),
    what,
    whenAndWhere(call, client),
    howMuch(call, client, quota),
    datesInWords(call, client),
    tokensInWords(call, client),
  ];
  return sentences.filter((sentence) => sentence !== null);
}

/** The check that refuses every call of the client at an instant, also from its own addresses; null = none. */
export async function refusalNow(
  services: Services,
  client: Client,
  at: Date,
): Promise<TraceEntry | null> {
  const { clientId, ipBindings } = client;
  const [address = null] = ipBindings[0]?.address.split('/', 1) ?? [];
  const subject = { clientId };
  const supposed = { subject, place: 'call', address, at, call: null, weight: 1 } as const;
  const { reason, trace } = await simulate(services, supposed);
  return reason === null ? null : (trace.find((entry) => entry.reason === reason) ?? null);
}

/** The quota as it stands. */
export async function quotaState(
  { meters, stores }: Pick<Services, 'meters' | 'stores'>,
  client: Client,
  now: Date,
): Promise<QuotaState | null> {
  const facts = { client, now } as Parameters<typeof windowOf>[0];
  const window = windowOf(facts, meters);
  if (window === null) return null;
  const used = await stores.charges.quotaUsed(client.clientId, window.window);
  return { used, limit: client.apiQuota.calls, resetsAt: window.endsAt };
}

/** What is used of a quota in a sentence, such as `1,200 of 5,000 calls used today`. */
export function quotaUsedInWords(
  { t, formats }: Words,
  { apiQuota }: Client,
  { used, limit }: QuotaState,
): string {
  const values = { used: formats.number(used), limit: formats.number(limit) };
  return t(`client.quota.used.${apiQuota.period}`, values);
}

/** When a quota starts anew, such as `resets in 5 hours (…)`. */
function resetInWords(words: Words, { resetsAt }: QuotaState): string {
  if (resetsAt === null) return words.t('client.quota.never_resets');
  const { absolute, relative } = words.formats.instant(resetsAt);
  return words.t('client.quota.resets', { relative, absolute });
}

function refusalInWords(call: PolicyCall, client: Client, refusal: TraceEntry): string {
  const { t, formats } = call;
  const reason = refusal.reason as ReasonCode;
  const { lockedAt, failedLogins } = client.lock;
  const at = { client_locked: lockedAt, client_expired: client.expiresAt }[reason as string];
  const when = at ?? refusal.passesAt;
  const key = `client.policy.refused.${reason}`;
  const cause = t.has(key)
    ? t(key, {
        count: failedLogins,
        passes: when === null ? 'no' : 'yes',
        relative: when === null ? '' : formats.instant(when).relative,
        absolute: when === null ? '' : formats.instant(when).absolute,
      })
    : REASONS[reason].title;
  return t('client.policy.refused', { cause });
}

async function whatInWords({ services, t }: PolicyCall, client: Client): Promise<string> {
  const { groups, scopes, ...catalog } = await partsOf(services, client);
  const sentence = t('client.policy.groups', {
    groups: groups.length,
    apis: apisOf(groups).size,
    scopes: scopes.length,
    scopeApis: apisOf(scopes).size,
    idle: catalog.idle,
  });
  if (client.kind !== 'resource_server') return sentence;
  const serves = t('client.policy.serves', { count: client.servedApiGroups.length });
  return groups.length === 0 ? serves : `${serves} ${sentence}`;
}

/** The groups and scopes that count now, and how many are held that do not. */
async function partsOf({ directory }: Services, client: Client) {
  const catalog = await directory.catalog();
  const usable = [...catalog.usableBy(client)];
  const held = client.apiGroups.length + client.apiScopes.length;
  return {
    groups: usable.map((name) => catalog.groups.get(name)).filter((group) => group !== undefined),
    scopes: usable.map((name) => catalog.scopes.get(name)).filter((scope) => scope !== undefined),
    idle: held - usable.length,
  };
}

function apisOf(holders: readonly { apis: string[] }[]): Set<string> {
  return new Set(holders.flatMap(({ apis }) => apis));
}

function whenAndWhere({ t }: PolicyCall, { serviceHours, ipBindings }: Client): string {
  const hours =
    serviceHours === null
      ? t('client.policy.any_time')
      : `${windowLines(t, serviceHours).join(', ')} ${serviceHours.timeZone}`;
  return t('client.policy.when_where', { hours, addresses: ipBindings.length });
}

function howMuch(call: PolicyCall, client: Client, quota: QuotaState | null): string {
  const { t, formats } = call;
  const { tps } = client;
  const rate = t('client.policy.rate', { tps, number: formats.number(tps) });
  if (quota === null) return t('client.policy.no_quota', { rate });
  const used = quotaUsedInWords(call, client, quota);
  return t('client.policy.quota', { rate, used, resets: resetInWords(call, quota) });
}

function datesInWords(call: PolicyCall, { startsAt, expiresAt }: Client): string | null {
  const { t, formats } = call;
  const isToCome = startsAt !== null && startsAt > formats.now;
  const from = isToCome ? instantText(call, startsAt) : '';
  const until = expiresAt === null ? '' : instantText(call, expiresAt);
  if (from === '' && until === '') return null;
  const which = from === '' ? 'until' : until === '' ? 'from' : 'both';
  return t('client.policy.dates', { which, from, until });
}

function tokensInWords(call: PolicyCall, client: Client): string {
  const { t, formats } = call;
  const { accessToken, userAllowlist } = client;
  // What the token endpoint does not know gives no token, whatever is ticked.
  const grantTypes = client.grantTypes.filter((type) => type !== 'authorization_code');
  if (grantTypes.length === 0) return t('client.policy.no_tokens');
  return t('client.policy.tokens', {
    grants: grantTypes.map((type) => t(`client.grant.${type}`)).join(', '),
    lifetime: formats.duration(accessToken.lifetimeSeconds),
    uses: usesInWords(call, accessToken.maxUses),
    users: userAllowlist.length,
  });
}
