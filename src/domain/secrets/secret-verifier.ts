/**
 * Verifies presented secrets. A verified human-chosen secret is remembered in memory for minutes
 * under a keyed hash, so that steady traffic costs no bcrypt; a wrong one always pays the full price,
 * one at a time for each subject.
 */
import { hash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { DomainError } from '../errors.ts';
import {
  isGeneratedSecret,
  type Passwords,
  tooManyVerifications,
  VERIFICATION_WAIT_MS,
} from './passwords.ts';
import type { SecretKeys } from './secret-keys.ts';

/** A stored secret to verify against. */
export interface StoredSecret {
  kind: 'password' | 'generated';
  hash: string;
}

/** Whose secret it is; a new version forgets every remembered secret of the subject. */
export interface SecretSubject {
  id: string;
  version: number;
}

/** How long a verified secret is remembered after its last use: 5 minutes. */
const REMEMBERED_MS = 5 * 60_000;
const REMEMBERED_MOST = 20_000;
/** Verifications of one subject that may wait for each other. */
const WAITING_MOST = 8;
/** Verifications that may share the outcome of one: a client that starts cold sends many at once. */
const TWINS_MOST = 256;

/** What the caller adds to a verification. */
export interface Attempt {
  /** Whether the subject may still try; asked again before bcrypt and after it, as others may have failed meanwhile. */
  isAllowed(): Promise<boolean>;
  /** Books a failure; awaited before the next attempt of the subject begins. */
  recordFailure(): Promise<void>;
}

/** The outcome: the secret that matched, a wrong secret (booked), or no longer allowed to try. */
export type Verification<S> =
  | { outcome: 'matched'; secret: S }
  | { outcome: 'wrong' | 'not_allowed' };

/** A verification under way, and those that share its outcome. */
interface Pending {
  turn: Promise<Verification<StoredSecret>>;
  twins: number;
  /** Their failures are booked one after the other, so that each sees whether the last one locked. */
  booked: Promise<unknown>;
}

/** Verifies secrets for one process. */
export class SecretVerifier {
  readonly #keys: SecretKeys;
  readonly #passwords: Passwords;
  readonly #processKey = randomBytes(32).toString('base64');
  readonly #verified = new LRUCache<string, true>({
    max: REMEMBERED_MOST,
    ttl: REMEMBERED_MS,
    updateAgeOnGet: true,
  });
  readonly #pending = new Map<string, Pending>();
  readonly #lines = new Map<string, { last: Promise<unknown>; length: number }>();

  constructor(keys: SecretKeys, passwords: Passwords) {
    this.#keys = keys;
    this.#passwords = passwords;
  }

  /**
   * Verifies what was presented against the stored secrets of a subject.
   *
   * @param presented the ways to read what was presented, the most likely first
   * @throws DomainError `too_many_attempts` when too many verifications of this subject wait already,
   *   `overloaded` when the bcrypt queue is full
   */
  async verify<S extends StoredSecret>(
    subject: SecretSubject,
    stored: readonly S[],
    presented: readonly string[],
    attempt: Attempt,
  ): Promise<Verification<S>> {
    const known = this.#withoutBcrypt(subject, stored, presented);
    if (known !== null) return { outcome: 'matched', secret: known };
    const key = this.#memoryKey(subject, '', presented.join('\0'));
    const verification = await this.#shared(key, subject.id, attempt, () =>
      this.#verifyInTurn(subject, stored, presented, attempt),
    );
    return verification as Verification<S>;
  }

  /**
   * Takes as long, and turns away as many at once, as the verification of a wrong secret does.
   *
   * @param id whose line to wait in
   * @throws DomainError `too_many_attempts`, `overloaded`
   */
  async verifyNobody(id: string, presented: string): Promise<void> {
    const key = this.#memoryKey({ id, version: 0 }, 'nobody', presented);
    await this.#shared(key, id, NOBODY, async () => {
      await this.#passwords.verifyNobody(presented);
      return { outcome: 'wrong' };
    });
  }

  /** While the same secret is being verified already, one bcrypt serves all, but each failure counts. */
  #shared(
    key: string,
    id: string,
    attempt: Attempt,
    work: () => Promise<Verification<StoredSecret>>,
  ): Promise<Verification<StoredSecret>> {
    const known = this.#pending.get(key);
    if (known !== undefined) return this.#likeTwin(known, attempt);
    const turn = this.#inLine(id, work);
    this.#pending.set(key, { turn, twins: 0, booked: turn.catch(() => undefined) });
    return turn.finally(() => this.#pending.delete(key));
  }

  async #likeTwin(twin: Pending, attempt: Attempt): Promise<Verification<StoredSecret>> {
    if (twin.twins >= TWINS_MOST) throw tooMany();
    twin.twins += 1;
    const verification = await twin.turn;
    if (verification.outcome !== 'wrong') return verification;
    const booking = twin.booked.then(() => bookFailure(attempt));
    twin.booked = booking.catch(() => undefined);
    return booking;
  }

  async #verifyInTurn<S extends StoredSecret>(
    subject: SecretSubject,
    stored: readonly S[],
    presented: readonly string[],
    attempt: Attempt,
  ): Promise<Verification<S>> {
    if (!(await attempt.isAllowed())) return { outcome: 'not_allowed' };
    for (const text of presented) {
      for (const secret of stored) {
        if (secret.kind !== 'password' || !(await this.#passwords.verify(text, secret.hash)))
          continue;
        // Other processes may have locked the subject while bcrypt ran: the last guess came too late.
        if (!(await attempt.isAllowed())) return { outcome: 'not_allowed' };
        this.#verified.set(this.#memoryKey(subject, secret.hash, text), true);
        return { outcome: 'matched', secret };
      }
    }
    await attempt.recordFailure();
    return { outcome: 'wrong' };
  }

  /** A generated secret, or a password that was verified minutes ago. */
  #withoutBcrypt<S extends StoredSecret>(
    subject: SecretSubject,
    stored: readonly S[],
    presented: readonly string[],
  ): S | null {
    for (const text of presented) {
      for (const secret of stored) {
        const matches =
          secret.kind === 'generated'
            ? isGeneratedSecret(this.#keys, text, secret.hash)
            : this.#verified.get(this.#memoryKey(subject, secret.hash, text)) === true;
        if (matches) return secret;
      }
    }
    return null;
  }

  async #inLine<T>(id: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(id) ?? { last: Promise.resolve(), length: 0 };
    if (line.length >= WAITING_MOST) throw tooMany();
    // Refused now rather than after waiting for a turn.
    if (this.#passwords.isFull) throw tooManyVerifications();
    const untilMs = performance.now() + VERIFICATION_WAIT_MS;
    const inTime = (): Promise<T> => {
      if (performance.now() > untilMs) throw tooManyVerifications();
      return work();
    };
    line.length += 1;
    this.#lines.set(id, line);
    const turn = line.last.then(inTime, inTime);
    line.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      line.length -= 1;
      if (line.length === 0) this.#lines.delete(id);
    }
  }

  /** Keyed by a random prefix: a digest in memory tells nothing about the secret behind it. */
  #memoryKey(subject: SecretSubject, secretHash: string, text: string): string {
    return hash(
      'sha256',
      `${this.#processKey}\0${subject.id}\0${subject.version}\0${secretHash}\0${text}`,
      'base64',
    );
  }
}

/** An attempt at nobody's secret: there is nothing to lock. */
const NOBODY: Attempt = {
  isAllowed: async () => true,
  recordFailure: async () => undefined,
};

async function bookFailure(attempt: Attempt): Promise<Verification<never>> {
  if (!(await attempt.isAllowed())) return { outcome: 'not_allowed' };
  await attempt.recordFailure();
  return { outcome: 'wrong' };
}

function tooMany(): DomainError {
  return new DomainError('too_many_attempts', {
    hint: 'wait for the attempts under way',
    retryAfterSeconds: 5,
  });
}
