/** What the endpoints read of a request that the engine has parsed. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Client } from '../domain/clients/client.ts';
import type { Facts } from '../domain/decision/facts.ts';
import { refuseAndNote } from '../domain/decision/note-decisions.ts';
import type { Services } from '../domain/services.ts';
import { noteDecision, type RequestState } from '../http/request-state.ts';
import { OAuthError, refusalError } from './errors.ts';

/** The state that the outer middleware has set. */
export function stateOf(ctx: KoaContextWithOIDC | undefined): RequestState {
  if (ctx === undefined) throw new Error('called outside a request');
  return ctx.state as RequestState;
}

/** Lets a request through, or notes the first refusal and throws its OAuth error. */
export function admit(services: Services, state: RequestState, facts: Facts): void {
  const refused = refuseAndNote(services, facts);
  if (refused === null) return;
  noteDecision(state, refused);
  throw refusalError(refused.reason);
}

/** The authenticated client, as governed by Tollgate. */
export async function authenticatedClient(
  services: Services,
  ctx: KoaContextWithOIDC,
): Promise<Client> {
  const clientId = ctx.oidc.client?.clientId ?? '';
  const client = await services.directory.client(clientId);
  // Deleted between authentication and now.
  if (client === null)
    throw new OAuthError(401, 'invalid_client', 'client_deleted: the client no longer exists');
  stateOf(ctx).clientId = clientId;
  return client;
}
