/**
 * The pages behind mailed and printed links: an admin's set-up, and a client's new password. A link's
 * token is the proof of who asks; no session exists here, so none can be ridden (no CSRF).
 */
import Router from '@koa/router';
import type { Context } from 'koa';
import { findSetUpAdmin, setUpAdmin } from '../domain/admins/set-up-admin.ts';
import { resetPasswordByLink } from '../domain/clients/manage-client-secrets.ts';
import { type FieldProblem, invalidField, isDomainError } from '../domain/errors.ts';
import { findLink } from '../domain/links.ts';
import type { Services } from '../domain/services.ts';
import type { RequestState } from '../http/request-state.ts';
import { ERRORS_PATH, errorsPage } from './docs.ts';
import { readFields } from './form-body.ts';
import type { Render } from './render.ts';
import type { Site } from './site.ts';
import type { PasswordForm, ShownOnce, Views } from './views.ts';

/** What one kind of link is for. */
interface LinkPage {
  path: string;
  form: Omit<PasswordForm, 'token' | 'problems' | 'action'>;
  /** Whether the link still works. */
  works(token: string): Promise<boolean>;
  /** Sets the password; answers the page that follows. */
  use(token: string, password: string, address: string | null): Promise<ShownOnce>;
}

/** The routes. */
export function pages(services: Services, { render, stylesheet }: Site): Router {
  const router = new Router();
  router.get(stylesheet.path, stylesheet.serve);
  router.get(ERRORS_PATH, errorsPage(render, stylesheet.path));
  addLinkPages(router, [setUpPage(services), resetPage(services)], {
    render,
    stylesheet: stylesheet.path,
  });
  return router;
}

function addLinkPages(
  router: Router,
  linkPages: LinkPage[],
  { render, stylesheet }: { render: Render; stylesheet: string },
): void {
  for (const page of linkPages) {
    router.get(page.path, (ctx) => showForm(ctx, page));
    router.post(page.path, (ctx) => useForm(ctx, page));
  }

  async function show<V extends keyof Views>(
    ctx: Context,
    status: number,
    view: V,
    locals: Views[V] & { heading: string },
  ) {
    ctx.status = status;
    ctx.set('Cache-Control', 'no-store');
    ctx.type = 'html';
    const title = status === 422 ? `Error: ${locals.heading}` : locals.heading;
    ctx.body = await render(view, locals, { title, stylesheet });
  }

  function showGone(ctx: Context): Promise<void> {
    return show(ctx, 410, 'message', {
      heading: 'This link no longer works',
      text: 'It was used, has expired, or a newer one was issued. Ask an admin for a new link.',
    });
  }

  async function showForm(ctx: Context, page: LinkPage): Promise<void> {
    const token = String(ctx.query['token'] ?? '');
    if (!(await page.works(token))) return showGone(ctx);
    await show(ctx, 200, 'password-form', { ...page.form, action: page.path, token, problems: [] });
  }

  async function useForm(ctx: Context, page: LinkPage): Promise<void> {
    const form = await readFields(ctx);
    const token = form.get('token') ?? '';
    try {
      const password = chosenPassword(form);
      const next = await page.use(token, password, (ctx.state as RequestState).address);
      await show(ctx, 200, 'shown-once', next);
    } catch (error) {
      if (!isDomainError(error)) throw error;
      if (error.code === 'not_found') return showGone(ctx);
      if (error.code !== 'validation_failed') throw error;
      const problems: FieldProblem[] = error.problems.map((p) => ({
        ...p,
        // A rule of the password itself names no field and starts with a verb: "needs at least …".
        ...(p.field === '' && { field: 'password', message: `The password ${p.message}` }),
      }));
      await show(ctx, 422, 'password-form', { ...page.form, action: page.path, token, problems });
    }
  }
}

function chosenPassword(form: Map<string, string>): string {
  const password = form.get('password') ?? '';
  if (password !== form.get('confirmation')) {
    throw invalidField('confirmation', 'differs', 'Enter the same password twice');
  }
  return password;
}

function setUpPage(services: Services): LinkPage {
  return {
    path: '/admin/set-up',
    form: {
      heading: 'Set up your admin account',
      explanation:
        'Choose the password that you will sign in with: 8 to 128 characters of any kind.',
      submit: 'Set password',
    },
    works: async (token) => (await findSetUpAdmin(services, token)) !== null,
    async use(token, password, address) {
      const { admin, accessToken } = await setUpAdmin(services, { token, password, address });
      return {
        heading: 'Your account is set up',
        explanation: `You are “${admin.userName}” (${admin.role}). This personal access token works with the REST API; it is not shown again.`,
        label: 'Personal access token',
        value: accessToken,
        link: { href: '/admin/sign-in', label: 'Sign in to the console' },
      };
    },
  };
}

function resetPage(services: Services): LinkPage {
  return {
    path: '/reset-password',
    form: {
      heading: 'Choose a new password',
      explanation:
        'The earlier password stops working at once. Use 8 to 128 characters of any kind.',
      submit: 'Set new password',
    },
    works: async (token) => (await findLink(services, 'client_password', token)) !== null,
    async use(token, password, address) {
      const client = await resetPasswordByLink(services, token, password, address);
      return {
        heading: 'The new password is set',
        explanation: `The API client “${client.displayName}” now authenticates with it, under this client id.`,
        label: 'Client ID',
        value: client.clientId,
      };
    },
  };
}
