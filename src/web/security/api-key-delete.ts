/** Deleting an X-Api-Key: the page that asks, which says when the key was last used, and the act. */
import { deleteApiKey } from '../../domain/api-keys/manage-api-keys.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { clientOf, clientPath } from '../clients/client-page.ts';
import { masked } from './api-key-words.ts';
import { keyOf, staleKey } from './api-keys.ts';
import { showQuestion } from './confirm.ts';
import { STALE_STATUS, type Stale } from './security-page.ts';

const PATH = '/admin/clients/:clientId/api-keys/:apiKeyId/delete';

export const apiKeyDeleteRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'security', stepUp: true, handler: (call) => askDelete(call) },
  { method: 'POST', path: PATH, role: 'security', stepUp: true, handler: removeKey },
];

async function askDelete(call: ConsoleCall, stale: Stale | null = null): Promise<void> {
  const { t } = call;
  const client = await clientOf(call);
  const key = await keyOf(call);
  const path = clientPath(client, '/api-keys');
  const values = { alias: key.alias, masked: masked(key) };
  const [use] = (await call.services.stores.lastUses.find([`api_key:${key.apiKeyId}`])).values();
  const used = use === undefined ? null : call.formats.instant(use.at).relative;
  return showQuestion(call, client, {
    ...{ tab: 'api_keys', stale, status: stale === null ? 200 : STALE_STATUS },
    crumb: t('common.delete'),
    heading: t('security.key.delete.heading', values),
    text: t('security.key.delete.text', values),
    notes: [used === null ? t('security.key.never_used') : t('security.key.used', { when: used })],
    action: `${path}/${key.apiKeyId}/delete`,
    fields: { version: String(key.version) },
    submit: t('security.key.delete.submit'),
    cancel: { href: path },
  });
}

async function removeKey(call: ConsoleCall): Promise<void> {
  const { services, actor, t } = call;
  const which = { clientId: param(call, 'clientId'), apiKeyId: param(call, 'apiKeyId') };
  return submit({
    async change() {
      const { alias } = await deleteApiKey(services, actor, which, {
        version: versionOf(call.form),
      });
      call.redirect(clientPath(which, '/api-keys'), t('security.key.was.deleted', { alias }));
    },
    again: () => askDelete(call),
    stale: async () => askDelete(call, await staleKey(call)),
  });
}
