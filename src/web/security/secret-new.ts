/** New secrets of a client: one that is generated, beside the others or in place of one. */
import type { Client } from '../../domain/clients/client.ts';
import {
  addSecret,
  MAX_GRACE_SECONDS,
  rotateSecret,
} from '../../domain/clients/manage-client-secrets.ts';
import { type FieldProblem, invalid } from '../../domain/errors.ts';
import { line, parse } from '../../domain/validation.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { type ClientHeader, clientOf, clientPath, showClientPage } from '../clients/client-page.ts';
import { readGrace } from './grace.ts';
import { type IssuedLocals, shellWord, showIssued } from './issued.ts';
import { showRotation } from './rotation.ts';
import { secretOf } from './secrets.ts';
import {
  clientAsRead,
  type FormProblems,
  outcomeOf,
  type SentForm,
  type Stale,
  staleClient,
} from './security-page.ts';

/** The locals of the view. */
export interface SecretNewLocals {
  client: ClientHeader;
  path: string;
  label: string;
  problems: FormProblems;
  stale: Stale | null;
}

const NEW = '/admin/clients/:clientId/secrets/generate';
const ROTATE = '/admin/clients/:clientId/secrets/:secretId/rotate';

export const secretNewRoutes: ConsoleRoute[] = [
  { method: 'GET', path: NEW, role: 'security', stepUp: true, handler: (call) => showNew(call) },
  { method: 'POST', path: NEW, role: 'security', stepUp: true, handler: generate },
  { method: 'GET', path: ROTATE, role: 'security', stepUp: true, handler: (c) => showRotate(c) },
  { method: 'POST', path: ROTATE, role: 'security', stepUp: true, handler: rotate },
];

async function showNew(call: ConsoleCall, sent: SentForm = {}): Promise<void> {
  const { form, t } = call;
  const client = await clientOf(call);
  const { status, ...told } = outcomeOf(sent, { label: t('security.secret.label') });
  return showClientPage(call, client, {
    ...{ tab: 'secrets', view: 'admin/security/secret-new', title: t('security.secret.new') },
    status,
    locals: {
      path: clientPath(client, '/secrets'),
      label: form.get('label') ?? '',
      ...told,
    },
  });
}

async function generate(call: ConsoleCall): Promise<void> {
  const { services, actor, form, t } = call;
  return submit({
    async change() {
      const { clientId, version } = await clientAsRead(call);
      const label = labelOf(form.get('label') ?? '');
      const { client, secret } = await addSecret(services, actor, clientId, { label, version });
      await showSecret(call, client, { heading: t('security.secret.generated'), ...secret, label });
    },
    again: (problems) => showNew(call, { problems }),
    stale: async () => showNew(call, { stale: await staleClient(call) }),
  });
}

function labelOf(typed: string): string {
  try {
    return parse(line(1, 100), typed);
  } catch (error) {
    const { problems = [] } = error as { problems?: FieldProblem[] };
    throw invalid(problems.map((each) => ({ ...each, field: 'label' })));
  }
}

async function showRotate(call: ConsoleCall, sent: SentForm = {}): Promise<void> {
  const { t, formats } = call;
  const client = await clientOf(call);
  const { secretId, label } = secretOf(call, client);
  const path = clientPath(client, '/secrets');
  return showRotation(call, client, {
    tab: 'secrets',
    heading: t('security.secret.rotate.heading', { label }),
    text: t('security.secret.rotate.text'),
    notes: [t('security.secret.id', { id: secretId })],
    hint: t('security.grace.hint', { most: formats.duration(MAX_GRACE_SECONDS) }),
    action: `${path}/${secretId}/rotate`,
    cancel: path,
    submit: t('security.secret.rotate.submit'),
    version: client.version,
    sent,
  });
}

async function rotate(call: ConsoleCall): Promise<void> {
  const { services, actor, formats, t } = call;
  return submit({
    async change() {
      const before = await clientAsRead(call);
      const { secretId, label } = secretOf(call, before);
      const graceSeconds = readGrace(call, MAX_GRACE_SECONDS);
      const { clientId, version } = before;
      const input = { graceSeconds, version };
      const made = await rotateSecret(services, actor, clientId, secretId, input);
      const { client, secret } = made;
      const old = client.secrets.find((each) => each.secretId === secretId);
      const end = graceSeconds === 0 ? null : (old?.expiresAt ?? null);
      const until = formats.instant(end);
      const value =
        until === null
          ? t('security.key.rotate.stopped')
          : t('security.secret.until', { at: until.absolute, relative: until.relative });
      const fact = { label: t('security.secret.old'), value };
      const heading = t('security.secret.rotated');
      await showSecret(call, client, { heading, ...secret, label, facts: [fact] });
    },
    again: (problems) => showRotate(call, { problems }),
    stale: async () => showRotate(call, { stale: await staleClient(call) }),
  });
}

interface Made {
  heading: string;
  id: string;
  value: string | null;
  label: string;
  facts?: IssuedLocals['facts'];
}

function showSecret(call: ConsoleCall, client: Client, made: Made): Promise<void> {
  const { services, t } = call;
  const { heading, id, value, label, facts = [] } = made;
  if (value === null) throw new Error('a secret that was generated has a value');
  const { clientId } = client;
  const userPass = shellWord(`${clientId}:${value}`);
  const url = shellWord(`${services.issuer}/oauth2/token`);
  const command = `curl -u ${userPass} -d grant_type=client_credentials ${url}`;
  const canAsk = client.grantTypes.includes('client_credentials');
  return showIssued(call, client, {
    ...{ tab: 'secrets', path: '/secrets', heading, told: null, value },
    label: t('security.secret.value', { label }),
    facts: [
      { label: t('security.secret.label'), value: label },
      { label: t('security.column.id'), value: id },
      ...facts,
    ],
    code: canAsk ? [{ label: t('security.secret.curl'), value: command }] : [],
    env: {
      TOLLGATE_ISSUER: services.issuer,
      TOLLGATE_CLIENT_ID: clientId,
      TOLLGATE_CLIENT_SECRET: value,
    },
  });
}
