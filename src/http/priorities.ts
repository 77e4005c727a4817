/**
 * Whose credential is it? Known before it is looked at, so that requests can queue by the priority of
 * the client that presents one. Only credentials that this process has found genuine bring a priority of
 * their own: to name somebody else's client gains nothing. Credentials are kept as keyed fingerprints.
 */
import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Client } from '../domain/clients/client.ts';
import type { Directory } from '../domain/directory.ts';
import { LOWEST_PRIORITY } from './admission-queue.ts';

/** The priority of what has not been seen before, the default of a client. */
export const UNKNOWN_PRIORITY = 5;

/** Credentials that are remembered; about 10 MB. */
const REMEMBERED_MOST = 50_000;
/** How old a priority may be while its client is refused, and so not looked at: 250 ms. */
const FRESH_MS = 250;

interface Owner {
  clientId: string;
  priority: number;
  /** `performance.now()` when the priority was last read. */
  readMs: number;
}

/** The priorities of the credentials that this process has seen. */
export class Priorities {
  readonly #directory: Pick<Directory, 'client'>;
  readonly #nowMs: () => number;
  readonly #seeds = [randomBytes(4).readInt32LE(), randomBytes(4).readInt32LE()] as const;
  readonly #owners = new LRUCache<number, Owner>({ max: REMEMBERED_MOST });
  readonly #byClient = new LRUCache<string, Owner>({ max: REMEMBERED_MOST });

  /** @param nowMs default `performance.now` */
  constructor(directory: Pick<Directory, 'client'>, nowMs = () => performance.now()) {
    this.#directory = directory;
    this.#nowMs = nowMs;
  }

  /** Remembers whose credential it is, where there are both; only for one that was found genuine. */
  learn(
    credential: string | null | undefined,
    client: Pick<Client, 'clientId' | 'priority'> | null,
  ): void {
    if (credential == null || client === null) return;
    const { clientId, priority } = client;
    const fingerprint = this.#fingerprint(credential);
    const known = this.#owners.get(fingerprint);
    if (known?.clientId === clientId && known.priority === priority) {
      known.readMs = this.#nowMs();
      return;
    }
    let owner = this.#byClient.get(clientId);
    if (owner === undefined) {
      owner = { clientId, priority, readMs: 0 };
      this.#byClient.set(clientId, owner);
    }
    owner.priority = priority;
    owner.readMs = this.#nowMs();
    this.#owners.set(fingerprint, owner);
  }

  /** The best priority among credentials, so that a batch is no worse off than its best member. */
  best(credentials: readonly string[]): number {
    let best = LOWEST_PRIORITY;
    for (const credential of credentials) {
      const owner = this.#owners.get(this.#fingerprint(credential));
      if (owner !== undefined) this.#refresh(owner);
      best = Math.min(best, owner?.priority ?? UNKNOWN_PRIORITY);
      if (best === 0) break;
    }
    return best;
  }

  /** Else a client that was raised would go on being refused, and never be looked at. */
  #refresh(owner: Owner): void {
    const nowMs = this.#nowMs();
    if (nowMs - owner.readMs < FRESH_MS) return;
    owner.readMs = nowMs;
    this.#directory.client(owner.clientId).then(
      (client) => {
        owner.priority = client?.priority ?? LOWEST_PRIORITY;
      },
      // A store that does not answer leaves the priority as it was.
      () => undefined,
    );
  }

  /**
   * 53 bits under two random seeds, in a tenth of the time of a digest: whoever shares a fingerprint, by
   * chance alone, waits by another's priority.
   */
  #fingerprint(credential: string): number {
    let [a, b] = this.#seeds as readonly [number, number];
    for (let i = 0; i < credential.length; i += 1) {
      const code = credential.charCodeAt(i);
      a = Math.imul(a ^ code, 0x9e3779b1);
      b = Math.imul(b ^ code, 0x5f356495);
      a ^= b >>> 15;
      b ^= a >>> 13;
    }
    return (a >>> 0) + (b & 0x1fffff) * 0x1_0000_0000;
  }
}
