import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findApiGroup, updateApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import { startApp, TESTER, type TestApp } from '../support/app.ts';
import { type Browser, signedIn } from './console-support.ts';
import { fillIn, formOf } from './security-support.ts';

let app: TestApp;
let browser: Browser;

beforeAll(async () => {
  app = await startApp();
  browser = await signedIn(app, 'operator');
  const calls = ['GET /orders', 'GET /orders/:id', 'POST /orders'];
  await app.createGroup('orders.read', { displayName: 'Read orders' }, calls);
  await app.createGroup('orders.write', { displayName: 'Write orders', audience: 'internal' });
  await app.createGroup('stock.read', { displayName: 'Read stock' });
  await app.createGroup('ledger.read', { securityLevel: 'B' });
  await app.createGroup('partner.read', { audience: 'external' });
  await app.createScope('profile', { displayName: 'Profile' });
  await app.createScope('secret-profile', { securityLevel: 'A' });
});
afterAll(() => app.close());

const groups = (clientId: string) => `/admin/clients/${clientId}/api-groups`;
const heldBy = async (clientId: string) => (await findClient(app.services, clientId)).apiGroups;

describe('the tab "API groups"', () => {
  it('says what to do while there is none', async () => {
    const { clientId } = await app.createClient();
    const { text, html } = await browser.get(groups(clientId));
    expect(text).toContain('This client holds no API group');
    expect(html).toContain(`href="${groups(clientId)}/add"`);
  });

  it('lists name, display name, level, audience and APIs of each', async () => {
    const { clientId } = await app.createClient({ apiGroups: ['orders.read', 'orders.write'] });
    const { text } = await browser.get(groups(clientId));
    expect(text).toContain('2 API groups');
    expect(text).toContain(
      'orders.read Read orders SYSTEM Internal and external GET /orders GET /orders/:id and 1 more',
    );
    expect(text).toContain('orders.write Write orders SYSTEM Internal No API');
  });

  it('offers only what the client may hold, and counts the rest by reason', async () => {
    const { clientId } = await app.createClient({ apiGroups: ['orders.read'] });
    const { text, html } = await browser.get(`${groups(clientId)}/add`);
    const offered = [...html.matchAll(/type="checkbox"[^>]*value="([^"]+)"/g)].map(([, v]) => v);
    expect(offered).toEqual(['orders.write', 'stock.read']);
    expect(text).toContain('1 group is not offered: above the security level SYSTEM.');
    expect(text).toContain('1 group is not offered: not for the audience internal.');
  });

  it('finds by name and display name, and keeps what was ticked before', async () => {
    const { clientId } = await app.createClient();
    const add = `${groups(clientId)}/add`;
    const found = await browser.get(`${add}?search=write`);
    expect(found.text).toContain('1 of 3 match');
    expect(found.text).not.toContain('stock.read');
    const searched = await browser.send(
      found,
      { name: 'orders.write', find: 'yes', search: 'stock' },
      add,
    );
    expect(searched.location).toBe(`${add}?search=stock&name=orders.write`);
    const page = await browser.follow(searched);
    expect(formOf(page, add).getAll('name')).toEqual(['orders.write']);
    expect(page.text).toContain('stock.read');
    const done = await browser.send(page, { name: ['orders.write', 'stock.read'] }, add);
    expect(done.location).toBe(groups(clientId));
    expect((await browser.follow(done)).text).toContain('Added orders.write, stock.read.');
    expect(await heldBy(clientId)).toEqual(['orders.write', 'stock.read']);
  });

  it('asks for a tick when there is none', async () => {
    const { clientId } = await app.createClient();
    const page = await fillIn(browser, `${groups(clientId)}/add`);
    expect(page.status).toBe(422);
    expect(page.text).toContain('API groups: tick at least one');
    expect(page.html).toContain('<a href="#name">');
  });

  it.each([
    ['ledger.read', 'is above the security level'],
    ['partner.read', 'another audience'],
  ])('refuses %s, which it does not offer, in a request made by hand', async (name, why) => {
    const { clientId } = await app.createClient();
    const page = await fillIn(browser, `${groups(clientId)}/add`, { name });
    expect(page.status).toBe(422);
    expect(page.text).toContain(why);
    expect(await heldBy(clientId)).toEqual([]);
  });

  it('removes one', async () => {
    const { clientId } = await app.createClient({ apiGroups: ['orders.read', 'stock.read'] });
    const action = `${groups(clientId)}/remove`;
    const done = await fillIn(browser, groups(clientId), { name: 'orders.read' }, action);
    expect((await browser.follow(done)).text).toContain('Removed orders.read.');
    expect(await heldBy(clientId)).toEqual(['stock.read']);
  });

  it('asks first where keys lose the group too, and names them', async () => {
    const { clientId } = await app.createClient({ apiGroups: ['orders.read'] });
    await app.createKey(clientId, { alias: 'nightly' });
    const action = `${groups(clientId)}/remove`;
    const asked = await fillIn(browser, groups(clientId), {}, action);
    expect([asked.status, asked.location]).toEqual([200, null]);
    expect(asked.text).toMatch(/nightly \(….{4}\): left without any group/);
    expect(await heldBy(clientId)).toEqual(['orders.read']);
    expect((await browser.send(asked, {}, action)).status).toBe(303);
    expect(await heldBy(clientId)).toEqual([]);
  });

  it('says what the client may no longer use, and drops it at the next change', async () => {
    await app.createGroup('moving.read');
    const { clientId } = await app.createClient({ apiGroups: ['moving.read'] });
    const { version } = await findApiGroup(app.services, 'moving.read');
    const patch = { securityLevel: 'A' };
    await updateApiGroup(app.services, TESTER, { id: 'moving.read', version, patch });
    const { text } = await browser.get(groups(clientId));
    expect(text).toContain('Above the level SYSTEM: not usable');
    const done = await fillIn(browser, `${groups(clientId)}/add`, { name: 'stock.read' });
    expect((await browser.follow(done)).text).toContain('Removed besides');
    expect(await heldBy(clientId)).toEqual(['stock.read']);
  });

  it('adds nothing on a version that is gone, keeps the ticks, and works when repeated', async () => {
    const { clientId } = await app.createClient();
    const add = `${groups(clientId)}/add`;
    const page = await browser.get(add);
    await app.updateClient(clientId, { note: 'changed in between' });
    const stale = await browser.send(page, { name: 'stock.read' }, add);
    expect(stale.status).toBe(412);
    expect(stale.text).toContain('This changed after you opened the page');
    expect(await heldBy(clientId)).toEqual([]);
    expect((await browser.send(stale, {}, add)).status).toBe(303);
    expect(await heldBy(clientId)).toEqual(['stock.read']);
  });

  it('removes nothing on a version that is gone', async () => {
    const { clientId } = await app.createClient({ apiGroups: ['stock.read'] });
    const page = await browser.get(groups(clientId));
    await app.updateClient(clientId, { note: 'changed in between' });
    const stale = await browser.send(page, {}, `${groups(clientId)}/remove`);
    expect(stale.status).toBe(412);
    expect(await heldBy(clientId)).toEqual(['stock.read']);
  });

  it('is gone for a group that the client does not hold', async () => {
    const { clientId } = await app.createClient({ apiGroups: ['stock.read'] });
    const page = await browser.get(groups(clientId));
    const action = `${groups(clientId)}/remove`;
    expect((await browser.send(page, { name: 'orders.read' }, action)).status).toBe(404);
  });
});

describe('the tab "API scopes"', () => {
  it('adds and removes scopes, and hides those above the level', async () => {
    const { clientId } = await app.createClient();
    const path = `/admin/clients/${clientId}/api-scopes`;
    const page = await browser.get(`${path}/add`);
    expect(page.text).toContain('1 scope is not offered: above the security level SYSTEM.');
    const added = await browser.send(page, { name: 'profile' }, `${path}/add`);
    expect((await browser.follow(added)).text).toContain('profile Profile SYSTEM No API');
    expect((await findClient(app.services, clientId)).apiScopes).toEqual(['profile']);
    await fillIn(browser, path, {}, `${path}/remove`);
    expect((await findClient(app.services, clientId)).apiScopes).toEqual([]);
  });
});
