/** What the domain's operations work with; composed once in `compose.ts`. */
import type { Clock } from './clock.ts';
import type { Directory } from './directory.ts';
import type { LastUseBuffer } from './last-uses.ts';
import type { Mailer } from './mailer.ts';
import type { Passwords } from './secrets/passwords.ts';
import type { SecretKeys } from './secrets/secret-keys.ts';
import type { SecretVerifier } from './secrets/secret-verifier.ts';
import type { Stores } from './stores.ts';

export interface Services {
  clock: Clock;
  directory: Directory;
  /** Public base URL of the server, without a trailing slash. */
  issuer: string;
  keys: SecretKeys;
  lastUses: LastUseBuffer;
  mailer: Mailer;
  passwords: Passwords;
  stores: Stores;
  /** IANA zone used where a client names none. */
  timeZone: string;
  verifier: SecretVerifier;
}
