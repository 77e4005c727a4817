/**
 * Tries a secret as the token endpoint would for a request from an address: it authenticates the
 * client, runs the gate of the token endpoint, and issues a token, which is revoked at once.
 */
import { authenticateBySecret } from '../../domain/clients/authenticate-client.ts';
import type { Client } from '../../domain/clients/client.ts';
import { clientFacts } from '../../domain/decision/credentials.ts';
import { refuseAndNote } from '../../domain/decision/note-decisions.ts';
import type { ReasonCode } from '../../domain/decision/reasons.ts';
import { type ErrorCode, isDomainError } from '../../domain/errors.ts';
import type { Services } from '../../domain/services.ts';
import { accessTokenIds } from '../../domain/tokens/access-token.ts';
import { issueTokens } from '../../domain/tokens/issue-tokens.ts';

/** What came of it. */
export type Trial =
  /** The client was given a token; without `token`, it has no grant of its own and only authenticated. */
  | { outcome: 'passed'; token: { expiresIn: number; scopes: string[] } | null }
  /** The table refused; the decision says why. */
  | { outcome: 'refused'; reason: ReasonCode | 'wrong_secret'; decisionId: string | null }
  /** It could not be tried now, such as while the server is busy. */
  | { outcome: 'failed'; code: ErrorCode };

/** Tries the secret. A wrong one counts as any other wrong secret of the client. */
export async function trySecret(
  services: Services,
  clientId: string,
  secret: string,
  address: string | null,
): Promise<Trial> {
  try {
    await services.directory.sync();
    const presented = { clientId, secrets: [secret] };
    const authenticated = await authenticateBySecret(services, presented, address);
    if ('failure' in authenticated) {
      const { failure, decisionId } = authenticated;
      return { outcome: 'refused', reason: failure, decisionId };
    }
    return await tryToken(services, authenticated.client, address);
  } catch (error) {
    if (!isDomainError(error)) throw error;
    return { outcome: 'failed', code: error.code };
  }
}

const GRANT = 'client_credentials';

async function tryToken(
  services: Services,
  client: Client,
  address: string | null,
): Promise<Trial> {
  if (!client.grantTypes.includes(GRANT)) return { outcome: 'passed', token: null };
  const facts = await clientFacts(services, 'token', { client, address });
  const refused = refuseAndNote(services, { ...facts, grantType: GRANT });
  if (refused !== null) {
    const { reason, decisionId } = refused;
    return { outcome: 'refused', reason, decisionId };
  }
  const { keys, stores } = services;
  const usable = facts.catalog.usableBy(client);
  const scopes = client.apiGroups.filter((name) => usable.has(name));
  const grant = { client, userId: null, grantType: GRANT, scopes, now: facts.now } as const;
  const issued = await issueTokens({ keys, tokens: stores.tokens }, grant);
  for (const tokenId of accessTokenIds(keys, issued.accessToken)) {
    await stores.tokens.revoke(tokenId, facts.now);
  }
  return { outcome: 'passed', token: { expiresIn: issued.expiresIn, scopes } };
}
