/** Changing the password of a client: chosen here, typed twice; earlier passwords stop at once. */
import { changePassword } from '../../domain/clients/manage-client-secrets.ts';
import { invalid } from '../../domain/errors.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { type ClientHeader, clientOf, clientPath, showClientPage } from '../clients/client-page.ts';
import { readPassword } from '../forms/password-choice.ts';
import {
  clientAsRead,
  type FormProblems,
  outcomeOf,
  type SentForm,
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

async function showForm(call: ConsoleCall, sent: SentForm = {}): Promise<void> {
  const { t } = call;
  const client = await clientOf(call);
  const { status, ...told } = outcomeOf(sent, {
    password: t('security.password.new'),
    confirmation: t('security.password.confirm'),
  });
  return showClientPage(call, client, {
    ...{ tab: 'secrets', view: 'admin/security/password', title: t('security.password.change') },
    status,
    locals: {
      path: clientPath(client, '/secrets'),
      passwords: client.secrets.filter(({ kind }) => kind === 'password').length,
      ...told,
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
      await changePassword(services, actor, client.clientId, input.password, client);
      call.redirect(clientPath(client, '/secrets'), t('security.password.changed'));
    },
    again: (problems) => showForm(call, { problems }),
    stale: async () => showForm(call, { stale: await staleClient(call) }),
  });
}
