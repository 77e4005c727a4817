/** HAProxy: `docs/gateways/tollgate.lua` asks, and passes every status on. */

import type { Dialect } from './dialect.ts';
import { nginx } from './nginx.ts';

export const haproxy: Dialect = { ...nginx, name: 'haproxy', statusFor: (status) => status };
