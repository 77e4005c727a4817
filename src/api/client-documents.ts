/** What the API shows of a client; the whole of what leaves stands here. */
import { z } from 'zod';
import { type Client, clientSettings } from '../domain/clients/client.ts';
import { clientState } from '../domain/clients/client-state.ts';
import type { Services } from '../domain/services.ts';
import { lockDocument, versioned } from './documents.ts';
import { project } from './route.ts';

const documentShape = {
  clientId: z.string(),
  ...clientSettings.shape,
  ipBindings: z.array(z.strictObject({ hostName: z.string(), address: z.string() })),
  state: z
    .strictObject({
      status: z.enum([
        'enabled',
        'disabled',
        'locked',
        'not_started',
        'expired',
        'outside_service_hours',
      ]),
      cause: z.string().nullable(),
      since: z.date().optional(),
    })
    .describe('The status as it is now, computed with its cause'),
  lock: lockDocument,
  ...versioned,
};

/** A client as the API shows it; never its secrets. */
export const clientDocument = z.strictObject(documentShape).meta({ id: 'Client' });

/** A client with a secret that was just made; `value` is answered this once, if it was generated. */
export const clientWithSecret = z
  .strictObject({
    ...documentShape,
    secret: z
      .strictObject({
        id: z.string(),
        value: z.string().nullable().describe('Null when the caller chose it'),
      })
      .optional()
      .describe('The new secret; absent from a dry run'),
  })
  .meta({ id: 'ClientWithSecret' });

const replayDocument = z
  .strictObject({
    since: z.date(),
    refused: z.int().describe('Recorded refusals that were replayed'),
    allowed: z.int().describe('Sampled allowed calls that were replayed'),
    nowAllowed: z.int(),
    nowRefused: z.int(),
    differences: z
      .array(
        z.strictObject({
          decisionId: z.string(),
          at: z.date(),
          address: z.string().nullable(),
          method: z.string().nullable(),
          path: z.string().nullable(),
          before: z.string().nullable().describe('Reason code with the client as it is'),
          after: z.string().nullable().describe('Reason code with the change; null = allowed'),
        }),
      )
      .describe('The latest calls that would end otherwise, at most 100'),
  })
  .meta({ id: 'Replay' });

/** A changed client. */
export const changedClient = z
  .strictObject({
    ...documentShape,
    removed: z
      .strictObject({ apiGroups: z.array(z.string()), apiScopes: z.array(z.string()) })
      .describe('Groups and scopes that the client may no longer hold'),
    replay: replayDocument
      .optional()
      .describe('Of a dry run: what the change would have done to the calls of the last day'),
  })
  .meta({ id: 'ChangedClient' });

/** What a deletion takes along. */
export const dyingWithClient = z
  .strictObject({ liveTokens: z.int(), secrets: z.int(), apiKeys: z.int() })
  .meta({ id: 'DyingWithClient', description: 'What dies with the client' });

/** The document of a client, its state computed now. */
export function showClient(client: Client, services: Services): z.output<typeof clientDocument> {
  const { since, ...state } = clientState(client, services.clock.now());
  const shown = { ...client, state: since === null ? state : { ...state, since } };
  return project(clientDocument, shown);
}
