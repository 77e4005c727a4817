/** The page for browsers at an address that admins do not work from; it tells nothing of the console. */
import type { Context } from 'koa';
import type { RequestState } from '../http/request-state.ts';
import type { Site } from './site.ts';

/** Answers with the page; the status is the caller's to set. */
export function refusedAddressPage({ render, stylesheet, t }: Site) {
  return async function showRefused(ctx: Context): Promise<void> {
    const { requestId } = ctx.state as RequestState;
    const heading = t('error.address');
    const text = t('error.address.help', { requestId });
    ctx.type = 'html';
    ctx.body = await render(
      'message',
      { heading, text },
      { title: heading, stylesheet: stylesheet.path },
    );
  };
}
