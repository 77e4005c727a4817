/** How tokens are stored: both kinds in one collection, fields typed, expired ones purged by MongoDB. */
import type { AccessToken, RefreshFamily, StoredToken } from '../../src/domain/tokens/token.ts';
import { collection } from './schema.ts';

/** A stored token of either kind; a field that its kind lacks is null. */
export interface TokenDocument
  extends Omit<AccessToken, 'tokenId' | 'kind'>,
    Omit<RefreshFamily, 'tokenId' | 'kind'> {
  _id: string;
  kind: StoredToken['kind'];
  /** When MongoDB removes it: at its expiry; a family not before the last of its access tokens. */
  purgeAt: Date;
}

export const tokenSchema = collection({
  kind: String,
  clientId: String,
  userId: String,
  grantType: String,
  scopes: [String],
  issuedAt: Date,
  expiresAt: Date,
  revokedAt: Date,
  maxUses: Number,
  uses: Number,
  familyId: String,
  currentDigest: String,
  rotatedAt: Date,
  purgeAt: Date,
});
/** Not `$type: 'string'`, from which MongoDB does not see that an equality meets it. */
const whereSet = (field: string) => ({ partialFilterExpression: { [field]: { $gt: '' } } });
tokenSchema.index({ purgeAt: 1 }, { expireAfterSeconds: 0 });
tokenSchema.index({ clientId: 1, revokedAt: 1, issuedAt: -1, _id: 1 });
tokenSchema.index({ userId: 1, revokedAt: 1, issuedAt: -1, _id: 1 }, whereSet('userId'));
tokenSchema.index({ familyId: 1 }, whereSet('familyId'));

/**
 * The document of a token, field by field: what is not named here is not stored.
 *
 * @param purgeAt default: when it expires
 */
export function encodeToken(token: StoredToken, purgeAt = token.expiresAt): TokenDocument {
  const isFamily = token.kind === 'refresh_token';
  return {
    _id: token.tokenId,
    kind: token.kind,
    clientId: token.clientId,
    userId: token.userId,
    grantType: token.grantType,
    scopes: token.scopes,
    issuedAt: token.issuedAt,
    expiresAt: token.expiresAt,
    revokedAt: token.revokedAt,
    maxUses: token.maxUses,
    uses: token.uses,
    familyId: isFamily ? null : token.familyId,
    currentDigest: isFamily ? token.currentDigest : null,
    rotatedAt: isFamily ? token.rotatedAt : null,
    purgeAt,
  };
}

/** The token of a document. */
export function decodeToken(document: TokenDocument): StoredToken {
  const { _id, purgeAt: _, kind, familyId, currentDigest, rotatedAt, ...shared } = document;
  return kind === 'refresh_token'
    ? { tokenId: _id, kind, ...shared, currentDigest, rotatedAt }
    : { tokenId: _id, kind, ...shared, familyId };
}
