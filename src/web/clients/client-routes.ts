/** The pages of one client, without the security tabs, which have a folder of their own. */
import type { ConsoleRoute } from '../admin/route.ts';
import { actionRoutes } from './actions.ts';
import { clientAuditRoutes } from './audit.ts';
import { deleteRoutes } from './delete.ts';
import { detailsRoutes } from './details.ts';
import { editRoutes } from './edit.ts';
import { clientTokenRoutes } from './tokens.ts';

/** To be mounted after `/admin/clients/new` and the like, which would pass for the id of a client. */
export const clientRoutes: ConsoleRoute[] = [
  ...detailsRoutes,
  ...editRoutes,
  ...deleteRoutes,
  ...actionRoutes,
  ...clientTokenRoutes,
  ...clientAuditRoutes,
];
