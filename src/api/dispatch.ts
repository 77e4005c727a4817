/** From Koa to a route's handler and back: authenticate, authorise, validate, call, answer. */
import type { Context } from 'koa';
import { z } from 'zod';
import { canonicalAddress } from '../domain/clients/ip-binding.ts';
import { DomainError, type FieldProblem, invalid, isDomainError } from '../domain/errors.ts';
import type { Services } from '../domain/services.ts';
import { parse } from '../domain/validation.ts';
import { readJson } from '../http/json-body.ts';
import type { RequestState } from '../http/request-state.ts';
import {
  type AuthenticateOptions,
  authenticate,
  type Caller,
  requireRole,
} from './authenticate.ts';
import { changeQuery, readQuery } from './query.ts';
import type { Answer, Call, Route } from './route.ts';

/** A Koa context in which the router has put the path's parameters. */
export type ApiContext = Context & { params: Record<string, string> };

/** The Koa middleware of one route. */
export function dispatch(route: Route, services: Services, options: AuthenticateOptions) {
  return async function handleRoute(ctx: ApiContext): Promise<void> {
    const caller = await callerOf(ctx, route, services, options);
    const input = await readInput(ctx, route);
    const call: Call = { services, caller, params: ctx.params, ...input };
    try {
      respond(ctx, route, call, await route.handler(call as never));
    } catch (error) {
      throw presentable(error, route, services);
    }
  };
}

const NOBODY: Caller = {
  actor: { kind: 'system', id: 'anyone', address: null },
  role: 'viewer',
  adminId: null,
};

async function callerOf(
  ctx: ApiContext,
  route: Route,
  services: Services,
  options: AuthenticateOptions,
): Promise<Caller> {
  if (route.role === null) return NOBODY;
  const { address = socketAddress(ctx) } = ctx.state as Partial<RequestState>;
  const { authorization } = ctx.headers;
  const caller = await authenticate(services, options, { authorization, address });
  requireRole(caller, route.role);
  return caller;
}

/** For a server without the middleware that reads addresses past proxies. */
function socketAddress(ctx: ApiContext): string | null {
  return canonicalAddress(ctx.req.socket.remoteAddress ?? '');
}

/** The body of a route that wants none; an absent body counts as an empty object. */
const NOTHING = z.strictObject({});

/** Query, If-Match and body, validated together so that every bad field is named at once. */
async function readInput(ctx: ApiContext, route: Route) {
  const isChange = route.method !== 'GET';
  const querySchema = queryOf(route);
  const ifMatch = readIfMatch(ctx.get('If-Match'), route);
  const { values, problems } = readQuery(ctx.querystring, querySchema.shape);
  const query = collect(problems, () => parse(querySchema, values) as Record<string, unknown>);
  const json = isChange ? await readJson(ctx.req) : undefined;
  const body = collect(problems, () =>
    parse(route.body ?? NOTHING, json === undefined ? {} : json),
  );
  if (ifMatch.problem !== undefined) problems.push(ifMatch.problem);
  if (problems.length > 0) throw invalid(problems);
  if (route.ifMatch === 'required' && ifMatch.version === undefined) {
    throw new DomainError('version_required', {
      hint: 'send If-Match: "<version>" with the version that you have read',
    });
  }
  const { dryRun = false, ...rest } = query ?? {};
  return { query: rest, body, version: ifMatch.version, dryRun: dryRun === true };
}

/** The query parameters of a route: its own, and for a change those of every change. */
export function queryOf(route: Route): z.ZodObject {
  const own = route.query ?? NOTHING;
  return route.method === 'GET' ? own : own.extend(changeQuery.shape);
}

/** Runs one of several validations and keeps its problems beside those of the others. */
function collect<T>(problems: FieldProblem[], validate: () => T): T | undefined {
  try {
    return validate();
  } catch (error) {
    if (!isDomainError(error) || error.code !== 'validation_failed') throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function readIfMatch(header: string, route: Route): { version?: number; problem?: FieldProblem } {
  if (header === '' || route.ifMatch === undefined) return {};
  const digits = /^"(\d{1,15})"$/.exec(header)?.[1];
  if (digits !== undefined) return { version: Number(digits) };
  const message = 'must be the version that you have read, in quotes, such as "3"';
  return { problem: { field: 'If-Match', code: 'invalid_format', message } };
}

function respond(ctx: ApiContext, route: Route, call: Call, { body, location }: Answer): void {
  const version = (body as { version?: unknown } | null)?.version;
  // What is gone, or was only imagined, has no entity tag.
  const isStored = !call.dryRun && route.status !== 204;
  if (isStored && typeof version === 'number') ctx.set('ETag', `"${version}"`);
  if (!call.dryRun && location !== undefined) ctx.set('Location', `/api/v1${location}`);
  if (route.status === 204 && !call.dryRun) {
    ctx.status = 204;
    return;
  }
  ctx.status = call.dryRun ? 200 : route.status;
  ctx.type = 'application/json';
  ctx.body = JSON.stringify(body);
}

/** A version conflict carries the stored record; only its document may leave. */
function presentable(error: unknown, route: Route, services: Services): unknown {
  if (!isDomainError(error) || error.current === undefined) return error;
  const { hint, problems, cause } = error;
  const current = route.present?.(error.current as never, services);
  return new DomainError(error.code, {
    hint: hint ?? 'read it again, then repeat the change',
    problems,
    current,
    cause,
  });
}
