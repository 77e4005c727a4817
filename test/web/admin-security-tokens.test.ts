import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findClient, unlockClient } from '../../src/domain/clients/manage-clients.ts';
import { startApp, TESTER, type TestApp } from '../support/app.ts';
import { type Browser, signedIn } from './console-support.ts';
import { fillIn, formOf } from './security-support.ts';

let app: TestApp;
let browser: Browser;

beforeAll(async () => {
  app = await startApp();
  browser = await signedIn(app, 'operator');
});
afterAll(() => app.close());

const stored = (clientId: string) => findClient(app.services, clientId);

describe('the tab "Token settings"', () => {
  const pathOf = (clientId: string) => `/admin/clients/${clientId}/token-settings`;

  it('shows an overtaken form whose units are none', async () => {
    const { clientId } = await app.createClient();
    const page = await browser.get(pathOf(clientId));
    await app.updateClient(clientId, { tps: 3 });
    const fields = { 'accessToken.lifetime.unit': ['h', 'fortnight'] };
    const bad = await browser.send(page, { 'accessToken.lifetime.unit': 'eon' }, pathOf(clientId));
    expect(bad.status).toBe(422);
    expect((await browser.send(page, fields, pathOf(clientId))).status).toBe(412);
  });

  it('explains each grant type, and says what lifetime and uses mean together', async () => {
    const { clientId } = await app.createClient({
      grantTypes: ['password', 'refresh_token'],
      accessToken: { lifetimeSeconds: 86_400, maxUses: 3 },
      refreshToken: { lifetimeSeconds: 7200, maxUses: 0 },
    });
    const { text } = await browser.get(pathOf(clientId));
    expect(text).toContain('Usable 3 times within 1 day; whichever ends first.');
    expect(text).toContain('Refreshes any number of times within 2 hours.');
    expect(text).toContain('= 86,400 s');
    for (const words of ['With its own ID and secret.', 'the name and password of a user'])
      expect(text).toContain(words);
  });

  it('says that no refresh token is issued where its grant type is off', async () => {
    const { clientId } = await app.createClient();
    expect((await browser.get(pathOf(clientId))).text).toContain('None is issued');
  });

  it('saves grant types, lifetimes with units, uses and redirect URLs', async () => {
    const { clientId } = await app.createClient();
    const done = await fillIn(browser, pathOf(clientId), {
      grantTypes: ['password', 'refresh_token', 'authorization_code'],
      'accessToken.lifetime': '1',
      'accessToken.lifetime.unit': 'd',
      'accessToken.maxUses': '3',
      'accessToken.maxUses.unlimited': null,
      'refreshToken.lifetime': '90',
      'refreshToken.lifetime.unit': 'm',
      redirectUris: 'https://partner.example/callback\nhttp://127.0.0.1:8080/callback',
    });
    expect([done.status, done.location]).toEqual([303, pathOf(clientId)]);
    expect(await stored(clientId)).toMatchObject({
      grantTypes: ['password', 'refresh_token', 'authorization_code'],
      accessToken: { lifetimeSeconds: 86_400, maxUses: 3 },
      refreshToken: { lifetimeSeconds: 5400, maxUses: 0 },
      redirectUris: ['https://partner.example/callback', 'http://127.0.0.1:8080/callback'],
    });
    expect((await browser.follow(done)).text).toContain('Usable 3 times within 1 day');
  });

  it('keeps what is left blank, rather than making it unlimited', async () => {
    const { clientId } = await app.createClient({
      accessToken: { lifetimeSeconds: 600, maxUses: 7 },
    });
    const blank = { 'accessToken.lifetime': '', 'accessToken.maxUses': '' };
    expect((await fillIn(browser, pathOf(clientId), blank)).status).toBe(303);
    expect((await stored(clientId)).accessToken).toEqual({ lifetimeSeconds: 600, maxUses: 7 });
  });

  it('shows every bad field at once, with what was typed', async () => {
    const { clientId } = await app.createClient();
    const page = await fillIn(browser, pathOf(clientId), {
      'accessToken.lifetime': '400',
      'accessToken.lifetime.unit': 'd',
      'accessToken.maxUses': 'three',
      'accessToken.maxUses.unlimited': null,
      redirectUris: 'https://*.partner.example/',
    });
    expect(page.status).toBe(422);
    const problems = ['accessToken.lifetime', 'accessToken.maxUses', 'redirectUris'];
    for (const field of problems) expect(page.html).toContain(`<a href="#${field}">`);
    expect(formOf(page, pathOf(clientId)).get('accessToken.maxUses')).toBe('three');
    expect((await stored(clientId)).version).toBe(1);
  });

  it('shows what is stored beside what was entered when the version is gone', async () => {
    const { clientId } = await app.createClient();
    const path = pathOf(clientId);
    const page = await browser.get(path);
    await app.updateClient(clientId, { accessToken: { lifetimeSeconds: 7200, maxUses: 0 } });
    const fields = { 'accessToken.lifetime': '30', 'accessToken.lifetime.unit': 'm' };
    const stale = await browser.send(page, fields, path);
    expect(stale.status).toBe(412);
    expect(stale.text).toContain('Access token: lifetime 2 hours 30 minutes');
    expect(stale.text).not.toContain('Redirect URLs none');
    expect(formOf(stale, path).get('accessToken.lifetime')).toBe('2');
    expect((await stored(clientId)).accessToken.lifetimeSeconds).toBe(7200);
    expect((await browser.send(stale, fields, path)).status).toBe(303);
    expect((await stored(clientId)).accessToken.lifetimeSeconds).toBe(1800);
  });
});

describe('the tab "Status"', () => {
  const pathOf = (clientId: string) => `/admin/clients/${clientId}/status`;
  const fail = (clientId: string, address: string | null) =>
    app.services.stores.clients.recordFailedLogin(clientId, { at: app.clock.now(), address }, 2);

  it('saves status and the failed logins that are allowed', async () => {
    const { clientId } = await app.createClient();
    const fields = { status: 'disabled', failedLoginLimit: '5' };
    expect((await fillIn(browser, pathOf(clientId), fields)).status).toBe(303);
    expect(await stored(clientId)).toMatchObject({ status: 'disabled', failedLoginLimit: 5 });
  });

  it('refuses a limit of 0 at its field', async () => {
    const { clientId } = await app.createClient();
    const page = await fillIn(browser, pathOf(clientId), { failedLoginLimit: '0' });
    expect(page.status).toBe(422);
    expect(page.html).toContain('<a href="#failedLoginLimit">');
  });

  it('shows when and from where the failures came, and since when it is locked; unlocks', async () => {
    const { clientId } = await app.createClient({ failedLoginLimit: 2 });
    const path = pathOf(clientId);
    await fail(clientId, '192.0.2.66');
    app.clock.advance(60);
    await fail(clientId, null);
    app.clock.advance(240);
    const page = await browser.get(path);
    expect(page.text).toContain('Locked after 2 wrong secrets');
    expect(page.text).toMatch(/since .*UTC \(4 minutes ago\)/);
    expect(page.text).toMatch(/4 minutes ago .* an unknown address 5 minutes ago .* 192\.0\.2\.66/);
    const done = await browser.send(page, {}, `${path}/unlock`);
    const after = await browser.follow(done);
    expect(after.text).toContain('Unlocked; the count of failed logins is 0.');
    expect((await stored(clientId)).lock).toMatchObject({ lockedAt: null, failedLogins: 0 });
    expect(after.text).toContain('192.0.2.66');
  });

  it('resets the attempts of a client that is not locked yet', async () => {
    const { clientId } = await app.createClient();
    await fail(clientId, '192.0.2.66');
    const page = await browser.get(pathOf(clientId));
    expect(page.text).toContain('1 of 3 failed logins');
    const done = await browser.send(page, {}, `${pathOf(clientId)}/unlock`);
    expect((await browser.follow(done)).text).toContain('The count of failed logins is 0.');
  });

  it('unlocks no lock that came after the page was made; says so', async () => {
    const { clientId } = await app.createClient({ failedLoginLimit: 2 });
    const action = `${pathOf(clientId)}/unlock`;
    await fail(clientId, '192.0.2.66');
    const page = await browser.get(pathOf(clientId));
    await fail(clientId, '192.0.2.67');
    const late = await browser.send(page, {}, action);
    expect(late.status).toBe(412);
    expect(late.text).toContain('The count of failed logins, or the lock, is another now.');
    expect(late.text).toContain('Locked after 2 wrong secrets');
    expect((await stored(clientId)).lock.lockedAt).not.toBeNull();
    expect((await browser.send(late, {}, action)).status).toBe(303);
    expect((await browser.send(late, {}, action)).status).toBe(412);
  });

  it('has nothing to reset while nothing is counted', async () => {
    const { clientId } = await app.createClient();
    await unlockClient(app.services, TESTER, clientId);
    const { text, html } = await browser.get(pathOf(clientId));
    expect(text).toContain('No failed login is counted.');
    expect(html).toMatch(/disabled[^>]*>Reset password attempts/);
  });
});
