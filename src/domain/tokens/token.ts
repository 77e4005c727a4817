/**
 * Access tokens and refresh tokens as they are stored. Neither is stored itself: an access token is a
 * row under the keyed digest of its value; a refresh token is a *family*, one row that carries the
 * count, the absolute expiry and the keyed digest of the one value that is valid now.
 */
import type { GrantType } from '../clients/client.ts';

/** What access tokens and refresh-token families share. Limits are those at issuance. */
interface TokenBase {
  /** Time of issue and keyed digest of an access token's value; random id of a refresh-token family. Not a credential. */
  tokenId: string;
  clientId: string;
  /** The resource owner; null for client_credentials. */
  userId: string | null;
  grantType: GrantType;
  scopes: string[];
  issuedAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
  /** Uses allowed (calls, or refreshes for a family); 0 = unlimited. */
  maxUses: number;
  /** Uses spent. */
  uses: number;
}

/** A stored access token. */
export interface AccessToken extends TokenBase {
  kind: 'access_token';
  /** Family it was issued with; null where there is no refresh token. */
  familyId: string | null;
}

/** A stored refresh-token family. */
export interface RefreshFamily extends TokenBase {
  kind: 'refresh_token';
  /** Keyed digest of the refresh token that is valid now; null when the last refresh is spent. */
  currentDigest: string | null;
  /** When the current token replaced the one before; null before the first refresh. */
  rotatedAt: Date | null;
}

/** Either kind, as listed to admins. */
export type StoredToken = AccessToken | RefreshFamily;
