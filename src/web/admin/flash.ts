/** What the last change did, told on the next page and then forgotten; a signed cookie, never a secret. */
import type { Context } from 'koa';
import { constantTimeEqual, type SecretKeys } from '../../domain/secrets/secret-keys.ts';

const COOKIE = 'tollgate_flash';
const SECONDS = 60;

/** Bytes of a text that are told: browsers drop a cookie of more than 4 KiB, and with it the whole text. */
const MOST_BYTES = 2400;

/** Tells this text on the next page; one that is too long for a cookie is cut. */
export function setFlash(ctx: Context, keys: SecretKeys, text: string): void {
  const whole = Buffer.from(text);
  const told = whole.length > MOST_BYTES ? Buffer.from(`${cut(whole)}…`) : whole;
  const encoded = told.toString('base64url');
  write(ctx, `${encoded}.${keys.digest('flash', encoded)}`);
}

/** The text for this page, or null; it is then forgotten. */
export function takeFlash(ctx: Context, keys: SecretKeys): string | null {
  const cookie = ctx.cookies.get(COOKIE, { signed: false });
  if (cookie === undefined) return null;
  write(ctx, null);
  const [encoded = '', digest = ''] = cookie.split('.');
  const own = keys.digests('flash', encoded).some((right) => constantTimeEqual(right, digest));
  return own ? Buffer.from(encoded, 'base64url').toString() : null;
}

/** The beginning of a text, up to a whole character. */
function cut(text: Buffer): string {
  return text
    .subarray(0, MOST_BYTES)
    .toString()
    .replace(/\ufffd+$/, '');
}

function write(ctx: Context, value: string | null): void {
  ctx.cookies.set(COOKIE, value, {
    signed: false,
    httpOnly: true,
    sameSite: 'lax',
    secure: ctx.protocol === 'https',
    path: '/admin',
    maxAge: value === null ? 0 : SECONDS * 1000,
    overwrite: true,
  });
}
