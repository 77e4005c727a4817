/**
 * Client authentication where the engine leaves it to us: hashed secrets, and what an assertion must
 * hold beside a signature (RFC 7523 §3); with IP bindings and lockout for both.
 */
import { type KoaContextWithOIDC, Provider } from 'oidc-provider';
import {
  authenticateClient,
  refusalToAuthenticate,
} from '../domain/clients/authenticate-client.ts';
import { plusSeconds } from '../domain/clock.ts';
import type { Services } from '../domain/services.ts';
import { noteFailure } from '../http/request-state.ts';
import { OAuthError, refusalError } from './errors.ts';
import { authenticatedClient, stateOf } from './request.ts';

/** How far ahead an assertion may expire; its id must be remembered for as long. */
const LONGEST_ASSERTION_SECONDS = 600;

/** Gives the provider's clients a `compareClientSecret` that knows hashed secrets. */
export function useHashedSecrets(provider: Provider, services: Services): void {
  provider.Client.prototype.compareClientSecret = async function compareClientSecret(presented) {
    const state = stateOf(Provider.ctx);
    const client = await services.directory.client(this.clientId);
    if (client === null) return false;
    const failure = await authenticateClient(
      services,
      client,
      state.presentedSecrets ?? [presented],
      state.address,
    );
    if (failure === null) return true;
    noteFailure(state, failure);
    return false;
  };
}

/** The engine's `assertJwtClientAuthClaimsAndHeader`: runs when the signature of an assertion was verified. */
export function assertionPolicy(services: Services) {
  return async function judgeAssertion(
    ctx: KoaContextWithOIDC,
    claims: Record<string, unknown>,
  ): Promise<void> {
    const { jti, exp } = claims;
    if (typeof jti !== 'string') throw badAssertion('jti must be a string');
    // RFC 7523 §3: the server "may reject JWTs with an "exp" claim value that is unreasonably far in
    // the future".
    const latest = plusSeconds(services.clock.now(), LONGEST_ASSERTION_SECONDS);
    if (!Number.isSafeInteger(exp) || Number(exp) * 1000 > latest.getTime())
      throw badAssertion('exp must be whole seconds, at most 10 minutes ahead');
    const state = stateOf(ctx);
    const client = await authenticatedClient(services, ctx);
    const refused = await refusalToAuthenticate(services, client, state.address);
    if (refused === null) return;
    noteFailure(state, { failure: refused.reason, decisionId: refused.decisionId });
    throw refusalError(refused.reason);
  };
}

function badAssertion(problem: string): OAuthError {
  return new OAuthError(401, 'invalid_client', `client assertion: ${problem}`);
}
