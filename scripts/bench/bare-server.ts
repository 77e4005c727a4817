/**
 * The yardstick of `npm run bench`: a bare oidc-provider with an in-memory Map adapter and plaintext
 * secrets, answering client_credentials and introspection. Prints its port when it is ready.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AdapterPayload, Provider } from 'oidc-provider';

const rows = new Map<string, AdapterPayload>();
const adapter = (model: string) => ({
  upsert: async (id: string, payload: AdapterPayload) => void rows.set(`${model}:${id}`, payload),
  find: async (id: string) => rows.get(`${model}:${id}`),
  destroy: async (id: string) => void rows.delete(`${model}:${id}`),
  consume: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  revokeByGrantId: async () => undefined,
});

const [id = '', secret = ''] = process.argv.slice(2);
rows.set(`Client:${id}`, {
  client_id: id,
  client_secret: secret,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  scope: 'orders.read',
} as AdapterPayload);

const provider = new Provider('http://127.0.0.1', {
  adapter,
  scopes: ['orders.read'],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: async () => true },
    devInteractions: { enabled: false },
  },
});
const server = createServer(provider.callback());
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`),
);
process.once('SIGTERM', () => process.exit(0));
