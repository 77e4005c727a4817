/** The catalog in the console: APIs, the groups and scopes that they are in, and security levels. */
import type { ConsoleRoute } from '../admin/route.ts';
import { apiGroupRoutes } from './api-groups.ts';
import { apiScopeRoutes } from './api-scopes.ts';
import { apiRoutes } from './apis.ts';
import { moveLevelRoutes } from './move-level.ts';
import { securityLevelRoutes } from './security-levels.ts';

/** The routes of the catalog. */
export const catalogRoutes: ConsoleRoute[] = [
  ...apiRoutes,
  ...apiGroupRoutes,
  ...apiScopeRoutes,
  ...securityLevelRoutes,
  ...moveLevelRoutes,
];
