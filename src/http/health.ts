/** Liveness, readiness and metrics. */
import Router from '@koa/router';
import type { Context } from 'koa';
import { constantTimeEqual } from '../domain/secrets/secret-keys.ts';
import type { Stores } from '../domain/stores.ts';
import { METRICS_TYPE } from './metrics.ts';
import type { RequestState } from './request-state.ts';
import type { NodeMetrics } from './worker-metrics.ts';

/** What the routes work with. */
export interface HealthOptions {
  stores: Pick<Stores, 'ping'>;
  metrics: Pick<NodeMetrics, 'read'>;
  /** Bearer token for `/metrics` from anywhere; without it only loopback reads them. */
  metricsToken: string | undefined;
  /** Whether the server drains: it then is alive, but not ready for new work. */
  isDraining(): boolean;
}

/** `/healthz`, `/readyz` and `/metrics`. */
export function healthRoutes(options: HealthOptions): Router {
  const router = new Router();
  router.get('/healthz', answerAlive);
  router.get('/readyz', answerReady);
  router.get('/metrics', answerMetrics);
  return router;

  function answerAlive(ctx: Context): void {
    ctx.body = { status: 'ok' };
  }

  async function answerReady(ctx: Context): Promise<void> {
    if (options.isDraining()) {
      ctx.status = 503;
      ctx.body = { status: 'draining' };
      return;
    }
    await options.stores.ping();
    ctx.body = { status: 'ok' };
  }

  async function answerMetrics(ctx: Context): Promise<void> {
    if (!mayReadMetrics(ctx)) {
      ctx.status = 401;
      ctx.set('WWW-Authenticate', 'Bearer');
      ctx.body = {
        error: 'not_authenticated',
        error_description: 'send METRICS_TOKEN as a bearer token',
      };
      return;
    }
    ctx.type = METRICS_TYPE;
    ctx.body = await options.metrics.read();
  }

  function mayReadMetrics(ctx: Context): boolean {
    const { address } = ctx.state as RequestState;
    if (options.metricsToken === undefined) {
      // Behind a proxy on this machine that is not in TRUSTED_PROXIES everybody seems to be on loopback.
      const forwarded = ctx.get('X-Forwarded-For') || ctx.get('Forwarded');
      return forwarded === '' && (address === '::1' || address?.startsWith('127.') === true);
    }
    return constantTimeEqual(ctx.get('Authorization'), `Bearer ${options.metricsToken}`);
  }
}
