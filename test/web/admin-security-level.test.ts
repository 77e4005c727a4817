import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, signedIn } from './console-support.ts';
import { fillIn, formOf } from './security-support.ts';

let app: TestApp;
let browser: Browser;

beforeAll(async () => {
  app = await startApp();
  browser = await signedIn(app, 'operator');
  await app.createGroup('top.read', { securityLevel: 'A' }, ['GET /top']);
  await app.createGroup('mid.read', { securityLevel: 'C' });
  await app.createGroup('low.read');
  await app.createScope('top.profile', { securityLevel: 'B' });
  await app.createScope('low.profile');
});
afterAll(() => app.close());

/** A client of level A that holds everything. */
async function topClient(): Promise<{ clientId: string; path: string }> {
  const { clientId } = await app.createClient({
    securityLevel: 'A',
    audience: 'both',
    apiGroups: ['top.read', 'mid.read', 'low.read'],
    apiScopes: ['top.profile', 'low.profile'],
  });
  return { clientId, path: `/admin/clients/${clientId}/security-level` };
}

const held = async (clientId: string) => {
  const { securityLevel, apiGroups, apiScopes } = await findClient(app.services, clientId);
  return { securityLevel, apiGroups, apiScopes };
};

/** What the preview says is removed. */
const removes = (page: ConsolePage, path: string) => formOf(page, path).getAll('removes');

describe('the tab "Security level"', () => {
  it('offers every level, the highest first, and says how much each may hold', async () => {
    const { path } = await topClient();
    const { status, html, text } = await browser.get(path);
    expect(status).toBe(200);
    const values = [...html.matchAll(/type="radio"[^>]*value="(\w+)"/g)].map(([, value]) => value);
    expect(values).toEqual(['A', 'B', 'C', 'SYSTEM']);
    expect(text).toContain('A · highest · current May hold 3 API groups and 2 API scopes');
    expect(text).toContain('SYSTEM May hold 1 API group and 1 API scope');
  });

  it('previews exactly what a lower level then removes, and keeps all until it is confirmed', async () => {
    const { clientId, path } = await topClient();
    await app.createKey(clientId, { alias: 'nightly', apiGroups: ['top.read', 'low.read'] });
    const before = await held(clientId);
    const preview = await fillIn(browser, path, { securityLevel: 'C' });
    expect(preview.status).toBe(200);
    expect(removes(preview, path)).toEqual(['group top.read', 'scope top.profile']);
    expect(preview.text).toContain('1 API group is removed top.read');
    expect(preview.text).toContain('1 API scope is removed top.profile');
    expect(preview.text).toMatch(/1 X-Api-Key loses it too nightly \(….{4}\): keeps 1 group/);
    expect(preview.text).toContain('Cancel');
    expect(await held(clientId)).toEqual(before);

    const done = await browser.send(preview, {}, path);
    expect([done.status, done.location]).toEqual([303, path]);
    expect((await browser.follow(done)).text).toContain('now C; 2 groups and scopes were removed');
    expect(await held(clientId)).toEqual({
      securityLevel: 'C',
      apiGroups: ['mid.read', 'low.read'],
      apiScopes: ['low.profile'],
    });
  });

  it('asks again when the catalog changed between the preview and the answer', async () => {
    const { clientId, path } = await topClient();
    const preview = await fillIn(browser, path, { securityLevel: 'C' });
    const again = await browser.send(preview, { removes: ['group top.read'] }, path);
    expect(again.status).toBe(200);
    expect(removes(again, path)).toEqual(['group top.read', 'scope top.profile']);
    expect((await held(clientId)).securityLevel).toBe('A');
  });

  it('raises a level without asking', async () => {
    const { clientId } = await app.createClient({ apiGroups: ['low.read'] });
    const path = `/admin/clients/${clientId}/security-level`;
    const done = await fillIn(browser, path, { securityLevel: 'B' });
    expect([done.status, done.location]).toEqual([303, path]);
    expect(await held(clientId)).toMatchObject({ securityLevel: 'B', apiGroups: ['low.read'] });
  });

  it('says that nothing has changed when the level stays', async () => {
    const { path } = await topClient();
    const done = await fillIn(browser, path);
    expect((await browser.follow(done)).text).toContain('Nothing has changed.');
  });

  it('refuses a level that there is not, at the field', async () => {
    const { clientId, path } = await topClient();
    const page = await fillIn(browser, path, { securityLevel: 'Z' });
    expect(page.status).toBe(422);
    expect(page.title).toMatch(/^Error: /);
    expect(page.text).toContain('Security level: there is no "Z"');
    expect((await held(clientId)).securityLevel).toBe('A');
  });

  it('shows both levels when somebody else was quicker, and saves nothing', async () => {
    const { clientId, path } = await topClient();
    const page = await browser.get(path);
    const other = await signedIn(app, 'operator');
    await other.send(await fillIn(other, path, { securityLevel: 'B' }), {}, path);
    const stale = await browser.send(page, { securityLevel: 'C' }, path);
    expect(stale.status).toBe(412);
    expect(stale.text).toContain(`${other.admin.userName} changed it`);
    expect(stale.text).toContain('Stored now You entered Security level B C');
    expect((await held(clientId)).securityLevel).toBe('B');
    const repeated = await browser.send(stale, { securityLevel: 'C' }, path);
    expect(removes(repeated, path)).toEqual(['scope top.profile']);
  });
});
