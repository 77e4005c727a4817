/** The tab "Security level": a lower level shows what it would take from the client, and asks. */
import type { ApiKey } from '../../domain/api-keys/api-key.ts';
import type { Catalog } from '../../domain/apis/catalog.ts';
import type { Client } from '../../domain/clients/client.ts';
import type { Removed } from '../../domain/clients/client-references.ts';
import { updateClient } from '../../domain/clients/manage-clients.ts';
import { everyRow } from '../../domain/manage-dry-runs.ts';
import type { Services } from '../../domain/services.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { roleNeeded } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { type ClientHeader, clientOf, clientPath, showClientPage } from '../clients/client-page.ts';
import { showQuestion } from './confirm.ts';
import {
  type FormProblems,
  outcomeOf,
  type SentForm,
  type Stale,
  staleClient,
} from './security-page.ts';

/** The locals of the view. */
export interface LevelLocals {
  client: ClientHeader;
  levels: { value: string; label: string; hint: string; checked: boolean }[];
  stale: Stale | null;
  problems: FormProblems;
  /** Why it cannot be changed by this admin. */
  reason: string | undefined;
}

const PATH = '/admin/clients/:clientId/security-level';

export const levelRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'viewer', handler: show },
  { method: 'POST', path: PATH, role: 'operator', handler: save },
];

interface Shown extends SentForm {
  client?: Client;
}

async function show(call: ConsoleCall, { client, ...sent }: Shown = {}): Promise<void> {
  const shown = client ?? (await clientOf(call));
  const catalog = await catalogNow(call.services);
  const chosen = call.form.get('securityLevel') ?? shown.securityLevel;
  const { status, ...told } = outcomeOf(sent, { securityLevel: call.t('security.level.label') });
  return showClientPage(call, shown, {
    tab: 'security_level',
    view: 'admin/security/level',
    status,
    locals: {
      levels: levelOptions(call, catalog, { ...shown, chosen: told.stale ? null : chosen }),
      ...told,
      reason: roleNeeded(call, 'operator'),
    },
  });
}

/** Every level, the highest first, with how much of the catalog it may hold. */
function levelOptions(
  { t }: ConsoleCall,
  catalog: Catalog,
  { securityLevel, audience, chosen }: Client & { chosen: string | null },
): LevelLocals['levels'] {
  const ranked = [...catalog.levels.values()].sort((a, b) => b.rank - a.rank);
  return ranked.map(({ name, displayName }, i) => {
    const holder = { audience, securityLevel: name };
    const count = (names: Iterable<string>) =>
      [...names].filter((each) => catalog.holdingProblem(holder, each) === null).length;
    const counts = { groups: count(catalog.groups.keys()), scopes: count(catalog.scopes.keys()) };
    const words = [name, ...(displayName && displayName !== name ? [displayName] : [])];
    if (i === 0) words.push(t('security.level.highest'));
    if (name === securityLevel) words.push(t('security.level.current'));
    return {
      value: name,
      label: words.join(' · '),
      hint: t('security.level.may_hold', counts),
      checked: name === (chosen ?? securityLevel),
    };
  });
}

async function save(call: ConsoleCall): Promise<void> {
  const { services, actor, form, t } = call;
  const before = await clientOf(call);
  const { clientId } = before;
  const level = form.get('securityLevel') ?? before.securityLevel;
  const version = versionOf(call.form);
  const patch = { securityLevel: level };
  return submit({
    async change() {
      const options = { dryRun: true };
      const planned = await updateClient(services, actor, clientId, version, patch, options);
      const names = namesOf(planned.removed);
      // What was agreed to is what is removed: a catalog that has changed since asks once more.
      const agreed = form.getAll('removes').join('\n');
      if (names.length > 0 && agreed !== names.join('\n')) {
        return ask(call, before, { level, removed: planned.removed });
      }
      await updateClient(services, actor, clientId, version, patch);
      const key = names.length > 0 ? 'security.level.lowered' : 'security.level.changed';
      const path = clientPath(before, '/security-level');
      if (level === before.securityLevel && names.length === 0) {
        return call.redirect(path, t('security.unchanged'));
      }
      call.redirect(path, t(key, { level, count: names.length }));
    },
    again: (problems) => show(call, { problems }),
    async stale(current) {
      const client = current as Client;
      const field = t('security.level.label');
      const row = { field, before: client.securityLevel, after: level };
      await show(call, { client, stale: await staleClient(call, [row]) });
    },
  });
}

/** One text for each thing that goes, so that a form can say what was agreed to. */
function namesOf({ apiGroups, apiScopes }: Removed): string[] {
  return [
    ...apiGroups.map((name) => `group ${name}`),
    ...apiScopes.map((name) => `scope ${name}`),
  ].sort();
}

async function ask(
  call: ConsoleCall,
  client: Client,
  { level, removed }: { level: string; removed: Removed },
): Promise<void> {
  const { t, services } = call;
  const groups = new Set(removed.apiGroups);
  const keys = groups.size === 0 ? [] : await keysThatLose(services, client, groups);
  const path = clientPath(client, '/security-level');
  const title = (field: 'groups' | 'scopes' | 'keys', count: number) =>
    t(`security.level.preview.${field}`, { count });
  return showQuestion(call, client, {
    tab: 'security_level',
    crumb: t('security.level.preview.crumb'),
    heading: t('security.level.preview.heading', { level }),
    text: t('security.level.preview.text', { from: client.securityLevel, level }),
    lists: [
      { title: title('groups', removed.apiGroups.length), items: removed.apiGroups },
      { title: title('scopes', removed.apiScopes.length), items: removed.apiScopes },
      { title: title('keys', keys.length), items: keys.map((key) => keyText(call, key, groups)) },
    ],
    notes: [t('security.level.preview.tokens')],
    action: path,
    fields: {
      version: String(client.version),
      securityLevel: level,
      removes: namesOf(removed),
    },
    submit: t('security.level.preview.submit', { level }),
    cancel: { href: path },
  });
}

/** Keys of a client that hold one of these groups. */
export async function keysThatLose(
  services: Services,
  { clientId }: Pick<Client, 'clientId'>,
  groups: ReadonlySet<string>,
): Promise<ApiKey[]> {
  const losing: ApiKey[] = [];
  const filter = { clientId };
  for await (const key of everyRow((page) => services.stores.apiKeys.list({ ...page, filter }))) {
    if (key.apiGroups.some((name) => groups.has(name))) losing.push(key);
  }
  return losing;
}

/** A key and what these groups leave it with. */
export function keyText(
  { t }: ConsoleCall,
  { alias, apiGroups, current }: ApiKey,
  groups: ReadonlySet<string>,
): string {
  const left = apiGroups.filter((name) => !groups.has(name)).length;
  return t('security.key_left', { alias, lastFour: current.lastFour, left });
}

/** The catalog, no older than this request. */
export async function catalogNow({ directory }: Services): Promise<Catalog> {
  await directory.sync();
  return directory.catalog();
}
