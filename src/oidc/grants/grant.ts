/** What every grant shares: its shape, the gate, the scopes asked for, and the token response. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../../domain/services.ts';
import type { IssuedTokens } from '../../domain/tokens/issue-tokens.ts';

/** A grant type of the token endpoint. */
export interface Grant {
  grantType: string;
  /** Parameters it reads, beside those of client authentication. */
  parameters: readonly string[];
  handler(services: Services, ctx: KoaContextWithOIDC): Promise<void>;
}

/**
 * The scopes to grant: those asked for, or all of `byDefault` when none are.
 *
 * @throws invalid_scope when a scope is asked for that is not in `allowed` (RFC 6749 §3.3)
 */
export function requestedScopes(
  asked: unknown,
  allowed: ReadonlySet<string>,
  byDefault: readonly string[],
): string[] {
  if (typeof asked !== 'string') return [...byDefault];
  const scopes = [...new Set(asked.split(' '))];
  const foreign = scopes.filter((scope) => !allowed.has(scope));
  if (foreign.length > 0)
    throw new errors.InvalidScope('requested scope is not allowed', foreign.join(' '));
  return scopes;
}

/** The token response (RFC 6749 §5.1); `scope` is always told, as it may differ from what was asked. */
export function answerTokens(ctx: KoaContextWithOIDC, issued: IssuedTokens): void {
  ctx.body = {
    access_token: issued.accessToken,
    token_type: 'Bearer',
    expires_in: issued.expiresIn,
    ...(issued.refreshToken !== null && { refresh_token: issued.refreshToken }),
    ...(issued.scopes.length > 0 && { scope: issued.scopes.join(' ') }),
  };
}
