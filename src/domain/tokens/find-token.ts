/** From the value of a token to what is stored about it. */
import type { SecretKeys } from '../secrets/secret-keys.ts';
import { accessTokenIds } from './access-token.ts';
import { readRefreshToken } from './refresh-token.ts';
import type { AccessToken, RefreshFamily } from './token.ts';
import type { TokenStore } from './token-store.ts';

interface FindServices {
  keys: SecretKeys;
  stores: { tokens: TokenStore };
}

/** The stored access token behind a value, whichever key its digest is under, or null. */
export async function findAccess(
  { keys, stores }: FindServices,
  value: string,
): Promise<AccessToken | null> {
  for (const tokenId of accessTokenIds(keys, value)) {
    const token = await stores.tokens.findAccess(tokenId);
    if (token !== null) return token;
  }
  return null;
}

/** The family of a genuine refresh token, replaced ones included, or null. */
export async function findFamily(
  { keys, stores }: FindServices,
  value: string,
): Promise<RefreshFamily | null> {
  const read = readRefreshToken(keys, value);
  return read === null ? null : stores.tokens.findFamily(read.familyId);
}
