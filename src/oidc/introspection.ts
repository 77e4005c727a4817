/**
 * Introspection (RFC 7662): the decision table in the clothes of the RFC. The engine parses the
 * request and authenticates the caller; the policy here decides, charges, and fills in the answer.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Client } from '../domain/clients/client.ts';
import { canonicalAddress } from '../domain/clients/ip-binding.ts';
import { type Allowed, decide, firstRefusal } from '../domain/decision/decide.ts';
import type { Credential, Facts } from '../domain/decision/facts.ts';
import type { Services } from '../domain/services.ts';
import { findAccess } from '../domain/tokens/find-token.ts';
import { asCurrent, readRefreshToken } from '../domain/tokens/refresh-token.ts';
import type { StoredToken } from '../domain/tokens/token.ts';
import { invalidRequest, refusalError } from './errors.ts';
import { authenticatedClient, optionalParameter, requiredParameter, stateOf } from './request.ts';

/** The engine's token object, as far as its answer is filled in here. */
interface EngineToken {
  clientId?: string;
  iat?: number;
  exp?: number;
  scope?: string | undefined;
  extra?: Record<string, unknown>;
}

/** The engine's `features.introspection.allowedPolicy`. */
export function introspectionPolicy(services: Services) {
  return async function isActive(
    ctx: KoaContextWithOIDC,
    _caller: unknown,
    answer: EngineToken,
  ): Promise<boolean> {
    const caller = await authenticatedClient(services, ctx);
    await admitCaller(services, ctx, caller);
    const { context, consume } = readContext(ctx);
    const credential = await findCredential(services, requiredParameter(ctx, 'token'));
    if (!('token' in credential)) return false;
    const own = credential.token.clientId === caller.clientId;
    // Only the client itself may look at a refresh token: to a resource server it is no access token.
    const mayAsk = own || (caller.kind === 'resource_server' && credential.kind === 'access_token');
    if (!mayAsk) return false;
    const facts = await gatherFacts(services, credential, { caller, ...context });
    const decision = await decide(facts, services.stores, consume && !own);
    const state = stateOf(ctx);
    state.decisionId = decision.decisionId;
    if (!decision.allowed) {
      state.reason = decision.reason;
      return false;
    }
    fillAnswer(answer, facts, credential.token, decision);
    return true;
  };
}

/** The caller itself must be admitted, at its own address: a disabled resource server learns nothing. */
async function admitCaller(
  services: Services,
  ctx: KoaContextWithOIDC,
  caller: Client,
): Promise<void> {
  const catalog = await services.directory.catalog();
  const now = services.clock.now();
  const { address } = stateOf(ctx);
  const reason = firstRefusal({
    place: 'token',
    now,
    credential: { kind: 'client_secret' },
    client: caller,
    address,
    catalog,
  });
  if (reason !== null) throw refusalError(reason);
}

type CallContext = Pick<Facts, 'address' | 'call'>;

/** The optional context of the call (`client_ip`, `method`, `path`) and whether to spend (`consume`). */
function readContext(ctx: KoaContextWithOIDC): { context: CallContext; consume: boolean } {
  const clientIp = optionalParameter(ctx, 'client_ip');
  const address = clientIp === undefined ? null : canonicalAddress(clientIp);
  if (clientIp !== undefined && address === null) {
    throw invalidRequest('client_ip must be an IPv4 or IPv6 address, such as 192.0.2.10');
  }
  const method = optionalParameter(ctx, 'method');
  const path = optionalParameter(ctx, 'path');
  if ((method === undefined) !== (path === undefined))
    throw invalidRequest('method and path must come together');
  const consume = optionalParameter(ctx, 'consume') ?? 'true';
  if (consume !== 'true' && consume !== 'false')
    throw invalidRequest('consume must be true or false');
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
function fillAnswer(
  answer: EngineToken,
  facts: Facts,
  token: StoredToken,
  decision: Allowed,
): void {
  answer.clientId = token.clientId;
  answer.iat = Math.floor(token.issuedAt.getTime() / 1000);
  answer.exp = Math.floor(token.expiresAt.getTime() / 1000);
  answer.scope = decision.scopes.join(' ') || undefined;
  answer.extra = {
    ...(token.userId !== null && { sub: token.userId, username: facts.user?.userName }),
    uses_left: decision.usesLeft,
    priority: facts.client?.priority,
  };
}
