/** Changing the password of a client: chosen here, typed twice; earlier passwords stop at once. */
import { changePassword } from '../../domain/clients/manage-client-secrets.ts';
import { type FieldProblem, invalid } from '../../domain/errors.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { type ClientHeader, clientOf, clientPath, showClientPage } from '../clients/client-page.ts';
import { readPassword } from '../forms/password-choice.ts';
import {
  clientAsRead,
  type FormProblems,
  NO_PROBLEMS,
  problemsOf,
  STALE_STATUS,
  type Stale,
  staleClient,
} from './security-page.ts';

/** The locals of the view; what was typed is never among them. */
export interface PasswordLocals {
  client: ClientHeader;
  path: string;
  /** Passwords that stop. */
  passwords: number;
  problems: FormProblems;
  stale: Stale | null;
}

const PATH = '/admin/clients/:clientId/secrets/password';

export const passwordRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'security', stepUp: true, handler: (call) => showForm(call) },
  { method: 'POST', path: PATH, role: 'security', stepUp: true, handler: change },
];

interface Shown {
  problems?: FieldProblem[];
  stale?: Stale;
}

async function showForm(call: ConsoleCall, { problems, stale }: Shown = {}): Promise<void> {
  const { t } = call;
  const client = await clientOf(call);
  const labels = {
    password: t('security.password.new'),
    confirmation: t('security.password.confirm'),
  };
  return showClientPage(call, client, {
    ...{ tab: 'secrets', view: 'admin/security/password', title: t('security.password.change') },
    status: problems !== undefined ? 422 : stale !== undefined ? STALE_STATUS : 200,
    locals: {
      path: clientPath(client, '/secrets'),
      passwords: client.secrets.filter(({ kind }) => kind === 'password').length,
      problems: problems === undefined ? NO_PROBLEMS : problemsOf(problems, labels),
      stale: stale ?? null,
    },
  });
}

async function change(call: ConsoleCall): Promise<void> {
  const { services, actor, form, t } = call;
  return submit({
    async change() {
      const client = await clientAsRead(call);
      const chosen = new URLSearchParams(form);
      chosen.set('passwordChoice', 'choose');
      const { input, problems } = readPassword(chosen, t);
      if (input.password === undefined) throw invalid(problems);
      await changePassword(services, actor, client.clientId, input.password);
      call.redirect(clientPath(client, '/secrets'), t('security.password.changed'));
    },
    again: (problems) => showForm(call, { problems }),
    stale: async () => showForm(call, { stale: await staleClient(call) }),
  });
}
