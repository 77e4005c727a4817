// @ts-check
/**
 * Middleware for Express and Koa that asks Tollgate (`POST /decide`) about every call and lets through
 * what is allowed. It imports nothing but Node, so that any project can install it without a build.
 */
import { createCheck } from './check.js';

/** @import { ExpressRequest, KoaContext, TollgateOptions } from './index.d.ts' */
/** @import { ServerResponse } from 'node:http' */
/** @import { Outcome } from './check.js' */

/**
 * Middleware for Express 4 and 5 (and Connect); sets `req.tollgate` on calls that pass.
 *
 * @template {ExpressRequest} [Req=ExpressRequest]
 * @param {TollgateOptions<Req>} options
 * @returns {(req: Req, res: ServerResponse, next: (error?: unknown) => void) => void}
 * @throws TypeError when an option is missing or wrong
 */
export function tollgateExpress(options) {
  const check = createCheck(options);
  return function tollgate(req, res, next) {
    const target = req.originalUrl ?? req.url ?? '';
    const address = req.ip ?? req.socket.remoteAddress;
    check({ message: req, target, address, subject: req })
      .then((outcome) => settle(req, res, outcome))
      .then((passed) => passed && next(), next);
  };
}

/**
 * Middleware for Koa; sets `ctx.state.tollgate` on calls that pass.
 *
 * @template {KoaContext} [Ctx=KoaContext]
 * @param {TollgateOptions<Ctx>} options
 * @returns {(ctx: Ctx, next: () => Promise<unknown>) => Promise<void>}
 * @throws TypeError when an option is missing or wrong
 */
export function tollgateKoa(options) {
  const check = createCheck(options);
  return async function tollgate(ctx, next) {
    const { req, originalUrl, ip } = ctx;
    const outcome = await check({ message: req, target: originalUrl, address: ip, subject: ctx });
    for (const [name, value] of Object.entries(outcome.headers)) ctx.set(name, value);
    if (outcome.passed) {
      ctx.state['tollgate'] = outcome.tollgate;
      await next();
      return;
    }
    ctx.status = outcome.status;
    ctx.body = outcome.body;
  };
}

/**
 * Writes an outcome to the response; whether the call passed.
 *
 * @param {ExpressRequest} req
 * @param {ServerResponse} res
 * @param {Outcome} outcome
 */
function settle(req, res, outcome) {
  for (const [name, value] of Object.entries(outcome.headers)) res.setHeader(name, value);
  if (outcome.passed) {
    req.tollgate = outcome.tollgate;
    return true;
  }
  res.statusCode = outcome.status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.end(JSON.stringify(outcome.body));
  return false;
}
