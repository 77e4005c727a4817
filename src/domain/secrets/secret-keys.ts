/**
 * The server's own keys (SECRET_KEYS): every digest, pre-hash and encryption at rest goes through
 * here. The first key signs and encrypts; all of them verify and decrypt, so keys can be rotated.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** What a derived key is for; no two purposes share a key. */
export type Purpose =
  | 'access_token'
  | 'refresh_token'
  | 'refresh_family'
  | 'client_secret'
  | 'personal_access_token'
  | 'api_key'
  | 'idempotency_key'
  | 'one_time_link'
  | 'artifact'
  | 'password'
  | 'signing_key'
  | 'admin_session'
  | 'sign_in'
  | 'totp'
  | 'recovery_code'
  | 'cookie'
  | 'csrf'
  | 'flash';

interface Key {
  /** Eight characters that name the key without telling it. */
  keyId: string;
  derived: Map<Purpose, KeyObject>;
  bytes: Buffer;
}

/** Keyed digests, pre-hashes and encryption under the configured keys. */
export class SecretKeys {
  readonly #keys: [Key, ...Key[]];

  /** @param keys at least one key of 32 bytes or more, the signing one first; throws RangeError otherwise */
  constructor(keys: readonly Uint8Array[]) {
    const [first, ...rest] = keys.map((bytes): Key => {
      if (bytes.length < 32) throw new RangeError('a secret key needs at least 32 bytes');
      const keyId = createHash('sha256')
        .update('key id')
        .update(bytes)
        .digest('base64url')
        .slice(0, 8);
      return { keyId, derived: new Map(), bytes: Buffer.from(bytes) };
    });
    if (first === undefined) throw new RangeError('at least one secret key is needed');
    this.#keys = [first, ...rest];
  }

  /** Keyed digest (HMAC-SHA-256, base64url, 43 characters) under the first key. */
  digest(purpose: Purpose, value: string): string {
    return hmac(this.#keys[0], purpose, value);
  }

  /** Digests under every key, the first key's first; more than one only while keys are rotated. */
  digests(purpose: Purpose, value: string): string[] {
    return this.#keys.map((key) => hmac(key, purpose, value));
  }

  /** Digest under the key of this id, or null when that key is gone. */
  digestUnder(keyId: string, purpose: Purpose, value: string): string | null {
    const key = this.#keys.find((k) => k.keyId === keyId);
    return key === undefined ? null : hmac(key, purpose, value);
  }

  /** Id of the key that signs. */
  get signingKeyId(): string {
    return this.#keys[0].keyId;
  }

  /** Encrypts text (AES-256-GCM, random nonce) under the first key. */
  encrypt(purpose: Purpose, text: string): string {
    const key = this.#keys[0];
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', derive(key, purpose), nonce);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return [
      key.keyId,
      nonce.toString('base64url'),
      sealed.toString('base64url'),
      cipher.getAuthTag().toString('base64url'),
    ].join('.');
  }

  /** Decrypts what `encrypt` gave. Throws when the key is gone or the text was altered. */
  decrypt(purpose: Purpose, encrypted: string): string {
    const [keyId, nonce = '', sealed = '', tag = ''] = encrypted.split('.');
    const key = this.#keys.find((k) => k.keyId === keyId);
    if (key === undefined)
      throw new Error('SECRET_KEYS no longer holds the key that this was encrypted with');
    const decipher = createDecipheriv(
      'aes-256-gcm',
      derive(key, purpose),
      Buffer.from(nonce, 'base64url'),
      // Else a tag of four bytes would do.
      { authTagLength: 16 },
    );
    decipher.setAuthTag(Buffer.from(tag, 'base64url'));
    return Buffer.concat([
      decipher.update(Buffer.from(sealed, 'base64url')),
      decipher.final(),
    ]).toString('utf8');
  }
}

function derive(key: Key, purpose: Purpose): KeyObject {
  let derived = key.derived.get(purpose);
  if (derived === undefined) {
    derived = createSecretKey(
      Buffer.from(hkdfSync('sha256', key.bytes, '', `tollgate ${purpose}`, 32)),
    );
    key.derived.set(purpose, derived);
  }
  return derived;
}

function hmac(key: Key, purpose: Purpose, value: string): string {
  return createHmac('sha256', derive(key, purpose)).update(value).digest('base64url');
}

/** Compares two texts in time that depends on their lengths only. */
export function constantTimeEqual(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
