/** Collections and indexes, from the schemas: created at start, never dropped. */
import type { Schema } from 'mongoose';
import { adminGuardSchema } from './admin-guards.ts';
import { adminSessionSchema } from './admin-sessions.ts';
import { adminSchema, personalAccessTokenSchema } from './admins.ts';
import { apiKeySchema } from './api-keys.ts';
import { artifactSchema } from './artifacts.ts';
import { auditEventSchema } from './audit.ts';
import { apiGroupSchema, apiSchema, apiScopeSchema, securityLevelSchema } from './catalog.ts';
import { changesSchema } from './changes.ts';
import { quotaSchema } from './charge-quotas.ts';
import { retrySchema } from './charge-retries.ts';
import { clientDraftSchema } from './client-drafts.ts';
import { clientTextSchema } from './client-texts.ts';
import { clientSchema, deletedClientSchema } from './clients.ts';
import type { Database } from './connection.ts';
import { decisionSchema } from './decisions.ts';
import { lastUseSchema } from './last-uses.ts';
import { mailSchema } from './mails.ts';
import { oneTimeLinkSchema } from './one-time-links.ts';
import { signingKeySchema } from './signing-keys.ts';
import { tokenSchema } from './token-document.ts';
import { usageCountSchema } from './usage.ts';
import { userSchema } from './users.ts';

/** Every collection and its schema. */
export const COLLECTIONS: Record<string, Schema> = {
  adminGuards: adminGuardSchema,
  admins: adminSchema,
  adminSessions: adminSessionSchema,
  apiGroups: apiGroupSchema,
  apiKeys: apiKeySchema,
  apis: apiSchema,
  apiScopes: apiScopeSchema,
  artifacts: artifactSchema,
  auditEvents: auditEventSchema,
  changes: changesSchema,
  clientDrafts: clientDraftSchema,
  clients: clientSchema,
  clientTexts: clientTextSchema,
  decisions: decisionSchema,
  deletedClients: deletedClientSchema,
  lastUses: lastUseSchema,
  mails: mailSchema,
  oneTimeLinks: oneTimeLinkSchema,
  personalAccessTokens: personalAccessTokenSchema,
  securityLevels: securityLevelSchema,
  quotas: quotaSchema,
  retries: retrySchema,
  signingKeys: signingKeySchema,
  tokens: tokenSchema,
  usageCounts: usageCountSchema,
  users: userSchema,
};

/** Creates what is missing; what exists already costs a look. Several nodes may start at once. */
export async function createIndexes(database: Database): Promise<void> {
  const options = {
    // On a replica set, a member that is down must not keep the others from starting.
    ...(database.transactions && { commitQuorum: 'majority' as const }),
    // The time limits of requests are not meant for the index of a large collection.
    ...{ writeConcern: { w: 'majority' as const }, socketTimeoutMS: 0 },
  };
  await Promise.all(
    Object.entries(COLLECTIONS).map(async ([name, schema]) => {
      const indexes = schema.indexes().map(([key, { background: _, ...rest }]) => ({
        key: key as Record<string, 1 | -1>,
        ...(rest as object),
      }));
      if (indexes.length > 0) await database.native(name).createIndexes(indexes, options);
    }),
  );
}
