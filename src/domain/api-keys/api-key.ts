/** An X-Api-Key of a client: what is stored about it; its value is shown once and never stored. */
import { z } from 'zod';
import { type Client, scopeName } from '../clients/client.ts';
import type { FieldProblem } from '../errors.ts';
import type { RecordStore, Versioned } from '../records.ts';
import { instant, line, unique } from '../validation.ts';

/** The longest grace period of a rotated value: 30 days. */
export const MAX_GRACE_SECONDS = 30 * 24 * 3600;

/** Every field of a key that an admin can set. A client that loses groups may leave a key without any. */
export const apiKeySettings = z.strictObject({
  alias: line(1, 100).describe('Name of the key, unique within its client without regard to case'),
  startsAt: instant.nullable().describe('Not effective before; null = at once'),
  expiresAt: instant.describe('Not valid from this instant on'),
  apiGroups: unique(scopeName, 10_000).describe(
    'Authority groups: some of the API groups of the client',
  ),
  status: z.enum(['enabled', 'disabled']),
});

export type ApiKeySettings = z.output<typeof apiKeySettings>;

/** What a field holds when nobody names it. Fields missing here are required. */
export const API_KEY_DEFAULTS = {
  startsAt: null,
  status: 'enabled',
} as const satisfies Partial<ApiKeySettings>;

/** One value of a key, as a keyed digest. */
export interface ApiKeyValue {
  digest: string;
  /** The last four characters of the value. */
  lastFour: string;
}

/** A stored key. */
export interface ApiKey extends ApiKeySettings, Versioned {
  apiKeyId: string;
  clientId: string;
  current: ApiKeyValue;
  /** The value before the last rotation and when it stops working; null when it stopped at once. */
  previous: (ApiKeyValue & { expiresAt: Date }) | null;
}

/** The status of a key at an instant. */
export type ApiKeyStatus = 'enabled' | 'disabled' | 'not_yet_effective' | 'expired';

/** The first that applies is a key's status: disabled, not yet effective, expired, enabled. */
export function apiKeyStatus(apiKey: ApiKey, now: Date): ApiKeyStatus {
  if (apiKey.status === 'disabled') return 'disabled';
  if (apiKey.startsAt !== null && now < apiKey.startsAt) return 'not_yet_effective';
  return now < apiKey.expiresAt ? 'enabled' : 'expired';
}

/** When the value before the last rotation stops working, at the latest with its key; null without one. */
export function previousExpiry({ previous, expiresAt }: ApiKey): Date | null {
  if (previous === null) return null;
  return previous.expiresAt < expiresAt ? previous.expiresAt : expiresAt;
}

/**
 * A key as audit events and mails name it: with its client in the id, so that a search for the client
 * finds them.
 */
export function auditedObject({ clientId, apiKeyId }: ApiKey): { kind: string; id: string } {
  return { kind: 'api_key', id: `${clientId}/${apiKeyId}` };
}

/** One problem for each group of a key that its client does not hold. */
export function groupProblems(
  { apiGroups }: Pick<ApiKey, 'apiGroups'>,
  client: Pick<Client, 'clientId' | 'apiGroups'>,
): FieldProblem[] {
  const held = new Set(client.apiGroups);
  return apiGroups.flatMap((name, i) =>
    held.has(name)
      ? []
      : [
          {
            field: `apiGroups.${i}`,
            code: 'not_held',
            message: `client "${client.clientId}" does not hold "${name}"; grant it the group first`,
          },
        ],
  );
}

/** The groups of a key that its client still holds. */
export function keptGroups(
  { apiGroups }: Pick<ApiKey, 'apiGroups'>,
  client: Pick<Client, 'apiGroups'>,
): string[] {
  const held = new Set(client.apiGroups);
  return apiGroups.filter((name) => held.has(name));
}

/** Which keys are wanted. */
export interface ApiKeyFilter {
  clientId?: string;
  /** Has this API group. */
  apiGroup?: string;
  /** Expires after the one instant, and before the other. */
  expiring?: { after: Date; before: Date };
}

/**
 * Storage of keys. Changes enter the change feed as `{ kind: 'api_key', id: apiKeyId }`. The alias is
 * unique within a client without regard to case; `list` searches it, the id and the last four
 * characters of the value, and sorts by `createdAt`,
 * `alias` or `expiresAt`. A key of a client that was deleted is refused (`not_found`), one with
 * groups that its client does not hold too (`validation_failed`). A client's removal removes its keys
 * in the same step; a change of the client that takes API groups from it takes them from its keys in
 * the same step, and removes no key.
 */
export interface ApiKeyStore extends RecordStore<ApiKey, ApiKeyFilter> {
  /** The key whose current or previous value has this digest, or null. */
  findByDigest(digest: string): Promise<ApiKey | null>;
  /** How many keys each of these clients has, whatever their status; those with none are not in it. */
  countOf(clientIds: readonly string[]): Promise<Map<string, number>>;
}
