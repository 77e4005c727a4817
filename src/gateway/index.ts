/**
 * The gateways' doors: `POST /decide` and `/forward-auth/{dialect}`, which ask the one decision. They
 * know nothing of pages, the REST API or the OAuth engine. Errors are problem documents (RFC 9457).
 */
import type { Context, Middleware, Next } from 'koa';
import type { Services } from '../domain/services.ts';
import { carryByKoa } from '../http/answer.ts';
import type { Priorities } from '../http/priorities.ts';
import type { ApiLog } from '../http/problem.ts';
import type { RequestState } from '../http/request-state.ts';
import type { decideDoor } from './decide.ts';
import { answerForwardAuth, dialectAt } from './forward-auth.ts';

/** What the doors are composed with. */
export interface GatewayOptions {
  log: ApiLog;
  /** `POST /decide`; see `decideDoor`. */
  decide: ReturnType<typeof decideDoor>;
  /** Learns whose credentials were decided about. */
  priorities: Pick<Priorities, 'learn'>;
  /** Addresses and ranges of proxies that stand in front of a gateway. */
  trustedProxies: readonly string[];
}

/** Koa middleware for the gateways' doors. */
export function gatewayDoors(services: Services, options: GatewayOptions): Middleware {
  const forwardAuth = answerForwardAuth(services, options);

  return async function dispatch(ctx: Context, next: Next): Promise<void> {
    if (ctx.path === '/decide') {
      ctx['_matchedRoute'] = '/decide';
      carryByKoa(ctx, await options.decide(ctx.req, ctx.state as RequestState));
      return;
    }
    const dialect = dialectAt(ctx.path);
    if (dialect === null) return next();
    ctx['_matchedRoute'] = `/forward-auth/${dialect.name}`;
    await forwardAuth(ctx, dialect);
  };
}
