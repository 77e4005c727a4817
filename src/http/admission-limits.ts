/** How much work one event loop takes on; docs/performance.md tells what the figures were measured by. */

/** How much is taken on. */
export interface AdmissionLimits {
  /** Most at work; those of priority p may fill (16 - p) / 16 of it, so that a higher one finds room. */
  atWork: number;
  /** Most that wait. */
  queued: number;
  /** Longest wait, in milliseconds. */
  waitMs: number;
  /** Most that begin in one turn of the event loop: what is written together shares a commit. */
  startsPerTurn: number;
  /** Most that begin in a turn while a crowd waits, so that one of a high priority soon has its own. */
  startsInCrowd: number;
  /** How many that wait are a crowd. */
  crowd: number;
  /**
   * Wait that is borne for good, in milliseconds: once somebody has waited all the time for `burstMs`, a
   * queue whose lowest wait longer takes no more of them. What is behind that is a flood, not a burst, and
   * a longer queue would only make each of them wait.
   */
  standingMs: number;
  burstMs: number;
  /** Most senders that are let go in one turn, beside those who were held up for `waitMs`. */
  letGoPerTurn: number;
}

/** The limits of one event loop. */
export const ADMISSION_LIMITS: AdmissionLimits = {
  atWork: 512,
  queued: 4096,
  waitMs: 1_000,
  startsPerTurn: 16,
  startsInCrowd: 4,
  crowd: 8,
  standingMs: 20,
  burstMs: 2_000,
  letGoPerTurn: 1,
};
