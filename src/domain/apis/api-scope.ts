/** An API scope: a named set of APIs that an end user can consent to. */
import { z } from 'zod';
import { scopeName } from '../clients/client.ts';
import type { RecordStore, Versioned } from '../records.ts';
import { line, nameInUrls, text, unique } from '../validation.ts';
import type { ApiGroupFilter } from './api-group.ts';

export const apiScopeSettings = z.strictObject({
  displayName: line(0, 100),
  description: text(500),
  securityLevel: z.string().min(1).max(50),
  apis: unique(z.string().max(40), 10_000).describe('Ids of its APIs'),
});

/** The name is the OAuth scope value and never changes. */
export const newApiScope = apiScopeSettings.partial().extend({ name: nameInUrls(scopeName) });
export const API_SCOPE_DEFAULTS = {
  displayName: '',
  description: '',
  securityLevel: 'SYSTEM',
  apis: [],
} as const;

export interface ApiScope extends z.output<typeof apiScopeSettings>, Versioned {
  name: string;
}

/** API scopes, by name; the rules of `ApiGroupStore`. */
export interface ApiScopeStore extends RecordStore<ApiScope, ApiGroupFilter> {
  /** All of them, for the catalog. */
  all(): Promise<ApiScope[]>;
}
