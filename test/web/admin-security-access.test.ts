import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Role } from '../../src/domain/admins/admin.ts';
import { STEP_UP_SECONDS } from '../../src/domain/admins/admin-session.ts';
import { findApiKey } from '../../src/domain/api-keys/manage-api-keys.ts';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import { securityRoutes } from '../../src/web/security/index.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type Browser, signedIn, stranger } from './console-support.ts';
import { fillIn } from './security-support.ts';

let app: TestApp;
let browsers: Record<Role, Browser>;

beforeAll(async () => {
  app = await startApp();
  const [viewer, operator, security, owner] = await Promise.all(
    (['viewer', 'operator', 'security', 'owner'] as const).map((role) => signedIn(app, role)),
  );
  browsers = { viewer, operator, security, owner } as Record<Role, Browser>;
  await app.createGroup('orders.read');
});
afterAll(() => app.close());

/** A client with a key and a secret, and the path of a route for it. */
async function target() {
  const { clientId } = await app.createClient({
    apiGroups: ['orders.read'],
    emails: ['ops@partner.example'],
  });
  const { apiKeyId } = await app.createKey(clientId);
  const { secrets } = await findClient(app.services, clientId);
  const pathOf = (path: string) =>
    path
      .replace(':clientId', clientId)
      .replace(':apiKeyId', apiKeyId)
      .replace(':secretId', secrets[0]?.secretId ?? '');
  const record = async () => ({
    client: await findClient(app.services, clientId),
    key: await findApiKey(app.services, apiKeyId),
  });
  return { clientId, pathOf, record };
}

const TABS = [
  'security-level',
  'api-groups',
  'api-scopes',
  'token-settings',
  'api-keys',
  'status',
  'secrets',
];

describe('the security tabs', () => {
  it.each(TABS)('%s is read by a viewer, who is offered nothing to change', async (tab) => {
    const { clientId } = await target();
    const path = `/admin/clients/${clientId}/${tab}`;
    const page = await browsers.viewer.get(path);
    expect(page.status).toBe(200);
    const buttons = [...page.html.matchAll(/<button[^>]*button--primary[^>]*>/g)].map(String);
    for (const button of buttons) expect(button).toContain(' disabled');
    expect(page.text).toMatch(/[Nn]eeds the role (operator|security)/);
    expect(page.html).not.toContain(`href="${path}/`);
  });

  const posts = securityRoutes
    .filter(({ method }) => method === 'POST')
    .map(({ path, role }) => [role, path] as const);

  it.each(posts)('need the role %s to post to %s, also by hand', async (role, path) => {
    const { pathOf, record } = await target();
    const before = await record();
    const tooLow = role === 'operator' ? (['viewer'] as const) : (['viewer', 'operator'] as const);
    const fields = { version: '1', status: 'disabled', confirmed: 'yes', name: 'orders.read' };
    for (const lower of tooLow) {
      const answer = await browsers[lower].post(pathOf(path), fields);
      expect([lower, answer.status]).toEqual([lower, 403]);
    }
    const forged = await browsers.owner.post(pathOf(path), { ...fields, csrf: 'forged' });
    expect(forged.status).toBe(403);
    expect(await record()).toEqual(before);
  });

  it('keep levels, groups, scopes, tokens and status for operators; secrets and keys for security', () => {
    const roleOf = Object.fromEntries(posts.map(([role, path]) => [path.split('/')[4], role]));
    expect(roleOf).toEqual({
      'security-level': 'operator',
      'api-groups': 'operator',
      'api-scopes': 'operator',
      'token-settings': 'operator',
      status: 'operator',
      'api-keys': 'security',
      secrets: 'security',
    });
  });

  const proved = securityRoutes.filter(({ role }) => role === 'security');

  it.each(proved.map(({ method, path }) => [method, path] as const))(
    'ask again who it is before %s %s, once ten minutes have passed',
    async (method, path) => {
      const { pathOf, record } = await target();
      const before = await record();
      const browser = await signedIn(app, 'security');
      app.clock.advance(STEP_UP_SECONDS + 1);
      const answer =
        method === 'GET' ? await browser.get(pathOf(path)) : await browser.post(pathOf(path));
      const next = new URLSearchParams({ next: pathOf(path) });
      expect([answer.status, answer.location]).toEqual([303, `/admin/verify?${next}`]);
      expect(await record()).toEqual(before);
      for (const role of ['viewer', 'operator', 'security', 'owner'] as const)
        browsers[role] = await signedIn(app, role);
    },
  );

  it('are for nobody who is not signed in', async () => {
    const { clientId } = await target();
    const answer = await stranger(app, `/admin/clients/${clientId}/secrets`);
    expect([answer.status, answer.location?.split('?')[0]]).toEqual([303, '/admin/sign-in']);
  });

  it('want the version in every form that posts', async () => {
    for (const { method, path, role } of securityRoutes) {
      if (method !== 'POST') continue;
      const { pathOf, record } = await target();
      const before = await record();
      const fields = { name: 'orders.read', status: 'disabled', grace: '1', label: 'x' };
      const answer = await browsers[role].post(pathOf(path), fields);
      expect([path, answer.status]).toEqual([path, 428]);
      expect(await record()).toEqual(before);
    }
  });

  it.each(TABS)('%s of a client that there is not is not found', async (tab) => {
    expect((await browsers.owner.get(`/admin/clients/nobody/${tab}`)).status).toBe(404);
  });
});

describe('texts that somebody entered', () => {
  const EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>';
  const harmless = (html: string) => {
    expect(html).toContain('&lt;script&gt;alert(1)');
    expect(html).not.toContain('<script>alert');
    expect(html).not.toContain('<img');
  };

  it('are escaped: the alias of a key, on every page that names it', async () => {
    const { clientId } = await app.createClient({ apiGroups: ['orders.read'] });
    const { apiKeyId } = await app.createKey(clientId, { alias: EVIL });
    const keys = `/admin/clients/${clientId}/api-keys`;
    for (const path of [keys, `${keys}/${apiKeyId}/rotate`, `${keys}/${apiKeyId}/delete`])
      harmless((await browsers.security.get(path)).html);
    const made = await fillIn(browsers.security, `${keys}/new`, {
      alias: `${EVIL}2`,
      expiresAt: '2036-01-01T00:00',
      apiGroups: 'orders.read',
    });
    expect(made.status).toBe(200);
    harmless(made.html);
    const refused = await fillIn(browsers.security, `${keys}/new`, { alias: EVIL, zone: EVIL });
    expect(refused.status).toBe(422);
    harmless(refused.html);
    const groups = `/admin/clients/${clientId}/api-groups`;
    harmless((await fillIn(browsers.operator, groups, {}, `${groups}/remove`)).html);
    const level = `/admin/clients/${clientId}/security-level`;
    const short = '<script>alert(1)</script>';
    harmless((await fillIn(browsers.operator, level, { securityLevel: short })).html);
  });

  it('are escaped: the label of a secret, in the page, the file and the flash', async () => {
    const { clientId } = await app.createClient();
    const secrets = `/admin/clients/${clientId}/secrets`;
    const made = await fillIn(browsers.security, `${secrets}/generate`, { label: EVIL });
    expect(made.status).toBe(200);
    harmless(made.html);
    harmless((await browsers.security.get(secrets)).html);
    const client = await findClient(app.services, clientId);
    const path = `${secrets}/${client.secrets.at(-1)?.secretId}/retire`;
    const done = await fillIn(browsers.security, path);
    harmless((await browsers.security.follow(done)).html);
  });

  it('are escaped: a search, and the display name of a group', async () => {
    await app.createGroup('evil.read', { displayName: EVIL });
    const { clientId } = await app.createClient({ apiGroups: ['evil.read'] });
    const groups = `/admin/clients/${clientId}/api-groups`;
    harmless((await browsers.viewer.get(groups)).html);
    const query = new URLSearchParams({ search: EVIL, name: EVIL });
    for (const path of [groups, `${groups}/add`])
      harmless((await browsers.operator.get(`${path}?${query}`)).html);
  });
});
