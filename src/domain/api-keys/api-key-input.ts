/** What an admin may send about a key, checked before any rule looks at it. */
import { z } from 'zod';
import { patchOf } from '../manage-records.ts';
import { whole } from '../validation.ts';
import { apiKeySettings, MAX_GRACE_SECONDS } from './api-key.ts';

/** What an admin may choose: at least one group. */
const chosenSettings = apiKeySettings.extend({
  apiGroups: apiKeySettings.shape.apiGroups.refine(
    (names) => names.length > 0,
    'needs at least one API group of the client',
  ),
});

/** The settings of a stored key and its patch: their instants have been read already. */
export const readSettings = apiKeySettings.extend({
  startsAt: z.date().nullable(),
  expiresAt: z.date(),
});

/** A new key. */
export const newApiKey = chosenSettings.partial({ startsAt: true, status: true });

/** A merge patch of a key. */
export const apiKeyPatch = patchOf(chosenSettings);

/** A rotation of a key. */
export const apiKeyRotation = z.strictObject({
  graceSeconds: whole(0, MAX_GRACE_SECONDS)
    .optional()
    .describe('How long the old value still works, in seconds; default 0'),
});
