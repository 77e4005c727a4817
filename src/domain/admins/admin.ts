/** Admins: people who work in the console and the REST API; and their personal access tokens. */
import { z } from 'zod';
import type { RecordStore, Versioned } from '../records.ts';
import { instant, line } from '../validation.ts';

/** Roles, each including the ones before it. */
export const ROLES = ['viewer', 'operator', 'security', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** Whether a role includes another. */
export function includesRole(held: Role, needed: Role): boolean {
  return ROLES.indexOf(held) >= ROLES.indexOf(needed);
}

export const adminSettings = z.strictObject({
  userName: line(1, 100).describe('Name the admin signs in with; unique without regard to case'),
  displayName: line(0, 100),
  email: z.email().max(254).nullable(),
  role: z.enum(ROLES),
  status: z.enum(['enabled', 'disabled']),
});

export const newAdmin = adminSettings.partial({ displayName: true, email: true, status: true });
export const ADMIN_DEFAULTS = { displayName: '', email: null, status: 'enabled' } as const;

export interface Admin extends z.output<typeof adminSettings>, Versioned {
  adminId: string;
  /** Keyed pre-hash, then bcrypt; null until the set-up link was used. */
  passwordHash: string | null;
  /** Key of the authenticator (TOTP), encrypted; null or absent while there is no second factor. */
  totpSecret?: string | null;
}

/**
 * Admins. Searches userName, displayName, email; sorts by `userName` or `createdAt`. Unique: userName
 * (without regard to case). `update` and `remove` throw `last_owner`, in the same atomic step, when
 * no enabled owner would be left. `remove` also removes the admin's personal access tokens, sessions
 * and guard.
 */
export interface AdminStore extends RecordStore<Admin> {
  /** How many there are. */
  count(): Promise<number>;
  /** The admin of this name, without regard to case, or null. */
  findByName(userName: string): Promise<Admin | null>;
}

/** What a personal access token is made from. */
export const newPersonalAccessToken = z.strictObject({
  label: line(1, 100),
  role: z.enum(ROLES).describe('Never above the role of its admin'),
  expiresAt: instant.nullable().optional(),
});

/** A bearer token for the REST API; its value is shown once. */
export interface PersonalAccessToken extends Versioned {
  /** Random id; not a credential. */
  accessTokenId: string;
  adminId: string;
  label: string;
  role: Role;
  /** Keyed digest of the value. */
  digest: string;
  /** Last four characters of the value. */
  lastFour: string;
  expiresAt: Date | null;
}

export interface PersonalAccessTokenFilter {
  adminId?: string;
}

/** Personal access tokens. Searches label; sorts by `createdAt`. Unique: digest. */
export interface PersonalAccessTokenStore
  extends RecordStore<PersonalAccessToken, PersonalAccessTokenFilter> {
  /** The token under this digest, or null; expiry is the caller's to check. */
  findByDigest(digest: string): Promise<PersonalAccessToken | null>;
}
