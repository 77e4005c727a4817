/** The tab "Password and secrets": the list, never a value; and the mailed reset link. */
import type { Client, ClientSecret } from '../../domain/clients/client.ts';
import { liveSecrets, MAX_SECRETS } from '../../domain/clients/client-secret.ts';
import {
  mailPasswordReset,
  RESET_LINK_SECONDS,
} from '../../domain/clients/manage-client-secrets.ts';
import { notFound } from '../../domain/errors.ts';
import type { LastUse } from '../../domain/last-uses.ts';
import { type ConsoleCall, type ConsoleRoute, param, roleNeeded } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { type ClientHeader, clientOf, clientPath, showClientPage } from '../clients/client-page.ts';
import type { StatusChip } from '../clients/client-status.ts';
import type { TimeView } from '../formats.ts';
import { expiryChip } from './api-key-words.ts';
import {
  clientAsRead,
  type FormProblems,
  named,
  outcomeOf,
  type SentForm,
  type Stale,
  staleClient,
} from './security-page.ts';

/** A secret, as its row shows it. */
export interface SecretRow {
  secretId: string;
  label: string;
  kind: string;
  created: TimeView;
  expires: TimeView | null;
  lastUsed: { time: TimeView; from: string } | null;
  state: StatusChip;
  menu: object;
}

/** The locals of the view. */
export interface SecretsLocals {
  client: ClientHeader;
  path: string;
  rows: SecretRow[];
  /** How many live, and how many a client can hold. */
  counts: { live: number; most: number };
  /** Keys by which the client authenticates instead, so that no secret works. */
  usesKeys: boolean;
  reset: { text: string; hasAddress: boolean };
  problems: FormProblems;
  stale: Stale | null;
  reason: string | undefined;
}

const PATH = '/admin/clients/:clientId/secrets';

export const secretRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'viewer', handler: (call) => showSecrets(call) },
  {
    method: 'POST',
    path: `${PATH}/reset-mail`,
    role: 'security',
    stepUp: true,
    handler: mailReset,
  },
];

async function showSecrets(call: ConsoleCall, sent: SentForm = {}): Promise<void> {
  const { services, formats } = call;
  const client = await clientOf(call);
  const secrets = client.secrets.toReversed();
  const subjectOf = ({ secretId }: ClientSecret) => `secret:${secretId}`;
  const uses = await services.stores.lastUses.find(secrets.map(subjectOf));
  const path = clientPath(client, '/secrets');
  const { status, ...told } = outcomeOf(sent);
  return showClientPage(call, client, {
    ...{ tab: 'secrets', view: 'admin/security/secrets' },
    status,
    locals: {
      path,
      rows: secrets.map((each) => secretRow(call, each, { path, use: uses.get(subjectOf(each)) })),
      counts: { live: liveSecrets(secrets, formats.now).length, most: MAX_SECRETS },
      usesKeys: client.jwks !== null,
      reset: resetOf(call, client),
      ...told,
      reason: roleNeeded(call, 'security'),
    },
  });
}

function secretRow(
  call: ConsoleCall,
  secret: ClientSecret,
  { path, use }: { path: string; use: LastUse | undefined },
): SecretRow {
  const { formats, t } = call;
  const { secretId, label, kind, createdAt, expiresAt } = secret;
  const ending = expiresAt === null ? null : expiryChip(call, expiresAt);
  return {
    ...{ secretId, label, kind: t(`security.secret.kind.${kind}`) },
    created: formats.instant(createdAt),
    expires: formats.instant(expiresAt),
    lastUsed:
      use === undefined
        ? null
        : { time: formats.instant(use.at), from: use.address ?? t('security.no_address') },
    state: ending ?? { tone: 'good', word: t('security.secret.works') },
    menu: secretMenu(call, secret, `${path}/${secretId}`),
  };
}

function secretMenu(call: ConsoleCall, secret: ClientSecret, path: string): object {
  const { t, formats } = call;
  const [live] = liveSecrets([secret], formats.now);
  const why = roleNeeded(call, 'security');
  const reason = why ?? (live === undefined ? t('security.secret.is_over') : undefined);
  return {
    label: t('security.secret.menu', { label: secret.label }),
    icon: true,
    items: [
      {
        label: t('security.secret.rotate'),
        href: `${path}/rotate`,
        disabled: reason !== undefined,
        reason,
      },
      {
        label: t('security.secret.retire'),
        href: `${path}/retire`,
        danger: true,
        disabled: why !== undefined,
        reason: why,
      },
    ],
  };
}

function resetOf(call: ConsoleCall, client: Client): SecretsLocals['reset'] {
  const { t, formats } = call;
  const { emails } = client;
  const values = { addresses: named(call, emails), period: formats.duration(RESET_LINK_SECONDS) };
  const hasAddress = emails.length > 0;
  return { hasAddress, text: t(`security.reset.${hasAddress ? 'text' : 'no_address'}`, values) };
}

/** The secret that the path names. Throws `not_found`. */
export function secretOf(call: ConsoleCall, { secrets }: Client): ClientSecret {
  const secretId = param(call, 'secretId');
  const secret = secrets.find((each) => each.secretId === secretId);
  if (secret === undefined) throw notFound('secret', secretId);
  return secret;
}

async function mailReset(call: ConsoleCall): Promise<void> {
  const { services, actor, t, formats } = call;
  return submit({
    async change() {
      const { clientId, emails } = await clientAsRead(call);
      const { expiresAt } = await mailPasswordReset(services, actor, clientId);
      const values = {
        addresses: named(call, emails),
        period: formats.duration(RESET_LINK_SECONDS),
        until: formats.instant(expiresAt).absolute,
      };
      call.redirect(clientPath({ clientId }, '/secrets'), t('security.reset.sent', values));
    },
    async again(problems) {
      const told = problems.map((each) =>
        each.code === 'no_mail_address' ? { ...each, message: t('security.reset.refused') } : each,
      );
      await showSecrets(call, { problems: told });
    },
    stale: async () => showSecrets(call, { stale: await staleClient(call) }),
  });
}
