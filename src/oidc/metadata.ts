/** Server metadata (RFC 8414): what the engine says of itself, less everything that is not switched on. */
import type { Context } from 'koa';
import { GRANTS } from './grants/index.ts';

/** Members that hold for Tollgate; the rest of the engine's document is about OpenID Connect. */
const TRUE_MEMBERS = [
  'issuer',
  'token_endpoint',
  'introspection_endpoint',
  'revocation_endpoint',
  'jwks_uri',
  'grant_types_supported',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'introspection_endpoint_auth_methods_supported',
  'introspection_endpoint_auth_signing_alg_values_supported',
  'revocation_endpoint_auth_methods_supported',
  'revocation_endpoint_auth_signing_alg_values_supported',
];

/** Keeps of the engine's metadata document what holds for Tollgate. */
export function tellTruth(ctx: Context): void {
  const document = ctx.body as Record<string, unknown> | undefined;
  if (typeof document?.['issuer'] !== 'string') return;
  const methods = document['token_endpoint_auth_methods_supported'];
  const algorithms = document['token_endpoint_auth_signing_alg_values_supported'];
  const complete: Record<string, unknown> = {
    introspection_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
    ...document,
    grant_types_supported: GRANTS.map((grant) => grant.grantType),
  };
  ctx.body = {
    ...Object.fromEntries(
      TRUE_MEMBERS.filter((m) => complete[m] !== undefined).map((m) => [m, complete[m]]),
    ),
    // Required by RFC 8414 §2; empty as long as there is no authorization endpoint.
    response_types_supported: [],
  };
}
