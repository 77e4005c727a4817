/** The server's table of contents: every door, in the order in which a request passes them. */
import type Router from '@koa/router';
import Koa, { type Context, type Middleware } from 'koa';
import { securityHeaders } from './http/security-headers.ts';

/** The doors, each built elsewhere. */
export interface Doors {
  /** Public origin; what the server says of itself never depends on a Host header. */
  issuer: string;
  /** Gives every request an id, an address and an arrival time; logs, counts, and answers errors. */
  observe: Middleware;
  /** `/healthz`, `/readyz`, `/metrics`. */
  health: Router;
  /** `POST /decide`, `/forward-auth/{dialect}`. */
  gateway: Middleware;
  /** `/oauth2/{token,introspect,revoke,jwks}`, `/.well-known/…`. */
  oauth: Middleware;
  /** In front of `/admin/…` and `/api/…`: only from where admins are. */
  adminAddresses: Middleware;
  /** `/api/v1/…`, `/api/openapi.json`. */
  adminApi: Router;
  /** `/admin/…`: the console. */
  adminConsole: Router;
  /** `/admin/set-up`, `/reset-password`, `/docs/errors`, `/static/…`. */
  pages: Router;
}

/** Composes the doors into a Koa application. */
export function createApp(doors: Doors): Koa {
  const app = new Koa();
  pinOrigin(app, doors.issuer);
  app.use(doors.observe);
  app.use(doors.gateway);
  app.use(doors.oauth);
  app.use(securityHeaders);
  app.use(doors.health.routes());
  app.use(doors.adminAddresses);
  app.use(doors.adminApi.routes());
  app.use(doors.pages.routes());
  app.use(doors.adminConsole.routes());
  app.use(answerNotFound);
  return app;
}

function pinOrigin(app: Koa, issuer: string): void {
  const { host, origin, protocol } = new URL(issuer);
  Object.defineProperty(app.request, 'host', { get: () => host });
  // What the engine makes its URLs from; a request line may name a whole URL of its own.
  Object.defineProperty(app.request, 'href', { get: () => origin });
  Object.defineProperty(app.request, 'protocol', { get: () => protocol.slice(0, -1) });
}

function answerNotFound(ctx: Context): void {
  ctx.status = 404;
  ctx.body = { error: 'not_found', error_description: `there is nothing at ${ctx.path}` };
}
