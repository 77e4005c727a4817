/** The page that ends a creation: the secret, this once, how to use it, and whether it works from here. */
import type { Client } from '../../domain/clients/client.ts';
import { addressSet } from '../../domain/clients/ip-binding.ts';
import { findClient } from '../../domain/clients/manage-clients.ts';
import { REASONS } from '../../domain/decision/reasons.ts';
import { ERRORS } from '../../domain/errors.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import { type Trial, trySecret } from './try-secret.ts';

/** What came of a trial, in words. */
export interface OutcomeView {
  tone: 'good' | 'danger' | 'warning';
  heading: string;
  text: string;
  /** Reason code, with the page that explains the decision; null where nothing refused. */
  reason: { code: string; href: string | null } | null;
}

/** The locals of the view. */
export interface CreatedLocals {
  name: string;
  clientId: string;
  path: string;
  /** Null where a person chose the password, or the client authenticates by keys. */
  secret: { value: string; env: string; fileName: string } | null;
  /** How the client authenticates where no secret is shown. */
  note: string | null;
  /** A command to paste. */
  curl: { label: string; value: string; hint: string } | null;
  /** Null where there is no secret to try. */
  trial: {
    action: string;
    /** Sent back, as the server keeps no secret; null where it has to be typed. */
    secret: string | null;
    /** What will keep it from passing. */
    warning: string | null;
    outcome: OutcomeView | null;
  } | null;
}

const PATH = '/admin/clients/:clientId/test';

export const createdRoutes: ConsoleRoute[] = [
  { method: 'POST', path: PATH, role: 'operator', handler: test },
];

/** Shows what was made. The secret is in this answer and nowhere else. */
export function showCreated(
  call: ConsoleCall,
  { client, secret }: { client: Client; secret: { value: string } | null },
): Promise<void> {
  call.made = clientPath(client);
  return show(call, client, { secret: secret?.value ?? null, outcome: null });
}

/** What generated secrets begin with: such a one came from the page, and is shown again; a typed one never is. */
const GENERATED = /^tgs_[\w-]{43}$/;

async function test(call: ConsoleCall): Promise<void> {
  const { services, form, actor } = call;
  const { clientId } = await findClient(services, param(call, 'clientId'));
  const presented = form.get('secret') ?? '';
  const trial = await trySecret(services, clientId, presented, actor.address);
  // The trial may have locked the client, and the page says so.
  const client = await findClient(services, clientId);
  const secret = GENERATED.test(presented) ? presented : null;
  return show(call, client, { secret, outcome: outcomeView(call, trial) });
}

async function show(
  call: ConsoleCall,
  client: Client,
  { secret, outcome }: { secret: string | null; outcome: OutcomeView | null },
): Promise<void> {
  const { t, services } = call;
  const { clientId, displayName, jwks } = client;
  const byKeys = jwks !== null;
  const shown = byKeys ? null : secret;
  const locals: CreatedLocals = {
    ...{ name: displayName, clientId, path: clientPath(client) },
    secret: shown === null ? null : secretFile(client, shown, services.issuer),
    note: byKeys
      ? t('client-create.created.keys')
      : shown
        ? null
        : t('client-create.created.chosen'),
    curl: byKeys ? null : curlOf(call, client, shown),
    trial: byKeys
      ? null
      : {
          action: clientPath(client, '/test'),
          secret: shown,
          warning: addressWarning(call, client),
          outcome,
        },
  };
  await call.show('admin/clients/create/created', locals, {
    title: t('client-create.created.title', { name: displayName }),
    breadcrumbs: [{ label: displayName, href: clientPath(client) }],
    crumb: t('client-create.created.crumb'),
    section: 'clients',
  });
}

function secretFile({ clientId }: Client, value: string, issuer: string) {
  const lines = [
    `TOLLGATE_CLIENT_ID=${clientId}`,
    `TOLLGATE_CLIENT_SECRET=${value}`,
    `TOLLGATE_TOKEN_URL=${issuer}/oauth2/token`,
    '',
  ];
  return { value, env: lines.join('\n'), fileName: `${clientId}.env` };
}

/** How to use the secret; without one, curl asks for the password that was chosen. */
function curlOf(
  { t, services }: ConsoleCall,
  { clientId, grantTypes, kind }: Client,
  secret: string | null,
): CreatedLocals['curl'] {
  const user = secret === null ? clientId : `${clientId}:${secret}`;
  const hint = secret === null ? t('client-create.created.curl.asks') : '';
  const command = (data: string, path: string) =>
    [`curl -u '${user}'`, `  -d '${data}'`, `  ${services.issuer}/oauth2/${path}`].join(' \\\n');
  if (grantTypes.includes('client_credentials')) {
    const label = t('client-create.created.curl.token');
    return { label, value: command('grant_type=client_credentials', 'token'), hint };
  }
  if (kind !== 'resource_server') return null;
  const label = t('client-create.created.curl.introspect');
  return { label, value: command('token=ACCESS_TOKEN', 'introspect'), hint };
}

/** Says so where the client is bound to addresses that this admin does not have. */
function addressWarning({ t, actor }: ConsoleCall, { ipBindings }: Client): string | null {
  const { address } = actor;
  if (ipBindings.length === 0) return null;
  const bound = addressSet(ipBindings.map((row) => row.address));
  if (address !== null && bound.has(address)) return null;
  return t('client-create.created.outside', { address: address ?? t('common.none') });
}

function outcomeView({ t, formats }: ConsoleCall, trial: Trial): OutcomeView {
  if (trial.outcome === 'failed') {
    const text = ERRORS[trial.code].title;
    return { tone: 'warning', heading: t('client-create.trial.failed'), text, reason: null };
  }
  if (trial.outcome === 'refused') return refusedView(t, trial);
  const heading = t('client-create.trial.passed');
  const { token } = trial;
  if (token === null)
    return { tone: 'good', heading, text: t('client-create.trial.authenticated'), reason: null };
  const text = t('client-create.trial.token', {
    lifetime: formats.duration(token.expiresIn),
    count: token.scopes.length,
    scopes: token.scopes.join(', '),
  });
  return { tone: 'good', heading, text, reason: null };
}

function refusedView(
  t: ConsoleCall['t'],
  { reason, decisionId }: Extract<Trial, { outcome: 'refused' }>,
): OutcomeView {
  const key = `client-create.trial.${reason}`;
  const text = t.has(key) || reason === 'wrong_secret' ? t(key) : REASONS[reason].title;
  const href = decisionId === null ? null : `/admin/decisions/${encodeURIComponent(decisionId)}`;
  const heading = t('client-create.trial.refused');
  return { tone: 'danger', heading, text, reason: { code: reason, href } };
}
