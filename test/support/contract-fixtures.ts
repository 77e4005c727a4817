/**
 * Fully populated records for the contracts. They are typed `Required<…>`, so that a field which is
 * added to the domain and forgotten here fails to compile; no field holds its default, so that one
 * which an adapter drops is noticed.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Admin, PersonalAccessToken } from '../../src/domain/admins/admin.ts';
import type { ApiKey } from '../../src/domain/api-keys/api-key.ts';
import type { Api } from '../../src/domain/apis/api.ts';
import type { ApiGroup } from '../../src/domain/apis/api-group.ts';
import type { ApiScope } from '../../src/domain/apis/api-scope.ts';
import type { SecurityLevel } from '../../src/domain/apis/security-level.ts';
import { type AuditEvent, auditEvent } from '../../src/domain/audit/audit-event.ts';
import { type Client, UNLOCKED } from '../../src/domain/clients/client.ts';
import type { DecisionRecord } from '../../src/domain/decision/decision-store.ts';
import type { MailRecord } from '../../src/domain/mails/mail.ts';
import type { Stores } from '../../src/domain/stores.ts';
import type { AccessToken, RefreshFamily } from '../../src/domain/tokens/token.ts';
import type { Bill, QuotaLine, RetryLine } from '../../src/domain/usage/charge-store.ts';
import type { UsageCount } from '../../src/domain/usage/usage-store.ts';
import type { User } from '../../src/domain/users/user.ts';

/** The moment at which the contracts play. */
export const NOW = new Date('2027-03-31T16:00:00.123Z');

/** An instant some seconds from `NOW`. */
export function fromNow(seconds: number): Date {
  return new Date(NOW.getTime() + seconds * 1000);
}

let made = 0;

/** A name that nothing else has, sorting in the order of the calls. */
export function fresh(prefix: string): string {
  made += 1;
  return `${prefix}-${String(made).padStart(6, '0')}`;
}

/** What stands for a keyed digest of a secret. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

const AUDIT_ADDRESS = '2001:db8::7';

/** An event that accompanies a write. */
export function eventOf(action: string, id: string, at = NOW): Required<AuditEvent> {
  const [kind = ''] = action.split('.');
  return auditEvent({
    at,
    actor: { kind: 'admin', id: 'admin-1', address: AUDIT_ADDRESS },
    action,
    object: { kind, id },
    changes: [
      { field: 'expiresAt', before: null, after: fromNow(3600) },
      { field: 'ipBindings', before: [], after: [{ hostName: 'hq', address: '192.0.2.0/24' }] },
      { field: 'secrets', before: null, after: 'changed' },
    ],
  }) as Required<AuditEvent>;
}

const FIRST_VERSION = { version: 1, createdAt: fromNow(-86_400), updatedAt: fromNow(-60) } as const;

export function clientFixture(changes: Partial<Client> = {}): Required<Client> {
  const clientId = changes.clientId ?? fresh('client');
  return {
    clientId,
    clientName: `Name_${clientId}`,
    applicationNo: 'APP-2027/0042',
    displayName: `Orders 訂單 ${clientId}`,
    description: 'Reads orders.\nEvery night.',
    ipBindings: [
      { hostName: 'hq', address: '192.0.2.0/24' },
      { hostName: '', address: '2001:db8::1' },
    ],
    startsAt: fromNow(-3600),
    expiresAt: fromNow(90 * 86_400),
    serviceHours: {
      timeZone: 'Asia/Taipei',
      windows: [{ days: ['mon', 'fri'], from: '22:00', to: '06:00' }],
    },
    apiQuota: { calls: 500, period: 'month' },
    timeZone: 'America/New_York',
    tps: 25,
    priority: 3,
    note: 'nightly batch',
    status: 'disabled',
    audience: 'external',
    emails: ['ops@partner.example', 'dev@partner.example'],
    remark: '50% "quoted" \\ $set',
    environment: 'testing',
    userAllowlist: ['user-1', 'user-2'],
    securityLevel: 'C',
    apiGroups: ['orders.read', 'orders.write'],
    apiScopes: ['profile:read'],
    grantTypes: ['password', 'refresh_token'],
    accessToken: { lifetimeSeconds: 1800, maxUses: 100 },
    refreshToken: { lifetimeSeconds: 7200, maxUses: 5 },
    redirectUris: ['https://partner.example/callback?x=1', 'com.example.app:/cb'],
    failedLoginLimit: 7,
    kind: 'resource_server',
    servedApiGroups: ['orders.served'],
    jwks: {
      keys: [{ kty: 'EC', crv: 'P-256', x: 'x-value', y: 'y-value', kid: 'k.$1', use: 'sig' }],
    },
    secrets: [
      {
        secretId: `secret-${clientId}`,
        label: 'password',
        kind: 'password',
        hash: `$2b$12$${clientId}`,
        createdAt: fromNow(-86_400),
        expiresAt: null,
      },
      {
        secretId: `rotated-${clientId}`,
        label: 'rotated',
        kind: 'generated',
        hash: digestOf(`generated-${clientId}`),
        createdAt: fromNow(-60),
        expiresAt: fromNow(60),
      },
    ],
    lock: UNLOCKED,
    ...FIRST_VERSION,
    ...changes,
  };
}

/** A client that is simply on. */
export function openClientFixture(changes: Partial<Client> = {}): Required<Client> {
  return clientFixture({
    status: 'enabled',
    startsAt: null,
    expiresAt: null,
    serviceHours: null,
    ...changes,
  });
}

export function userFixture(changes: Partial<User> = {}): Required<User> {
  const userId = changes.userId ?? fresh('user');
  return {
    userId,
    userName: `Ümit.${userId}`,
    displayName: `Ümit ${userId}`,
    email: `${userId}@People.example`,
    status: 'disabled',
    passwordHash: `$2b$12$${userId}`,
    lock: UNLOCKED,
    ...FIRST_VERSION,
    ...changes,
  };
}

export function apiFixture(changes: Partial<Api> = {}): Required<Api> {
  const apiId = changes.apiId ?? fresh('api');
  return {
    apiId,
    method: 'PATCH',
    path: `/orders/:id/${apiId}`,
    name: `Change ${apiId}`,
    ...FIRST_VERSION,
    ...changes,
  };
}

export function apiGroupFixture(changes: Partial<ApiGroup> = {}): Required<ApiGroup> {
  const name = changes.name ?? fresh('group');
  return {
    name,
    displayName: `Group ${name}`,
    description: 'What partners may read',
    securityLevel: 'B',
    audience: 'external',
    apis: ['api-x', 'api-y'],
    ...FIRST_VERSION,
    ...changes,
  };
}

export function apiScopeFixture(changes: Partial<ApiScope> = {}): Required<ApiScope> {
  const name = changes.name ?? fresh('scope');
  return {
    name,
    displayName: `Scope ${name}`,
    description: 'What a person may consent to',
    securityLevel: 'B',
    apis: ['api-x'],
    ...FIRST_VERSION,
    ...changes,
  };
}

let rank = 1000;

export function securityLevelFixture(
  changes: Partial<SecurityLevel> = {},
): Required<SecurityLevel> {
  rank += 1;
  const name = changes.name ?? fresh('level');
  return { name, displayName: `Level ${name}`, rank, ...FIRST_VERSION, ...changes };
}

export function adminFixture(changes: Partial<Admin> = {}): Required<Admin> {
  const adminId = changes.adminId ?? fresh('admin');
  return {
    adminId,
    userName: `Root.${adminId}`,
    displayName: `Admin ${adminId}`,
    email: `${adminId}@Admins.example`,
    role: 'operator',
    status: 'disabled',
    passwordHash: `$2b$12$${adminId}`,
    ...FIRST_VERSION,
    ...changes,
    totpSecret: changes.totpSecret ?? `sealed.${adminId}`,
  };
}

export function accessKeyFixture(
  changes: Partial<PersonalAccessToken> = {},
): Required<PersonalAccessToken> {
  const accessTokenId = changes.accessTokenId ?? fresh('pat');
  return {
    accessTokenId,
    adminId: 'admin-1',
    label: `Deploy ${accessTokenId}`,
    role: 'operator',
    digest: digestOf(accessTokenId),
    lastFour: 'aB3_',
    expiresAt: fromNow(86_400),
    ...FIRST_VERSION,
    ...changes,
  };
}

/** A key of a client that does not exist, unless one is named. */
export function apiKeyFixture(changes: Partial<ApiKey> = {}): Required<ApiKey> {
  const apiKeyId = changes.apiKeyId ?? fresh('key');
  return {
    apiKeyId,
    clientId: 'client-of-keys',
    alias: `Lager Süd ${apiKeyId}`,
    startsAt: fromNow(-3600),
    expiresAt: fromNow(30 * 86_400),
    apiGroups: ['orders.read', 'orders.write'],
    status: 'disabled',
    current: { digest: digestOf(`current-${apiKeyId}`), lastFour: 'k9-_' },
    previous: {
      digest: digestOf(`previous-${apiKeyId}`),
      lastFour: '_oLd',
      expiresAt: fromNow(600),
    },
    ...FIRST_VERSION,
    ...changes,
  };
}

/** A mail that one of two addresses has not got; asked for at `NOW`. */
export function mailFixture(changes: Partial<MailRecord> = {}): Required<MailRecord> {
  const mailId = changes.mailId ?? fresh('mail');
  return {
    mailId,
    at: NOW,
    to: ['ops@partner.example', `${mailId}@Partner.example`],
    pending: ['ops@partner.example'],
    subject: `Ein Schlüssel für "訂單" ${mailId}`,
    template: 'api-key-rotated',
    object: { kind: 'client', id: `client-of-${mailId}` },
    state: 'retrying',
    attempts: 2,
    nextAttemptAt: fromNow(60),
    error: 'ops@partner.example: 451 4.7.1 $set later',
    updatedAt: fromNow(1),
    expiresAt: fromNow(90 * 86_400),
    ...changes,
  };
}

/** An access token of `maxUses` uses, live at `NOW`. */
export function accessTokenFixture(changes: Partial<AccessToken> = {}): Required<AccessToken> {
  return {
    kind: 'access_token',
    tokenId: digestOf(randomUUID()),
    clientId: 'client-of-tokens',
    userId: null,
    grantType: 'client_credentials',
    scopes: ['orders.read', 'orders.write'],
    issuedAt: NOW,
    expiresAt: fromNow(3600),
    revokedAt: null,
    maxUses: 100,
    uses: 0,
    familyId: null,
    ...changes,
  };
}

/** A refresh-token family, live at `NOW`. */
export function familyFixture(changes: Partial<RefreshFamily> = {}): Required<RefreshFamily> {
  return {
    kind: 'refresh_token',
    tokenId: randomUUID(),
    clientId: 'client-of-tokens',
    userId: null,
    grantType: 'password',
    scopes: ['orders.read'],
    issuedAt: NOW,
    expiresAt: fromNow(86_400),
    revokedAt: null,
    maxUses: 10,
    uses: 0,
    currentDigest: digestOf(randomUUID()),
    rotatedAt: null,
    ...changes,
  };
}

/** A refusal with a trace of a passed, a refused and an inapplicable check, kept at `NOW`. */
export function decisionFixture(changes: Partial<DecisionRecord> = {}): Required<DecisionRecord> {
  return {
    decisionId: fresh('decision'),
    at: NOW,
    place: 'call',
    reason: 'outside_service_hours',
    clientId: 'client-of-decisions',
    userId: 'user-1',
    callerId: 'gateway-1',
    address: '2001:db8::7',
    method: 'PATCH',
    path: '/orders/7.$x',
    apiId: 'api-x',
    grantType: 'client_credentials',
    credential: { kind: 'access_token', id: 'token-1', scopes: ['orders.read', 'orders.write'] },
    weight: 3,
    trace: [
      {
        ...{ number: 1, check: 'token_known', outcome: 'passed', reason: null },
        ...{ seen: true, wanted: { 'a.$b': [1, null, 'x'] }, passesAt: null },
      },
      {
        ...{ number: 7, check: 'service_hours', outcome: 'refused', seen: 'sat 12:00' },
        ...{ reason: 'outside_service_hours', wanted: [], passesAt: fromNow(3600) },
      },
      {
        ...{ number: 9, check: 'user', outcome: 'not_applicable', reason: null },
        ...{ seen: null, wanted: null, passesAt: null },
      },
    ],
    expiresAt: fromNow(30 * 86_400),
    ...changes,
  };
}

/** Calls of one client to one API in the hour of `NOW`. */
export function usageCountFixture(changes: Partial<UsageCount> = {}): Required<UsageCount> {
  return {
    clientId: 'client-of-usage',
    apiId: 'api-x',
    hour: new Date('2027-03-31T16:00:00.000Z'),
    outcome: 'allowed',
    calls: 3,
    ...changes,
  };
}

/** A bill over nothing, of weight 1. */
export function billFixture(changes: Partial<Bill> = {}): Required<Bill> {
  return { weight: 1, quota: null, uses: null, retry: null, ...changes };
}

/** The quota of a client that does not exist, for a day that ends an hour after `NOW`. */
export function quotaFixture(changes: Partial<QuotaLine> = {}): Required<QuotaLine> {
  return {
    clientId: fresh('client-of-quotas'),
    window: 'day:2027-03-31',
    limit: 10,
    endsAt: fromNow(3600),
    ...changes,
  };
}

/** A new retry key, good for a minute from `NOW`. */
export function retryFixture(changes: Partial<RetryLine> = {}): Required<RetryLine> {
  return {
    key: digestOf(randomUUID()),
    decisionId: fresh('decision'),
    expiresAt: fromNow(60),
    ...changes,
  };
}

/** Spends one use of an access token; answers the uses spent so far, or null when refused. */
export async function spendUse(
  { charges }: Pick<Stores, 'charges'>,
  tokenId: string,
  now: Date,
): Promise<number | null> {
  const receipt = await charges.book(billFixture({ uses: { tokenId } }), now);
  return receipt.outcome === 'refused' ? null : receipt.uses;
}
