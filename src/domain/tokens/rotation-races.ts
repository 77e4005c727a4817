/**
 * Which refreshes lost a race, as opposed to replaying a stolen token: a request that arrived before
 * the winner was answered cannot have learned the next token. Other nodes know only when the rotation
 * was dated; there a request that arrives while it is written counts as a replay.
 */
import { LRUCache } from 'lru-cache';
import type { RefreshFamily } from './token.ts';

/** When a request arrived: by the clock, and by `performance.now()` of this process. */
export interface Arrival {
  arrivedAt: Date;
  arrivedMs: number;
}

/** Rotations of one family: how many are under way, and when the last was answered. */
interface Rotations {
  underWay: number;
  answeredMs: number;
}

/** Families that this process remembers; a race is over long before they are forgotten. */
const REMEMBERED_MOST = 10_000;

/** The rotations that this process has answered lately. */
export class RotationRaces {
  readonly #byFamily = new LRUCache<string, Rotations>({ max: REMEMBERED_MOST });

  /** Runs a rotation of a family. */
  async rotating<T>(familyId: string, rotate: () => Promise<T>): Promise<T> {
    const rotations = this.#byFamily.get(familyId) ?? { underWay: 0, answeredMs: 0 };
    this.#byFamily.set(familyId, rotations);
    rotations.underWay += 1;
    try {
      return await rotate();
    } finally {
      rotations.underWay -= 1;
      rotations.answeredMs = performance.now();
    }
  }

  /** Whether a request that presents a replaced token arrived before the rotation was answered. */
  isLostBy(arrival: Arrival, { tokenId, rotatedAt }: RefreshFamily): boolean {
    const rotations = this.#byFamily.get(tokenId);
    if (rotations && (rotations.underWay > 0 || arrival.arrivedMs < rotations.answeredMs)) {
      return true;
    }
    return rotatedAt !== null && arrival.arrivedAt < rotatedAt;
  }
}
