/**
 * Forward-auth: proxies ask about each call before they pass it on; a dialect reads their request and
 * maps the status, the decision is the one of `/decide`. The end client's Authorization is about the
 * call, so the gateway's own credentials come in `X-Gateway-Authorization`.
 */
import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import { MAX_COUNT } from '../domain/clients/client.ts';
import { canonicalAddress } from '../domain/clients/ip-binding.ts';
import { type DecidedCall, decideCall, type Question } from '../domain/decision/decide-call.ts';
import { REASONS } from '../domain/decision/reasons.ts';
import { DomainError, ERRORS, isDomainError } from '../domain/errors.ts';
import type { Services } from '../domain/services.ts';
import { hopWalker } from '../http/client-address.ts';
import { isApiError } from '../http/problem.ts';
import { noteDecision, type RequestState } from '../http/request-state.ts';
import { authenticateCaller } from './caller.ts';
import { caddy } from './dialects/caddy.ts';
import type { Dialect } from './dialects/dialect.ts';
import { envoy } from './dialects/envoy.ts';
import { haproxy } from './dialects/haproxy.ts';
import { nginx } from './dialects/nginx.ts';
import { traefik } from './dialects/traefik.ts';
import type { GatewayOptions } from './index.ts';
import { limitHeaders } from './limit-headers.ts';

/** Dialects by name. */
export const DIALECTS: ReadonlyMap<string, Dialect> = new Map(
  [nginx, traefik, caddy, envoy, haproxy].map((dialect) => [dialect.name, dialect]),
);

const PREFIX = '/forward-auth/';

/** The dialect that a path names, or null. */
export function dialectAt(path: string): Dialect | null {
  if (!path.startsWith(PREFIX)) return null;
  const [name = '', rest] = path.slice(PREFIX.length).split('/', 2);
  const dialect = DIALECTS.get(name) ?? null;
  // Only a dialect whose calls come behind the prefix has anything there.
  return rest === undefined || dialect?.hasOwnQuery === false ? dialect : null;
}

/** Answers a proxy. Whatever goes wrong is a 503, so that no proxy takes it for an answer to its client. */
export function answerForwardAuth(
  services: Services,
  { log, priorities, trustedProxies }: GatewayOptions,
) {
  const nearestOf = hopWalker(trustedProxies);

  return async function answer(ctx: Context, dialect: Dialect): Promise<void> {
    ctx.req.resume();
    try {
      const question = readQuestion(ctx, dialect);
      // Nothing that is read from here on is older than the request.
      await services.directory.sync();
      const asked = { request: ctx.req, state: ctx.state as RequestState };
      const caller = await authenticateCaller(services, asked, {
        header: 'x-gateway-authorization',
        // The forwarding headers tell of the end client, not of the gateway.
        address: canonicalAddress(ctx.req.socket.remoteAddress ?? ''),
      });
      const decided = await decideCall(services, caller, question);
      priorities.learn(question.token ?? question.apiKey, decided.facts.client);
      tell(ctx, dialect, decided);
    } catch (error) {
      if (!isDomainError(error) && !isApiError(error)) {
        const { requestId } = ctx.state as RequestState;
        log.error({ err: error, requestId }, 'a gateway was not answered');
      }
      tellProblem(ctx, dialect, error);
    }
  };

  function readQuestion(ctx: Context, dialect: Dialect): Question {
    const { method, target, hops } = dialect.read(ctx.req);
    if (method === undefined || target === undefined)
      throw new DomainError('validation_failed', {
        hint: `${dialect.name} must tell method and path of the call; compare docs/gateways`,
      });
    return {
      ...presentedBy(ctx.req),
      address: nearestOf(hops),
      method,
      path: target,
      consume: true,
      weight: dialect.hasOwnQuery ? weightOf(ctx) : 1,
    };
  }
}

/** The end client's credential, as the proxy has passed it on. */
export function presentedBy({ headers }: IncomingMessage): Pick<Question, 'token' | 'apiKey'> {
  const token = /^bearer +([^\s]+)$/i.exec(headers.authorization ?? '')?.[1];
  const apiKey = headers['x-api-key'];
  return { token, apiKey: typeof apiKey === 'string' && apiKey !== '' ? apiKey : undefined };
}

function weightOf(ctx: Context): number {
  if (!ctx.url.includes('?')) return 1;
  const [[name, text = ''] = ['weight', '1'], ...others] = [...ctx.URL.searchParams];
  if (name !== 'weight' || others.length > 0)
    throw new DomainError('validation_failed', {
      hint: `the query of the question is "${ctx.querystring}"; weight, once, is all that it may hold`,
    });
  const weight = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (weight >= 1 && weight <= MAX_COUNT) return weight;
  throw new DomainError('validation_failed', {
    hint: `weight is "${text}"; use a whole number from 1 to ${MAX_COUNT}`,
  });
}

function tell(ctx: Context, dialect: Dialect, { decision, facts }: DecidedCall): void {
  noteDecision(ctx.state as RequestState, decision);
  ctx.set('Cache-Control', 'no-store');
  ctx.set(limitHeaders(decision, facts));
  ctx.set('X-Decision-Status', String(decision.status));
  ctx.status = dialect.statusFor(decision.status);
  if (!decision.allowed) {
    const { reason, status, decisionId } = decision;
    ctx.set('X-Reason', reason);
    if (status === 401) ctx.set('WWW-Authenticate', challenge(reason === 'credential_missing'));
    ctx.body = { reason, status, decisionId, message: REASONS[reason].title };
    return;
  }
  if (facts.client !== null) ctx.set('X-Client-Id', facts.client.clientId);
  ctx.set('X-Scopes', decision.scopes.join(' '));
  if (facts.userId != null) ctx.set('X-User-Id', facts.userId);
  ctx.set('X-Priority', String(facts.client?.priority ?? ''));
  ctx.body = '';
}

/** RFC 6750 §3: without a credential the challenge names no error. */
function challenge(isMissing: boolean): string {
  return isMissing ? 'Bearer realm="tollgate"' : 'Bearer realm="tollgate", error="invalid_token"';
}

function tellProblem(ctx: Context, dialect: Dialect, error: unknown): void {
  const code = (error as { code?: unknown }).code;
  const reason = typeof code === 'string' && code in ERRORS ? code : 'internal_error';
  // Why is the gateway's affair, and stands in the log; its end clients read this.
  const state = ctx.state as RequestState;
  state.reason ??= reason;
  state.detail = (error as Error).message;
  const message = 'no decision could be made; retry later';
  const retryAfter = isDomainError(error) ? (error.retryAfterSeconds ?? 1) : 1;
  ctx.status = dialect.statusFor(503);
  ctx.set('Cache-Control', 'no-store');
  ctx.set('X-Decision-Status', '503');
  ctx.set('X-Reason', reason);
  ctx.set('Retry-After', String(retryAfter));
  ctx.body = { reason, status: 503, decisionId: null, message };
}
