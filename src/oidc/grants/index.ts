/** The grants of the token endpoint; metadata lists exactly these. */
import { clientCredentials } from './client-credentials.ts';
import type { Grant } from './grant.ts';
import { password } from './password.ts';
import { refreshToken } from './refresh-token.ts';

export const GRANTS: readonly Grant[] = [clientCredentials, password, refreshToken];
