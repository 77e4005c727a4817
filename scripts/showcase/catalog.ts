/** What the clients of the showcase may call: APIs, groups, scopes, resource servers; and users. */
import { newApi } from '../../src/domain/apis/api.ts';
import { createApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { createApiScope } from '../../src/domain/apis/manage-api-scopes.ts';
import { createApi } from '../../src/domain/apis/manage-apis.ts';
import type { Actor } from '../../src/domain/audit/audit-event.ts';
import type { NewClient } from '../../src/domain/clients/client-input.ts';
import type { Services } from '../../src/domain/services.ts';

type Group = readonly [
  name: string,
  displayName: string,
  level: string,
  calls: readonly (readonly [call: string, name: string])[],
];

const GROUPS: readonly Group[] = [
  [
    'orders.read',
    'Read orders',
    'SYSTEM',
    [
      ['GET /orders', 'List orders'],
      ['GET /orders/:id', 'Read an order'],
    ],
  ],
  [
    'orders.write',
    'Place and change orders',
    'C',
    [
      ['POST /orders', 'Place an order'],
      ['PATCH /orders/:id', 'Change an order'],
      ['DELETE /orders/:id', 'Cancel an order'],
    ],
  ],
  [
    'stock.read',
    'Read stock',
    'SYSTEM',
    [
      ['GET /stock', 'List stock'],
      ['GET /stock/:sku', 'Stock of an article'],
    ],
  ],
  [
    'returns.manage',
    'Announce returns',
    'C',
    [
      ['POST /returns', 'Announce a return'],
      ['GET /returns/:id/label', 'Return label'],
    ],
  ],
  ['payments.initiate', 'Initiate payments', 'A', [['POST /payments', 'Initiate a payment']]],
  [
    'payments.read',
    'Read payments',
    'B',
    [
      ['GET /payments/:id', 'Read a payment'],
      ['GET /payments/:id/events', 'Events of a payment'],
    ],
  ],
  [
    'statements.read',
    'Read statements',
    'B',
    [
      ['GET /accounts', 'List accounts'],
      ['GET /accounts/:iban/statements', 'Statements of an account'],
    ],
  ],
  [
    'onboarding.check',
    'Check new customers',
    'A',
    [
      ['POST /onboarding/checks', 'Start a check'],
      ['GET /onboarding/checks/:id', 'Result of a check'],
    ],
  ],
  [
    'tracking.read',
    'Read tracking',
    'SYSTEM',
    [
      ['GET /parcels/:id', 'Read a parcel'],
      ['GET /parcels/:id/events', 'Events of a parcel'],
    ],
  ],
  ['tracking.report', 'Report tracking', 'C', [['POST /parcels/:id/events', 'Report an event']]],
  [
    'customs.declare',
    'Declare goods',
    'B',
    [
      ['POST /customs/declarations', 'Declare goods'],
      ['GET /customs/declarations/:id', 'Read a declaration'],
    ],
  ],
  ['rates.read', 'Read freight rates', 'SYSTEM', [['GET /rates', 'Quote a rate']]],
  ['rates.book', 'Book freight', 'SYSTEM', [['POST /bookings', 'Book freight']]],
  [
    'partners.profile',
    'Partner profile',
    'SYSTEM',
    [
      ['GET /partners/me', 'Own profile'],
      ['* /partners/me/contacts/*', 'Own contacts'],
    ],
  ],
];

const SCOPES: readonly [name: string, displayName: string, call: string][] = [
  ['orders.history', 'See your past orders', 'GET /orders'],
  ['accounts.consent', 'See the accounts that you choose', 'GET /accounts'],
  ['parcels.follow', 'Follow your parcels', 'GET /parcels/:id'],
  ['profile.contacts', 'Change your contacts', '* /partners/me/contacts/*'],
];

/** Makes the APIs, their groups and the API scopes. */
export async function makeCatalog(services: Services, actor: Actor): Promise<void> {
  const ids = new Map<string, string>();
  for (const [group, displayName, securityLevel, calls] of GROUPS) {
    for (const [call, name] of calls) {
      const [method, path] = call.split(' ');
      const api = await createApi(services, actor, newApi.parse({ method, path, name }));
      ids.set(call, api.apiId);
    }
    const apis = calls.map(([call]) => ids.get(call) ?? '');
    const description = `${displayName} through the public gateway.`;
    const fields = { name: group, displayName, securityLevel, description, apis };
    await createApiGroup(services, actor, fields);
  }
  for (const [name, displayName, call] of SCOPES) {
    const apis = [ids.get(call) ?? ''];
    const description = 'Asked of the end user, who may say no.';
    await createApiScope(services, actor, { name, displayName, description, apis });
  }
}

/** Resource servers: the gateways that ask whether a call may be made. */
export const GATEWAYS: readonly NewClient[] = [
  ['retail', 'Retail gateway', ['orders.read', 'orders.write', 'stock.read', 'returns.manage']],
  [
    'banking',
    'Banking gateway',
    ['payments.initiate', 'payments.read', 'statements.read', 'onboarding.check'],
  ],
  [
    'logistics',
    'Logistics gateway',
    ['tracking.read', 'tracking.report', 'customs.declare', 'rates.read', 'rates.book'],
  ],
  ['edge', 'Edge gateway, every API', []],
].map(([name, displayName, served]) => ({
  clientId: `gateway-${name}`,
  clientName: `gateway-${name}`,
  displayName: String(displayName),
  note: 'run by the platform team',
  description: 'nginx in front of the APIs; asks /forward-auth/nginx.',
  kind: 'resource_server',
  audience: 'internal',
  grantTypes: [],
  tps: 0,
  emails: ['platform@tollgate.example'],
  ipBindings: [{ hostName: `${name}.gateway.internal`, address: '10.20.0.0/16' }],
  servedApiGroups: [...(served ?? [])],
}));

/** Places whose staff signs in: user name, display name. No people. */
export const USERS: readonly (readonly [string, string])[] = [
  ...[11, 12, 14, 23, 31, 40].map((n) => [`till-00${n}`, `Till ${n}, Pellgrove Grocers`] as const),
  ...['lyon', 'porto', 'tartu', 'leeds', 'busan'].map(
    (city) =>
      [`depot-${city}`, `Nordhavn depot, ${city[0]?.toUpperCase()}${city.slice(1)}`] as const,
  ),
  ...[3, 7, 19, 22, 48].map((n) => [`branch-${n}`, `Corvale Bank, branch ${n}`] as const),
  ...[1, 2, 3, 4].map((n) => [`dispatch-${n}`, `Redkite dispatch desk ${n}`] as const),
  ['harbour-office', 'Tideway harbour office'],
  ['claims-desk', 'Quillmark claims desk'],
];
