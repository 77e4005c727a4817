/**
 * The console: server-rendered pages in which admins manage clients and what belongs to them. The
 * folder of each noun (`src/web/<noun>`, beside this one) declares its routes as data; this file
 * mounts them behind sessions and roles.
 */
import Router from '@koa/router';
import type { Services } from '../../domain/services.ts';
import { passwordRoutes } from '../account/password.ts';
import { secondFactorRoutes } from '../account/second-factor.ts';
import { sessionRoutes } from '../account/sessions.ts';
import { accountRoutes } from '../account/show.ts';
import { tokenRoutes } from '../account/tokens.ts';
import { adminActRoutes } from '../admins/admin-acts.ts';
import { adminRoutes } from '../admins/admin-noun.ts';
import { auditRoutes } from '../audit/list.ts';
import { catalogRoutes } from '../catalog/index.ts';
import { clientCreateRoutes } from '../client-create/index.ts';
import { clientBulkRoutes } from '../clients/bulk.ts';
import { clientRoutes } from '../clients/client-routes.ts';
import { clientExportRoutes } from '../clients/export.ts';
import { clientListRoutes } from '../clients/list.ts';
import { decisionListRoutes } from '../decisions/list.ts';
import { decisionShowRoutes } from '../decisions/show.ts';
import { simulateRoutes } from '../decisions/simulate.ts';
import { mailRoutes } from '../mails/list.ts';
import { overviewRoutes } from '../overview/show.ts';
import { resourceServerRoutes } from '../resource-servers/list.ts';
import { searchRoutes } from '../search/search.ts';
import { securityRoutes } from '../security/index.ts';
import { signInPages } from '../sign-in/sign-in.ts';
import { verifyRoutes } from '../sign-in/verify.ts';
import type { Site } from '../site.ts';
import { userRoutes } from '../users/index.ts';
import { type Console, dispatch, notFoundRoute } from './dispatch.ts';
import { preferenceRoutes } from './preference-routes.ts';
import type { ConsoleRoute, NodeFacts } from './route.ts';
import { styleguideRoutes } from './styleguide.ts';

/** What the console is composed with. */
export interface ConsoleOptions {
  /** Whether components are shown at `/admin/styleguide`. */
  development: boolean;
  /** What the badge of every page says, such as `production`. */
  environment: string;
  node: NodeFacts;
  site: Site;
}

/** Every route behind the sign-in. */
export const CONSOLE_ROUTES: readonly ConsoleRoute[] = [
  ...overviewRoutes,
  ...searchRoutes,
  ...clientListRoutes,
  ...clientBulkRoutes,
  ...clientExportRoutes,
  ...clientCreateRoutes,
  ...simulateRoutes,
  ...decisionListRoutes,
  ...decisionShowRoutes,
  ...auditRoutes,
  ...mailRoutes,
  ...verifyRoutes,
  ...accountRoutes,
  ...passwordRoutes,
  ...secondFactorRoutes,
  ...sessionRoutes,
  ...tokenRoutes,
  ...adminRoutes,
  ...adminActRoutes,
  ...clientRoutes,
  ...securityRoutes,
  ...userRoutes,
  ...catalogRoutes,
  ...resourceServerRoutes,
  ...preferenceRoutes,
];

/** The router of the console. */
export function adminConsole(services: Services, options: ConsoleOptions): Router {
  const router = new Router();
  const { t, render, stylesheet, script } = options.site;
  router.get(script.path, script.serve);
  const parts: Console = {
    services,
    ...{ render, t },
    environment: options.environment,
    node: options.node,
    stylesheet: stylesheet.path,
    script: script.path,
  };
  const own = options.development ? styleguideRoutes : [];
  signInPages(router, parts);
  for (const route of [...CONSOLE_ROUTES, ...own, notFoundRoute('/admin{/*rest}')]) {
    router.register(route.path, [route.method], dispatch(parts, route));
  }
  return router;
}
