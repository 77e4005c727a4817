/**
 * The REST admin API (product §5.1). Each noun's file declares its routes as data; this one mounts
 * them, with the OpenAPI document made from the same data. It knows nothing of pages or OAuth.
 */
import { Router } from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import type { Services } from '../domain/services.ts';
import { ApiError, type ApiLog, problems } from '../http/problem.ts';
import { accessTokenRoutes } from './access-tokens.ts';
import { adminRoutes } from './admins.ts';
import { apiGroupRoutes } from './api-groups.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { apiScopeRoutes } from './api-scopes.ts';
import { apiRoutes } from './apis.ts';
import { auditEventRoutes } from './audit-events.ts';
import { clientSecretRoutes } from './client-secrets.ts';
import { clientTokenRoutes } from './client-tokens.ts';
import { clientUsageRoutes } from './client-usage.ts';
import { clientRoutes } from './clients.ts';
import { decisionRoutes } from './decisions.ts';
import { dispatch } from './dispatch.ts';
import { mailRoutes } from './mails.ts';
import { openApiDocument } from './openapi.ts';
import { type Route, route } from './route.ts';
import { securityLevelRoutes } from './security-levels.ts';
import { userRoutes } from './users.ts';

/** What the API is composed with. */
export interface AdminApiOptions {
  /** Bearer token that acts as an owner; null switches it off. */
  adminApiToken: string | null;
  /** Where errors that nobody meant go; default: the error event of the Koa application. */
  log?: ApiLog;
}

const openApiRoute = route({
  method: 'GET',
  path: '/openapi.json',
  tag: 'meta',
  summary: 'This document',
  role: null,
  status: 200,
  response: z.record(z.string(), z.unknown()),
  handler: getOpenApi,
});

/** Every route of the API, in the order of the OpenAPI document. */
export const API_ROUTES: readonly Route[] = [
  ...clientRoutes,
  ...clientSecretRoutes,
  ...clientTokenRoutes,
  ...clientUsageRoutes,
  ...apiKeyRoutes,
  ...userRoutes,
  ...apiRoutes,
  ...apiGroupRoutes,
  ...apiScopeRoutes,
  ...securityLevelRoutes,
  ...adminRoutes,
  ...accessTokenRoutes,
  ...decisionRoutes,
  ...auditEventRoutes,
  ...mailRoutes,
  openApiRoute,
];

/** The router of the REST admin API, below `/api`. */
export function adminApi(services: Services, options: AdminApiOptions): Router {
  const router = new Router({ prefix: '/api' });
  router.use(problems(options.log));
  for (const declared of API_ROUTES) {
    router.register(declared.path, [declared.method], dispatch(declared, services, options));
  }
  router.all(UNKNOWN, '{/*rest}', refuseUnknown);
  return router;

  function refuseUnknown(ctx: Context): never {
    const { path } = router.match(ctx.path, ctx.method);
    const known = path.filter((layer) => layer.name !== UNKNOWN);
    const allow = [...new Set(known.flatMap((layer) => layer.methods))].join(', ');
    if (allow === '') throw new ApiError('not_found', `there is nothing at ${ctx.path}`);
    throw new ApiError('method_not_allowed', `this path knows ${allow}`, { Allow: allow });
  }
}

/** Name of the route that catches what no other does. */
const UNKNOWN = 'unknown';

const documents = new WeakMap<Services, Record<string, unknown>>();

async function getOpenApi({ services }: { services: Services }) {
  const body = documents.get(services) ?? openApiDocument(API_ROUTES, services.issuer);
  documents.set(services, body);
  return { body };
}
