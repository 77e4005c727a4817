/**
 * Client authentication, with the lockout. Refusals that need no secret come first: an
 * address outside the IP bindings and a locked client are refused before the secret is looked at, so
 * outsiders can neither lock a bound client nor go on guessing at a locked one.
 */
import { firstRefusal } from '../decision/checks.ts';
import { clientFacts } from '../decision/credentials.ts';
import type { Refused } from '../decision/decide.ts';
import { refuseAndNote } from '../decision/note-decisions.ts';
import type { ReasonCode } from '../decision/reasons.ts';
import { clientSubject } from '../last-uses.ts';
import type { Services } from '../services.ts';
import type { Client } from './client.ts';
import { liveSecrets } from './client-secret.ts';

/** Why authentication failed. */
export interface AuthenticationFailure {
  /** A reason of the decision table, or the secret itself. */
  failure: ReasonCode | 'wrong_secret';
  /** Of the recorded decision; null where nothing was recorded. */
  decisionId: string | null;
}

/** A client id and the ways to read the secret that came with it, the most likely first. */
export interface PresentedSecret {
  clientId: string;
  secrets: readonly string[];
}

/**
 * Why a client may not even authenticate from this address: it is locked, or bound to others. Null
 * when it may. Comes before the secret, and with the verified signature of an assertion.
 */
export async function refusalToAuthenticate(
  services: Services,
  client: Client,
  address: string | null,
): Promise<Refused | null> {
  return refuseAndNote(
    services,
    await clientFacts(services, 'authentication', { client, address }),
  );
}

/**
 * The client behind an id and a secret, or why it is not authenticated: `wrong_secret` also for an
 * unknown id, and for a client with keys, which authenticates by them only.
 *
 * @throws DomainError `too_many_attempts`, `overloaded`, `store_unavailable`
 */
export async function authenticateBySecret(
  services: Services,
  { clientId, secrets }: PresentedSecret,
  address: string | null,
): Promise<{ client: Client } | AuthenticationFailure> {
  const client = await services.directory.client(clientId);
  if (client === null || client.jwks !== null) return { failure: 'wrong_secret', decisionId: null };
  return (await authenticateClient(services, client, secrets, address)) ?? { client };
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
  const { clock, directory, stores } = services;
  const early = await refusalToAuthenticate(services, client, address);
  if (early !== null) return { failure: early.reason, decisionId: early.decisionId };
  const secrets = liveSecrets(client.secrets, clock.now());
  const subject = { id: `client:${clientId}`, version: client.version };
  const verification = await services.verifier.verify(subject, secrets, presented, {
    async isAllowed() {
      await directory.sync();
      const current = await directory.client(clientId);
      return (
        firstRefusal(
          await clientFacts(services, 'authentication', { client: current, address }),
        ) === null
      );
    },
    async recordFailure() {
      const failure = { at: clock.now(), address };
      await stores.clients.recordFailedLogin(clientId, failure, client.failedLoginLimit);
    },
  });
  if (verification.outcome === 'wrong') {
    const facts = await clientFacts(services, 'authentication', { client, address });
    const refused = refuseAndNote(services, { ...facts, credential: { kind: 'unknown' } });
    return { failure: 'wrong_secret', decisionId: refused?.decisionId ?? null };
  }
  if (verification.outcome !== 'matched') return { failure: 'client_locked', decisionId: null };
  if (client.lock.failedLogins > 0) await stores.clients.clearFailedLogins(clientId, null);
  services.lastUses.note(`secret:${verification.secret.secretId}`, clock.now(), address);
  // Of a partner the calls that are decided count; a resource server is used when it asks.
  if (client.kind === 'resource_server')
    services.lastUses.note(clientSubject(clientId), clock.now(), address);
  return null;
}
