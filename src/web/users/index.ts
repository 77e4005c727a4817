/** Users in the console: resource owners for the password and authorization-code grants. */
import type { ConsoleRoute } from '../admin/route.ts';
import { passwordRoutes } from './password.ts';
import { revokeTokenRoutes } from './revoke-tokens.ts';
import { unlockRoutes } from './unlock.ts';
import { userNounRoutes } from './users.ts';

/** The routes of users. */
export const userRoutes: ConsoleRoute[] = [
  ...userNounRoutes,
  ...passwordRoutes,
  ...unlockRoutes,
  ...revokeTokenRoutes,
];
