/** Random values: credentials (with a prefix that secret scanners can find) and ids. */
import { randomBytes } from 'node:crypto';

/** What a credential is, readable from its first four characters. */
export type CredentialPrefix = 'tga_' | 'tgr_' | 'tgs_' | 'tgp_' | 'tgl_';

/** A new credential: prefix and 256 random bits, of A-Z a-z 0-9 _ - only. */
export function randomCredential(prefix: CredentialPrefix): string {
  return prefix + randomBytes(32).toString('base64url');
}

/** A new id of 96 random bits: 16 characters of A-Z a-z 0-9 _ -; unguessable, but not a credential. */
export function randomId(): string {
  return randomBytes(12).toString('base64url');
}
