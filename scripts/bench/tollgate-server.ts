/** Tollgate under `npm run bench`: default settings on an SQLite file, with the clients of the benchmark. */
import { randomUUID } from 'node:crypto';
import { loadConfig } from '../../src/config/load.ts';
import { createApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { createApi } from '../../src/domain/apis/manage-apis.ts';
import { type Actor, auditEvent } from '../../src/domain/audit/audit-event.ts';
import { createClient } from '../../src/domain/clients/manage-clients.ts';
import { openLog } from '../../src/http/log.ts';
import { serve } from '../../src/serve.ts';

const [id = '', secret = '', count = '0'] = process.argv.slice(2);
const config = loadConfig({
  ...process.env,
  NODE_ENV: 'test',
  PORT: '0',
  LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info',
});
const log = openLog(config.logLevel);
const { services, port, close } = await serve({ config, log });

const ACTOR: Actor = { kind: 'command', id: 'bench', address: null };
const api = await createApi(services, ACTOR, { method: 'GET', path: '/orders' });
await createApiGroup(services, ACTOR, { name: 'orders.read', apis: [api.apiId] });
const common = {
  note: 'benchmark',
  apiGroups: ['orders.read'],
  kind: 'resource_server' as const,
  tps: 0,
};
await createClient(services, ACTOR, {
  ...common,
  clientId: id,
  clientName: id,
  displayName: id,
  password: secret,
});
await createClient(services, ACTOR, {
  ...common,
  clientId: `${id}-limited`,
  clientName: `${id}-limited`,
  displayName: `${id}-limited`,
  password: secret,
  accessToken: { lifetimeSeconds: 3600, maxUses: 100_000_000 },
});
await createClient(services, ACTOR, {
  ...common,
  clientId: `${id}-quota`,
  clientName: `${id}-quota`,
  displayName: `${id}-quota`,
  password: secret,
  tps: 1_000_000,
  apiQuota: { calls: 1_000_000_000, period: 'day' },
  accessToken: { lifetimeSeconds: 3600, maxUses: 100_000_000 },
});
// Victims of the flood. They share a hash, as making one takes a while; no secret matches it.
const hash = await services.passwords.hash(randomUUID());
for (let i = 0; i < Number(count); i += 1) {
  const name = `victim-${i}`;
  const { client } = await createClient(services, ACTOR, {
    note: 'flooded',
    clientId: name,
    clientName: name,
    displayName: name,
    failedLoginLimit: 1000,
  });
  const secret = {
    ...client.secrets[0],
    secretId: name,
    label: 'password',
    createdAt: client.createdAt,
  };
  await services.stores.clients.update(
    { ...client, version: 2, secrets: [{ ...secret, kind: 'password', hash, expiresAt: null }] },
    auditEvent({
      at: client.createdAt,
      actor: ACTOR,
      action: 'bench',
      object: { kind: 'client', id: name },
    }),
  );
}
process.stdout.write(`${port}\n`);
process.once('SIGTERM', async () => {
  await close();
  process.exit(0);
});
