/** Tollgate under `npm run bench:saturation`: a gateway, and clients of the first and the last priority. */
import { loadConfig } from '../../src/config/load.ts';
import { createApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { createApi } from '../../src/domain/apis/manage-apis.ts';
import type { Actor } from '../../src/domain/audit/audit-event.ts';
import { createClient } from '../../src/domain/clients/manage-clients.ts';
import { openLog } from '../../src/http/log.ts';
import { serve } from '../../src/serve.ts';

const [secret = '', admission = '{}'] = process.argv.slice(2);
const config = loadConfig({
  ...process.env,
  NODE_ENV: 'test',
  PORT: '0',
  LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info',
});
const { services, port, close } = await serve({
  config,
  log: openLog(config.logLevel),
  admissionLimits: JSON.parse(admission),
});

const ACTOR: Actor = { kind: 'command', id: 'bench', address: null };
const api = await createApi(services, ACTOR, { method: 'GET', path: '/orders' });
await createApiGroup(services, ACTOR, { name: 'orders.read', apis: [api.apiId] });
const clients = [
  { clientId: 'gateway', kind: 'resource_server' as const, priority: 5 },
  { clientId: 'first', priority: 0 },
  { clientId: 'last', priority: 9 },
  {
    clientId: 'last-quota',
    priority: 9,
    apiQuota: { calls: 1_000_000_000, period: 'day' as const },
  },
];
for (const client of clients) {
  await createClient(services, ACTOR, {
    ...{ note: 'benchmark', apiGroups: ['orders.read'], tps: 0, password: secret },
    ...{ clientName: client.clientId, displayName: client.clientId, ...client },
  });
}
process.stdout.write(`${port}\n`);
process.once('SIGTERM', async () => {
  await close();
  process.exit(0);
});
