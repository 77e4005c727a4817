/**
 * The sign-in of admins: name and password, then a code where there is a second factor. These pages
 * stand before any session; what the browser says of where a form comes from guards them.
 */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { signOut } from '../../domain/admins/manage-sessions.ts';
import {
  adminOfTicket,
  beginSignIn,
  findSession,
  finishSignIn,
  type SignedIn,
} from '../../domain/admins/sign-in.ts';
import { type DomainError, ERRORS, isDomainError } from '../../domain/errors.ts';
import type { RequestState } from '../../http/request-state.ts';
import { refuseCrossSite } from '../admin/csrf.ts';
import { type Console, type ErrorScreen, SIGN_IN, showError } from '../admin/dispatch.ts';
import { readPreferences } from '../admin/preferences.ts';
import { readSessionCookie, setSessionCookie } from '../admin/session-cookie.ts';
import { readFields } from '../form-body.ts';
import type { Views } from '../views.ts';
import { nextPath } from './next-path.ts';

const CODE = `${SIGN_IN}/code`;

/** Adds the pages to the router of the site. */
export function signInPages(router: Router, site: Console): void {
  router.get(SIGN_IN, (ctx) => orError(site, ctx, showSignIn));
  router.post(SIGN_IN, (ctx) => orError(site, ctx, takePassword));
  // Whoever reloads the second step begins again.
  router.get(CODE, (ctx) => ctx.redirect(SIGN_IN));
  router.post(CODE, (ctx) => orError(site, ctx, takeCode));
}

/** Answers with what a handler shows, or with a page for the error that it throws. */
async function orError(
  site: Console,
  ctx: Context,
  handler: (site: Console, ctx: Context) => Promise<void>,
): Promise<void> {
  try {
    await handler(site, ctx);
  } catch (error) {
    await showError(ctx, { t: site.t, show: errorPage }, error);
  }

  async function errorPage(...[, locals, options]: Parameters<ErrorScreen['show']>): Promise<void> {
    const { title, status = 200 } = options;
    ctx.status = status;
    const page = bare(site, ctx, title);
    ctx.body = await site.render('admin/sign-in-error', { ...locals, title }, page);
  }
}

async function showSignIn(site: Console, ctx: Context): Promise<void> {
  const next = nextPath(new URLSearchParams(ctx.querystring).get('next'));
  const found = await findSession(site.services, readSessionCookie(ctx) ?? '');
  if (found === null) return showPassword(site, ctx, { next, userName: '' });
  ctx.status = 303;
  ctx.redirect(next);
}

async function takePassword(site: Console, ctx: Context): Promise<void> {
  refuseCrossSite(ctx);
  const fields = await readFields(ctx);
  const userName = fields.get('userName')?.trim() ?? '';
  const next = nextPath(fields.get('next'));
  const password = fields.get('password') ?? '';
  try {
    const begun = await beginSignIn(site.services, { userName, password, ...originOf(ctx) });
    if ('ticket' in begun) return await showCode(site, ctx, { next, ticket: begun.ticket });
    await enter(site, ctx, begun, next);
  } catch (error) {
    const problem = problemOf(site, ctx, error, 'sign-in.refused');
    await showPassword(site, ctx, { next, userName, problem });
  }
}

async function takeCode(site: Console, ctx: Context): Promise<void> {
  refuseCrossSite(ctx);
  const fields = await readFields(ctx);
  const next = nextPath(fields.get('next'));
  const [ticket, code] = [fields.get('ticket') ?? '', fields.get('code') ?? ''];
  try {
    const input = { ticket, code, ...originOf(ctx) };
    await enter(site, ctx, await finishSignIn(site.services, input), next);
  } catch (error) {
    const admin = await adminOfTicket(site.services, ticket);
    const key = admin === null ? 'sign-in.over' : 'sign-in.code.refused';
    const problem = problemOf(site, ctx, error, key);
    if (admin !== null) return showCode(site, ctx, { next, ticket, problem });
    await showPassword(site, ctx, { next, userName: '', problem });
  }
}

/** Opens the session in this browser; one that was open in it ends. */
async function enter(
  { services }: Console,
  ctx: Context,
  { value }: SignedIn,
  next: string,
): Promise<void> {
  const before = await findSession(services, readSessionCookie(ctx) ?? '');
  if (before !== null) await signOut(services, before.session, originOf(ctx).address);
  setSessionCookie(ctx, value);
  ctx.set('Cache-Control', 'no-store');
  ctx.status = 303;
  ctx.redirect(next);
}

interface Shown {
  next: string;
  problem?: string;
}

function showPassword(site: Console, ctx: Context, shown: Shown & { userName: string }) {
  const { next, userName, problem = null } = shown;
  const title = site.t('sign-in.title');
  return show(site, ctx, 'admin/sign-in', { action: SIGN_IN, title, next, userName, problem });
}

function showCode(site: Console, ctx: Context, shown: Shown & { ticket: string }) {
  const { next, ticket, problem = null } = shown;
  const title = site.t('sign-in.code.title');
  const locals = { action: CODE, back: SIGN_IN, title, next, ticket, problem };
  return show(site, ctx, 'admin/sign-in-code', locals);
}

async function show<V extends 'admin/sign-in' | 'admin/sign-in-code'>(
  site: Console,
  ctx: Context,
  view: V,
  locals: Views[V],
): Promise<void> {
  const { title, problem } = locals;
  if (problem !== null && ctx.status < 400) ctx.status = 422;
  if (problem === null) ctx.status = 200;
  const told = problem === null ? title : site.t('common.error_title', { title });
  ctx.body = await site.render(view, locals, bare(site, ctx, told));
}

/** What stands around these pages; they are neither kept nor told to other sites. */
function bare({ stylesheet }: Console, ctx: Context, title: string) {
  ctx.set('Cache-Control', 'no-store');
  // Under `no-referrer` browsers send this form with `Origin: null`.
  ctx.set('Referrer-Policy', 'same-origin');
  ctx.type = 'html';
  return { title, stylesheet, theme: readPreferences(ctx).theme };
}

/** What to tell of an error, and its status. Throws what no form can tell. */
function problemOf({ t }: Console, ctx: Context, error: unknown, refused: string): string {
  if (!isDomainError(error)) throw error;
  const known: DomainError = error;
  if (known.code === 'not_authenticated') {
    ctx.status = 422;
    return t(refused);
  }
  if (known.code !== 'too_many_attempts' && known.code !== 'overloaded') throw error;
  ctx.status = ERRORS[known.code].status;
  ctx.set('Retry-After', String(known.retryAfterSeconds ?? 5));
  return t('sign-in.busy');
}

function originOf(ctx: Context): { address: string | null; userAgent: string } {
  const { address } = ctx.state as RequestState;
  return { address, userAgent: ctx.get('User-Agent') };
}
