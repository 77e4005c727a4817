/** The keys behind `jwks_uri`: made at the first start, the private half encrypted in the database. */
import { generateKeyPairSync } from 'node:crypto';
import type { JWKS } from 'oidc-provider';
import { randomId } from '../domain/secrets/random.ts';
import type { Services } from '../domain/services.ts';

/** The private key set, newest first; makes the first key when there is none. Throws when SECRET_KEYS cannot decrypt it. */
export async function loadSigningKeys(
  services: Pick<Services, 'clock' | 'keys' | 'stores'>,
): Promise<JWKS> {
  const { signingKeys } = services.stores;
  if ((await signingKeys.all()).length === 0) {
    const keyId = randomId();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = { ...privateKey.export({ format: 'jwk' }), kid: keyId, alg: 'ES256', use: 'sig' };
    const encryptedJwk = services.keys.encrypt('signing_key', JSON.stringify(jwk));
    // Of several nodes that start at once one key wins; all read it below.
    await signingKeys.insertFirst({ keyId, encryptedJwk, createdAt: services.clock.now() });
  }
  const keys = await signingKeys.all();
  return {
    keys: keys.map((key) => JSON.parse(services.keys.decrypt('signing_key', key.encryptedJwk))),
  };
}
