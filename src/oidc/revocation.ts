/** Revocation (RFC 7009): a client revokes its own tokens. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../domain/services.ts';
import { invalidRequest } from './errors.ts';
import { authenticatedClient } from './request.ts';

/** The engine's `features.revocation.allowedPolicy`. */
export function revocationPolicy(services: Services) {
  return async function mayRevoke(
    ctx: KoaContextWithOIDC,
    _client: unknown,
    token: { clientId?: string },
  ): Promise<boolean> {
    // No further check of the client: one that is disabled may still revoke its own tokens, as that
    // only takes away. A locked client, or one at a foreign address, was not authenticated.
    const client = await authenticatedClient(services, ctx);
    // RFC 7009 §2.1: "whether the token was issued to the client making the revocation request".
    if (token.clientId !== client.clientId)
      throw invalidRequest('the token was issued to another client');
    return true;
  };
}
