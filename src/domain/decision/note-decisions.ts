/**
 * Decides for a door, and notes the decision: every refusal with its trace, counts by client, API,
 * hour and outcome, and a sample of what was allowed. Notes are written in batches, off the answer's
 * path.
 */
import type { Services } from '../services.ts';
import { type Decision, decide, type Refused, refusalOf, type Spending } from './decide.ts';
import type { Facts } from './facts.ts';
import { recordOf } from './record.ts';

/** What doors need to decide. */
export type DecidingServices = Pick<Services, 'decisionLog' | 'lastUses' | 'meters' | 'usage'>;

/**
 * Decides about a call or an introspection, charges, and notes.
 *
 * @throws DomainError `store_unavailable`
 */
export async function decideAndNote(
  services: DecidingServices,
  facts: Facts,
  spending: Spending,
): Promise<Decision> {
  const decision = await decide(facts, services.meters, spending);
  if (!decision.allowed) noteRefusal(services, facts, decision);
  if (spending.consume) noteCall(services, facts, decision);
  return decision;
}

/** The gate of places where nothing is charged: notes and answers the refusal, or null when all checks pass. */
export function refuseAndNote(services: DecidingServices, facts: Facts): Refused | null {
  const refused = refusalOf(facts);
  if (refused !== null) noteRefusal(services, facts, refused);
  return refused;
}

function noteRefusal({ decisionLog }: DecidingServices, facts: Facts, refused: Refused): void {
  decisionLog.note(facts.now, facts.client === null, () => recordOf(facts, refused));
}

function noteCall(services: DecidingServices, facts: Facts, decision: Decision): void {
  const { client, now, address, call, credential } = facts;
  if (client === null || (decision.allowed && decision.isRepeat)) return;
  const { clientId } = client;
  const apiId = call?.api?.apiId ?? null;
  const outcome = decision.allowed ? 'allowed' : decision.reason;
  services.usage.note({ clientId, apiId, at: now, outcome });
  if (!decision.allowed) return;
  services.lastUses.note(`client:${clientId}`, now, address);
  if (credential.kind === 'api_key')
    services.lastUses.note(`api_key:${credential.apiKey.apiKeyId}`, now, address);
  const kind = `${clientId} ${apiId} ${address} ${credential.kind} ${facts.userId}`;
  services.decisionLog.sample(now, kind, () => recordOf(facts, decision));
}
