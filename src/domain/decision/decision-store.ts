/**
 * Port of recorded decisions: every refusal with its trace, and for replays a sample of what was
 * allowed.
 */
import type { ListQuery, Page } from '../records.ts';
import type { TraceEntry } from './explain.ts';
import type { Place } from './facts.ts';
import type { ReasonCode } from './reasons.ts';

/** A recorded decision: what was asked, by whom, and what every check found. Holds no credential. */
export interface DecisionRecord {
  decisionId: string;
  at: Date;
  place: Place;
  /** Why it was refused; null for a sampled call that was allowed. */
  reason: ReasonCode | null;
  clientId: string | null;
  userId: string | null;
  /** The resource server or gateway that asked; null where the client itself did. */
  callerId: string | null;
  address: string | null;
  /** The call, where it is known. */
  method: string | null;
  path: string | null;
  apiId: string | null;
  /** Grant type asked for, at the token endpoint. */
  grantType: string | null;
  credential: {
    kind: 'missing' | 'unknown' | 'client_secret' | 'access_token' | 'refresh_token' | 'api_key';
    /** Id of the token or key; not a credential. */
    id: string | null;
    /** Scopes of the token, or API groups of the key. */
    scopes: string[];
  };
  weight: number;
  trace: TraceEntry[];
  /** When the record goes. */
  expiresAt: Date;
}

/** Which decisions are wanted. */
export interface DecisionFilter {
  /** Default: refused ones. */
  outcome?: 'refused' | 'allowed';
  clientId?: string;
  reason?: ReasonCode;
  address?: string;
  /** Decided at `from` or later, before `to`. */
  from?: Date;
  to?: Date;
  /** Instant of the question: records that expired by then are left out. */
  at?: Date;
}

/** The largest total that a page of decisions tells: counting millions of rows would take seconds. */
export const MOST_COUNTED = 10_000;

export interface DecisionStore {
  /** Stores records; one whose id is stored already is left as it is. */
  record(records: DecisionRecord[]): Promise<void>;
  /** The unexpired record, or null. */
  find(decisionId: string, now: Date): Promise<DecisionRecord | null>;
  /** A page, newest first, then by id; `search` is not used; `total` is at most `MOST_COUNTED`. */
  list(query: ListQuery<DecisionFilter>): Promise<Page<DecisionRecord>>;
}
