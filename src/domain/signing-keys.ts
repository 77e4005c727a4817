/** Keys that sign tokens and metadata; the private half is encrypted at rest. */

export interface SigningKey {
  keyId: string;
  /** The private JWK, encrypted by the first of SECRET_KEYS. */
  encryptedJwk: string;
  createdAt: Date;
}

export interface SigningKeyStore {
  /** All keys, newest first. */
  all(): Promise<SigningKey[]>;
  /** Stores a key only while there is none; of concurrent calls exactly one answers true. */
  insertFirst(key: SigningKey): Promise<boolean>;
  /** Stores a further key. */
  insert(key: SigningKey): Promise<void>;
}
