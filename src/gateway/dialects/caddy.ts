/** Caddy `forward_auth`: the same headers as Traefik's, set by Caddy. */
import type { Dialect } from './dialect.ts';
import { traefik } from './traefik.ts';

export const caddy: Dialect = { ...traefik, name: 'caddy' };
