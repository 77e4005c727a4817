/** What must fit between a key, its client and the client's other keys. */
import { findClient } from '../clients/manage-clients.ts';
import type { FieldProblem } from '../errors.ts';
import { everyRow } from '../manage-dry-runs.ts';
import type { Services } from '../services.ts';
import { type ApiKey, groupProblems } from './api-key.ts';

/** A new end that has passed already. */
export const IN_THE_PAST: FieldProblem = {
  field: 'expiresAt',
  code: 'in_the_past',
  message: 'must be in the future',
};

/**
 * Groups that the client does not hold, an end before the start, a new key that has expired already.
 * Throws `not_found` without the client.
 */
export async function problemsOf(services: Services, apiKey: ApiKey): Promise<FieldProblem[]> {
  const { startsAt, expiresAt, version } = apiKey;
  const problems = groupProblems(apiKey, await findClient(services, apiKey.clientId));
  if (startsAt !== null && startsAt >= expiresAt) {
    problems.push({
      field: 'expiresAt',
      code: 'before_start',
      message: 'must be after the start date',
    });
  }
  if (version === 1 && expiresAt <= services.clock.now()) problems.push(IN_THE_PAST);
  return problems;
}

/** The field `alias` when another key of the client has this one's, without regard to case; else null. */
export async function sameAlias(services: Services, apiKey: ApiKey): Promise<string | null> {
  const { apiKeyId, clientId, alias } = apiKey;
  const wanted = alias.toLowerCase();
  const filter = { clientId };
  for await (const other of everyRow((page) => services.stores.apiKeys.list({ ...page, filter }))) {
    if (other.apiKeyId !== apiKeyId && other.alias.toLowerCase() === wanted) return 'alias';
  }
  return null;
}
