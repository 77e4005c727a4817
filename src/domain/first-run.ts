/** What an empty database is given: security levels, an owner, and outside production a demo. */
import type { Acting } from './admins/manage-admins.ts';
import { createAdmin } from './admins/manage-admins.ts';
import { createApiGroup } from './apis/manage-api-groups.ts';
import { createApi } from './apis/manage-apis.ts';
import { INITIAL_LEVELS } from './apis/security-level.ts';
import { type Actor, auditEvent } from './audit/audit-event.ts';
import { addSecret, retireSecret } from './clients/manage-client-secrets.ts';
import { createClient } from './clients/manage-clients.ts';
import { isDomainError } from './errors.ts';
import type { Services } from './services.ts';
import { createUser } from './users/manage-users.ts';

const ACTOR: Actor = { kind: 'system', id: 'first-run', address: null };
const ACTING: Acting = { actor: ACTOR, role: 'owner', adminId: null };

/** Ids of the demo clients. */
export const DEMO_PARTNER = 'demo-partner';
export const DEMO_RESOURCE_SERVER = 'demo-resource-server';

/** Secrets of the demo clients, handed over this once. */
export interface DemoSecrets {
  partner: string;
  resourceServer: string;
}

/** What the first run made; null where it was there already. */
export interface FirstRun {
  /** The owner's set-up link. */
  setUpUrl: string | null;
  demo: DemoSecrets | null;
}

/**
 * Fills an empty database; changes nothing in one that is in use. Several nodes may start at once.
 *
 * @param options `demo`: also make the demo clients where there is no client yet
 */
export async function firstRun(services: Services, options: { demo: boolean }): Promise<FirstRun> {
  await ensureLevels(services);
  const setUpUrl = await ensureOwner(services);
  const { total } = await services.stores.clients.list({ limit: 1 });
  const demo = options.demo && total === 0 ? await ifFirst(() => makeDemo(services)) : null;
  return { setUpUrl, demo };
}

async function ensureLevels(services: Services): Promise<void> {
  if ((await services.stores.securityLevels.all()).length > 0) return;
  const now = services.clock.now();
  for (const level of INITIAL_LEVELS) {
    const record = {
      ...level,
      displayName: level.name,
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
    const object = { kind: 'security_level', id: level.name };
    const event = auditEvent({ at: now, actor: ACTOR, action: 'security_level.create', object });
    await ifFirst(() => services.stores.securityLevels.insert(record, event));
  }
}

async function ensureOwner(services: Services): Promise<string | null> {
  if ((await services.stores.admins.count()) > 0) return null;
  const made = await ifFirst(() =>
    createAdmin(services, ACTING, { userName: 'owner', role: 'owner' }),
  );
  return made?.setUpLink?.url ?? null;
}

async function makeDemo(services: Services): Promise<DemoSecrets> {
  const list = await createApi(services, ACTOR, {
    method: 'GET',
    path: '/orders',
    name: 'List orders',
  });
  const read = await createApi(services, ACTOR, {
    method: 'GET',
    path: '/orders/:id',
    name: 'Read an order',
  });
  await createApiGroup(services, ACTOR, {
    name: 'orders.read',
    displayName: 'Read orders',
    apis: [list.apiId, read.apiId],
  });
  const partner = await createClient(services, ACTOR, {
    clientId: DEMO_PARTNER,
    clientName: DEMO_PARTNER,
    displayName: 'Demo partner',
    note: 'made at the first start',
    environment: 'development',
    audience: 'external',
    apiGroups: ['orders.read'],
    grantTypes: ['client_credentials', 'password', 'refresh_token'],
    accessToken: { lifetimeSeconds: 3600, maxUses: 100 },
    refreshToken: { lifetimeSeconds: 86_400, maxUses: 10 },
    // What people paste in a loop shall show the uses.
    tps: 0,
  });
  const resourceServer = await createClient(services, ACTOR, {
    clientId: DEMO_RESOURCE_SERVER,
    clientName: DEMO_RESOURCE_SERVER,
    displayName: 'Demo resource server',
    note: 'made at the first start',
    environment: 'development',
    kind: 'resource_server',
    grantTypes: [],
  });
  await createUser(services, ACTOR, {
    userName: 'demo-user',
    displayName: 'Demo user',
    password: 'demo password',
  });
  return {
    partner: partner.secret?.value ?? '',
    resourceServer: resourceServer.secret?.value ?? '',
  };
}

/** Gives the demo clients fresh secrets; the old ones stop now. Throws `not_found` where there is no demo. */
export async function renewDemo(services: Services): Promise<DemoSecrets> {
  return {
    partner: await renewSecret(services, DEMO_PARTNER),
    resourceServer: await renewSecret(services, DEMO_RESOURCE_SERVER),
  };
}

async function renewSecret(services: Services, clientId: string): Promise<string> {
  const { client, secret } = await addSecret(services, ACTOR, clientId, { label: 'demo' });
  for (const { secretId } of client.secrets) {
    if (secretId !== secret.id) await retireSecret(services, ACTOR, clientId, secretId);
  }
  return secret.value ?? '';
}

/** The result, or null where another node was first. */
async function ifFirst<T>(make: () => Promise<T>): Promise<T | null> {
  try {
    return await make();
  } catch (error) {
    if (isDomainError(error) && error.code === 'conflict') return null;
    throw error;
  }
}
