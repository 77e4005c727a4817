/**
 * Introspection (RFC 7662): the decision table in the clothes of the RFC. Two doors lead here: callers
 * with a Basic header come straight (`introspection-door.ts`), all others through the engine.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Client } from '../domain/clients/client.ts';
import { canonicalAddress } from '../domain/clients/ip-binding.ts';
import {
  type Asked,
  accessTokenCredential,
  apiKeyCredential,
  clientFacts,
  gatherFacts,
  noteUses,
  refreshTokenCredential,
} from '../domain/decision/credentials.ts';
import type { Allowed } from '../domain/decision/decide.ts';
import { asksAboutOwn, type Credential, type Facts } from '../domain/decision/facts.ts';
import { decideAndNote } from '../domain/decision/note-decisions.ts';
import type { Services } from '../domain/services.ts';
import { noteDecision, type RequestState } from '../http/request-state.ts';
import { invalidRequest } from './errors.ts';
import { type Form, optional, required } from './parameters.ts';
import { admit, authenticatedClient, stateOf } from './request.ts';

/** What is told about a token that is not active, whatever the reason (RFC 7662 §2.2). */
const INACTIVE = { active: false } as const;

/** An introspection response. */
export type Introspection = { active: boolean } & Record<string, unknown>;

/**
 * Decides about a credential for an authenticated caller, spends where something is due, and answers.
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
  // The caller itself, at its own address: a disabled resource server learns nothing.
  const { address } = state;
  admit(services, state, await clientFacts(services, 'token', { client: caller, address }));
  const { context, consume } = readContext(form);
  const value = required(form, 'token');
  const gather = async (isSpent: boolean) => {
    const credential = await findCredential(services, value, isSpent);
    return gatherFacts(services, credential, { place: 'introspection', caller, ...context });
  };
  const spends = consume && caller.kind === 'resource_server';
  const found = await gather(spends);
  const own = asksAboutOwn(found);
  if (!own && !mayAsk(caller, found.credential)) return INACTIVE;
  const facts = own && spends ? await gather(false) : found;
  const decision = await decideAndNote(services, facts, { consume: spends && !own });
  noteUses(services, facts, decision);
  noteDecision(state, decision);
  return decision.allowed ? activeAnswer(services, facts, decision) : INACTIVE;
}

/** Only the client itself may look at a refresh token: to a resource server it is no access token. */
function mayAsk(caller: Client, credential: Credential): boolean {
  return caller.kind === 'resource_server' && credential.kind !== 'refresh_token';
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

type CallContext = Pick<Asked, 'address' | 'call'>;

/** The optional context of the call (`client_ip`, `method`, `path`) and whether to spend (`consume`). */
function readContext(form: Form | undefined): { context: CallContext; consume: boolean } {
  const clientIp = optional(form, 'client_ip');
  const address = clientIp === undefined ? null : canonicalAddress(clientIp);
  if (clientIp !== undefined && address === null) {
    throw invalidRequest('client_ip must be an IPv4 or IPv6 address, such as 192.0.2.10');
  }
  const method = optional(form, 'method')?.toUpperCase();
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

/** RFC 7662 §2.1: a hint is no more than that; the value itself tells what it is. */
async function findCredential(
  services: Services,
  value: string,
  consume: boolean,
): Promise<Credential> {
  if (value.startsWith('tgk_')) return apiKeyCredential(services, value);
  return (
    (await refreshTokenCredential(services, value)) ??
    (await accessTokenCredential(services, value, consume))
  );
}

/** RFC 7662 §2.2, and what is left of the limits. */
function activeAnswer({ issuer }: Services, facts: Facts, decision: Allowed): Introspection {
  const { client, userId = null, user } = facts;
  const { quota, scopes, usesLeft } = decision;
  return {
    active: true,
    client_id: client?.clientId,
    ...(userId !== null && { sub: userId, username: user?.userName }),
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    ...validity(facts.credential),
    iss: issuer,
    uses_left: usesLeft,
    quota_left: quota === null ? null : quota.left,
    quota_resets_at: quota?.resetsAt == null ? null : seconds(quota.resetsAt),
    priority: client?.priority,
  };
}

function validity(credential: Credential): Record<string, unknown> {
  if (credential.kind === 'api_key') {
    const { apiKey, expiresAt } = credential;
    const startsAt = apiKey.startsAt ?? apiKey.createdAt;
    return { token_type: 'X-Api-Key', nbf: seconds(startsAt), exp: seconds(expiresAt) };
  }
  if (!('token' in credential)) return {};
  const { kind, issuedAt, expiresAt } = credential.token;
  const type = kind === 'access_token' ? { token_type: 'Bearer' } : {};
  return { ...type, iat: seconds(issuedAt), exp: seconds(expiresAt) };
}

/** RFC 7662 §2.2: instants are whole seconds since 1970. */
function seconds(instant: Date): number {
  return Math.floor(instant.getTime() / 1000);
}
