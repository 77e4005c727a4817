/**
 * nginx `auth_request`: passes on 2xx, 401 and 403 only. Every other status is answered as 403 with the
 * true one in `X-Decision-Status`, which `docs/gateways/nginx.conf` maps back.
 */
import { type Dialect, single } from './dialect.ts';

const PASSED_ON = new Set([200, 401, 403]);

export const nginx: Dialect = {
  name: 'nginx',
  read: (request) => ({
    method: single(request, 'x-original-method'),
    target: single(request, 'x-original-uri'),
    hops: [single(request, 'x-real-ip') ?? ''],
  }),
  statusFor: (status) => (PASSED_ON.has(status) ? status : 403),
  hasOwnQuery: true,
};
