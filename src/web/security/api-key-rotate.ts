/** A new value for an X-Api-Key: the page asks how long the old one lives, the answer shows the new one. */
import { MAX_GRACE_SECONDS } from '../../domain/api-keys/api-key.ts';
import { rotateApiKey } from '../../domain/api-keys/manage-api-keys.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { clientOf, clientPath } from '../clients/client-page.ts';
import { keyCommands, keyFacts, masked, previousText, toldText } from './api-key-words.ts';
import { keyOf, staleKey } from './api-keys.ts';
import { readGrace } from './grace.ts';
import { showIssued } from './issued.ts';
import { showRotation } from './rotation.ts';
import type { SentForm } from './security-page.ts';

const PATH = '/admin/clients/:clientId/api-keys/:apiKeyId/rotate';

export const apiKeyRotateRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'security', stepUp: true, handler: (call) => showForm(call) },
  { method: 'POST', path: PATH, role: 'security', stepUp: true, handler: rotate },
];

async function showForm(call: ConsoleCall, sent: SentForm = {}): Promise<void> {
  const { t, formats } = call;
  const [client, key] = [await clientOf(call), await keyOf(call)];
  const path = clientPath(client, '/api-keys');
  const values = { alias: key.alias, masked: masked(key) };
  return showRotation(call, client, {
    tab: 'api_keys',
    heading: t('security.key.rotate.heading', values),
    text: t('security.key.rotate.text', values),
    notes: [
      previousText(call, key) === null ? '' : t('security.key.rotate.ends_previous'),
      t('security.key.will_mail', { count: client.emails.length }),
    ].filter((note) => note !== ''),
    hint: t('security.grace.hint', { most: formats.duration(MAX_GRACE_SECONDS) }),
    action: `${path}/${key.apiKeyId}/rotate`,
    cancel: path,
    submit: t('security.key.rotate.submit'),
    version: key.version,
    sent,
  });
}

async function rotate(call: ConsoleCall): Promise<void> {
  const { services, actor, t } = call;
  return submit({
    async change() {
      const client = await clientOf(call);
      const options = {
        version: versionOf(call.form),
        graceSeconds: readGrace(call, MAX_GRACE_SECONDS),
      };
      const { apiKey, value } = await rotateApiKey(services, actor, await keyOf(call), options);
      if (value === null) throw new Error('a key that was rotated has a value');
      const old = previousText(call, apiKey) ?? t('security.key.rotate.stopped');
      await showIssued(call, client, {
        ...{ tab: 'api_keys', path: '/api-keys', heading: t('security.key.rotated') },
        ...{ label: t('security.key.label', { alias: apiKey.alias }), value },
        told: toldText(call, client),
        facts: [...keyFacts(call, apiKey), { label: t('security.key.old_value'), value: old }],
        code: await keyCommands(call, client, { apiGroups: apiKey.apiGroups, value }),
        env: { TOLLGATE_API_KEY: value },
      });
    },
    again: (problems) => showForm(call, { problems }),
    stale: async () => showForm(call, { stale: await staleKey(call) }),
  });
}
