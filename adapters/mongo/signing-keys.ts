/** Signing keys: all in one document, so that "only while there is none" is one conditional update. */

import { conflict } from '../../src/domain/errors.ts';
import type { SigningKey, SigningKeyStore } from '../../src/domain/signing-keys.ts';
import type { Database } from './connection.ts';
import { collection, part } from './schema.ts';

const RING_ID = 'signing-keys';

interface RingDocument {
  _id: string;
  /** Newest first. */
  keys: SigningKey[];
}

export const signingKeySchema = collection({
  keys: [part({ keyId: String, encryptedJwk: String, createdAt: Date })],
});

/** Signing keys of a database. */
export function signingKeys(database: Database) {
  const rings = database.native<RingDocument>('signingKeys');

  async function push({ keyId, encryptedJwk, createdAt }: SigningKey, condition: object) {
    const { modifiedCount } = await rings.updateOne(
      { _id: RING_ID, ...condition },
      {
        $push: { keys: { $each: [{ keyId, encryptedJwk, createdAt }], $sort: { createdAt: -1 } } },
      },
    );
    return modifiedCount === 1;
  }

  const store: SigningKeyStore = {
    all: async () => (await rings.findOne({ _id: RING_ID }))?.keys ?? [],
    insertFirst: (key) => push(key, { keys: { $size: 0 } }),
    async insert(key) {
      const stored = await push(key, { 'keys.keyId': { $ne: key.keyId } });
      if (!stored) throw conflict('keyId', key.keyId);
    },
  };
  return {
    store,
    /** Creates the empty ring of a new database. */
    async prepare(): Promise<void> {
      await rings.updateOne({ _id: RING_ID }, { $setOnInsert: { keys: [] } }, { upsert: true });
    },
  };
}
