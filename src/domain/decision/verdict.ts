/** What one check found. */
import type { ReasonCode } from './reasons.ts';

export interface Verdict {
  /** Why the check refuses; null when it passes. */
  reason: ReasonCode | null;
  /** The value found. */
  seen: unknown;
  /** The value that passes. */
  wanted: unknown;
}

/** A verdict that passes. */
export function pass(seen: unknown, wanted: unknown): Verdict {
  return { reason: null, seen, wanted };
}

/** A verdict that refuses. */
export function refuse(reason: ReasonCode, seen: unknown, wanted: unknown): Verdict {
  return { reason, seen, wanted };
}

/** Passes when `ok`, else refuses for the reason. */
export function verdict(ok: boolean, reason: ReasonCode, seen: unknown, wanted: unknown): Verdict {
  return { reason: ok ? null : reason, seen, wanted };
}
