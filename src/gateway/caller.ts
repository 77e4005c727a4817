/** Who asks: gateways and other resource servers, by a Basic header. */
import type { Context } from 'koa';
import { authenticateBySecret } from '../domain/clients/authenticate-client.ts';
import type { Client } from '../domain/clients/client.ts';
import { refuseAndNote } from '../domain/decision/note-decisions.ts';
import { REASONS } from '../domain/decision/reasons.ts';
import { DomainError } from '../domain/errors.ts';
import type { Services } from '../domain/services.ts';
import { parseBasic } from '../http/basic-credentials.ts';
import { ApiError } from '../http/problem.ts';
import { noteDecision, type RequestState } from '../http/request-state.ts';

const CHALLENGE = { 'WWW-Authenticate': 'Basic realm="tollgate", charset="UTF-8"' };

/**
 * The resource server that asks, authenticated and admitted at its own address.
 *
 * @param header the header that holds its Basic credentials
 * @throws ApiError `not_authenticated`; DomainError `not_allowed` when it is refused itself, or is no
 *   resource server
 */
export async function authenticateCaller(
  services: Services,
  ctx: Context,
  header: 'authorization' | 'x-gateway-authorization',
): Promise<Client> {
  const state = ctx.state as RequestState;
  const value = ctx.req.headers[header];
  const credentials = parseBasic(typeof value === 'string' ? value : undefined);
  if (credentials === null) throw notAuthenticated(`send ${header}: Basic <client id and secret>`);
  const answer = await authenticateBySecret(services, credentials, state.address);
  if ('failure' in answer) {
    state.reason = answer.failure;
    throw notAuthenticated('the client id or secret of the caller is wrong');
  }
  const { client } = answer;
  state.clientId = client.clientId;
  if (client.kind !== 'resource_server')
    throw new DomainError('not_allowed', {
      hint: `"${client.clientId}" is a partner; only resource servers ask for decisions`,
    });
  const refused = refuseAndNote(services, {
    place: 'token',
    now: services.clock.now(),
    credential: { kind: 'client_secret' },
    client,
    address: state.address,
    catalog: await services.directory.catalog(),
  });
  if (refused !== null) {
    noteDecision(state, refused);
    const hint = `the caller itself is refused: ${refused.reason}: ${REASONS[refused.reason].title}`;
    throw new DomainError('not_allowed', { hint });
  }
  return client;
}

function notAuthenticated(hint: string): ApiError {
  return new ApiError('not_authenticated', hint, CHALLENGE);
}
