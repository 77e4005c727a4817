/** Port of usage counts: how many calls a client made to an API in an hour, and how they ended. */
import type { ReasonCode } from '../decision/reasons.ts';

/** A count of one hour. */
export interface UsageCount {
  clientId: string;
  /** The API called; null where the asker did not say, or no API matches. */
  apiId: string | null;
  /** Start of the hour, in UTC. */
  hour: Date;
  outcome: 'allowed' | ReasonCode;
  calls: number;
}

/** Which counts are wanted. */
export interface UsageQuery {
  /** Default: every client. */
  clientId?: string;
  /** Hours that start at `from` or later, before `to`. */
  from: Date;
  to: Date;
}

/** Days that counts are kept. */
export const USAGE_DAYS = 400;

export interface UsageStore {
  /** Adds counts to those stored; all of them or none. */
  add(counts: UsageCount[]): Promise<void>;
  /** Counts, oldest hour first, then by client, API (null first) and outcome; at most `limit` of them. */
  list(query: UsageQuery & { limit: number }): Promise<UsageCount[]>;
}
