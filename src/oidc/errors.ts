/** Errors of the OAuth endpoints: reasons and domain errors in the words of RFC 6749 §5.2. */
import type { Context } from 'koa';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { REASONS, type ReasonCode } from '../domain/decision/reasons.ts';
import { isDomainError } from '../domain/errors.ts';
import type { RequestState } from '../http/request-state.ts';

/** An error with exactly this code, status and description. */
export class OAuthError extends errors.OIDCProviderError {
  constructor(status: number, code: string, description: string) {
    super(status, code);
    this.error_description = description;
  }
}

/** The OAuth error for a refusal. */
export function refusalError(reason: ReasonCode): OAuthError {
  const description = describe(reason);
  if (reason === 'grant_not_allowed')
    return new OAuthError(400, 'unauthorized_client', description);
  if (
    reason.startsWith('client_') ||
    reason === 'outside_service_hours' ||
    reason === 'ip_not_allowed'
  ) {
    return new OAuthError(401, 'invalid_client', description);
  }
  return new OAuthError(400, 'invalid_grant', description);
}

function describe(reason: ReasonCode): string {
  return `${reason}: ${REASONS[reason].title}`;
}

/** A grant that is not valid (RFC 6749 §5.2 invalid_grant). */
export function invalidGrant(description: string): OAuthError {
  return new OAuthError(400, 'invalid_grant', description);
}

/** A request that is not valid. */
export function invalidRequest(description: string): OAuthError {
  return new OAuthError(400, 'invalid_request', description);
}

/** How the engine describes an Authorization header that it cannot read; it answers 400 then. */
const BAD_AUTHORIZATION = new Set([
  'invalid authorization header value format',
  'client_id and client_secret in the authorization header are not properly encoded',
  'client_secret must be provided in the Authorization header',
]);

/** Listener for `grant.error`, `introspection.error` and `revocation.error`: where the engine departs from the RFCs. */
export function correctError(ctx: KoaContextWithOIDC, error: errors.OIDCProviderError): void {
  if (error.error_description === 'no client authentication mechanism provided') {
    // RFC 6749 §5.2: invalid_client covers "no client authentication included".
    answerInvalidClient(ctx, 'client authentication is missing');
  }
  if (BAD_AUTHORIZATION.has(error.error_description ?? '')) {
    // RFC 6749 §5.2: a client that "attempted to authenticate via the 'Authorization' request header
    // field" MUST get a 401.
    answerInvalidClient(ctx, 'the Authorization header must hold a client id and secret as Basic');
  }
  if (ctx.status === 401 && (ctx.state as RequestState).reason === 'ip_not_allowed') {
    // Tells the caller of its own address only. Every other reason stays untold here: that a client
    // is locked would tell a guesser when to go on.
    answerInvalidClient(ctx, describe('ip_not_allowed'));
  }
  if (error.error_description === 'requested grant type is not allowed for this client') {
    // Every grant that exists is named in every client's metadata, so this one does not exist.
    ctx.body = {
      error: 'unsupported_grant_type',
      error_description: 'the grant type is not supported',
    };
  }
  if (error.error_description === 'failed to parse the request body') {
    ctx.body = {
      error: 'invalid_request',
      error_description: 'the body must be a form in UTF-8 of at most 56 KiB',
    };
  }
  if (error.error === 'unsupported_token_type') {
    // RFC 7662 §2.2, RFC 7009 §2.2: a token that this server does not know is inactive, or revoked already.
    ctx.status = 200;
    ctx.body = ctx.path.endsWith('introspect') ? { active: false } : '';
  }
  if (ctx.status === 401) challenge(ctx);
}

function answerInvalidClient(ctx: KoaContextWithOIDC, description: string): void {
  ctx.status = 401;
  ctx.body = { error: 'invalid_client', error_description: description };
}

/** Listener for `server_error`: an outage or overload is told as such, and never as a wrong answer. */
export function reportServerError(ctx: Context, error: unknown): void {
  // The engine swallows errors: whatever nobody foresaw must reach the log.
  if (!isDomainError(error)) return void ctx.app.emit('error', error, ctx);
  ctx.status = error.status;
  ctx.set('Retry-After', String(error.retryAfterSeconds ?? 1));
  ctx.body = { error: 'temporarily_unavailable', error_description: error.message };
}

/** RFC 9110 §15.5.2: a 401 "MUST send a WWW-Authenticate header field". */
export function challenge(ctx: Context): void {
  if (!ctx.response.get('WWW-Authenticate'))
    ctx.set('WWW-Authenticate', 'Basic realm="tollgate", charset="UTF-8"');
}
