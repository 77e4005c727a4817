/**
 * Secrets that people chose: keyed pre-hash (so that every character counts: bcrypt reads 72 bytes
 * only, and a leaked database alone cannot be searched), then bcrypt.
 */
import { DomainError } from '../errors.ts';
import { constantTimeEqual, type SecretKeys } from './secret-keys.ts';

/** bcrypt, run off the main thread with a bounded queue. */
export interface BcryptPort {
  /** Whether the queue is full, so that waiting for a turn in it makes no sense. */
  readonly isFull?: boolean;
  /** Throws `overloaded` when the queue is full. */
  hash(text: string): Promise<string>;
  /** Throws `overloaded` when the queue is full. */
  compare(text: string, hash: string): Promise<boolean>;
}

/** The longest that a verification waits for its turn: 5 s. */
export const VERIFICATION_WAIT_MS = 5_000;

/** The error of a verification that is refused because too many wait. */
export function tooManyVerifications(): DomainError {
  return new DomainError('overloaded', {
    hint: 'too many secrets are being verified',
    retryAfterSeconds: VERIFICATION_WAIT_MS / 1000,
  });
}

/** Hashes and verifies human-chosen secrets. */
export class Passwords {
  readonly #keys: SecretKeys;
  readonly #bcrypt: BcryptPort;
  #dummy: Promise<string> | null = null;

  constructor(keys: SecretKeys, bcrypt: BcryptPort) {
    this.#keys = keys;
    this.#bcrypt = bcrypt;
  }

  /** Whether more verifications would be refused now. */
  get isFull(): boolean {
    return this.#bcrypt.isFull ?? false;
  }

  /** The text to store: id of the key of the pre-hash, a dot, the bcrypt hash. */
  async hash(password: string): Promise<string> {
    const prehash = this.#keys.digest('password', normalise(password));
    return `${this.#keys.signingKeyId}.${await this.#bcrypt.hash(prehash)}`;
  }

  /** Whether a password is the one behind a stored hash; false also when the pre-hash's key is gone. */
  async verify(password: string, stored: string): Promise<boolean> {
    return this.#compare(password, stored);
  }

  /** Spends the time of a verification on nobody, so that unknown names answer like known ones. */
  async verifyNobody(password: string): Promise<false> {
    this.#dummy ??= this.hash('nobody').catch((error: unknown) => {
      // A queue that was full once must not turn every unknown name away for ever.
      this.#dummy = null;
      throw error;
    });
    await this.#compare(password, await this.#dummy);
    return false;
  }

  async #compare(password: string, stored: string): Promise<boolean> {
    const dot = stored.indexOf('.');
    const prehash = this.#keys.digestUnder(stored.slice(0, dot), 'password', normalise(password));
    if (prehash === null) return false;
    return this.#bcrypt.compare(prehash, stored.slice(dot + 1));
  }
}

/** The form in which a password is hashed: one person's "é" is typed in two ways (RFC 8265 §4.2). */
export function normalise(password: string): string {
  return password.normalize('NFC');
}

/** Whether a generated secret is the one behind a stored keyed digest; needs no bcrypt. */
export function isGeneratedSecret(keys: SecretKeys, presented: string, digest: string): boolean {
  return keys.digests('client_secret', presented).some((own) => constantTimeEqual(own, digest));
}
