/** What the API shows of an X-Api-Key; the whole of what leaves stands here. */
import { z } from 'zod';
import {
  type ApiKey,
  apiKeySettings,
  apiKeyStatus,
  previousExpiry,
} from '../domain/api-keys/api-key.ts';
import type { IssuedApiKey } from '../domain/api-keys/manage-api-keys.ts';
import type { Services } from '../domain/services.ts';
import { lastUsed, lastUsedDocument, versioned } from './documents.ts';
import { project } from './route.ts';

const documentShape = {
  apiKeyId: z.string().describe('Names the key; does not work as one'),
  clientId: z.string(),
  ...apiKeySettings.shape,
  lastFour: z.string().describe('Last four characters of the value'),
  previousExpiresAt: z
    .date()
    .nullable()
    .describe('When the value before the last rotation stops working; null = it has'),
  state: z
    .strictObject({ status: z.enum(['enabled', 'disabled', 'not_yet_effective', 'expired']) })
    .describe('The status as it is now'),
  lastUsed: lastUsedDocument,
  ...versioned,
};

/** A key as the API shows it; never its values. */
export const apiKeyDocument = z.strictObject(documentShape).meta({ id: 'ApiKey' });

const storedDocument = apiKeyDocument.omit({ lastUsed: true });

/** A key that was just made or rotated. */
export const issuedApiKey = z
  .strictObject({
    ...documentShape,
    value: z.string().optional().describe('Answered this once; absent from a dry run'),
  })
  .meta({ id: 'IssuedApiKey' });

/** What a stored key tells by itself: all but its last use. */
export function showStored(apiKey: ApiKey, services: Services) {
  const now = services.clock.now();
  const until = previousExpiry(apiKey) ?? now;
  return project(storedDocument, {
    ...apiKey,
    lastFour: apiKey.current.lastFour,
    previousExpiresAt: until > now ? until : null,
    state: { status: apiKeyStatus(apiKey, now) },
  });
}

/** The documents of keys. */
export async function showAll(services: Services, apiKeys: ApiKey[]) {
  const subjectOf = ({ apiKeyId }: ApiKey) => `api_key:${apiKeyId}`;
  const uses = await services.stores.lastUses.find(apiKeys.map(subjectOf));
  return apiKeys.map((apiKey) =>
    project(apiKeyDocument, {
      ...showStored(apiKey, services),
      lastUsed: lastUsed(uses.get(subjectOf(apiKey))),
    }),
  );
}

/** The document of a key. */
export async function showOne(services: Services, apiKey: ApiKey) {
  const { [0]: shown } = await showAll(services, [apiKey]);
  return shown as z.output<typeof apiKeyDocument>;
}

/** The document of a key that has a new value, and that value. */
export async function showIssued(services: Services, { apiKey, value }: IssuedApiKey) {
  const shown = await showOne(services, apiKey);
  return value === null ? shown : { ...shown, value };
}
