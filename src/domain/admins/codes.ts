/**
 * Codes of the second factor: those of an authenticator (TOTP, RFC 6238: six digits every 30 seconds),
 * and recovery codes. Each works once.
 */
import { randomInt } from 'node:crypto';
import { generateSecret, generateURI, verifySync } from 'otplib';
import type { Services } from '../services.ts';
import type { Admin } from './admin.ts';

const PERIOD_SECONDS = 30;

/** Recovery codes that are made at once. */
export const RECOVERY_CODES = 10;

/** Letters and digits that nobody takes for another (no 0 and o, no 1, i and l). */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';
const RECOVERY_LENGTH = 12;
const GROUP = 4;

/** The key of an authenticator. */
export interface TotpKey {
  /** Base32, for typing it in. */
  secret: string;
  /** `otpauth://` URI, for a QR code. */
  uri: string;
}

/** A new key of 160 random bits, in base32. */
export function newTotpSecret(): string {
  return generateSecret();
}

/** The key as an authenticator takes it, under the name of this server and admin. */
export function totpKey(issuer: string, userName: string, secret: string): TotpKey {
  const server = new URL(issuer).host;
  return { secret, uri: generateURI({ issuer: `Tollgate ${server}`, label: userName, secret }) };
}

/**
 * The time step that a code belongs to: the present one, or one on either side of it, as clocks
 * differ. Null when it is of none of them.
 */
export function stepOf(secret: string, code: string, now: Date): number | null {
  const token = code.replace(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return null;
  const epoch = Math.floor(now.getTime() / 1000);
  const found = verifySync({ secret, token, epoch, epochTolerance: PERIOD_SECONDS });
  return found.valid && 'timeStep' in found ? found.timeStep : null;
}

/** Whether this is a code of an admin's authenticator, or one of their recovery codes; it is used up. */
export async function takeCode(
  { clock, keys, stores }: Services,
  { adminId, totpSecret }: Admin,
  code: string,
): Promise<boolean> {
  if (!totpSecret) return false;
  const step = stepOf(keys.decrypt('totp', totpSecret), code, clock.now());
  if (step !== null) return stores.adminGuards.takeTotpStep(adminId, step);
  const digests = keys.digests('recovery_code', recoveryText(adminId, code));
  return stores.adminGuards.takeRecoveryCode(adminId, digests);
}

/** New recovery codes, and the digests to store in their place. */
export function newRecoveryCodesFor(
  { keys }: Pick<Services, 'keys'>,
  adminId: string,
): { codes: string[]; digests: string[] } {
  const codes = Array.from({ length: RECOVERY_CODES }, recoveryCode);
  const digests = codes.map((code) => keys.digest('recovery_code', recoveryText(adminId, code)));
  return { codes, digests };
}

/** Such as `h7kp-2mwz-x9ta`: 59 random bits. */
function recoveryCode(): string {
  const letters = Array.from(
    { length: RECOVERY_LENGTH },
    () => ALPHABET[randomInt(ALPHABET.length)],
  );
  return letters.join('').replace(new RegExp(`.{${GROUP}}(?!$)`, 'g'), '$&-');
}

/** However it was typed: capitals, blanks and dashes make no difference. */
function recoveryText(adminId: string, code: string): string {
  return `${adminId}\0${code.toLowerCase().replace(/[\s-]/g, '')}`;
}
