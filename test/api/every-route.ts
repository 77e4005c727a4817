/**
 * Every route of the API once, with a request that is right in every way, and the role that the
 * product asks for: written down here, not read from the code.
 */
import type { Role } from '../../src/domain/admins/admin.ts';
import { type Actor, auditEvent } from '../../src/domain/audit/audit-event.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import type { Services } from '../../src/domain/services.ts';
import type { AccessToken, RefreshFamily } from '../../src/domain/tokens/token.ts';
import { decisionFixture, mailFixture } from '../support/contract-fixtures.ts';
import { type ApiAnswer, smallClient, type TestApi } from './support.ts';

/** One route and its right request. */
export interface RouteRow {
  method: string;
  /** As the OpenAPI document has it. */
  template: string;
  /** The template, filled in. */
  path: string;
  role: Role | 'guest';
  body?: unknown;
  version?: number;
}

/** Ids of records that the requests are about. */
export interface Fixtures {
  clientId: string;
  secretId: string;
  tokenId: string;
  apiKeyId: string;
  userId: string;
  apiId: string;
  group: string;
  scope: string;
  level: string;
  adminId: string;
  accessTokenId: string;
  mailId: string;
  decisionId: string;
}

/** A key, and the groups that its client needs to hold. */
const KEY = {
  alias: 'fixture',
  expiresAt: '2028-01-01T00:00:00Z',
  apiGroups: ['fixture.keys'],
};
const HELD = { apiGroups: KEY.apiGroups };

/** Stores one of everything. */
export async function makeFixtures(api: TestApi): Promise<Fixtures> {
  const make = async (path: string, body: unknown): Promise<ApiAnswer['body']> => {
    const answer = await api.send('POST', path, { body });
    if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`);
    return answer.body;
  };
  await make('/api/v1/api-groups', { name: KEY.apiGroups[0] });
  const client = { ...smallClient('fixture'), emails: ['ops@partner.example'], ...HELD };
  const { clientId, secret } = await make('/api/v1/clients', client);
  const { apiKeyId } = await make(`/api/v1/clients/${clientId}/api-keys`, KEY);
  const user = { userName: 'fixture', password: 'a password for tests' };
  const { userId } = await make('/api/v1/users', user);
  const { apiId } = await make('/api/v1/apis', { method: 'GET', path: '/fixtures/:id' });
  await make('/api/v1/api-groups', { name: 'fixture.read' });
  await make('/api/v1/api-scopes', { name: 'fixture.profile' });
  await make('/api/v1/security-levels', { name: 'FIXTURE', rank: 50 });
  const { adminId } = await make('/api/v1/admins', { userName: 'fixture', role: 'viewer' });
  const token = { adminId, label: 'fixture', role: 'viewer' };
  const { accessTokenId } = await make('/api/v1/access-tokens', token);
  const { access } = await issueTokens(api.services, clientId);
  const decision = decisionFixture({ expiresAt: plusSeconds(api.services.clock.now(), 86_400) });
  await api.services.stores.decisions.record([decision]);
  const mail = mailFixture({ state: 'failed', nextAttemptAt: null });
  await api.services.stores.mails.record(mail);
  return {
    clientId,
    secretId: secret.id,
    tokenId: access.tokenId,
    apiKeyId,
    userId,
    apiId,
    group: 'fixture.read',
    scope: 'fixture.profile',
    level: 'FIXTURE',
    adminId,
    accessTokenId,
    mailId: mail.mailId,
    decisionId: decision.decisionId,
  };
}

/** Issues an access token with a refresh-token family to a client, as the token endpoint does. */
export async function issueTokens(
  services: Services,
  clientId: string,
  userId: string | null = null,
) {
  const now = services.clock.now();
  const base = {
    clientId,
    userId,
    grantType: 'client_credentials' as const,
    scopes: ['orders.read'],
    issuedAt: now,
    expiresAt: plusSeconds(now, 3600),
    revokedAt: null,
    maxUses: 10,
    uses: 0,
  };
  const id = crypto.randomUUID();
  const familyId = `family-${id}`;
  const family: RefreshFamily = {
    ...base,
    kind: 'refresh_token',
    tokenId: familyId,
    currentDigest: services.keys.digest('refresh_token', id),
    rotatedAt: null,
  };
  const tokenId = services.keys.digest('access_token', id);
  const access: AccessToken = { ...base, kind: 'access_token', tokenId, familyId };
  await services.stores.tokens.issue(access, family);
  return { access, family };
}

/** An event that no route writes. */
export async function appendEvent(services: Services, actor: Actor, action: string): Promise<void> {
  const object = { kind: 'test', id: 'test' };
  await services.stores.audit.append(
    auditEvent({ at: services.clock.now(), actor, action, object }),
  );
}

/** Every route once. */
export function everyRoute(f: Fixtures): RouteRow[] {
  return [
    ...clientRows(f),
    ...apiKeyRows(f),
    ...userRows(f),
    ...catalogRows(f),
    ...adminRows(f),
    ...decisionRows(f),
    ...mailRows(f),
    row('guest', 'GET', '/api/openapi.json'),
  ];
}

function clientRows({ clientId, secretId, tokenId }: Fixtures): RouteRow[] {
  const one = { clientId };
  const of = '/api/v1/clients/{clientId}';
  const copy = { clientName: 'copy', displayName: 'Copy' };
  const password = { password: 'another password' };
  const secret = { clientId, secretId };
  return [
    row('viewer', 'GET', '/api/v1/clients'),
    row('operator', 'POST', '/api/v1/clients', {}, { body: smallClient('made') }),
    row('viewer', 'GET', of, one),
    row('operator', 'PATCH', of, one, { body: { note: 'changed' }, version: 1 }),
    row('operator', 'DELETE', of, one),
    row('operator', 'POST', `${of}/unlock`, one),
    row('operator', 'POST', `${of}/copy`, one, { body: copy }),
    row('viewer', 'GET', `${of}/secrets`, one),
    row('security', 'POST', `${of}/secrets`, one, { body: { label: 'second' } }),
    row('security', 'POST', `${of}/secrets/{secretId}/rotate`, secret, {
      body: { graceSeconds: 60 },
    }),
    row('security', 'DELETE', `${of}/secrets/{secretId}`, secret),
    row('security', 'PUT', `${of}/password`, one, { body: password }),
    row('security', 'POST', `${of}/password-reset-mail`, one),
    row('viewer', 'GET', `${of}/tokens`, one),
    row('operator', 'DELETE', `${of}/tokens`, one),
    row('operator', 'DELETE', `${of}/tokens/{tokenId}`, { clientId, tokenId }),
  ];
}

function apiKeyRows({ clientId, apiKeyId }: Fixtures): RouteRow[] {
  const all = '/api/v1/clients/{clientId}/api-keys';
  const of = `${all}/{apiKeyId}`;
  const one = { clientId, apiKeyId };
  return [
    row('viewer', 'GET', all, { clientId }),
    row('security', 'POST', all, { clientId }, { body: { ...KEY, alias: 'made' } }),
    row('viewer', 'GET', of, one),
    row('security', 'PATCH', of, one, { body: { alias: 'Changed' }, version: 1 }),
    row('security', 'DELETE', of, one),
    row('security', 'POST', `${of}/rotate`, one, { body: { graceSeconds: 60 } }),
    row('viewer', 'GET', '/api/v1/api-keys'),
    row('viewer', 'GET', '/api/v1/api-keys/{apiKeyId}', { apiKeyId }),
  ];
}

function userRows({ userId }: Fixtures): RouteRow[] {
  const one = { userId };
  const of = '/api/v1/users/{userId}';
  const user = { userName: 'made', password: 'a password for tests' };
  return [
    row('viewer', 'GET', '/api/v1/users'),
    row('operator', 'POST', '/api/v1/users', {}, { body: user }),
    row('viewer', 'GET', of, one),
    row('operator', 'PATCH', of, one, { body: { displayName: 'Changed' }, version: 1 }),
    row('operator', 'DELETE', of, one),
    row('operator', 'POST', `${of}/unlock`, one),
    row('operator', 'PUT', `${of}/password`, one, { body: { password: 'another password' } }),
  ];
}

function catalogRows({ apiId, group, scope, level }: Fixtures): RouteRow[] {
  const api = { method: 'POST', path: '/made' };
  const change = { displayName: 'Changed' };
  return [
    ...recordRows('operator', '/api/v1/apis', { apiId }, api, { name: 'Changed' }),
    ...recordRows('operator', '/api/v1/api-groups', { name: group }, { name: 'made' }, change),
    ...recordRows(
      'operator',
      '/api/v1/api-scopes',
      { name: scope },
      { name: 'made.scope' },
      change,
    ),
    ...recordRows(
      'security',
      '/api/v1/security-levels',
      { name: level },
      { name: 'MADE', rank: 1 },
      change,
    ),
  ];
}

function adminRows({ adminId, accessTokenId }: Fixtures): RouteRow[] {
  const admin = { userName: 'made', role: 'viewer' };
  const token = { label: 'made', role: 'viewer', adminId };
  const tokens = '/api/v1/access-tokens';
  return [
    row('viewer', 'GET', tokens),
    // Anyone may have tokens of their own; this one is somebody else's.
    row('security', 'POST', tokens, {}, { body: token }),
    row('viewer', 'GET', `${tokens}/{accessTokenId}`, { accessTokenId }),
    row('security', 'DELETE', `${tokens}/{accessTokenId}`, { accessTokenId }),
    row('security', 'POST', '/api/v1/admins/{adminId}/set-up-link', { adminId }),
    ...recordRows('security', '/api/v1/admins', { adminId }, admin, { displayName: 'Changed' }),
    row('viewer', 'GET', '/api/v1/audit-events'),
  ];
}

function decisionRows({ clientId, decisionId }: Fixtures): RouteRow[] {
  return [
    row('viewer', 'GET', '/api/v1/clients/{clientId}/usage', { clientId }),
    row('viewer', 'GET', '/api/v1/decisions'),
    row('viewer', 'GET', '/api/v1/decisions/{decisionId}', { decisionId }),
    row('viewer', 'POST', '/api/v1/decisions/simulate', {}, { body: { clientId } }),
  ];
}

function mailRows({ mailId }: Fixtures): RouteRow[] {
  return [
    row('viewer', 'GET', '/api/v1/mails'),
    row('viewer', 'GET', '/api/v1/mails/{mailId}', { mailId }),
    row('operator', 'POST', '/api/v1/mails/{mailId}/retry', { mailId }),
  ];
}

function recordRows(
  role: Role,
  list: string,
  id: Record<string, string>,
  body: unknown,
  change: unknown,
): RouteRow[] {
  const of = `${list}/{${Object.keys(id)[0]}}`;
  return [
    row('viewer', 'GET', list),
    row(role, 'POST', list, {}, { body }),
    row('viewer', 'GET', of, id),
    row(role, 'PATCH', of, id, { body: change, version: 1 }),
    row(role, 'DELETE', of, id),
  ];
}

function row(
  role: RouteRow['role'],
  method: string,
  template: string,
  parameters: Record<string, string> = {},
  more: Pick<RouteRow, 'body' | 'version'> = {},
): RouteRow {
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name) => parameters[name] ?? '');
  return { role, method, template, path, ...more };
}
