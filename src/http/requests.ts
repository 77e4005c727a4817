/** Gives every request an id, an address and an arrival time; logs and counts it: the outermost middleware. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
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

/** What the log and the metrics are told of an answered request. */
export interface Answered {
  /** A pattern, never a raw path. */
  route: string;
  method: string;
  status: number;
}

/** Knows requests from their arrival to their answer, whichever door answers them. */
export interface RequestObserver {
  arrive(request: IncomingMessage): RequestState;
  /** Counts and logs; to be called right before the answer is written. */
  leave(state: RequestState, answered: Answered): void;
}

/** The observer that both ways share: through Koa, and past it (`lean-door.ts`). */
export function requestObserver(options: RequestOptions): RequestObserver {
  const { clock, log, metrics, readAddress } = options;
  return {
    arrive(request) {
      const given = request.headers['x-request-id'];
      return {
        requestId: typeof given === 'string' && CALLERS_ID.test(given) ? given : randomUUID(),
        arrivedAt: clock.now(),
        arrivedMs: performance.now(),
        address: readAddress(request),
      };
    },
    leave(state, { route, method, status }) {
      const seconds = (performance.now() - state.arrivedMs) / 1000;
      metrics.countRequest(route, method, status, seconds);
      if (state.reason !== undefined) metrics.countRefusal(state.reason);
      const level = levelOf(status, state.reason !== undefined);
      if (!log.isLevelEnabled(level)) return;
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
    },
  };
}

function levelOf(status: number, hasReason: boolean): 'error' | 'info' | 'debug' {
  // A 503 with a reason is an answer, not a failure; strangers can cause it.
  if (status >= 500 && !hasReason) return 'error';
  return status >= 400 || hasReason ? 'info' : 'debug';
}

/** Koa middleware; everything else runs inside it. */
export function observeRequests(options: RequestOptions): Middleware {
  const observer = requestObserver(options);
  return async function observeRequest(ctx: Context, next: Next) {
    const state = observer.arrive(ctx.req);
    ctx.state = state;
    ctx.set('X-Request-Id', state.requestId);
    // Here, as the OAuth endpoints answer without the headers that only browsers need.
    ctx.set('X-Content-Type-Options', 'nosniff');
    try {
      await next();
    } catch (error) {
      answerError(ctx, error, options.log);
    }
    if (state.decisionId !== undefined) ctx.set('X-Decision-Id', state.decisionId);
    const { method, status } = ctx;
    observer.leave(state, { route: String(ctx['_matchedRoute'] ?? 'none'), method, status });
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
