/** What admins do with the live tokens of a client or a user: revoke one, revoke all. */
import { type Actor, auditEvent, type FieldChange } from '../audit/audit-event.ts';
import { notFound } from '../errors.ts';
import type { Services } from '../services.ts';
import type { StoredToken } from './token.ts';
import type { TokenOwner } from './token-store.ts';

interface RevokeOptions {
  /** Only say what would be revoked. */
  dryRun?: boolean;
}

/**
 * Revokes one token of an owner; with a refresh-token family its access tokens.
 *
 * @throws DomainError `not_found` when the owner has no such live token
 */
export async function revokeToken(
  services: Services,
  actor: Actor,
  owner: TokenOwner,
  tokenId: string,
  options: RevokeOptions = {},
): Promise<StoredToken> {
  const { tokens } = services.stores;
  const now = services.clock.now();
  const token = (await tokens.findAccess(tokenId)) ?? (await tokens.findFamily(tokenId));
  if (token === null || !isLive(token, now) || !belongsTo(token, owner)) {
    throw notFound('live token', tokenId);
  }
  if (options.dryRun) return token;
  const change = { field: token.kind, before: tokenId, after: 'revoked' };
  const event = revocation(services, actor, owner, 'revoke_token', [change]);
  if (!(await tokens.revoke(tokenId, now, event))) throw notFound('live token', tokenId);
  return token;
}

/** Revokes every live token of an owner; answers how many. Where none was live, nothing is audited. */
export async function revokeAllTokens(
  services: Services,
  actor: Actor,
  owner: TokenOwner,
  options: RevokeOptions = {},
): Promise<number> {
  const { tokens } = services.stores;
  const now = services.clock.now();
  if (options.dryRun) return (await tokens.list(owner, { limit: 1, now })).total;
  return tokens.revokeAll(owner, now, (revoked) => {
    const change = { field: 'liveTokens', before: revoked, after: 0 };
    return revocation(services, actor, owner, 'revoke_all_tokens', [change]);
  });
}

function isLive(token: StoredToken, now: Date): boolean {
  return token.revokedAt === null && token.expiresAt > now;
}

function belongsTo(token: StoredToken, owner: TokenOwner): boolean {
  if ('clientId' in owner) return token.clientId === owner.clientId;
  return token.userId === owner.userId;
}

function revocation(
  services: Services,
  actor: Actor,
  owner: TokenOwner,
  verb: string,
  changes: FieldChange[],
) {
  const [kind, id] = 'clientId' in owner ? ['client', owner.clientId] : ['user', owner.userId];
  const at = services.clock.now();
  return auditEvent({ at, actor, action: `${kind}.${verb}`, object: { kind, id }, changes });
}
