/** From Koa to a handler of the console and back: session, forged requests, role, step-up, errors. */
import type { Context } from 'koa';
import type { Admin } from '../../domain/admins/admin.ts';
import { includesRole } from '../../domain/admins/admin.ts';
import { type AdminSession, STEP_UP_SECONDS } from '../../domain/admins/admin-session.ts';
import { findSession } from '../../domain/admins/sign-in.ts';
import { DomainError, ERRORS, isDomainError } from '../../domain/errors.ts';
import type { Services } from '../../domain/services.ts';
import type { RequestState } from '../../http/request-state.ts';
import { readForm } from '../form-body.ts';
import { createFormats } from '../formats.ts';
import type { Translate } from '../messages.ts';
import type { Render } from '../render.ts';
import type { Views } from '../views.ts';
import { csrfToken, refuseCrossSite, requireCsrfToken } from './csrf.ts';
import { setFlash, takeFlash } from './flash.ts';
import { once } from './once.ts';
import { consolePage, type PageOptions } from './page.ts';
import { readPreferences } from './preferences.ts';
import type { ConsoleCall, ConsoleRoute, NodeFacts } from './route.ts';
import { readSessionCookie } from './session-cookie.ts';

/** A Koa context in which the router has put the path's parameters. */
export type PageContext = Context & { params: Record<string, string> };

/** What the console is made with. */
export interface Console {
  services: Services;
  render: Render;
  t: Translate;
  /** What the badge of every page says. */
  environment: string;
  node: NodeFacts;
  /** Paths of the static files, with a hash of their content. */
  stylesheet: string;
  script: string;
}

/** Where one signs in, and where one proves again who one is. */
export const SIGN_IN = '/admin/sign-in';
export const VERIFY = '/admin/verify';

/** The Koa middleware of one route. */
export function dispatch(parts: Console, route: ConsoleRoute) {
  return async function handleRoute(ctx: PageContext): Promise<void> {
    protect(ctx);
    const signedIn = await findSession(parts.services, readSessionCookie(ctx) ?? '');
    if (signedIn === null) return sendTo(ctx, SIGN_IN);
    const call = callOf(parts, ctx, signedIn);
    try {
      if (route.method === 'POST') await readPosted(parts, call);
      requireRole(call, route);
      if (route.stepUp && needsStepUp(call)) return sendTo(ctx, VERIFY);
      await once(call, () => route.handler(call));
    } catch (error) {
      await showError(ctx, call, error);
    }
  };
}

/** What a page tells of its admin stays in this browser and with this site. */
function protect(ctx: Context): void {
  ctx.set('Cache-Control', 'no-store');
  // Within the site, so that whoever is sent to prove themselves can be sent back.
  ctx.set('Referrer-Policy', 'same-origin');
}

/** Redirects there, to come back to where this request wanted to go. */
function sendTo(ctx: PageContext, path: string): void {
  const next = ctx.method === 'GET' ? ctx.path + ctx.search : (refererPath(ctx) ?? '/admin');
  ctx.status = 303;
  ctx.redirect(`${path}?${new URLSearchParams({ next })}`);
}

/** Path of the page that a form was on. */
function refererPath(ctx: Context): string | null {
  const referer = ctx.get('Referer');
  if (!URL.canParse(referer)) return null;
  const { pathname, search } = new URL(referer);
  return pathname.startsWith('/admin') ? pathname + search : null;
}

async function readPosted(parts: Console, call: ConsoleCall): Promise<void> {
  refuseCrossSite(call.ctx);
  call.form = await readForm(call.ctx);
  requireCsrfToken(parts.services.keys, call.session.sessionId, call.form);
}

function requireRole({ admin, t }: ConsoleCall, { role }: ConsoleRoute): void {
  if (includesRole(admin.role, role)) return;
  throw new DomainError('not_allowed', {
    hint: t('error.role', { needed: role, yours: admin.role }),
  });
}

function needsStepUp({ session, services }: ConsoleCall): boolean {
  const seconds = (services.clock.now().getTime() - session.verifiedAt.getTime()) / 1000;
  return seconds > STEP_UP_SECONDS;
}

function callOf(
  parts: Console,
  ctx: PageContext,
  { admin, session }: { admin: Admin; session: AdminSession },
): ConsoleCall {
  const { services, t } = parts;
  const preferences = readPreferences(ctx);
  const formats = createFormats({
    now: services.clock.now(),
    timeZone: preferences.timeZone ?? services.timeZone,
  });
  const { address } = ctx.state as RequestState;
  const actor = { kind: 'admin', id: admin.adminId, address } as const;

  async function show(...[view, locals, options]: Parameters<ConsoleCall['show']>): Promise<void> {
    const page = consolePage(
      {
        ...parts,
        admin,
        csrf: csrfToken(services.keys, session.sessionId),
        flash: takeFlash(ctx, services.keys),
        formats,
        path: ctx.path,
        preferences,
        search: ctx.path === '/admin/search' ? String(ctx.query['q'] ?? '') : '',
      },
      options,
    );
    ctx.status = options.status ?? 200;
    ctx.type = 'html';
    ctx.body = await parts.render(view, locals, page);
  }

  return {
    ...{ ctx, services, node: parts.node, admin, session, actor },
    acting: { actor, role: admin.role, adminId: admin.adminId },
    params: ctx.params,
    query: queryOf(ctx),
    form: new URLSearchParams(),
    made: null,
    t,
    formats,
    offers: (role) => includesRole(admin.role, role),
    show: show as ConsoleCall['show'],
    redirect(path, flash) {
      if (flash !== undefined) setFlash(ctx, services.keys, flash);
      ctx.status = 303;
      ctx.redirect(path);
    },
  };
}

/** The query of the URL without NUL, which no record has and no pattern of MongoDB can hold. */
function queryOf(ctx: Context): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(ctx.querystring)) {
    query.append(name, value.replaceAll('\0', ''));
  }
  return query;
}

/** What an error is shown with. */
export interface ErrorScreen {
  t: Translate;
  show(view: 'admin/error', locals: Views['admin/error'], options: PageOptions): Promise<void>;
}

/** A page for an error that its handler did not show itself. */
export async function showError(ctx: Context, screen: ErrorScreen, error: unknown): Promise<void> {
  const { t } = screen;
  const { requestId } = ctx.state as RequestState;
  const known = isDomainError(error) ? error : null;
  if (known === null) ctx.app.emit('error', error, ctx);
  const status = known === null ? 500 : ERRORS[known.code].status;
  if (status === 503) ctx.set('Retry-After', String(known?.retryAfterSeconds ?? 5));
  const title = t(known === null ? 'error.internal' : `error.${known.code}`);
  const text = known?.hint ? sentence(known.hint) : null;
  const options: PageOptions = { title, status };
  await screen.show('admin/error', { text, code: known?.code ?? null, requestId }, options);
}

/** A hint of the domain, which is half a sentence, as a whole one. */
function sentence(hint: string): string {
  return `${hint.charAt(0).toUpperCase()}${hint.slice(1)}${/[.!?]$/.test(hint) ? '' : '.'}`;
}

/** The page of a path that the console does not know. */
export function notFoundRoute(path: string): ConsoleRoute {
  return {
    method: 'GET',
    path,
    role: 'viewer',
    async handler({ ctx, t }) {
      throw new DomainError('not_found', { hint: t('error.no_page', { path: ctx.path }) });
    },
  };
}
