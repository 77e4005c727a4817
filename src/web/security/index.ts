/** The routes of the security tabs of a client, tab by tab in the order of the page. */
import type { ConsoleRoute } from '../admin/route.ts';
import { apiKeyDeleteRoutes } from './api-key-delete.ts';
import { apiKeyNewRoutes } from './api-key-new.ts';
import { apiKeyRotateRoutes } from './api-key-rotate.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { holdingRoutes } from './holdings.ts';
import { holdingAddRoutes } from './holdings-add.ts';
import { levelRoutes } from './level.ts';
import { passwordRoutes } from './password.ts';
import { secretNewRoutes } from './secret-new.ts';
import { secretRetireRoutes } from './secret-retire.ts';
import { secretRoutes } from './secrets.ts';
import { statusRoutes } from './status.ts';
import { tokenSettingRoutes } from './token-settings.ts';

export const securityRoutes: ConsoleRoute[] = [
  ...levelRoutes,
  ...holdingRoutes,
  ...holdingAddRoutes,
  ...tokenSettingRoutes,
  ...apiKeyRoutes,
  ...apiKeyNewRoutes,
  ...apiKeyRotateRoutes,
  ...apiKeyDeleteRoutes,
  ...statusRoutes,
  ...secretRoutes,
  ...secretNewRoutes,
  ...secretRetireRoutes,
  ...passwordRoutes,
];
