/** Retiring a secret now: the page that asks, which says what is left, and the act. */
import { liveSecrets } from '../../domain/clients/client-secret.ts';
import { retireSecret } from '../../domain/clients/manage-client-secrets.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { clientOf, clientPath } from '../clients/client-page.ts';
import { showQuestion } from './confirm.ts';
import { secretOf } from './secrets.ts';
import { clientAsRead, STALE_STATUS, type Stale, staleClient } from './security-page.ts';

const PATH = '/admin/clients/:clientId/secrets/:secretId/retire';

export const secretRetireRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'security', stepUp: true, handler: (call) => ask(call) },
  { method: 'POST', path: PATH, role: 'security', stepUp: true, handler: retire },
];

async function ask(call: ConsoleCall, stale: Stale | null = null): Promise<void> {
  const { t, formats } = call;
  const client = await clientOf(call);
  const { secretId, label } = secretOf(call, client);
  const others = liveSecrets(client.secrets, formats.now).filter((s) => s.secretId !== secretId);
  const path = clientPath(client, '/secrets');
  return showQuestion(call, client, {
    ...{ tab: 'secrets', stale, status: stale === null ? 200 : STALE_STATUS },
    crumb: t('security.secret.retire.crumb'),
    heading: t('security.secret.retire.heading', { label }),
    text: t('security.secret.retire.text', { count: others.length }),
    notes: [t('security.secret.retire.tokens'), t('security.secret.id', { id: secretId })],
    action: `${path}/${secretId}/retire`,
    fields: { version: String(client.version) },
    submit: t('security.secret.retire.submit'),
    cancel: { href: path },
  });
}

async function retire(call: ConsoleCall): Promise<void> {
  const { services, actor, t } = call;
  return submit({
    async change() {
      const client = await clientAsRead(call);
      const { secretId, label } = secretOf(call, client);
      await retireSecret(services, actor, client.clientId, secretId, client);
      call.redirect(clientPath(client, '/secrets'), t('security.secret.retired', { label }));
    },
    again: () => ask(call),
    stale: async () => ask(call, await staleClient(call)),
  });
}
