/** The tab "X-Api-Keys": the list, never a value; disabling and enabling a key. */
import type { ApiKey } from '../../domain/api-keys/api-key.ts';
import { findApiKey, listApiKeys, updateApiKey } from '../../domain/api-keys/manage-api-keys.ts';
import { invalidField } from '../../domain/errors.ts';
import type { LastUse } from '../../domain/last-uses.ts';
import { type ConsoleCall, type ConsoleRoute, param, roleNeeded } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { type ClientHeader, clientOf, clientPath, showClientPage } from '../clients/client-page.ts';
import type { StatusChip } from '../clients/client-status.ts';
import type { TimeView } from '../formats.ts';
import { listRequest, type PagerView, pagerOf } from '../lists.ts';
import { expiryChip, keyState, masked, previousText } from './api-key-words.ts';
import {
  type FormProblems,
  named,
  outcomeOf,
  type SentForm,
  type Stale,
  staleRecord,
} from './security-page.ts';

/** A key, as its row shows it. */
export interface KeyRow {
  alias: string;
  masked: string;
  groups: string;
  /** From when and until when it works, in words. */
  effective: string;
  until: string;
  expiry: StatusChip | null;
  lastUsed: { time: TimeView; from: string } | null;
  state: StatusChip;
  /** The value before the last rotation, while it works. */
  previous: string | null;
  menu: object;
}

/** The locals of the view. */
export interface ApiKeysLocals {
  client: ClientHeader;
  path: string;
  rows: KeyRow[];
  pager: PagerView;
  /** Whether the client holds a group that a key can have. */
  hasGroups: boolean;
  problems: FormProblems;
  stale: Stale | null;
  reason: string | undefined;
}

const PATH = '/admin/clients/:clientId/api-keys';
const KEY = `${PATH}/:apiKeyId`;

export const apiKeyRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'viewer', handler: (call) => showKeys(call) },
  { method: 'POST', path: `${KEY}/status`, role: 'security', stepUp: true, handler: setStatus },
];

async function showKeys(call: ConsoleCall, sent: SentForm = {}): Promise<void> {
  const { services, query } = call;
  const client = await clientOf(call);
  const { limit, cursor } = listRequest(query);
  const page = await listApiKeys(services, client.clientId, {
    ...{ limit, sort: { field: 'createdAt', descending: true } },
    ...(cursor !== undefined && { cursor }),
  });
  const subjectOf = ({ apiKeyId }: ApiKey) => `api_key:${apiKeyId}`;
  const uses = await services.stores.lastUses.find(page.items.map(subjectOf));
  const path = clientPath(client, '/api-keys');
  const { status, ...told } = outcomeOf(sent);
  return showClientPage(call, client, {
    ...{ tab: 'api_keys', view: 'admin/security/api-keys' },
    status,
    locals: {
      path,
      rows: page.items.map((key) => keyRow(call, key, { path, use: uses.get(subjectOf(key)) })),
      pager: pagerOf(call, page),
      hasGroups: client.apiGroups.length > 0,
      ...told,
      reason: roleNeeded(call, 'security'),
    },
  });
}

function keyRow(
  call: ConsoleCall,
  key: ApiKey,
  { path, use }: { path: string; use: LastUse | undefined },
): KeyRow {
  const { formats, t } = call;
  const starts = formats.instant(key.startsAt);
  const { absolute, relative } = formats.instant(key.expiresAt);
  const ending = expiryChip(call, key.expiresAt);
  return {
    alias: key.alias,
    masked: masked(key),
    groups: named(call, key.apiGroups),
    effective:
      starts === null
        ? t('security.key.from_at_once')
        : t('security.key.from', { at: starts.absolute }),
    until: t(`security.key.${ending === null ? 'until_in' : 'until'}`, { at: absolute, relative }),
    expiry: ending,
    lastUsed:
      use === undefined
        ? null
        : { time: formats.instant(use.at), from: use.address ?? t('security.no_address') },
    state: keyState(call, key),
    previous: previousText(call, key),
    menu: keyMenu(call, key, `${path}/${key.apiKeyId}`),
  };
}

function keyMenu(call: ConsoleCall, { alias, status, version }: ApiKey, path: string): object {
  const { t } = call;
  const reason = roleNeeded(call, 'security');
  const off = { disabled: reason !== undefined, reason };
  const next = status === 'enabled' ? 'disabled' : 'enabled';
  const fields = { version: String(version), status: next };
  return {
    label: t('security.key.menu', { alias }),
    icon: true,
    items: [
      { label: t(`security.key.to.${next}`), post: { action: `${path}/status`, fields }, ...off },
      { label: t('security.key.rotate'), href: `${path}/rotate`, ...off },
      { label: t('common.delete'), href: `${path}/delete`, danger: true, ...off },
    ],
  };
}

/** The key that the path names, of the client that it names. Throws `not_found`. */
export function keyOf(call: ConsoleCall): Promise<ApiKey> {
  return findApiKey(call.services, param(call, 'apiKeyId'), param(call, 'clientId'));
}

/** What is told of a key that somebody changed in between. */
export function staleKey(call: ConsoleCall): Promise<Stale> {
  const id = `${param(call, 'clientId')}/${param(call, 'apiKeyId')}`;
  return staleRecord(call, { kind: 'api_key', id });
}

async function setStatus(call: ConsoleCall): Promise<void> {
  const { services, actor, form, t } = call;
  const clientId = param(call, 'clientId');
  const status = form.get('status') ?? '';
  return submit({
    async change() {
      if (status !== 'enabled' && status !== 'disabled') {
        throw invalidField('status', 'invalid', t('security.key.bad_status'));
      }
      const update = {
        id: param(call, 'apiKeyId'),
        version: versionOf(call.form),
        patch: { status },
      };
      const { alias } = await updateApiKey(services, actor, clientId, update);
      const path = clientPath({ clientId }, '/api-keys');
      call.redirect(path, t(`security.key.was.${status}`, { alias }));
    },
    again: (problems) => showKeys(call, { problems }),
    stale: async () => showKeys(call, { stale: await staleKey(call) }),
  });
}
