/**
 * The value of a key: `tgk_`, 43 characters of 256 random bits, and a checksum of 6 characters by
 * which secret scanners, and the door of this server, tell a key from what merely looks like one.
 */
import { randomCredential } from '../secrets/random.ts';

const SHAPE = /^tgk_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}$/;
const CHECKSUM_LENGTH = 6;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The CRC-32 of ISO 3309, as in zip and PNG; bits reversed. */
const POLYNOMIAL = 0xedb88320;

/** A new value. */
export function newApiKeyValue(): string {
  const body = randomCredential('tgk_');
  return body + checksum(body);
}

/** Whether a text has the shape of a key and its checksum is right; says nothing of its being known. */
export function isIntactApiKey(text: string): boolean {
  if (!SHAPE.test(text)) return false;
  const end = text.length - CHECKSUM_LENGTH;
  return checksum(text.slice(0, end)) === text.slice(end);
}

/** The CRC-32 of a text in base 62, padded with zeros to 6 characters. */
function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i += 1) {
    digits = DIGITS.charAt(rest % DIGITS.length) + digits;
    rest = Math.floor(rest / DIGITS.length);
  }
  return digits;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  }
  return remainder;
});

function crc32(text: string): number {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
