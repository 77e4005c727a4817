/** The page that explains every error and reason code; errors of the REST API link to it. */
import type { Context } from 'koa';
import { REASONS } from '../domain/decision/reasons.ts';
import { ERRORS, HTTP_ERRORS } from '../domain/errors.ts';
import type { Render } from './render.ts';
import type { CodeRow } from './views.ts';

/** Path of the page; `#<code>` is the row of a code. */
export const ERRORS_PATH = '/docs/errors';

/** Koa handler of the page. */
export function errorsPage(render: Render, stylesheet: string) {
  const rows = (table: Record<string, { status: number; title: string }>): CodeRow[] =>
    Object.entries(table).map(([code, { status, title }]) => ({ code, status, title }));

  return async function showErrors(ctx: Context): Promise<void> {
    const locals = { reasons: rows(REASONS), errors: rows({ ...ERRORS, ...HTTP_ERRORS }) };
    ctx.type = 'html';
    ctx.body = await render('errors', locals, {
      title: 'Error and reason codes',
      stylesheet,
      wide: true,
    });
  };
}
