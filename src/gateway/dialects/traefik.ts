/** Traefik `forwardAuth`: X-Forwarded-* headers, set by Traefik; every status is passed on. */
import { type Dialect, list, single } from './dialect.ts';

export const traefik: Dialect = {
  name: 'traefik',
  read: (request) => ({
    method: single(request, 'x-forwarded-method'),
    target: single(request, 'x-forwarded-uri'),
    hops: list(request, 'x-forwarded-for'),
  }),
  statusFor: (status) => status,
  hasOwnQuery: true,
};
