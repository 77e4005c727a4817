/** Deletes a client, after a page that says in numbers what ends with it. */
import type { Client } from '../../domain/clients/client.ts';
import { deleteClient } from '../../domain/clients/manage-clients.ts';
import { type FieldProblem, invalidField } from '../../domain/errors.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { STALE_STATUS } from '../security/security-page.ts';
import { clientOf, clientPath, showClientPage } from './client-page.ts';

const PATH = '/admin/clients/:clientId/delete';

export const deleteRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'operator', stepUp: true, handler: askDelete },
  { method: 'POST', path: PATH, role: 'operator', stepUp: true, handler: confirmDelete },
];

async function askDelete(call: ConsoleCall): Promise<void> {
  await showDelete(call, await clientOf(call));
}

async function confirmDelete(call: ConsoleCall): Promise<void> {
  const { services, actor, form, t } = call;
  const client = await clientOf(call);
  const { clientId, clientName, displayName: name } = client;
  await submit({
    async change() {
      const version = versionOf(call.form);
      if (asksName(client) && form.get('clientName')?.trim() !== clientName)
        throw invalidField(
          'clientName',
          'differs',
          t('client.delete.name_differs', { clientName }),
        );
      const died = await deleteClient(services, actor, clientId, { version });
      call.redirect('/admin/clients', t('client.done.deleted', { name, ...died }));
    },
    again: (problems) => showDelete(call, client, { problems, status: 422 }),
    stale: (current) => showDelete(call, current as Client, { status: STALE_STATUS }),
  });
}

/** What serves production is not deleted by a slip of the hand. */
function asksName({ environment }: Client): boolean {
  return environment === 'production';
}

interface Shown {
  problems?: FieldProblem[];
  status?: number;
}

async function showDelete(call: ConsoleCall, client: Client, shown: Shown = {}): Promise<void> {
  const { services, actor, form, t } = call;
  const { problems = [], status = 200 } = shown;
  const { clientId, clientName, displayName: name, version } = client;
  const dying = await deleteClient(services, actor, clientId, { dryRun: true });
  await showClientPage(call, client, {
    tab: 'details',
    view: 'admin/clients/delete',
    title: t('client.delete.title'),
    status,
    locals: {
      action: clientPath(client, '/delete'),
      version: String(version),
      consequences: {
        tone: 'danger',
        heading: t('client.delete.heading', { name }),
        items: [
          t('client.delete.tokens', { count: dying.liveTokens }),
          t('client.delete.secrets', { count: dying.secrets }),
          t('client.delete.keys', { count: dying.apiKeys }),
          t('client.delete.stays', { clientId }),
        ],
      },
      name: asksName(client) ? clientName : null,
      typed: form.get('clientName') ?? '',
      error: problems.find(({ field }) => field === 'clientName')?.message,
      problems,
      stale: status === STALE_STATUS ? { tone: 'warning', text: t('client.delete.stale') } : null,
    },
  });
}
