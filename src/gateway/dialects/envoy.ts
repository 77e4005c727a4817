/** Envoy HTTP `ext_authz`: asks with the method and path of the call itself, behind a path prefix. */
import { type Dialect, list } from './dialect.ts';

const PREFIX = '/forward-auth/envoy';

export const envoy: Dialect = {
  name: 'envoy',
  read: (request) => ({
    method: request.method,
    target: request.url?.slice(PREFIX.length),
    hops: list(request, 'x-forwarded-for'),
  }),
  statusFor: (status) => status,
  hasOwnQuery: false,
};
