/** The change feed: which governed records changed, so that caches on every node drop them at once. */

/** One changed record. */
export interface Change {
  /**
   * `token` enters when an access token ends before its time: `id` is its own, that of the family that
   * it was issued with, or `EVERY_TOKEN`. An `access_token` is an admin's, for the REST API.
   */
  kind: 'client' | 'user' | 'catalog' | 'admin' | 'access_token' | 'api_key' | 'token';
  id: string;
}

/** In place of an id: every token of an owner ended, and naming each would outgrow the feed. */
export const EVERY_TOKEN = '*';

/** What has changed since a position. */
export interface ChangesSince {
  /** Position to ask from next time. */
  position: number;
  /** The changed records, or `everything` when the feed no longer reaches back that far. */
  changed: Change[] | 'everything';
}

export interface ChangeFeed {
  /**
   * Changes after a position. A change that was answered to anyone before this call is in it. Null
   * when there is none (the usual case, which must be cheap).
   */
  since(position: number): Promise<ChangesSince | null>;
}
