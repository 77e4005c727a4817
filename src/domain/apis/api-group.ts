/** An API group: a named set of APIs; granting it to a client lets the client call them. */
import { z } from 'zod';
import { scopeName } from '../clients/client.ts';
import type { RecordStore, Versioned } from '../records.ts';
import { line, nameInUrls, text, unique } from '../validation.ts';

export const apiGroupSettings = z.strictObject({
  displayName: line(0, 100),
  description: text(500),
  securityLevel: z.string().min(1).max(50),
  audience: z.enum(['internal', 'external', 'both']),
  apis: unique(z.string().max(40), 10_000).describe('Ids of its APIs'),
});

/** The name is the OAuth scope value and never changes. */
export const newApiGroup = apiGroupSettings.partial().extend({ name: nameInUrls(scopeName) });
export const API_GROUP_DEFAULTS = {
  displayName: '',
  description: '',
  securityLevel: 'SYSTEM',
  audience: 'both',
  apis: [],
} as const;

export interface ApiGroup extends z.output<typeof apiGroupSettings>, Versioned {
  name: string;
}

/** Which groups, or scopes, are wanted; members are combined with AND. */
export interface ApiGroupFilter {
  /** Id of an API that they hold. */
  api?: string;
  securityLevel?: string;
}

/**
 * API groups, by name. Searches name, displayName and description; sorts by `name` or `createdAt`.
 * Unique: name. `remove` throws `in_use`, its hint naming up to ten clients, while a client holds or serves it.
 */
export interface ApiGroupStore extends RecordStore<ApiGroup, ApiGroupFilter> {
  /** All of them, for the catalog. */
  all(): Promise<ApiGroup[]>;
}
