/**
 * Ways to a new client: from a template, step by step or on one page, or as a copy. Each ends on the
 * page that shows the secret once. Paths begin with `/admin/clients/new`, so they are mounted before
 * those of a client.
 */
import type { ConsoleRoute } from '../admin/route.ts';
import { chooseRoutes } from './choose.ts';
import { copyRoutes } from './copy.ts';
import { createdRoutes } from './created.ts';
import { onePageRoutes } from './one-page.ts';
import { reviewRoutes } from './review.ts';
import { wizardRoutes } from './wizard.ts';

/** The routes; the review goes before the steps, as it is none of them. */
export const clientCreateRoutes: ConsoleRoute[] = [
  ...chooseRoutes,
  ...onePageRoutes,
  ...reviewRoutes,
  ...wizardRoutes,
  ...copyRoutes,
  ...createdRoutes,
];
