/**
 * Client credentials in a Basic header. RFC 6749 §2.3.1 wants id and secret form-encoded inside it;
 * many clients send them raw. Both readings are kept, so that a secret with `%`, `+`, `:` or letters
 * beyond ASCII works either way; the engine, which takes ASCII only, gets a header without the secret.
 */
import type { Context } from 'koa';
import type { RequestState } from '../http/request-state.ts';

const BASIC = /^basic ([A-Za-z0-9+/]+={0,2})$/i;
/** What the engine sees in place of the secret. */
const PLACEHOLDER = 'see-request-state';

/** Text that reads the same form-encoded and raw, and that the engine takes as it is. */
const UNAMBIGUOUS = /^[A-Za-z0-9_.~:-]+$/;

/** Moves a Basic secret that needs care from the header to `ctx.state.presentedSecrets`. */
export function readBasicCredentials(ctx: Context): void {
  const encoded = BASIC.exec(ctx.req.headers.authorization ?? '')?.[1];
  if (encoded === undefined) return;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  if (UNAMBIGUOUS.test(text)) return;
  const colon = text.indexOf(':');
  const clientId = formDecode(text.slice(0, colon));
  const secret = text.slice(colon + 1);
  // Anything else stays as it is: the engine answers malformed credentials with the right error.
  if (colon < 1 || secret === '' || clientId === null || !/^[\x20-\x7e]+$/.test(clientId)) return;
  const decoded = formDecode(secret);
  const readings = decoded === null || decoded === secret ? [secret] : [decoded, secret];
  (ctx.state as RequestState).presentedSecrets = readings;
  const credentials = `${encodeURIComponent(clientId)}:${PLACEHOLDER}`;
  ctx.req.headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
}

/** Decodes application/x-www-form-urlencoded text; null when it is malformed. */
function formDecode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
