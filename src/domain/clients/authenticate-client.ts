/**
 * Client authentication, with the lockout. Refusals that need no secret come first: an
 * address outside the IP bindings and a locked client are refused before the secret is looked at, so
 * outsiders can neither lock a bound client nor go on guessing at a locked one.
 */
import { firstRefusal } from '../decision/decide.ts';
import type { ReasonCode } from '../decision/reasons.ts';
import type { Services } from '../services.ts';
import type { Client } from './client.ts';
import { liveSecrets } from './client-secret.ts';

/** Why authentication failed: a reason of the decision table, or the secret itself. */
export type AuthenticationFailure = ReasonCode | 'wrong_secret';

/**
 * Why a client may not even authenticate from this address: it is locked, or bound to others. Null
 * when it may. Comes before the secret, and with the verified signature of an assertion.
 */
export async function refusalToAuthenticate(
  services: Services,
  client: Client | null,
  address: string | null,
): Promise<ReasonCode | null> {
  return firstRefusal({
    place: 'authentication',
    now: services.clock.now(),
    credential: { kind: 'client_secret' },
    client,
    address,
    catalog: await services.directory.catalog(),
  });
}

/**
 * Authenticates a client by its secret.
 *
 * @param presented the ways to read what was presented, the most likely first
 * @returns null when it is authenticated, else why not
 * @throws DomainError `too_many_attempts`, `overloaded`, `store_unavailable`
 */
export async function authenticateClient(
  services: Services,
  client: Client,
  presented: readonly string[],
  address: string | null,
): Promise<AuthenticationFailure | null> {
  const { clientId } = client;
  const { directory, stores } = services;
  const early = await refusalToAuthenticate(services, client, address);
  if (early !== null) return early;
  const secrets = liveSecrets(client.secrets, services.clock.now());
  const subject = { id: `client:${clientId}`, version: client.version };
  const verification = await services.verifier.verify(subject, secrets, presented, {
    async isAllowed() {
      await directory.sync();
      const current = await directory.client(clientId);
      return (await refusalToAuthenticate(services, current, address)) === null;
    },
    async recordFailure() {
      const failure = { at: services.clock.now(), address };
      await stores.clients.recordFailedLogin(clientId, failure, client.failedLoginLimit);
    },
  });
  if (verification.outcome !== 'matched') {
    return verification.outcome === 'wrong' ? 'wrong_secret' : 'client_locked';
  }
  if (client.lock.failedLogins > 0) await stores.clients.clearFailedLogins(clientId, null);
  services.lastUses.note(`secret:${verification.secret.secretId}`, services.clock.now(), address);
  return null;
}
