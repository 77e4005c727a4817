/**
 * Port of token storage. Every operation is one conditional statement or one transaction. Uses of an
 * access token are spent through `ChargeStore`.
 */
import type { AuditEvent } from '../audit/audit-event.ts';
import type { Page } from '../records.ts';
import type { AccessToken, RefreshFamily, StoredToken } from './token.ts';

/** Whose tokens are meant. */
export type TokenOwner = { clientId: string } | { userId: string };

/** Exchange of one refresh token for the next. */
export interface Rotation {
  familyId: string;
  /** Digest presented; the rotation succeeds only while it is the family's current one. */
  fromDigest: string;
  /** Digest of the next refresh token; null when this refresh is the last. */
  toDigest: string | null;
  /** The access token issued by this refresh. */
  access: AccessToken;
  now: Date;
}

export interface TokenStore {
  /** Stores a new access token, and its refresh-token family where one comes with it. */
  issue(access: AccessToken, family: RefreshFamily | null): Promise<void>;
  /**
   * The access token under this id, expired ones included until they are removed, or null. It reads
   * as revoked (`revokedAt`) when its family is.
   */
  findAccess(tokenId: string): Promise<AccessToken | null>;
  /** The family, or null. */
  findFamily(familyId: string): Promise<RefreshFamily | null>;
  /**
   * Replaces the family's current digest, counts one refresh and stores the access token; only while
   * `fromDigest` is current and the family is unrevoked, unexpired and has a refresh left. Of
   * concurrent calls exactly one answers true.
   */
  rotate(rotation: Rotation): Promise<boolean>;
  /**
   * Revokes an access token or a family (and with a family its access tokens); false if none was live.
   * `event`, for an admin's act, is written in the same step, and only if one was live.
   */
  revoke(tokenId: string, now: Date, event?: AuditEvent): Promise<boolean>;
  /**
   * Revokes every live token of a client or a user; answers how many. `eventOf`, for an admin's act,
   * makes the event that is written in the same step, and only if one was live. More tokens than one
   * step can hold are revoked in several, each with an event of its own count.
   */
  revokeAll(
    owner: TokenOwner,
    now: Date,
    eventOf?: (revoked: number) => AuditEvent,
  ): Promise<number>;
  /** How many live tokens of both kinds each of these clients has; those with none are not in it. */
  countLive(clientIds: readonly string[], now: Date): Promise<Map<string, number>>;
  /** A client's or user's live tokens of both kinds, newest first, then by id. */
  list(
    owner: TokenOwner,
    query: { limit: number; cursor?: string; now: Date },
  ): Promise<Page<StoredToken>>;
}
