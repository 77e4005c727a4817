/** From a decision to what is kept of it: the record that admins search, explain and replay. */
import { plusSeconds } from '../clock.ts';
import type { Allowed, Decision } from './decide.ts';
import type { DecisionRecord } from './decision-store.ts';
import { type TraceEntry, traceOf } from './explain.ts';
import { credentialId, type Facts, ownerOf, scopesGiven } from './facts.ts';

/** How long refusals are kept. */
const REFUSED_SECONDS = 30 * 24 * 3600;
/** How long samples of allowed calls are kept: as long as a replay looks back. */
export const SAMPLED_SECONDS = 24 * 3600;

/** Characters of a path that are kept. */
const LONGEST_PATH = 2000;
/** Rows of a list that are kept, such as those of an allowlist with thousands of users. */
const MOST_ROWS = 20;

/** The record of a decision over these facts. */
export function recordOf(facts: Facts, decision: Decision): DecisionRecord {
  const seconds = decision.allowed ? SAMPLED_SECONDS : REFUSED_SECONDS;
  const { place, now, client, call, userId, caller, address, grantType, weight } = facts;
  return {
    decisionId: decision.decisionId,
    at: now,
    place,
    reason: decision.reason,
    clientId: client?.clientId ?? ownerOf(facts.credential).clientId,
    userId: userId ?? null,
    callerId: caller?.clientId ?? null,
    address,
    method: call?.method ?? null,
    path: call?.path.slice(0, LONGEST_PATH) ?? null,
    apiId: call?.api?.apiId ?? null,
    grantType: grantType ?? null,
    credential: credentialOf(facts),
    weight: weight ?? 1,
    trace: (decision.allowed ? traceOfAllowed(facts, decision) : decision.trace()).map(bounded),
    expiresAt: plusSeconds(now, seconds),
  };
}

function credentialOf(facts: Facts): DecisionRecord['credential'] {
  const { credential } = facts;
  const id = credentialId(credential);
  return { kind: credential.kind, id, scopes: [...(scopesGiven(facts) ?? [])] };
}

/** What the charge has told of the limits belongs into the trace, as a replay compares it. */
function traceOfAllowed(facts: Facts, { rate, quota }: Allowed) {
  const readings = {
    rate: rate && { ok: true, used: rate.limit - rate.left - 1, retryAfterMs: 0 },
    quotaUsed: quota && quota.limit - quota.left - (facts.weight ?? 1),
  };
  return traceOf({ ...facts, readings });
}

/** A trace entry of bounded size, however long the lists of a client are. */
function bounded(entry: TraceEntry): TraceEntry {
  return { ...entry, seen: shortened(entry.seen), wanted: shortened(entry.wanted) };
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, LONGEST_PATH);
  if (Array.isArray(value)) {
    return value.length <= MOST_ROWS
      ? value
      : { first: value.slice(0, MOST_ROWS), count: value.length };
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shortened(one)]));
}
