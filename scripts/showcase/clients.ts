/** The clients of the showcase: sixty of companies, in every state; one of them has everything. */
import {
  createApiKey,
  rotateApiKey,
  updateApiKey,
} from '../../src/domain/api-keys/manage-api-keys.ts';
import type { Actor } from '../../src/domain/audit/audit-event.ts';
import type { ClientPatch, NewClient } from '../../src/domain/clients/client-input.ts';
import {
  addSecret,
  mailPasswordReset,
  rotateSecret,
} from '../../src/domain/clients/manage-client-secrets.ts';
import { createClient, findClient, updateClient } from '../../src/domain/clients/manage-clients.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import { START, type TestApp } from '../../test/support/app.ts';
import type { Credentials } from '../../test/support/server.ts';
import { GATEWAYS } from './catalog.ts';
import { companyClients } from './companies.ts';

/** Id of the client that has everything. */
export const RICH = 'pellgrove-orders';

/** Who makes the clients. */
export interface Makers {
  desk: Actor;
  security: Actor;
  /** Ids of users. */
  users: readonly string[];
}

/** What the history is made with. */
export interface MadeClients {
  partners: (Credentials & { address: string })[];
  gateway: Credentials;
  /** Of the client that has everything. */
  apiKeyId: string;
  secretId: string;
  makers: Makers;
}

const DAY = 86_400;

type Fields = Partial<NewClient>;

const at = (days: number) => plusSeconds(START, days * DAY);

/** What differs from the rest, by client. */
const STATES: Readonly<Record<string, Fields>> = {
  'nordhavn-rates': { startsAt: at(9), note: 'goes live after the tariff change' },
  'papercrane-orders': { startsAt: at(44) },
  'lumora-stock': { expiresAt: at(-6) },
  'tamarind-returns': { expiresAt: at(-0.2) },
  'saltmarsh-customs': { expiresAt: at(12) },
  'quillmark-payments': { expiresAt: at(27) },
  'vellora-orders': { expiresAt: at(2.5) },
  'redkite-rates': { status: 'disabled', remark: 'Contract ended; kept for the audit.' },
  'opaline-stock': { status: 'disabled' },
  'sunfold-onboarding': { status: 'disabled' },
  'corvale-statements': {
    serviceHours: {
      timeZone: 'Europe/Zurich',
      windows: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '22:00', to: '04:00' }],
    },
  },
};

function richFields(users: readonly string[]): Fields {
  return {
    description: 'Sends orders from the shops, and reads what became of them.',
    remark: 'Moved from the old portal; ask the partner desk before the quota is lowered.',
    emails: ['api-orders@pellgrove.example', 'night-desk@pellgrove.example'],
    ipBindings: [
      { hostName: 'egress-1.pellgrove.example', address: '198.51.100.13' },
      { hostName: 'egress-2.pellgrove.example', address: '198.51.100.14' },
      { hostName: 'recovery site', address: '203.0.113.64/28' },
      { hostName: '', address: '2001:db8:77::/48' },
    ],
    startsAt: at(-60),
    expiresAt: at(89),
    serviceHours: {
      timeZone: 'Europe/Berlin',
      windows: [
        { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '06:00', to: '22:00' },
        { days: ['sat'], from: '08:00', to: '14:00' },
      ],
    },
    timeZone: 'Europe/Berlin',
    apiQuota: { calls: 5000, period: 'day' },
    tps: 20,
    priority: 3,
    userAllowlist: users.slice(0, 4),
    securityLevel: 'C',
    apiGroups: ['orders.read', 'orders.write', 'stock.read', 'returns.manage'],
    apiScopes: ['orders.history', 'profile.contacts'],
    grantTypes: ['client_credentials', 'password', 'refresh_token'],
    accessToken: { lifetimeSeconds: 3600, maxUses: 1500 },
    refreshToken: { lifetimeSeconds: 7 * DAY, maxUses: 30 },
    redirectUris: ['https://orders.pellgrove.example/callback'],
    failedLoginLimit: 5,
  };
}

/** Makes all clients, their keys and secrets; the clock moves on by some weeks. */
export async function makeClients(app: TestApp, makers: Makers): Promise<MadeClients> {
  const { services, clock } = app;
  const partners: MadeClients['partners'] = [];
  for (const fields of companyClients()) {
    const { clientId } = fields;
    const own = clientId === RICH ? richFields(makers.users) : STATES[clientId];
    const { client, secret } = await createClient(services, makers.desk, { ...fields, ...own });
    const address = client.ipBindings[0]?.address ?? '';
    partners.push({ clientId, secret: secret?.value ?? '', address });
    clock.advance(0.4 * DAY);
  }
  const gateways: Credentials[] = [];
  for (const fields of GATEWAYS) {
    const { client, secret } = await createClient(services, makers.security, fields);
    gateways.push({ clientId: client.clientId, secret: secret?.value ?? '' });
  }
  const gateway = gateways.at(-1) ?? { clientId: '', secret: '' };
  return { partners, gateway, makers, ...(await enrich(app, makers)) };
}

/** Keys, secrets and changes of the client that has everything. */
async function enrich({ services, clock }: TestApp, { desk, security }: Makers) {
  const change = async (patch: ClientPatch) =>
    updateClient(services, desk, RICH, (await findClient(services, RICH)).version, patch);
  await change({ tps: 10, apiQuota: { calls: 3000, period: 'day' } });
  clock.advance(3 * DAY);
  await change({
    tps: 20,
    apiQuota: { calls: 5000, period: 'day' },
    note: 'retail programme, wave 2; raised after the audit',
  });
  const first = (await findClient(services, RICH)).secrets[0]?.secretId ?? '';
  await addSecret(services, security, RICH, { label: 'recovery site', expiresAt: at(20) });
  const { secret } = await addSecret(services, security, RICH, { label: 'staging' });
  await rotateSecret(services, security, RICH, secret.id, { graceSeconds: 20 * DAY });
  const key = (alias: string, expiresAt: Date, fields = {}) =>
    createApiKey(services, security, RICH, {
      alias,
      expiresAt,
      apiGroups: ['orders.read', 'stock.read'],
      ...fields,
    });
  const main = await key('shop back end', at(180));
  await key('till software', at(11));
  await key('spring catalogue', at(240), { startsAt: at(30) });
  const old = await key('old portal', at(60));
  await updateApiKey(services, security, RICH, {
    id: old.apiKey.apiKeyId,
    version: 1,
    patch: { status: 'disabled' },
  });
  clock.advance(DAY);
  await rotateApiKey(services, security, main.apiKey, { graceSeconds: 14 * DAY });
  await createApiKey(services, security, 'redkite-tracking', {
    alias: 'scanner fleet',
    expiresAt: at(5),
    apiGroups: ['tracking.read'],
  });
  await mailPasswordReset(services, security, 'haldric-payments');
  return { apiKeyId: main.apiKey.apiKeyId, secretId: first };
}
