/** What the domain's operations work with; composed once in `compose.ts`. */
import type { Clock } from './clock.ts';
import type { Meters } from './decision/charges.ts';
import { DecisionLog } from './decision/decision-log.ts';
import { Directory } from './directory.ts';
import { LastUseBuffer } from './last-uses.ts';
import type { Mailer } from './mailer.ts';
import type { Passwords } from './secrets/passwords.ts';
import type { SecretKeys } from './secrets/secret-keys.ts';
import { SecretVerifier } from './secrets/secret-verifier.ts';
import type { Stores } from './stores.ts';
import { RateLimiter } from './usage/rate-limiter.ts';
import { UsageBuffer } from './usage/usage-buffer.ts';

/** What comes from outside the domain, or from the configuration. */
interface Given {
  clock: Clock;
  /** Public base URL of the server, without a trailing slash. */
  issuer: string;
  keys: SecretKeys;
  mailer: Mailer;
  passwords: Passwords;
  stores: Stores;
  /** IANA zone used where a client names none. */
  timeZone: string;
}

export interface Services extends Given {
  /** What is kept of decisions, written in batches. */
  decisionLog: DecisionLog;
  directory: Directory;
  lastUses: LastUseBuffer;
  meters: Meters;
  /** Counts of calls, written in batches. */
  usage: UsageBuffer;
  verifier: SecretVerifier;
}

/** What may be given besides. */
export interface ServiceOptions {
  /** Resolves when other work of the process has had its turn; default: at once. */
  otherWork?: () => Promise<void>;
  /** Where the workers of a node count calls together; default: a count of this thread's own. */
  rateMemory?: SharedArrayBuffer | undefined;
  /** Refusals that are kept in the long run; default 50 a second. */
  refusalsPerSecond?: number;
}

/** The services over what is given. */
export function createServices(given: Given, options: ServiceOptions = {}): Services {
  const { clock, keys, passwords, stores, timeZone } = given;
  const { otherWork = () => Promise.resolve(), rateMemory, refusalsPerSecond } = options;
  return {
    ...given,
    decisionLog: new DecisionLog(stores.decisions, { otherWork, refusalsPerSecond }),
    directory: new Directory(stores),
    lastUses: new LastUseBuffer(stores.lastUses),
    meters: {
      clock,
      rate: new RateLimiter(rateMemory),
      charges: stores.charges,
      tokens: stores.tokens,
      timeZone,
    },
    usage: new UsageBuffer(stores.usage),
    verifier: new SecretVerifier(keys, passwords),
  };
}
