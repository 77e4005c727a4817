/**
 * Short-lived state: of the OAuth engine, such as the ids of used client assertions, and of the forms of
 * the console that were sent.
 */

export interface Artifact {
  /** Kind, such as `ReplayDetection` or `SentForm`. */
  model: string;
  /** Digest of an id, keyed where that is a credential. */
  digest: string;
  payload: Record<string, unknown>;
  expiresAt: Date;
}

export interface ArtifactStore {
  /** Stores new state; false when the same model and digest exists unexpired at `now` (so an id is taken once). */
  insert(artifact: Artifact, now: Date): Promise<boolean>;
  /** Stores or replaces state. */
  upsert(artifact: Artifact): Promise<void>;
  /** The payload while unexpired, or null. */
  find(model: string, digest: string, now: Date): Promise<Record<string, unknown> | null>;
  /** Marks it consumed (member `consumed`, epoch seconds, in the payload): true for exactly one of concurrent calls. */
  consume(model: string, digest: string, now: Date): Promise<boolean>;
  remove(model: string, digest: string): Promise<void>;
}
