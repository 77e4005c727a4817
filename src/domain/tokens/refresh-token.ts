/**
 * The value of a refresh token: `tgr_`, the id of its family, 256 random bits and a keyed tag over
 * both. The tag tells a token that was once issued from a forgery, so that the replay of a rotated
 * token is recognised without keeping every old digest, and a stranger cannot end a family by guessing.
 */
import { randomBytes } from 'node:crypto';
import { constantTimeEqual, type SecretKeys } from '../secrets/secret-keys.ts';
import type { RefreshFamily } from './token.ts';

const FORM = /^tgr_([A-Za-z0-9_-]{16})([A-Za-z0-9_-]{43})([A-Za-z0-9_-]{22})$/;
const TAG_LENGTH = 22;

/** A refresh token that was issued by this server, read back. */
export interface ReadRefreshToken {
  familyId: string;
  /** Digest that equals the family's `currentDigest` while this token is the valid one. */
  currentDigest: string;
}

/** A new refresh token of a family, and the digest to store. */
export function writeRefreshToken(
  keys: SecretKeys,
  familyId: string,
): { value: string; digest: string } {
  const body = familyId + randomBytes(32).toString('base64url');
  const value = `tgr_${body}${keys.digest('refresh_family', body).slice(0, TAG_LENGTH)}`;
  return { value, digest: keys.digest('refresh_token', value) };
}

/** Reads a presented refresh token; null when this server never issued it. */
export function readRefreshToken(
  keys: SecretKeys,
  value: string,
): { familyId: string; digests: string[] } | null {
  const [, familyId, random, tag] = FORM.exec(value) ?? [];
  if (familyId === undefined || random === undefined || tag === undefined) return null;
  const genuine = keys
    .digests('refresh_family', familyId + random)
    .some((own) => constantTimeEqual(own.slice(0, TAG_LENGTH), tag));
  return genuine ? { familyId, digests: keys.digests('refresh_token', value) } : null;
}

/** The presented token as the family's current one, or null when it was replaced. */
export function asCurrent(family: RefreshFamily, digests: string[]): ReadRefreshToken | null {
  const currentDigest = digests.find((digest) => digest === family.currentDigest);
  return currentDigest === undefined ? null : { familyId: family.tokenId, currentDigest };
}
