import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { type Browser, signedIn, stranger } from './console-support.ts';

let app: TestApp;
let viewer: Browser;
let operator: Browser;

beforeAll(async () => {
  app = await startApp();
  [viewer, operator] = await Promise.all([signedIn(app, 'viewer'), signedIn(app, 'operator')]);
});
afterAll(() => app.close());

describe('GET /admin/clients/:clientId', () => {
  it('shows every setting with its unit and zone, and nothing secret', async () => {
    await app.createGroup('details.read', {}, ['GET /details']);
    const { user } = await app.createUser({ userName: 'grace' });
    const { clientId, secret } = await app.createClient({
      clientName: 'details-batch',
      displayName: 'Details batch',
      applicationNo: 'APP-7',
      description: 'Fetches details',
      note: 'nightly',
      remark: 'call ops first',
      emails: ['ops@partner.example'],
      audience: 'external',
      environment: 'testing',
      ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }],
      startsAt: new Date('2034-12-31T00:00:00Z'),
      expiresAt: new Date('2035-03-31T00:00:00Z'),
      serviceHours: {
        timeZone: 'Asia/Tokyo',
        windows: [
          { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '24:00' },
          { days: ['sat', 'sun'], from: '10:00', to: '12:00' },
        ],
      },
      apiQuota: { calls: 5000, period: 'week' },
      timeZone: 'Asia/Taipei',
      tps: 10,
      priority: 2,
      userAllowlist: [user.userId],
      grantTypes: ['password', 'refresh_token'],
      accessToken: { lifetimeSeconds: 86_400, maxUses: 1000 },
      redirectUris: ['https://partner.example/back'],
      failedLoginLimit: 4,
    });
    await app.updateClient(clientId, { audience: 'both', apiGroups: ['details.read'] });
    const { status, text, html, title } = await viewer.get(`/admin/clients/${clientId}`);
    expect([status, title]).toEqual([200, 'Details · Details batch · Tollgate']);
    for (const shown of [
      ...['details-batch', 'APP-7', 'Fetches details', 'nightly', 'call ops first', clientId],
      ...['ops@partner.example', 'Internal and external', 'Testing', 'grace', '192.0.2.0/24 (hq)'],
      'Mon–Fri 09:00–24:00 Asia/Tokyo',
      'Sat, Sun 10:00–12:00 Asia/Tokyo',
      '31 Mar 2035, 00:00 UTC',
      '5,000 calls a week',
      '10 calls a second on each node',
      '2 (0 is the highest, 9 the lowest)',
      '1 day (86,400 s)',
      '1,000 uses',
      'https://partner.example/back',
      '4 wrong secrets in a row',
      'details.read',
    ])
      expect(text).toContain(shown);
    expect(html).not.toContain(secret);
    expect(html).not.toMatch(/secretId|\$2b\$/);
  });

  it.each([
    ['any address', [], 'The client may call from any address'],
    ['its addresses', [{ hostName: '', address: '127.0.0.0/8' }], '127.0.0.1, which is among'],
    ['others', [{ hostName: '', address: '192.0.2.7' }], '127.0.0.1, which is not among'],
  ])('tells whether the reader’s own address is bound: %s', async (_, ipBindings, told) => {
    const { clientId } = await app.createClient({ ipBindings });
    expect((await viewer.get(`/admin/clients/${clientId}`)).text).toContain(told);
  });

  it('offers a viewer nothing that a viewer may not do, and says why', async () => {
    const { clientId } = await app.createClient();
    const path = `/admin/clients/${clientId}`;
    const shown = await viewer.get(path);
    expect(shown.html).not.toContain(`href="${path}/edit/who"`);
    expect(shown.html).not.toContain(`action="${path}/disable"`);
    expect(shown.text).toContain('Needs the role operator');
    const offered = await operator.get(path);
    expect(offered.html).toContain(`href="${path}/edit/who"`);
    expect(offered.html).toContain(`action="${path}/disable"`);
  });

  it('answers 404 for a client that does not exist, and sends strangers to the sign-in', async () => {
    expect((await viewer.get('/admin/clients/nobody')).status).toBe(404);
    const { status, location } = await stranger(app, '/admin/clients/nobody');
    expect([status, location]).toEqual([303, '/admin/sign-in?next=%2Fadmin%2Fclients%2Fnobody']);
  });

  it('escapes what others have typed, on every page of the client', async () => {
    const evil = '<img src=x onerror=alert(1)>"\'';
    const { clientId } = await app.createClient({
      displayName: evil,
      note: evil,
      remark: evil,
      description: evil,
      applicationNo: evil,
      ipBindings: [{ hostName: evil, address: '192.0.2.1' }],
    });
    const below = ['', '/edit/who', '/edit/where', '/delete', '/tokens', '/audit'];
    for (const path of below) {
      const { status, html } = await operator.get(`/admin/clients/${clientId}${path}`);
      expect([path, status]).toEqual([path, 200]);
      expect(html).not.toContain('<img');
      expect(html).toContain('&lt;img');
    }
  });
});

describe('acts of one press', () => {
  it('disables and enables a client at once, and says what that does', async () => {
    const client = await app.createClient({ displayName: 'Pressed' });
    const path = `/admin/clients/${client.clientId}`;
    const page = await operator.get(path);
    const disabled = await operator.follow(await operator.send(page, {}, `${path}/disable`));
    expect(disabled.path).toBe(path);
    expect(disabled.text).toContain('“Pressed” is disabled: its calls are refused from now on');
    expect(disabled.text).toContain('May not call now: it is disabled.');
    expect((await app.token(client)).status).toBe(401);
    await operator.send(disabled, {}, `${path}/enable`);
    expect((await app.token(client)).status).toBe(200);
  });

  it('unlocks a client', async () => {
    const client = await app.createClient({ failedLoginLimit: 1 });
    await app.token({ ...client, secret: 'a wrong secret' });
    const path = `/admin/clients/${client.clientId}`;
    const locked = await operator.get(path);
    expect(locked.text).toContain('May not call now: locked since 1 Jan 2035, 12:00 UTC');
    const after = await operator.follow(await operator.send(locked, {}, `${path}/unlock`));
    expect(after.text).toContain('is unlocked');
    expect(after.text).not.toContain('May not call now');
  });

  it('goes back to the page of the console that the form names, and to no other site', async () => {
    const { clientId } = await app.createClient();
    const act = (next: string) => operator.post(`/admin/clients/${clientId}/disable`, { next });
    expect((await act('/admin/clients?status=locked')).location).toBe(
      '/admin/clients?status=locked',
    );
    for (const next of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      'javascript:1',
    ])
      expect((await act(next)).location).toBe(`/admin/clients/${clientId}`);
  });

  it.each(['disable', 'enable', 'unlock', 'delete', 'edit/who', 'tokens/revoke-all'])(
    'refuses %s to a viewer who makes the request by hand',
    async (act) => {
      const { clientId } = await app.createClient();
      const before = await app.services.stores.clients.find(clientId);
      const { status } = await viewer.post(`/admin/clients/${clientId}/${act}`, { version: '1' });
      expect(status).toBe(403);
      expect(await app.services.stores.clients.find(clientId)).toEqual(before);
    },
  );

  it('refuses an act whose form is not of this session', async () => {
    const { clientId } = await app.createClient();
    const { status } = await operator.post(`/admin/clients/${clientId}/disable`, { csrf: 'x' });
    expect(status).toBe(403);
    expect((await app.services.stores.clients.find(clientId))?.status).toBe('enabled');
  });
});
