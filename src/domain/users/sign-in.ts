/** Password sign-in of users, with the lockout; serves the password grant and the login page. */
import type { Services } from '../services.ts';
import { USER_FAILED_LOGIN_LIMIT, type User } from './user.ts';

/**
 * The user of this name and password, or null. An unknown name takes as long as a wrong password. A
 * locked user is refused before the password is looked at.
 *
 * @throws DomainError `too_many_attempts`, `overloaded`, `store_unavailable`
 */
export async function signIn(
  services: Services,
  userName: string,
  password: string,
  address: string | null,
): Promise<User | null> {
  const { directory, stores } = services;
  const user = await directory.userByName(userName);
  if (user === null) {
    await services.passwords.verifyNobody(password);
    return null;
  }
  if (user.lock.lockedAt !== null) return null;
  const subject = { id: `user:${user.userId}`, version: user.version };
  const stored = [{ kind: 'password' as const, hash: user.passwordHash }];
  const verification = await services.verifier.verify(subject, stored, [password], {
    async isAllowed() {
      await directory.sync();
      return (await directory.user(user.userId))?.lock.lockedAt === null;
    },
    async recordFailure() {
      const failure = { at: services.clock.now(), address };
      await stores.users.recordFailedLogin(user.userId, failure, USER_FAILED_LOGIN_LIMIT);
    },
  });
  if (verification.outcome !== 'matched') return null;
  if (user.lock.failedLogins > 0) await stores.users.clearFailedLogins(user.userId, null);
  return user;
}
