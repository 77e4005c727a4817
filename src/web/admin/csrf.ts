/**
 * Against forged requests, twice: what the browser says of where a request comes from, and a token of
 * the session in every form.
 */
import type { Context } from 'koa';
import { DomainError } from '../../domain/errors.ts';
import { constantTimeEqual, type SecretKeys } from '../../domain/secrets/secret-keys.ts';

/** The token that every form of this session carries. */
export function csrfToken(keys: SecretKeys, sessionId: string): string {
  return keys.digest('csrf', sessionId);
}

/** Throws `not_allowed` unless the form carries the token of this session. */
export function requireCsrfToken(keys: SecretKeys, sessionId: string, form: URLSearchParams): void {
  const presented = form.get('csrf') ?? '';
  const right = keys
    .digests('csrf', sessionId)
    .some((token) => constantTimeEqual(token, presented));
  if (!right) throw forged('this form is not of your session: open the page again, then repeat it');
}

/**
 * Refuses what another site sends through the browser of its visitor (Fetch Metadata; for browsers
 * without it, Origin).
 *
 * @throws DomainError `not_allowed`
 */
export function refuseCrossSite(ctx: Context): void {
  const site = ctx.get('Sec-Fetch-Site');
  if (site === 'same-origin' || site === 'none') return;
  const origin = ctx.get('Origin');
  // Neither header: no browser, or one so old that the token alone has to do.
  if (site === '' && (origin === '' || isOwnOrigin(ctx, origin))) return;
  throw forged('another site sent this request: open the page yourself, then repeat it');
}

function isOwnOrigin(ctx: Context, origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { host } = new URL(origin);
  // `ctx.host` is that of the issuer; the header is what this browser has in its address bar.
  return host === ctx.host || host === ctx.req.headers.host;
}

function forged(hint: string): DomainError {
  return new DomainError('not_allowed', { hint });
}
