/** Who asks: gateways and other resource servers, by a Basic header. */
import type { IncomingMessage } from 'node:http';
import { authenticateBySecret } from '../domain/clients/authenticate-client.ts';
import type { Client } from '../domain/clients/client.ts';
import { clientFacts } from '../domain/decision/credentials.ts';
import { refuseAndNote } from '../domain/decision/note-decisions.ts';
import { REASONS, type ReasonCode } from '../domain/decision/reasons.ts';
import { DomainError } from '../domain/errors.ts';
import type { Services } from '../domain/services.ts';
import { parseBasic } from '../http/basic-credentials.ts';
import { ApiError } from '../http/problem.ts';
import { noteDecision, noteFailure, type RequestState } from '../http/request-state.ts';

const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="tollgate", charset="UTF-8"' };

/** How a caller presents itself. */
export interface Presented {
  /** The header that holds its Basic credentials. */
  header: 'authorization' | 'x-gateway-authorization';
  /** Its own address. */
  address: string | null;
}

/**
 * The resource server that asks, authenticated and admitted at its own address.
 *
 * @throws ApiError `not_authenticated`; DomainError `not_allowed` when it is refused itself, or is no
 *   resource server
 */
export async function authenticateCaller(
  services: Services,
  { request, state }: { request: IncomingMessage; state: RequestState },
  { header, address }: Presented,
): Promise<Client> {
  const value = request.headers[header];
  const credentials = parseBasic(typeof value === 'string' ? value : undefined);
  if (credentials === null) throw notAuthenticated(`send ${header}: Basic <client id and secret>`);
  const answer = await authenticateBySecret(services, credentials, address);
  if ('failure' in answer) {
    noteFailure(state, answer);
    if (answer.failure === 'ip_not_allowed') throw refusedItself(answer.failure);
    throw notAuthenticated('the client id or secret of the caller is wrong');
  }
  const { client } = answer;
  state.clientId = client.clientId;
  if (client.kind !== 'resource_server')
    throw new DomainError('not_allowed', {
      hint: `"${client.clientId}" is a partner; only resource servers ask for decisions`,
    });
  const facts = await clientFacts(services, 'token', { client, address });
  const refused = refuseAndNote(services, facts);
  if (refused !== null) {
    noteDecision(state, refused);
    throw refusedItself(refused.reason);
  }
  return client;
}

function refusedItself(reason: ReasonCode): DomainError {
  const hint = `the caller itself is refused: ${reason}: ${REASONS[reason].title}`;
  return new DomainError('not_allowed', { hint });
}

function notAuthenticated(hint: string): ApiError {
  return new ApiError('not_authenticated', hint, CHALLENGE);
}
