/**
 * Client credentials in a Basic header. RFC 6749 §2.3.1 wants id and secret form-encoded inside it;
 * many clients send them raw. Both readings are kept, so that a secret with `%`, `+`, `:` or letters
 * beyond ASCII works either way; the engine, which takes ASCII only, gets a header without the secret.
 */
import type { Context, Next } from 'koa';
import type { RequestState } from '../http/request-state.ts';

const BASIC = /^basic ([A-Za-z0-9+/]+={0,2})$/i;
/** What the engine sees in place of the secret. */
const PLACEHOLDER = 'see-request-state';

/** Koa middleware: moves a Basic secret from the header to `ctx.state.presentedSecrets`. */
export function readBasicCredentials(
  ctx: Context & { state: RequestState },
  next: Next,
): Promise<unknown> {
  const encoded = BASIC.exec(ctx.req.headers.authorization ?? '')?.[1];
  if (encoded !== undefined) {
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    const clientId = formDecode(text.slice(0, colon));
    const secret = text.slice(colon + 1);
    // Anything else stays as it is: the engine answers malformed credentials with the right error.
    if (colon > 0 && secret !== '' && clientId !== null && /^[\x20-\x7e]+$/.test(clientId)) {
      const decoded = formDecode(secret);
      ctx.state.presentedSecrets =
        decoded === null || decoded === secret ? [secret] : [decoded, secret];
      const credentials = `${encodeURIComponent(clientId)}:${PLACEHOLDER}`;
      ctx.req.headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    }
  }
  return next();
}

/** Decodes application/x-www-form-urlencoded text; null when it is malformed. */
function formDecode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
