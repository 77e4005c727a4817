/** A user: a resource owner for the password and authorization-code grants. */
import { z } from 'zod';
import { type Lock, passwordRule } from '../clients/client.ts';
import type { LockableStore } from '../clients/client-store.ts';
import type { RecordStore, Versioned } from '../records.ts';
import { line } from '../validation.ts';

/** Every field that an admin can set. */
export const userSettings = z.strictObject({
  userName: line(1, 100).describe('Name the user signs in with; unique without regard to case'),
  displayName: line(0, 100),
  email: z.email().max(254).nullable(),
  status: z.enum(['enabled', 'disabled']),
});

export const newUser = userSettings
  .partial({ displayName: true, email: true, status: true })
  .extend({ password: passwordRule });

export type UserSettings = z.output<typeof userSettings>;

/** What a field holds when nobody names it. */
export const USER_DEFAULTS = { displayName: '', email: null, status: 'enabled' } as const;

/** Failed passwords in a row that lock a user. */
export const USER_FAILED_LOGIN_LIMIT = 5;

/** A stored user. */
export interface User extends UserSettings, Versioned {
  userId: string;
  /** Keyed pre-hash, then bcrypt. */
  passwordHash: string;
  lock: Lock;
}

export interface UserFilter {
  status?: User['status'] | 'locked';
}

/**
 * Users. `list` searches userId, userName, displayName and email; sorts by `createdAt` or `userName`.
 * `remove` also revokes the user's tokens, in the same step. Unique: userName (without regard to
 * case), email where given (likewise).
 */
export interface UserStore extends RecordStore<User, UserFilter>, LockableStore {
  /** The user of this name, without regard to case, or null. */
  findByName(userName: string): Promise<User | null>;
}
