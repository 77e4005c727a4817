/** Acts of two admins from one sight of a client or key: over two connections, exactly one of them wins. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ApiKey } from '../../src/domain/api-keys/api-key.ts';
import {
  deleteApiKey,
  rotateApiKey,
  updateApiKey,
} from '../../src/domain/api-keys/manage-api-keys.ts';
import type { Actor } from '../../src/domain/audit/audit-event.ts';
import type { Client } from '../../src/domain/clients/client.ts';
import {
  addSecret,
  changePassword,
  retireSecret,
  rotateSecret,
} from '../../src/domain/clients/manage-client-secrets.ts';
import { unlockClient, updateClient } from '../../src/domain/clients/manage-clients.ts';
import { Passwords } from '../../src/domain/secrets/passwords.ts';
import { SecretKeys } from '../../src/domain/secrets/secret-keys.ts';
import { createServices, type Services } from '../../src/domain/services.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { CountingBcrypt, keepingMailer } from '../domain/support.ts';
import {
  apiKeyFixture,
  clientFixture,
  eventOf,
  fromNow,
  NOW,
  securityLevelFixture,
} from '../support/contract-fixtures.ts';
import { eventsAbout, type Open } from './contract.ts';

/** What is raced for, as both admins saw it. */
interface Seen {
  client: Client;
  key: ApiKey;
}

/** One act on what was seen. */
type Act = (services: Services, actor: Actor, seen: Seen) => Promise<unknown>;

const secretId = ({ secrets }: Client) => secrets[0]?.secretId ?? '';

const ACTS: Record<string, Act> = {
  'adding a secret': (services, actor, { client }) =>
    addSecret(services, actor, client.clientId, client),
  'rotating a secret': (services, actor, { client }) => {
    const input = { graceSeconds: 60, version: client.version };
    return rotateSecret(services, actor, client.clientId, secretId(client), input);
  },
  'retiring a secret': (services, actor, { client }) =>
    retireSecret(services, actor, client.clientId, secretId(client), client),
  'changing the password': (services, actor, { client }) =>
    changePassword(services, actor, client.clientId, `of ${actor.id} alone`, client),
  'setting the status': (services, actor, { client: { clientId, version } }) =>
    updateClient(services, actor, clientId, version, { status: 'enabled' }),
  unlocking: (services, actor, { client: { clientId, version, lock } }) =>
    unlockClient(services, actor, clientId, { version, lockedAt: lock.lockedAt }),
  'enabling a key': (services, actor, { key: { clientId, apiKeyId: id, version } }) =>
    updateApiKey(services, actor, clientId, { id, version, patch: { status: 'enabled' } }),
  'rotating a key': (services, actor, { key }) =>
    rotateApiKey(services, actor, key, { version: key.version }),
  'deleting a key': (services, actor, { key }) =>
    deleteApiKey(services, actor, key, { version: key.version }),
};

/** Describes them on two connections to one database. */
export function describeActRaces(open: Open, url: () => string): void {
  describe('acts of two admins from one sight', () => {
    const nodes: Services[] = [];
    beforeAll(async () => {
      nodes.push(servicesOf(await open()));
      nodes.push(servicesOf(await openAgain(url())));
      const level = securityLevelFixture({ name: LEVEL });
      await storesOf(nodes).securityLevels.insert(level, eventOf('security_level.create', LEVEL));
    });
    afterAll(() => Promise.all(nodes.map(({ stores }) => stores.close())));

    it.each(Object.keys(ACTS))('%s: one wins, the others see a conflict', async (name) => {
      const seen = await stored(nodes);
      const [objectId] = [name.endsWith('key') ? keyId(seen.key) : seen.client.clientId];
      const before = (await eventsAbout(storesOf(nodes), objectId)).length;
      const acts = Array.from({ length: 8 }, (_, i) => {
        const actor: Actor = { kind: 'admin', id: `admin-${i}`, address: null };
        return ACTS[name]?.(nodes[i % 2] as Services, actor, seen);
      });
      const settled = await Promise.allSettled(acts);
      const codes = settled.map((each) => (each.status === 'fulfilled' ? 'won' : each.reason.code));
      expect(codes.filter((code) => code === 'won')).toHaveLength(1);
      // Whoever comes after a deletion may find nothing left to act on.
      const lost = codes.filter((code) => code !== 'won');
      const gone = name.startsWith('deleting') ? 'not_found' : 'version_conflict';
      expect(lost.filter((code) => code !== 'version_conflict' && code !== gone)).toEqual([]);
      expect(await eventsAbout(storesOf(nodes), objectId)).toHaveLength(before + 1);
    });

    it('refuses to unlock what was locked, or changed, after it was seen', async () => {
      const { client } = await stored(nodes, { failures: 0 });
      const { clientId, version } = client;
      const { clients } = storesOf(nodes);
      await clients.recordFailedLogin(clientId, { at: NOW, address: null }, 2);
      const unlock = (seen: { version: number; lockedAt: Date | null }) =>
        unlockClient(nodes[1] as Services, ADMIN, clientId, seen);
      await clients.recordFailedLogin(clientId, { at: fromNow(1), address: null }, 2);
      for (const seen of [
        { version, lockedAt: null },
        { version, lockedAt: NOW },
        { version: version + 1, lockedAt: fromNow(1) },
      ]) {
        await expect(unlock(seen)).rejects.toMatchObject({ code: 'version_conflict' });
        expect((await clients.find(clientId))?.lock.failedLogins).toBe(2);
      }
      const { lock } = await unlock({ version, lockedAt: fromNow(1) });
      expect(lock).toMatchObject({ failedLogins: 0, lockedAt: null });
    });
  });
}

const LEVEL = 'SYSTEM';

const ADMIN: Actor = { kind: 'admin', id: 'admin-1', address: null };

function storesOf(nodes: readonly Services[]): Stores {
  return (nodes[0] as Services).stores;
}

const keyId = ({ clientId, apiKeyId }: ApiKey) => `${clientId}/${apiKeyId}`;

/** A client with a key, locked after some failures, as an admin reads them. */
async function stored(nodes: readonly Services[], { failures = 2 } = {}): Promise<Seen> {
  const { clients, apiKeys } = storesOf(nodes);
  const bare = { apiGroups: [], servedApiGroups: [], apiScopes: [], jwks: null };
  const client = clientFixture({ status: 'disabled', securityLevel: LEVEL, ...bare });
  const { clientId } = client;
  await clients.insert(client, eventOf('client.create', clientId));
  for (let i = 0; i < failures; i += 1) {
    await clients.recordFailedLogin(clientId, { at: fromNow(i), address: null }, failures);
  }
  const key = apiKeyFixture({ clientId, apiGroups: [] });
  await apiKeys.insert(key, eventOf('api_key.create', keyId(key)));
  return { client: (await clients.find(clientId)) as Client, key };
}

function servicesOf(stores: Stores): Services {
  const keys = new SecretKeys([new Uint8Array(32).fill(7)]);
  return createServices({
    clock: { now: () => NOW },
    issuer: 'https://auth.example.test',
    keys,
    mailer: keepingMailer([]),
    passwords: new Passwords(keys, new CountingBcrypt()),
    stores,
    timeZone: 'UTC',
  });
}

async function openAgain(url: string): Promise<Stores> {
  if (url.startsWith('sqlite:')) {
    const { openSqliteStores } = await import('../../adapters/sqlite/index.ts');
    return openSqliteStores({ path: url.slice('sqlite:'.length) });
  }
  const { openMongoStores } = await import('../../adapters/mongo/index.ts');
  return openMongoStores({ url });
}
