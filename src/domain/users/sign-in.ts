/** Password sign-in of users, with the lockout; serves the password grant and the login page. */
import type { Services } from '../services.ts';
import { USER_FAILED_LOGIN_LIMIT, type User } from './user.ts';

/**
 * The user of this name and password, or null. A locked user is refused before the password is
 * looked at. A locked user and an unknown name take as long, and wait in a line, as a wrong password
 * does: the answer does not tell which names exist.
 *
 * @throws DomainError `too_many_attempts`, `overloaded`, `store_unavailable`
 */
export async function signIn(
  services: Services,
  userName: string,
  password: string,
  address: string | null,
): Promise<User | null> {
  const { directory, stores, verifier } = services;
  const user = await directory.userByName(userName);
  const line = user === null ? `name:${userName.toLowerCase()}` : `user:${user.userId}`;
  if (user === null || user.lock.lockedAt !== null) {
    await verifier.verifyNobody(line, password);
    return null;
  }
  const subject = { id: line, version: user.version };
  const stored = [{ kind: 'password' as const, hash: user.passwordHash }];
  const verification = await verifier.verify(subject, stored, [password], {
    async isAllowed() {
      await directory.sync();
      return (await directory.user(user.userId))?.lock.lockedAt === null;
    },
    async recordFailure() {
      const failure = { at: services.clock.now(), address };
      await stores.users.recordFailedLogin(user.userId, failure, USER_FAILED_LOGIN_LIMIT);
    },
  });
  if (verification.outcome === 'not_allowed') await verifier.verifyNobody(line, password);
  if (verification.outcome !== 'matched') return null;
  if (user.lock.failedLogins > 0) await stores.users.clearFailedLogins(user.userId, null);
  return user;
}
