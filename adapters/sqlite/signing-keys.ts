/** Signing keys. */
import type { SigningKey, SigningKeyStore } from '../../src/domain/signing-keys.ts';
import type { Connection } from './connection.ts';
import { reading, refusingTaken } from './errors.ts';

interface KeyRow {
  key_id: string;
  encrypted_jwk: string;
  created_at: number;
}

/** The signing keys of a connection. */
export function signingKeyStore({ prepare, write }: Connection): SigningKeyStore {
  const all = prepare<KeyRow>(
    'SELECT key_id, encrypted_jwk, created_at FROM signing_keys ORDER BY created_at DESC, key_id',
  );
  const insertInto = 'INSERT INTO signing_keys (key_id, encrypted_jwk, created_at)';
  const insert = prepare(`${insertInto} VALUES (?, ?, ?)`);
  const insertFirst = prepare(
    `${insertInto} SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM signing_keys)`,
  );
  const valuesOf = ({ keyId, encryptedJwk, createdAt }: SigningKey) =>
    [keyId, encryptedJwk, createdAt.getTime()] as const;
  return {
    all: () => reading(() => all.all().map(keyOf)),
    insertFirst: (key) => write(() => insertFirst.run(...valuesOf(key)).changes === 1),
    insert: (key) =>
      write(() => {
        refusingTaken({ key_id: ['keyId', key.keyId] }, () => insert.run(...valuesOf(key)));
      }),
  };
}

function keyOf(row: KeyRow): SigningKey {
  return {
    keyId: row.key_id,
    encryptedJwk: row.encrypted_jwk,
    createdAt: new Date(row.created_at),
  };
}
