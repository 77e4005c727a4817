/**
 * Port of what decisions spend: quota of clients and uses of access tokens, booked together, all or
 * nothing. Exact under any concurrency, on any number of nodes.
 */

/**
 * Time that a quota row outlives its window, in milliseconds: a call decided just before the end may be
 * booked after it, and the clocks of two nodes differ.
 */
export const QUOTA_KEPT_MS = 3_600_000;

/** A quota to be charged. */
export interface QuotaLine {
  clientId: string;
  /** Names the period that the call falls into, such as `day:2026-11-22`; see `quota-window.ts`. */
  window: string;
  /** Units allowed in the window. */
  limit: number;
  /** When the window ends; `QUOTA_KEPT_MS` later its row may go. null = never. */
  endsAt: Date | null;
}

/** A retry of the same call, free for a time. */
export interface RetryLine {
  /** Keyed digest of the idempotency key, scoped to caller and credential. */
  key: string;
  decisionId: string;
  expiresAt: Date;
}

/** What one allowed decision spends. At least one line is not null; one with a retry alone spends nothing. */
export interface Bill {
  /** Units spent on each line, 1 or more: the whole of it or nothing. */
  weight: number;
  quota: QuotaLine | null;
  /** Access token with a use limit. */
  uses: { tokenId: string } | null;
  retry: RetryLine | null;
}

/** What was spent in all, this bill included; null where the bill has no such line. */
export interface Spent {
  quotaUsed: number | null;
  uses: number | null;
}

/** What became of a bill. */
export type Receipt =
  | ({ outcome: 'booked' } & Spent)
  /** The retry key was booked before: nothing was spent now; the figures are those of then. */
  | ({ outcome: 'repeated'; decisionId: string } & Spent)
  /** The first line, in the order quota, uses, that could not be booked; nothing was spent. */
  | { outcome: 'refused'; line: 'quota' | 'uses' };

/** An earlier decision that a retry repeats. */
export type PaidRetry = { decisionId: string } & Spent;

export interface ChargeStore {
  /**
   * Books every line of a bill, or none: a quota only while `weight` more fit under its limit, uses
   * only while the token is unrevoked, unexpired and has `weight` uses left. Of concurrent bills with
   * one retry key exactly one is booked. What is answered survives the end of the process; the end of the
   * machine may cost some units more, and never gives one back.
   */
  book(bill: Bill, now: Date): Promise<Receipt>;
  /** The unexpired earlier decision under a retry key, or null. */
  findRetry(key: string, now: Date): Promise<PaidRetry | null>;
  /** Units of a quota window used so far. */
  quotaUsed(clientId: string, window: string): Promise<number>;
  /** Units of many quota windows used so far, in the order asked. */
  quotasUsed(windows: readonly Pick<QuotaLine, 'clientId' | 'window'>[]): Promise<number[]>;
}
