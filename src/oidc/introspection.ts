/**
 * Introspection (RFC 7662): the decision table in the clothes of the RFC. Two doors lead here: callers
 * with a Basic header come straight (`introspection-door.ts`), all others through the engine.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Client } from '../domain/clients/client.ts';
import { canonicalAddress } from '../domain/clients/ip-binding.ts';
import { type Allowed, decide } from '../domain/decision/decide.ts';
import type { Credential, Facts } from '../domain/decision/facts.ts';
import type { Services } from '../domain/services.ts';
import { findAccess } from '../domain/tokens/find-token.ts';
import { asCurrent, readRefreshToken } from '../domain/tokens/refresh-token.ts';
import type { StoredToken } from '../domain/tokens/token.ts';
import type { RequestState } from '../http/request-state.ts';
import { invalidRequest } from './errors.ts';
import { type Form, optional, required } from './parameters.ts';
import { admit, authenticatedClient, stateOf } from './request.ts';

/** What is told about a token that is not active, whatever the reason (RFC 7662 §2.2). */
const INACTIVE = { active: false } as const;

/** An introspection response. */
export type Introspection = { active: boolean } & Record<string, unknown>;

/**
 * Decides about a token for an authenticated caller, spends a use where one is due, and answers.
 *
 * @param state of the request; the decision is noted in it for the log
 * @throws invalid_request for malformed parameters, invalid_client when the caller itself is refused
 */
export async function introspect(
  services: Services,
  caller: Client,
  form: Form | undefined,
  state: RequestState,
): Promise<Introspection> {
  await admitCaller(services, caller, state);
  const { context, consume } = readContext(form);
  const credential = await findCredential(services, required(form, 'token'));
  if (!('token' in credential)) return INACTIVE;
  const own = credential.token.clientId === caller.clientId;
  // Only the client itself may look at a refresh token: to a resource server it is no access token.
  const mayAsk = own || (caller.kind === 'resource_server' && credential.kind === 'access_token');
  if (!mayAsk) return INACTIVE;
  const facts = await gatherFacts(services, credential, { caller, ...context });
  const decision = await decide(facts, services.stores, consume && !own);
  state.decisionId = decision.decisionId;
  if (decision.allowed) return activeAnswer(services, facts, credential.token, decision);
  state.reason = decision.reason;
  return INACTIVE;
}

/** The engine's `features.introspection.allowedPolicy`; the whole answer goes by `ctx.state`. */
export function introspectionPolicy(services: Services) {
  return async function isActive(ctx: KoaContextWithOIDC): Promise<boolean> {
    const caller = await authenticatedClient(services, ctx);
    const state = stateOf(ctx);
    state.introspection = await introspect(services, caller, ctx.oidc.body, state);
    return state.introspection.active;
  };
}

/** The caller itself must be admitted, at its own address: a disabled resource server learns nothing. */
async function admitCaller(services: Services, caller: Client, state: RequestState): Promise<void> {
  admit(state, {
    place: 'token',
    now: services.clock.now(),
    credential: { kind: 'client_secret' },
    client: caller,
    address: state.address,
    catalog: await services.directory.catalog(),
  });
}

type CallContext = Pick<Facts, 'address' | 'call'>;

/** The optional context of the call (`client_ip`, `method`, `path`) and whether to spend (`consume`). */
function readContext(form: Form | undefined): { context: CallContext; consume: boolean } {
  const clientIp = optional(form, 'client_ip');
  const address = clientIp === undefined ? null : canonicalAddress(clientIp);
  if (clientIp !== undefined && address === null) {
    throw invalidRequest('client_ip must be an IPv4 or IPv6 address, such as 192.0.2.10');
  }
  const method = optional(form, 'method');
  const path = optional(form, 'path');
  if ((method === undefined) !== (path === undefined)) {
    throw invalidRequest('method and path must come together');
  }
  const consume = optional(form, 'consume') ?? 'true';
  if (consume !== 'true' && consume !== 'false') {
    throw invalidRequest('consume must be true or false');
  }
  const call = method === undefined || path === undefined ? null : { method, path };
  return { context: { address, call }, consume: consume === 'true' };
}

async function findCredential(services: Services, value: string): Promise<Credential> {
  const refresh = readRefreshToken(services.keys, value);
  if (refresh !== null) {
    const family = await services.stores.tokens.findFamily(refresh.familyId);
    if (family === null) return { kind: 'unknown' };
    return {
      kind: 'refresh_token',
      token: family,
      current: asCurrent(family, refresh.digests) !== null,
    };
  }
  const token = await findAccess(services, value);
  return token === null ? { kind: 'unknown' } : { kind: 'access_token', token };
}

async function gatherFacts(
  services: Services,
  credential: Credential & { token: StoredToken },
  asked: CallContext & { caller: Client },
): Promise<Facts> {
  const { clientId, userId } = credential.token;
  return {
    place: 'introspection',
    now: services.clock.now(),
    credential,
    client: await services.directory.client(clientId),
    userId,
    user: userId === null ? null : await services.directory.user(userId),
    catalog: await services.directory.catalog(),
    ...asked,
  };
}

/** RFC 7662 §2.2, and what is left of the limits. */
function activeAnswer(
  { issuer }: Services,
  facts: Facts,
  token: StoredToken,
  decision: Allowed,
): Introspection {
  return {
    active: true,
    client_id: token.clientId,
    ...(token.userId !== null && { sub: token.userId, username: facts.user?.userName }),
    ...(decision.scopes.length > 0 && { scope: decision.scopes.join(' ') }),
    ...(token.kind === 'access_token' && { token_type: 'Bearer' }),
    iss: issuer,
    iat: Math.floor(token.issuedAt.getTime() / 1000),
    exp: Math.floor(token.expiresAt.getTime() / 1000),
    uses_left: decision.usesLeft,
    priority: facts.client?.priority,
  };
}
