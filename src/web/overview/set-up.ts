/** The steps of the first run, until each is done; for owners, who can do them all. */
import { clientSubject } from '../../domain/last-uses.ts';
import type { ConsoleCall } from '../admin/route.ts';
import type { OverviewViews } from './views.ts';

/** Clients among which a first token is looked for: those used last. */
const LOOKED_AT = 25;

/** The steps, or null where nothing is left to do or this admin is no owner. */
export async function setUpSteps(
  call: ConsoleCall,
): Promise<OverviewViews['admin/overview']['setUp']> {
  const { admin, node, services, offers, t } = call;
  if (!offers('owner')) return null;
  const [groups, { hasClient, hasToken }] = await Promise.all([
    services.stores.apiGroups.list({ limit: 1 }),
    firstClients(call),
  ]);
  const isDone = {
    password: admin.passwordHash !== null,
    second_factor: Boolean(admin.totpSecret),
    proxies: node.trustsProxies,
    mail: node.hasMailServer,
    group: groups.total > 0,
    client: hasClient,
    token: hasToken,
  };
  const steps = Object.entries(isDone).map(([key, done]) => ({
    href: PATHS[key as keyof typeof PATHS],
    label: t(`overview.step.${key}`),
    isDone: done,
  }));
  const done = steps.filter((step) => step.isDone).length;
  if (done === steps.length) return null;
  const title = t('overview.steps', { done, all: steps.length });
  // Whoever serves clients already has chosen to leave the rest.
  return { title, isOpen: !hasToken, steps };
}

const PATHS = {
  password: '/admin/account',
  second_factor: '/admin/account/second-factor',
  proxies: '/admin#node',
  mail: '/admin#node',
  group: '/admin/api-groups/new',
  client: '/admin/clients/new',
  token: '/admin/clients',
} as const;

/** Whether there is a client, and whether one has ever authenticated, called, or holds a live token. */
async function firstClients({ services, formats }: ConsoleCall) {
  const { clients, lastUses, tokens } = services.stores;
  const sort = { field: 'lastUsedAt', descending: true };
  const { items } = await clients.list({ sort, limit: LOOKED_AT });
  const subjects = items.flatMap(({ clientId, secrets }) => [
    clientSubject(clientId),
    ...secrets.map(({ secretId }) => `secret:${secretId}`),
  ]);
  const [live, uses] = await Promise.all([
    tokens.countLive(
      items.map(({ clientId }) => clientId),
      formats.now,
    ),
    lastUses.find(subjects),
  ]);
  return { hasClient: items.length > 0, hasToken: live.size > 0 || uses.size > 0 };
}
