/** Basic credentials on their way to the engine, which takes ASCII only: it gets a header without the secret. */
import type { Context } from 'koa';
import { parseBasic } from '../http/basic-credentials.ts';
import type { RequestState } from '../http/request-state.ts';

/** What the engine sees in place of the secret. */
const PLACEHOLDER = 'see-request-state';

/** Moves a Basic secret from the header to `ctx.state.presentedSecrets`; the engine judges malformed ones. */
export function readBasicCredentials(ctx: Context): void {
  const credentials = parseBasic(ctx.req.headers.authorization);
  if (credentials === null || credentials.isPlain) return;
  (ctx.state as RequestState).presentedSecrets = credentials.secrets;
  const text = `${encodeURIComponent(credentials.clientId)}:${PLACEHOLDER}`;
  ctx.req.headers.authorization = `Basic ${Buffer.from(text).toString('base64')}`;
}
