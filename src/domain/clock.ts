/** The clock that every rule reads, so that tests can move time instead of waiting for it. */
export interface Clock {
  /** The present instant. */
  now(): Date;
}

/** The clock of the machine. */
export const systemClock: Clock = { now: () => new Date() };

/**
 * The instant some time away from another.
 *
 * @param instant where to start
 * @param seconds distance in seconds; negative goes back
 */
export function plusSeconds(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000);
}
