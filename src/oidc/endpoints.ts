/** The OAuth endpoints as Koa middleware: the engine, reached by these paths and methods only. */
import type { Context, Middleware, Next } from 'koa';
import compose from 'koa-compose';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../domain/services.ts';
import type { Priorities } from '../http/priorities.ts';
import type { RequestState } from '../http/request-state.ts';
import { readBasicCredentials } from './basic-credentials.ts';
import { introspectByBasic } from './introspection-door.ts';
import { tellTruth } from './metadata.ts';
import type { Form } from './parameters.ts';
import { ROUTES } from './provider.ts';
import { clientCredential, learnIntrospected } from './queued-doors.ts';

const READ = ['GET', 'HEAD', 'OPTIONS'];

/** Every path that the engine answers, with its methods; whatever else it could do is out of reach. */
const DOORS: ReadonlyMap<string, readonly string[]> = new Map([
  [ROUTES.token, ['POST']],
  [ROUTES.introspection, ['POST']],
  [ROUTES.revocation, ['POST']],
  [ROUTES.jwks, READ],
  ['/.well-known/oauth-authorization-server', READ],
  ['/.well-known/openid-configuration', READ],
]);

/** Koa middleware for the OAuth endpoints. */
export function oauthEndpoints(
  provider: Provider,
  services: Services,
  priorities: Pick<Priorities, 'learn'>,
): Middleware {
  const engine = compose(provider.middleware as Middleware[]);

  async function dispatch(ctx: Context, next: Next): Promise<void> {
    const methods = DOORS.get(ctx.path);
    if (methods === undefined) {
      await next();
      return;
    }
    ctx['_matchedRoute'] = ctx.path;
    if (!methods.includes(ctx.method)) {
      refuseMethod(ctx, methods);
      return;
    }
    if (ctx.method === 'POST' && ctx.is('application/x-www-form-urlencoded') === false) {
      refuseBody(ctx);
      return;
    }
    if (ctx.path === ROUTES.introspection && (await introspectByBasic(services, ctx, priorities)))
      return;
    // Nothing that is read from here on is older than the request.
    await services.directory.sync();
    const { authorization } = ctx.req.headers;
    readBasicCredentials(ctx);
    await engine(ctx, next);
    const { introspection } = ctx.state as RequestState;
    if (introspection?.active && ctx.status === 200) {
      ctx.body = introspection;
      learnIntrospected(priorities, formOf(ctx), introspection);
    }
    if (ctx.path === ROUTES.token && ctx.status === 200) await learnClient(ctx, authorization);
    if (ctx.path.startsWith('/.well-known/')) tellTruth(ctx);
    // RFC 7009 §2.2: the body "is ignored by the client"; simple-oauth2 refuses one that is no JSON.
    if (ctx.path === ROUTES.revocation && ctx.status === 200) ctx.body = {};
  }

  /** A token was granted: the client was authenticated, and its new token is known before its first use. */
  async function learnClient(ctx: Context, authorization: string | undefined): Promise<void> {
    const { clientId } = ctx.state as RequestState;
    const client = await services.directory.client(clientId);
    priorities.learn(
      clientCredential(authorization, () => formOf(ctx)),
      client,
    );
    priorities.learn((ctx.body as { access_token?: string }).access_token, client);
  }

  return dispatch;
}

/** The form that the engine has read. */
function formOf(ctx: Context): Form {
  return (ctx as unknown as KoaContextWithOIDC).oidc.body ?? {};
}

function refuseMethod(ctx: Context, methods: readonly string[]): void {
  ctx.status = 405;
  ctx.set('Allow', methods.join(', '));
  ctx.body = { error: 'invalid_request', error_description: `use ${methods.join(', ')}` };
}

/** RFC 6749 Appendix B: requests are form-encoded; anything else would read as a form without parameters. */
function refuseBody(ctx: Context): void {
  ctx.status = 400;
  ctx.set('Cache-Control', 'no-store');
  ctx.body = {
    error: 'invalid_request',
    error_description: 'the body must be application/x-www-form-urlencoded',
  };
}
