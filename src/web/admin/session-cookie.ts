/** The cookie that holds a session of the console: for this host only, never for scripts. */
import type { Context } from 'koa';

/** With `__Host-` no other host and no plain http of this one can set it; browsers want https for it. */
const SECURE_NAME = '__Host-tollgate_session';
const PLAIN_NAME = 'tollgate_session';

/** Value of the session cookie, or null. */
export function readSessionCookie(ctx: Context): string | null {
  return ctx.cookies.get(nameFor(ctx), { signed: false }) ?? null;
}

/** Sets the session cookie, until the browser closes; null forgets it. */
export function setSessionCookie(ctx: Context, value: string | null): void {
  ctx.cookies.set(nameFor(ctx), value, {
    // The value is a random credential: a signature would add nothing.
    signed: false,
    httpOnly: true,
    // Lax, so that links in mails open signed in; every form carries a token of its own besides.
    sameSite: 'lax',
    secure: ctx.protocol === 'https',
    path: '/',
    overwrite: true,
  });
}

function nameFor(ctx: Context): string {
  return ctx.protocol === 'https' ? SECURE_NAME : PLAIN_NAME;
}
