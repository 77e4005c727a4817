/** A client as the engine sees it: RFC 7591 metadata. Pure; the same client always gives equal metadata. */
import { randomBytes } from 'node:crypto';
import type { ClientMetadata } from 'oidc-provider';
import type { Client } from '../domain/clients/client.ts';
import { GRANTS } from './grants/index.ts';

/**
 * The engine requires a secret and would compare it itself; ours are hashed and compared in
 * `client-secret.ts`, so this one matches nothing.
 */
const UNUSED_SECRET = randomBytes(32).toString('base64url');

/**
 * Metadata for the engine. Every grant type is named, because the decision table, not the engine,
 * says which of them a client may use.
 */
export function clientMetadata(client: Client): ClientMetadata {
  return {
    client_id: client.clientId,
    grant_types: GRANTS.map((grant) => grant.grantType),
    response_types: [],
    redirect_uris: [],
    ...(client.jwks === null
      ? { token_endpoint_auth_method: 'client_secret_basic', client_secret: UNUSED_SECRET }
      : {
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: client.jwks as NonNullable<ClientMetadata['jwks']>,
        }),
  };
}
