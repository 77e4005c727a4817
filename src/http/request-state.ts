import type { AuthenticationFailure } from '../domain/clients/authenticate-client.ts';
import type { Decision } from '../domain/decision/decide.ts';

/** What the server knows of a request before any endpoint runs; Koa's `ctx.state`. */
export interface RequestState {
  /** Id of the request, in every log line about it and in the answer. */
  requestId: string;
  /** When it arrived. */
  arrivedAt: Date;
  /** The same as `performance.now()`, for comparisons within this process. */
  arrivedMs: number;
  /** Canonical address of the caller, past trusted proxies; null when unknown. */
  address: string | null;
  /** The ways to read the secret of a Basic header (see `oidc/basic-credentials.ts`). */
  presentedSecrets?: readonly string[];
  /** The answer of an introspection, in place of the engine's (see `oidc/introspection.ts`). */
  introspection?: { active: boolean } & Record<string, unknown>;
  /** Why a decision refused, for the log. */
  reason?: string;
  /** What a reason leaves out, for the log. */
  detail?: string;
  /** Id of the decision, for the log and the header `X-Decision-Id`. */
  decisionId?: string;
  /** Client that acts, for the log. */
  clientId?: string;
}

/** Notes a decision, so that the log and the answer name it. */
export function noteDecision(state: RequestState, decision: Decision): void {
  state.decisionId = decision.decisionId;
  if (decision.reason !== null) state.reason = decision.reason;
}

/**
 * Notes for the log why authentication failed. The answer names the decision only where it tells the
 * reason too: anything more would tell a guesser of what exists, or when to go on.
 */
export function noteFailure(
  state: RequestState,
  { failure, decisionId }: AuthenticationFailure,
): void {
  state.reason = failure;
  if (failure === 'ip_not_allowed' && decisionId !== null) state.decisionId = decisionId;
}
