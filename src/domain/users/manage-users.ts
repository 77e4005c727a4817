/** What admins do with users: create, change, unlock, delete, set a password. Each step is audited. */
import type { z } from 'zod';
import { type Actor, diff } from '../audit/audit-event.ts';
import { UNLOCKED } from '../clients/client.ts';
import { everyRow } from '../manage-dry-runs.ts';
import {
  type ChangeOptions,
  createRecord,
  findRecord,
  firstVersion,
  type Noun,
  patchOf,
  type RemoveOptions,
  recordEvent,
  removeRecord,
  requireVersion,
  type Update,
  updateRecord,
} from '../manage-records.ts';
import { randomId } from '../secrets/random.ts';
import type { Services } from '../services.ts';
import { type newUser, USER_DEFAULTS, type User, userSettings } from './user.ts';

/** A merge patch of a user. */
export const userPatch = patchOf(userSettings);

const USER: Noun<User> = {
  kind: 'user',
  label: 'user',
  settings: userSettings,
  defaults: USER_DEFAULTS,
  store: (stores) => stores.users,
  idOf: (user) => user.userId,
  taken: sameNameOrEmail,
};

/** The user of this id. Throws `not_found`. */
export function findUser(services: Services, userId: string): Promise<User> {
  return findRecord(services, USER, userId);
}

/**
 * Creates a user.
 *
 * @throws DomainError `conflict` when the name or the email is taken, `overloaded`
 */
export async function createUser(
  services: Services,
  actor: Actor,
  input: z.output<typeof newUser>,
  options: ChangeOptions = {},
): Promise<User> {
  const { password, ...given } = input;
  const user: User = {
    userId: randomId(),
    ...userSettings.parse({ ...USER_DEFAULTS, ...given }),
    // A dry run stores nothing, so it need not pay for a bcrypt.
    passwordHash: options.dryRun ? '' : await services.passwords.hash(password),
    lock: UNLOCKED,
    ...firstVersion(services),
  };
  return createRecord(services, actor, USER, user, options);
}

/** Changes a user. Throws `not_found`, `version_conflict`, `validation_failed`, `conflict`. */
export function updateUser(
  services: Services,
  actor: Actor,
  update: Update,
  options: ChangeOptions = {},
): Promise<User> {
  return updateRecord(services, actor, USER, update, options);
}

/** A deleted user, and how many live tokens died with it. */
export interface DeletedUser {
  user: User;
  liveTokens: number;
}

/** Deletes a user and revokes its tokens, in one step. Throws `not_found`, `version_conflict`. */
export async function deleteUser(
  services: Services,
  actor: Actor,
  userId: string,
  options: RemoveOptions = {},
): Promise<DeletedUser> {
  const now = services.clock.now();
  const { total } = await services.stores.tokens.list({ userId }, { limit: 1, now });
  const user = await removeRecord(services, actor, USER, userId, options);
  return { user, liveTokens: total };
}

/** Unlocks a user and sets the count of failed passwords to 0. Throws `not_found`. */
export async function unlockUser(
  services: Services,
  actor: Actor,
  userId: string,
  options: ChangeOptions = {},
): Promise<User> {
  const user = await findUser(services, userId);
  const { lockedAt, failedLogins } = user.lock;
  const cleared = { lockedAt: null, failedLogins: 0 };
  if (options.dryRun) return { ...user, lock: { ...user.lock, ...cleared } };
  const changes = diff({ lockedAt, failedLogins }, cleared);
  const event = recordEvent(services, actor, USER, user, 'unlock', changes);
  await services.stores.users.clearFailedLogins(userId, event);
  return findUser(services, userId);
}

/**
 * Sets a user's password and unlocks the user: whoever sets it means it to be used.
 *
 * @throws DomainError `not_found`, `version_conflict` when somebody changes the user meanwhile,
 *   `overloaded`
 */
export async function setUserPassword(
  services: Services,
  actor: Actor,
  userId: string,
  input: { password: string; version?: number | undefined },
  options: ChangeOptions = {},
): Promise<User> {
  const before = await findUser(services, userId);
  if (input.version !== undefined) requireVersion(before, input.version);
  if (options.dryRun) return before;
  const user: User = {
    ...before,
    passwordHash: await services.passwords.hash(input.password),
    version: before.version + 1,
    updatedAt: services.clock.now(),
  };
  const changes = diff(before, user);
  const event = recordEvent(services, actor, USER, user, 'change_password', changes);
  await services.stores.users.update(user, event);
  return user.lock.failedLogins === 0 ? user : unlockUser(services, actor, userId);
}

async function sameNameOrEmail(services: Services, user: User): Promise<string | null> {
  const named = await services.stores.users.findByName(user.userName);
  if (named !== null && named.userId !== user.userId) return 'userName';
  const { email } = user;
  if (email === null) return null;
  const rows = everyRow((query) => services.stores.users.list({ ...query, search: email }));
  for await (const other of rows) {
    const same = other.email?.toLowerCase() === email.toLowerCase();
    if (same && other.userId !== user.userId) return 'email';
  }
  return null;
}
