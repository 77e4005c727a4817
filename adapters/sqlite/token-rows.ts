/** Rows of the table `tokens` and the statements on them. */
import type { GrantType } from '../../src/domain/clients/client.ts';
import type { StoredToken } from '../../src/domain/tokens/token.ts';
import { fromMs, toMs } from './codec.ts';
import type { Connection, SqlValue } from './connection.ts';

/** A token as its row holds it. */
export interface TokenRow {
  token_id: string;
  kind: StoredToken['kind'];
  client_id: string;
  user_id: string | null;
  grant_type: GrantType;
  /** Scope names, separated by spaces as in OAuth. */
  scopes: string;
  issued_at: number;
  expires_at: number;
  revoked_at: number | null;
  max_uses: number;
  uses: number;
  family_id: string | null;
  current_digest: string | null;
  rotated_at: number | null;
}

const COLUMNS: readonly (keyof TokenRow)[] = [
  'token_id',
  'kind',
  'client_id',
  'user_id',
  'grant_type',
  'scopes',
  'issued_at',
  'expires_at',
  'revoked_at',
  'max_uses',
  'uses',
  'family_id',
  'current_digest',
  'rotated_at',
];

/** All columns of the token `t`. */
const SELECTED = COLUMNS.map((column) => `t.${column}`).join(', ');

/** Whether the token `t` has no family, or one that is not revoked. */
export const FAMILY_IS_LIVE = `t.family_id IS NULL OR NOT EXISTS (
  SELECT 1 FROM tokens f WHERE f.token_id = t.family_id AND f.revoked_at IS NOT NULL)`;

/** The statements of a connection. */
export function tokenStatements({ prepare }: Connection) {
  // Access tokens first: once its family is revoked, a live one can no longer be told from others.
  const revokeOf = (column: 'client_id' | 'user_id') =>
    [
      `t.kind = 'access_token' AND t.expires_at > ? AND (${FAMILY_IS_LIVE})`,
      `t.kind = 'refresh_token' AND t.expires_at > ?`,
    ].map((live) =>
      prepare(
        `UPDATE tokens AS t SET revoked_at = ? WHERE t.${column} = ? AND t.revoked_at IS NULL AND ${live}`,
      ),
    );
  return {
    insert: prepare(
      `INSERT INTO tokens (${COLUMNS.join(', ')}, purge_at)
       VALUES (${COLUMNS.map(() => '?').join(', ')}, ?)`,
    ),
    keepFamily: prepare('UPDATE tokens SET purge_at = max(purge_at, ?) WHERE token_id = ?'),
    findAccess: prepare<TokenRow>(
      `SELECT ${SELECTED.replace('t.revoked_at', 'coalesce(t.revoked_at, f.revoked_at) AS revoked_at')}
       FROM tokens t LEFT JOIN tokens f ON f.token_id = t.family_id
       WHERE t.token_id = ? AND t.kind = 'access_token'`,
    ),
    find: prepare<TokenRow>(`SELECT ${SELECTED} FROM tokens t WHERE t.token_id = ?`),
    findFamily: prepare<TokenRow>(
      `SELECT ${SELECTED} FROM tokens t WHERE t.token_id = ? AND t.kind = 'refresh_token'`,
    ),
    rotate: prepare(
      `UPDATE tokens AS t SET current_digest = ?, uses = uses + 1, rotated_at = ?,
         purge_at = max(purge_at, ?)
       WHERE t.token_id = ? AND t.kind = 'refresh_token' AND t.current_digest = ?
         AND t.revoked_at IS NULL AND t.expires_at > ? AND (t.max_uses = 0 OR t.uses < t.max_uses)`,
    ),
    // A family lives as long as the last of its access tokens, which its revocation ends.
    revoke: prepare(
      `UPDATE tokens AS t SET revoked_at = ? WHERE t.token_id = ? AND t.revoked_at IS NULL
         AND t.purge_at > ? AND (${FAMILY_IS_LIVE})`,
    ),
    countLive: prepare<{ client_id: string; live: number }>(
      `SELECT t.client_id, count(*) AS live FROM tokens t
       WHERE t.revoked_at IS NULL AND t.expires_at > ? AND (${FAMILY_IS_LIVE})
         AND t.client_id IN (SELECT value FROM json_each(?))
       GROUP BY t.client_id`,
    ),
    revokeClient: revokeOf('client_id'),
    revokeUser: revokeOf('user_id'),
  };
}

/** Values of a new row, in the order of its columns. */
export function valuesOf(token: StoredToken, purgeAt: Date): SqlValue[] {
  const isAccess = token.kind === 'access_token';
  return [
    token.tokenId,
    token.kind,
    token.clientId,
    token.userId,
    token.grantType,
    token.scopes.join(' '),
    token.issuedAt.getTime(),
    token.expiresAt.getTime(),
    toMs(token.revokedAt),
    token.maxUses,
    token.uses,
    isAccess ? token.familyId : null,
    isAccess ? null : token.currentDigest,
    isAccess ? null : toMs(token.rotatedAt),
    purgeAt.getTime(),
  ];
}

/** The token that a row holds. */
export function tokenOf(row: TokenRow): StoredToken {
  const shared = {
    tokenId: row.token_id,
    clientId: row.client_id,
    userId: row.user_id,
    grantType: row.grant_type,
    scopes: row.scopes === '' ? [] : row.scopes.split(' '),
    issuedAt: new Date(row.issued_at),
    expiresAt: new Date(row.expires_at),
    revokedAt: fromMs(row.revoked_at),
    maxUses: row.max_uses,
    uses: row.uses,
  };
  if (row.kind === 'access_token') return { ...shared, kind: row.kind, familyId: row.family_id };
  return {
    ...shared,
    kind: row.kind,
    currentDigest: row.current_digest,
    rotatedAt: fromMs(row.rotated_at),
  };
}
