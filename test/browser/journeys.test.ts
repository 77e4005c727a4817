/**
 * What the manuals describe, done in a real browser as a person does it, with and without script: sign
 * in; create a client; search, view, edit it; every security tab; lock, unlock, reset by mail; delete.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createAdmin } from '../../src/domain/admins/manage-admins.ts';
import { startApp, TESTER, type TestApp } from '../support/app.ts';
import {
  axeFinds,
  type Browser,
  browserFor,
  inPage,
  launch,
  openPage,
  type Page,
  seen,
} from '../support/browser.ts';
import { signedIn } from '../web/console-support.ts';

const program = await browserFor('journeys in a browser');
const PASSWORD = 'a passphrase of this journey';

let browser: Browser;
let app: TestApp;
let pages: { page: Page; complaints: string[] }[] = [];

async function visit(options: { script: boolean; jar?: ReadonlyMap<string, string> }) {
  const opened = await openPage(browser, { baseURL: app.url, ...options });
  pages.push(opened);
  return opened.page;
}

/** A page of a signed-in owner. */
async function owner(script: boolean): Promise<Page> {
  return visit({ script, jar: (await signedIn(app)).jar });
}

/** Presses a button or link of the content that leads to another page, or to the same anew. */
async function press(page: Page, name: string | RegExp, role: 'button' | 'link' = 'button') {
  const arrived = page.waitForEvent('load');
  const found = page.locator('main').getByRole(role, { name, exact: typeof name === 'string' });
  await found.first().click();
  await arrived;
}

/** Types into fields and chooses in selects, by name; a limit is no longer unlimited then. */
async function fill(page: Page, fields: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(fields)) {
    const field = page.locator(`[name="${name}"]:not([type=hidden])`).first();
    const unlimited = page.locator(`[name="${name}.unlimited"]`);
    if ((await unlimited.count()) > 0) await unlimited.uncheck();
    const isSelect = (await field.locator('option').count()) > 0;
    await (isSelect ? field.selectOption(value) : field.fill(value));
  }
}

/** Ticks boxes and radios of a name. */
async function tick(page: Page, ...boxes: [name: string, value: string][]): Promise<void> {
  for (const [name, value] of boxes) {
    await page.locator(`[name="${name}"][value="${value}"]`).check();
  }
}

/** Fails on what axe-core finds in a page that only an act shows; without script it cannot look. */
async function expectClean(page: Page, script: boolean): Promise<void> {
  if (script) expect(await axeFinds(page)).toEqual([]);
}

const wordsOf = (page: Page) => seen(page.locator('main'));
const told = (page: Page) => seen(page.getByRole('status').first());
const headingOf = (page: Page) => seen(page.locator('h1'));

beforeAll(async () => {
  if (program !== null) browser = await launch(program);
});
beforeEach(async () => {
  app = await startApp();
  await app.createGroup('orders.read', { displayName: 'Read orders' }, ['GET /orders']);
  await app.createGroup('orders.write', { securityLevel: 'A' }, ['POST /orders']);
  await app.createScope('orders.history', { displayName: 'See your past orders' });
});
afterEach(async () => {
  const complaints = pages.flatMap((each) => each.complaints);
  await Promise.all(pages.map(({ page }) => page.context().close()));
  pages = [];
  await app.close();
  // A refused form is told with status 422, which the console of the browser calls a failure.
  const isAnswer = (text: string) => /status of (4\d\d) /.test(text);
  expect(complaints.filter((text) => !isAnswer(text))).toEqual([]);
});
afterAll(() => browser?.close());

const suite = program === null ? describe.skip : describe;

suite.each([
  ['with script', true],
  ['without script', false],
])('a person, %s', (_, script) => {
  it('sets up an account, signs in where it was going, and signs out', async () => {
    const by = { actor: TESTER, role: 'owner', adminId: null } as const;
    const made = await createAdmin(app.services, by, { userName: 'desk', role: 'operator' });
    const page = await visit({ script });
    await page.goto(made.setUpLink?.url ?? '');
    await fill(page, { password: PASSWORD, confirmation: 'another passphrase' });
    await press(page, 'Set password');
    expect(await wordsOf(page)).toContain('Enter the same password twice');
    await fill(page, { password: PASSWORD, confirmation: PASSWORD });
    await press(page, 'Set password');
    await page.goto('/admin/api-groups?search=orders');
    expect(await headingOf(page)).toBe('Sign in');
    await fill(page, { userName: 'desk', password: 'not this one' });
    await press(page, 'Sign in');
    expect(await wordsOf(page)).toContain('Check the user name and the password');
    expect(await page.getByLabel('User name').inputValue()).toBe('desk');
    await fill(page, { password: PASSWORD });
    await press(page, 'Sign in');
    expect(new URL(page.url()).pathname).toBe('/admin/api-groups');
    await page.locator('.bar__account summary').click();
    const left = page.waitForEvent('load');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await left;
    await page.goto('/admin/api-groups');
    expect(await headingOf(page)).toBe('Sign in');
  });

  it('creates a client step by step, goes back on the way, and tries its secret', async () => {
    const page = await owner(script);
    await page.goto('/admin/clients');
    await press(page, 'Create client', 'link');
    await tick(page, ['template', 'partner_back_end']);
    await press(page, 'Continue step by step');
    await press(page, 'Next');
    expect(await wordsOf(page)).toContain('There is a problem');
    await expectClean(page, script);
    await fill(page, { clientName: 'north-wind', displayName: 'North Wind', note: 'first wave' });
    await press(page, 'Next');
    await press(page, 'Back');
    expect(await page.locator('[name=displayName]').inputValue()).toBe('North Wind');
    await press(page, 'Next');
    await press(page, 'Next');
    expect(await page.locator('[name="apiQuota.calls"]').inputValue()).toBe('10000');
    await press(page, 'Next');
    await tick(page, ['apiGroups', 'orders.read']);
    await press(page, 'Next');
    expect(await headingOf(page)).toBe('Create client: Review');
    expect(await wordsOf(page)).toMatch(/North Wind.*first wave.*10,000.*orders\.read/);
    await press(page, 'Create client');
    const secret = await seen(page.locator('.secret__value code'));
    const clientId = await seen(page.locator('main .copy__value').first());
    expect(secret).toMatch(/^tgs_/);
    await press(page, 'Test now');
    expect(await wordsOf(page)).toContain('It works from your address');
    await expectClean(page, script);
    expect((await app.grant({ clientId, secret })).scope).toBe('orders.read');
    await page.goto('/admin/clients?search=north');
    await press(page, 'North Wind', 'link');
    expect(await page.content()).not.toContain(secret);
    expect(new URL(page.url()).pathname).toBe(`/admin/clients/${clientId}`);
  });

  it('creates a client on one page with every field of the manual', async () => {
    await app.createUser({ userName: 'till-7' });
    const page = await owner(script);
    await page.goto('/admin/clients/new/one-page');
    const unfold = async () => {
      const folded = page.locator('main form details:not([open]) > summary');
      while ((await folded.count()) > 0) await folded.first().click();
    };
    await unfold();
    await page.locator('[name="rows.add"][value="ipBindings"]').click();
    await page.locator('[name="ipBindings.1.address"]').waitFor({ state: 'attached' });
    await unfold();
    await fill(page, {
      clientId: 'south-wind-1',
      clientName: 'south-wind',
      applicationNo: 'APP-2031-77',
      displayName: 'South Wind',
      description: 'Reads orders.',
      'ipBindings.0.hostName': 'egress.south-wind.example',
      'ipBindings.0.address': '192.0.2.10',
      'ipBindings.1.address': '2001:db8::/32',
      zone: 'Asia/Taipei',
      startsAt: '2034-12-01T09:00',
      expiresAt: '2035-06-30T18:00',
      'serviceHours.windows.0.from': '09:00',
      'serviceHours.windows.0.to': '18:00',
      'serviceHours.timeZone': 'Asia/Taipei',
      'apiQuota.calls': '500',
      'apiQuota.period': 'week',
      timeZone: 'Asia/Tokyo',
      tps: '25',
      priority: '2',
      note: 'second wave',
      emails: 'ops@south-wind.example, it@south-wind.example',
      remark: 'Ask for the new contract.',
      userAllowlist: 'till-7',
      'accessToken.lifetime': '1',
      'accessToken.lifetime.unit': 'd',
      'accessToken.maxUses': '3',
      'refreshToken.lifetime': '2',
      'refreshToken.lifetime.unit': 'd',
      'refreshToken.maxUses': '4',
      redirectUris: 'https://south-wind.example/callback',
      failedLoginLimit: '4',
    });
    await tick(
      page,
      ['serviceHours.windows.0.days', 'mon'],
      ['serviceHours.windows.0.days', 'fri'],
      ['audience', 'both'],
      ['status', 'enabled'],
      ['apiGroups', 'orders.read'],
      ['apiScopes', 'orders.history'],
      ['grantTypes', 'password'],
      ['grantTypes', 'refresh_token'],
      ['passwordChoice', 'choose'],
    );
    await fill(page, { password: PASSWORD, confirmation: PASSWORD });
    await press(page, 'Create client');
    expect(await headingOf(page)).toContain('South Wind');
    await page.goto('/admin/clients/south-wind-1');
    const words = await wordsOf(page);
    for (const value of [
      ...['south-wind-1', 'south-wind', 'APP-2031-77', 'South Wind', 'Reads orders.'],
      ...['egress.south-wind.example', '192.0.2.10', '2001:db8::/32', '1 Dec 2034, 01:00 UTC'],
      ...['30 Jun 2035, 10:00 UTC', '09:00', '18:00', '500 calls a week', '25 calls a second'],
      ...['second wave', 'ops@south-wind.example', 'it@south-wind.example', 'Asia/Tokyo', 'till-7'],
      ...[
        'Ask for the new contract.',
        'orders.read',
        'orders.history',
        '86,400 s',
        '3 uses',
        '4 uses',
      ],
      ...['https://south-wind.example/callback', '4 wrong secrets', 'Enabled'],
    ]) {
      expect(words).toContain(value);
    }
  });

  it('finds, views and changes a client, and deletes it', async () => {
    await app.createClient({ clientId: 'east-1', clientName: 'east', displayName: 'East Wind' });
    await app.createClient({ clientId: 'west-1', clientName: 'west', displayName: 'West Wind' });
    const page = await owner(script);
    await page.goto('/admin/clients');
    await fill(page, { search: 'east' });
    await press(page, 'Search');
    expect(await page.locator('tbody tr').count()).toBe(1);
    await press(page, 'East Wind', 'link');
    await press(page, 'Edit', 'link');
    await fill(page, { displayName: 'East Wind Ltd', remark: 'renamed' });
    await press(page, 'Save');
    expect(await headingOf(page)).toBe('East Wind Ltd');
    expect(await wordsOf(page)).toContain('renamed');
    await page.goto('/admin/clients/east-1/edit/limits');
    await fill(page, { tps: 'many' });
    await press(page, 'Save');
    expect(await page.title()).toMatch(/^Error: /);
    expect(await page.locator('[name=tps]').inputValue()).toBe('many');
    await fill(page, { tps: '7' });
    await press(page, 'Save');
    expect(await wordsOf(page)).toContain('7 calls a second');
    await page.goto('/admin/clients/east-1/delete');
    await fill(page, { clientName: 'east' });
    await press(page, 'Delete client');
    expect(await told(page)).toContain('East Wind Ltd');
    expect((await page.goto('/admin/clients/east-1'))?.status()).toBe(404);
  });

  it('walks through every security tab', async () => {
    const emails = ['ops@partner.example'];
    await app.createClient({ clientId: 'tabs', clientName: 'tabs', displayName: 'Tabs', emails });
    const page = await owner(script);
    const tab = (name: string | RegExp) => press(page, name, 'link');
    await page.goto('/admin/clients/tabs');
    await tab('Security level');
    await tick(page, ['securityLevel', 'A']);
    await press(page, 'Save');
    expect(await told(page)).toContain('The security level is now A');
    await tab('API groups');
    await press(page, /^Add/, 'link');
    await fill(page, { search: 'read' });
    await press(page, 'Search');
    await tick(page, ['name', 'orders.read']);
    await press(page, 'Update');
    expect(await told(page)).toContain('orders.read');
    await tab('API scopes');
    await press(page, /^Add/, 'link');
    await tick(page, ['name', 'orders.history']);
    await press(page, 'Update');
    await press(page, /^Remove/);
    if ((await page.getByRole('button', { name: 'Remove orders.history' }).count()) > 0)
      await press(page, /^Remove/);
    expect(await wordsOf(page)).toContain('holds no API scope');
    await tab('Token settings');
    await tick(page, ['grantTypes', 'password']);
    await fill(page, { 'accessToken.lifetime': '30', 'accessToken.lifetime.unit': 'm' });
    await press(page, 'Save');
    expect(await wordsOf(page)).toContain('within 30 minutes');
    await tab('X-Api-Keys');
    await press(page, 'Add an X-Api-Key', 'link');
    await fill(page, { alias: 'back end', expiresAt: '2035-03-01T00:00' });
    await tick(page, ['apiGroups', 'orders.read']);
    await press(page, 'Add the X-Api-Key');
    const key = await seen(page.locator('.secret__value code'));
    await expectClean(page, script);
    const [mail = ''] = await app.mails();
    expect(mail).toContain('To: ops@partner.example');
    expect(mail).toContain('back end');
    expect(mail).not.toContain(key);
    await page.goto('/admin/clients/tabs/api-keys');
    expect(await wordsOf(page)).toContain('back end');
    expect(await page.content()).not.toContain(key);
    await tab('Status');
    await fill(page, { failedLoginLimit: '2' });
    await press(page, 'Save');
    await tab(/secrets$/i);
    await press(page, /^Change.*password/, 'link');
    await fill(page, { password: PASSWORD, confirmation: PASSWORD });
    await press(page, /^Change.*password/);
    const granted = await app.grant({ clientId: 'tabs', secret: PASSWORD });
    expect(granted.expiresIn).toBe(1800);
    await tab('Live tokens');
    expect(await page.locator('tbody tr').count()).toBe(1);
    await tab('Audit');
    expect(await wordsOf(page)).toMatch(/failedLoginLimit|Failed/i);
  });

  it('unlocks what wrong secrets locked, and mails a link behind which a password is chosen', async () => {
    const emails = ['ops@partner.example'];
    await app.createClient({ clientId: 'lost', displayName: 'Lost', emails });
    for (let time = 0; time < 3; time += 1) await app.token({ clientId: 'lost', secret: 'wrong' });
    const page = await owner(script);
    await page.goto('/admin/clients/lost/status');
    expect(await wordsOf(page)).toContain('Locked after 3 wrong secrets');
    await press(page, 'Unlock and reset password attempts');
    expect(await wordsOf(page)).not.toContain('Locked after');
    await press(page, /secrets$/i, 'link');
    await press(page, 'Mail a reset link');
    expect(await told(page)).toContain('ops@partner.example');
    const [mail = ''] = await app.mails();
    const text = mail.replaceAll('=\r\n', '').replaceAll('=3D', '=');
    const link = /http\S+reset-password\?token=\S+/.exec(text)?.[0] ?? '';
    const partner = await visit({ script });
    await partner.goto(link);
    await fill(partner, { password: PASSWORD, confirmation: PASSWORD });
    await press(partner, 'Set new password');
    expect(await wordsOf(partner)).toContain('The new password is set');
    expect((await app.token({ clientId: 'lost', secret: PASSWORD })).status).toBe(200);
    await partner.goto(link);
    expect(await headingOf(partner)).toBe('This link no longer works');
  });

  it('sees what another admin changed meanwhile, and chooses field by field', async () => {
    const first = { displayName: 'Shared', note: 'old note', remark: 'old remark' };
    await app.createClient({ clientId: 'shared', clientName: 'shared', ...first });
    const [mine, theirs] = [await owner(script), await owner(script)];
    await mine.goto('/admin/clients/shared/edit/who');
    await theirs.goto('/admin/clients/shared/edit/who');
    await fill(theirs, { note: 'their note', remark: 'their remark' });
    await press(theirs, 'Save');
    await fill(mine, { note: 'my note', applicationNo: 'APP-7' });
    await press(mine, 'Save');
    const words = await wordsOf(mine);
    expect(words).toContain('Somebody else changed this client');
    await expectClean(mine, script);
    for (const value of ['old note', 'their note', 'my note', 'their remark', 'APP-7'])
      expect(words).toContain(value);
    await tick(mine, ['use.note', 'mine']);
    await press(mine, 'Save what I chose');
    const saved = await wordsOf(mine);
    for (const value of ['my note', 'their remark', 'APP-7']) expect(saved).toContain(value);
  });
});

suite('a person with a keyboard alone', () => {
  /** Moves on with Tab until the field of this name, or what has these words, has the focus; `button Save` is no link. */
  async function tabTo(page: Page, target: string): Promise<void> {
    const focused = `(({ name, localName, textContent }) =>
      [name, textContent.trim(), localName + ' ' + textContent.trim()])(document.activeElement)`;
    for (let presses = 0; presses < 80; presses += 1) {
      if ((await inPage<string[]>(page, focused)).includes(target)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not reach “${target}” on ${page.url()}`);
  }

  async function type(page: Page, name: string, text: string): Promise<void> {
    await tabTo(page, name);
    await page.keyboard.type(text);
  }

  /** Presses a key that leads to another page. */
  async function go(page: Page, key: string): Promise<void> {
    const arrived = page.waitForEvent('load');
    await page.keyboard.press(key);
    await arrived;
  }

  it('creates a client, reads its secret, and finds it again', async () => {
    const page = await owner(true);
    await page.goto('/admin');
    await page.keyboard.press('g');
    await go(page, 'c');
    await go(page, 'n');
    expect(await headingOf(page)).toBe('Create client');
    await tabTo(page, 'template');
    await page.keyboard.press('ArrowDown');
    await tabTo(page, 'Continue step by step');
    await go(page, 'Enter');
    await type(page, 'clientName', 'keys-only');
    await type(page, 'displayName', 'Keys Only');
    await type(page, 'note', 'made without a mouse');
    await go(page, 'Enter');
    for (const step of ['When and from where', 'How much']) {
      expect(await headingOf(page)).toContain(step);
      await tabTo(page, 'Next');
      await go(page, 'Enter');
    }
    await tabTo(page, 'apiGroups');
    await page.keyboard.press('Space');
    await tabTo(page, 'Next');
    await go(page, 'Enter');
    await tabTo(page, 'button Create client');
    await go(page, 'Enter');
    const secret = await seen(page.locator('.secret__value code'));
    const clientId = await seen(page.locator('main .copy__value').first());
    expect((await app.grant({ clientId, secret })).scope).toBe('orders.read');
    await page.goto('/admin');
    await page.keyboard.press('/');
    await page.keyboard.type('keys-only');
    await go(page, 'Enter');
    await tabTo(page, 'Keys Only');
    await go(page, 'Enter');
    expect(new URL(page.url()).pathname).toBe(`/admin/clients/${clientId}`);
    await go(page, 'e');
    expect(new URL(page.url()).pathname).toBe(`/admin/clients/${clientId}/edit/who`);
  });
});
