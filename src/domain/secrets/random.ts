/** Random values: credentials (with a prefix that secret scanners can find) and ids. */
import { randomFillSync } from 'node:crypto';

/** What a credential is, readable from its first four characters. */
export type CredentialPrefix = 'tga_' | 'tgr_' | 'tgs_' | 'tgp_' | 'tgl_' | 'tgk_' | 'tgw_';

/** A new credential: prefix and 256 random bits, of A-Z a-z 0-9 _ - only. */
export function randomCredential(prefix: CredentialPrefix): string {
  return prefix + randomText(32);
}

/** A new id of 96 random bits: 16 characters of A-Z a-z 0-9 _ -; unguessable, but not a credential. */
export function randomId(): string {
  return randomText(12);
}

/** Random bytes are drawn by the kilobyte: one system call serves dozens of credentials. */
const pool = Buffer.alloc(4096);
let used = pool.length;

function randomText(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const drawn = pool.subarray(used, used + bytes);
  used += bytes;
  const text = drawn.toString('base64url');
  // No credential stays behind in memory here.
  drawn.fill(0);
  return text;
}
