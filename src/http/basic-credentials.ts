/**
 * Client credentials in a Basic header. RFC 6749 §2.3.1 wants id and secret form-encoded inside it;
 * many clients send them raw. Both readings are kept, so that a secret with `%`, `+`, `:` or letters
 * beyond ASCII works either way.
 */

const BASIC = /^basic ([A-Za-z0-9+/]+={0,2})$/i;

/** Credentials of a Basic header. */
export interface BasicCredentials {
  clientId: string;
  /** The ways to read the secret, the standard one first. */
  secrets: readonly string[];
  /** Whether the OAuth engine reads the header in the same way. */
  isPlain: boolean;
}

/** Text that reads the same form-encoded and raw. */
const UNAMBIGUOUS = /^[A-Za-z0-9_.~:-]+$/;

/** Reads a Basic header; null where there is none, or a malformed one. */
export function parseBasic(header: string | undefined): BasicCredentials | null {
  const encoded = BASIC.exec(header ?? '')?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const secret = text.slice(colon + 1);
  if (colon < 1 || secret === '') return null;
  if (UNAMBIGUOUS.test(text))
    return { clientId: text.slice(0, colon), secrets: [secret], isPlain: true };
  const clientId = formDecode(text.slice(0, colon));
  if (clientId === null || !/^[\x20-\x7e]+$/.test(clientId)) return null;
  const decoded = formDecode(secret);
  const secrets = decoded === null || decoded === secret ? [secret] : [decoded, secret];
  return { clientId, secrets, isPlain: false };
}

/** Decodes application/x-www-form-urlencoded text; null when it is malformed. */
function formDecode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
