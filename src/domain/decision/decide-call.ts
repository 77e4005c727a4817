/** The decision about one call, as gateways ask for it: by token or API key, whoever the door is. */
import type { Client } from '../clients/client.ts';
import type { Services } from '../services.ts';
import { accessTokenCredential, apiKeyCredential, gatherFacts, noteUses } from './credentials.ts';
import type { Decision } from './decide.ts';
import { type Credential, credentialId, type Facts } from './facts.ts';
import { decideAndNote } from './note-decisions.ts';

/** One question: may this credential make this call? */
export interface Question {
  /** The value of an access token. */
  token?: string | undefined;
  /** The value of an API key; read where no token is presented. */
  apiKey?: string | undefined;
  /** Canonical address of the end client; null when the gateway does not know it. */
  address: string | null;
  method: string;
  path: string;
  /** False looks without spending. */
  consume: boolean;
  /** Units that the call costs of quota and uses. */
  weight: number;
  /** The same key with the same call is charged once while it is remembered. */
  idempotencyKey?: string | undefined;
  /** How long it is, in seconds; default 24 hours. */
  idempotencySeconds?: number | undefined;
}

/** A decision and what it was made from. */
export interface DecidedCall {
  decision: Decision;
  facts: Facts;
}

/**
 * Decides about a call for an authenticated gateway; `directory.sync` has run for this request.
 *
 * @throws DomainError `store_unavailable`
 */
export async function decideCall(
  services: Services,
  caller: Client,
  question: Question,
): Promise<DecidedCall> {
  const { address, method, path, weight, consume } = question;
  const credential = await presented(services, question);
  const call = { method, path };
  const asked = { place: 'call', caller, address, call, weight } as const;
  const facts = await gatherFacts(services, credential, asked);
  const retryKey = retryKeyOf(services, facts, question);
  const spending = { consume, retryKey, retrySeconds: question.idempotencySeconds };
  const decision = await decideAndNote(services, facts, spending);
  noteUses(services, facts, decision);
  return { facts, decision };
}

function presented(services: Services, { token, apiKey, consume }: Question): Promise<Credential> {
  if (token !== undefined) return accessTokenCredential(services, token, consume);
  if (apiKey !== undefined) return apiKeyCredential(services, apiKey);
  return Promise.resolve({ kind: 'missing' });
}

/** A key stands for one call of one credential by one gateway: with anything else it is another key. */
function retryKeyOf({ keys }: Services, facts: Facts, question: Question): string | null {
  const { idempotencyKey, method, path, weight } = question;
  const { credential, caller } = facts;
  if (idempotencyKey === undefined) return null;
  const id = credentialId(credential);
  if (id === null) return null;
  const parts = [caller?.clientId, id, method, path, weight, idempotencyKey];
  return keys.digest('idempotency_key', JSON.stringify(parts));
}
