/** The contract of SigningKeyStore. */
import { describe, expect, it } from '@jest/globals';
import type { SigningKey } from '../../src/domain/signing-keys.ts';
import { fresh, fromNow } from '../support/contract-fixtures.ts';
import { conflictOn, type Open, useStores } from './contract.ts';

function keyFixture(createdAt: Date): Required<SigningKey> {
  return { keyId: fresh('key'), encryptedJwk: 'v1.nonce.ciphertext', createdAt };
}

/** Describes the contract. */
export function describeSigningKeys(open: Open): void {
  describe('signing keys', () => {
    const stores = useStores(open);

    it('stores a first key for exactly one of concurrent calls', async () => {
      expect(await stores().signingKeys.all()).toEqual([]);
      const keys = Array.from({ length: 20 }, (_, i) => keyFixture(fromNow(i)));
      const answers = await Promise.all(keys.map((key) => stores().signingKeys.insertFirst(key)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await stores().signingKeys.all()).toStrictEqual([keys[answers.indexOf(true)]]);
      expect(await stores().signingKeys.insertFirst(keyFixture(fromNow(0)))).toBe(false);
    });

    it('stores further keys, newest first', async () => {
      const [newest, oldest] = [keyFixture(fromNow(1000)), keyFixture(fromNow(-1000))];
      await stores().signingKeys.insert(newest);
      await stores().signingKeys.insert(oldest);
      const keys = await stores().signingKeys.all();
      expect(keys).toHaveLength(3);
      expect([keys[0], keys[2]]).toStrictEqual([newest, oldest]);
      const again = stores().signingKeys.insert(newest);
      await expect(again).rejects.toMatchObject(conflictOn('keyId'));
    });
  });
}
