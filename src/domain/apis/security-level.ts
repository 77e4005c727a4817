/** Security levels: ranked; a client may hold only groups and scopes of its own level or below. */
import { z } from 'zod';
import type { RecordStore, Versioned } from '../records.ts';
import { line, whole } from '../validation.ts';

export const securityLevelSettings = z.strictObject({
  displayName: line(0, 100),
  rank: whole(0, 1_000_000).describe('Unique; a higher rank is a higher level'),
});

/** The name never changes; `displayName` is what people see and rename. */
export const newSecurityLevel = securityLevelSettings.partial({ displayName: true }).extend({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,50}$/, 'must be 1 to 50 of A-Z a-z 0-9 _ -'),
});
export const SECURITY_LEVEL_DEFAULTS = { displayName: '' } as const;

export interface SecurityLevel extends z.output<typeof securityLevelSettings>, Versioned {
  name: string;
}

/** The levels of a new database, highest first. SYSTEM, the default, cannot be deleted. */
export const INITIAL_LEVELS = [
  { name: 'A', rank: 400 },
  { name: 'B', rank: 300 },
  { name: 'C', rank: 200 },
  { name: 'SYSTEM', rank: 100 },
] as const;

/**
 * Security levels, by name. Searches name and displayName; sorts by `rank` (default) or `name`.
 * Unique: name, rank. `remove` throws `in_use`, naming up to ten holders, while a client, group or scope is at it.
 */
export interface SecurityLevelStore extends RecordStore<SecurityLevel> {
  /** All of them, for the catalog. */
  all(): Promise<SecurityLevel[]>;
}
