/** The outermost middleware: gives every request an id, an address and an arrival time; logs and counts it. */
import { randomUUID } from 'node:crypto';
import type { Context, Middleware, Next } from 'koa';
import type { Clock } from '../domain/clock.ts';
import { ERRORS, isDomainError } from '../domain/errors.ts';
import type { ReadClientAddress } from './client-address.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { RequestState } from './request-state.ts';

/** What the middleware works with. */
export interface RequestOptions {
  clock: Clock;
  log: Log;
  metrics: Metrics;
  readAddress: ReadClientAddress;
}

/** An id that a caller or proxy may choose: short and plain. */
const CALLERS_ID = /^[A-Za-z0-9._-]{8,64}$/;

/** Koa middleware; everything else runs inside it. */
export function observeRequests({ clock, log, metrics, readAddress }: RequestOptions): Middleware {
  return async function observeRequest(ctx: Context, next: Next) {
    const given = ctx.req.headers['x-request-id'];
    const state: RequestState = {
      requestId: typeof given === 'string' && CALLERS_ID.test(given) ? given : randomUUID(),
      arrivedAt: clock.now(),
      arrivedMs: performance.now(),
      address: readAddress(ctx.req),
    };
    ctx.state = state;
    ctx.set('X-Request-Id', state.requestId);
    // Here, as the OAuth endpoints answer without the headers that only browsers need.
    ctx.set('X-Content-Type-Options', 'nosniff');
    try {
      await next();
    } catch (error) {
      answerError(ctx, error, log);
    }
    if (state.decisionId !== undefined) ctx.set('X-Decision-Id', state.decisionId);
    const seconds = (performance.now() - state.arrivedMs) / 1000;
    const route = String(ctx['_matchedRoute'] ?? 'none');
    metrics.countRequest(route, ctx.method, ctx.status, seconds);
    if (state.reason !== undefined) metrics.countRefusal(state.reason);
    const level =
      // A 503 with a reason is an answer, not a failure; strangers can cause it.
      ctx.status >= 500 && state.reason === undefined
        ? 'error'
        : ctx.status >= 400 || state.reason !== undefined
          ? 'info'
          : 'debug';
    if (log.isLevelEnabled(level)) {
      const { method, status } = ctx;
      log[level](
        {
          ...state,
          arrivedAt: undefined,
          arrivedMs: undefined,
          presentedSecrets: undefined,
          method,
          route,
          status,
          ms: Math.round(seconds * 1e4) / 10,
        },
        'request',
      );
    }
  };
}

/** The last resort: known errors as JSON with their status, unknown ones as a bare 500 with the request id. */
function answerError(ctx: Context, error: unknown, log: Log): void {
  const { requestId } = ctx.state as RequestState;
  if (isDomainError(error)) {
    ctx.status = ERRORS[error.code].status;
    const retryAfter = error.retryAfterSeconds ?? (ctx.status === 503 ? 1 : undefined);
    if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
    if (ctx.status >= 500) log.warn({ requestId, err: error }, 'request failed');
    ctx.body = { error: error.code, error_description: error.message, request_id: requestId };
    return;
  }
  const status = (error as { status?: unknown } | null)?.status;
  const exposed = (error as { expose?: unknown } | null)?.expose === true;
  ctx.status = typeof status === 'number' && exposed ? status : 500;
  if (ctx.status >= 500) log.error({ requestId, err: error }, 'request failed');
  ctx.body = {
    error: ctx.status >= 500 ? 'server_error' : 'invalid_request',
    request_id: requestId,
  };
}
