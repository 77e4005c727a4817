/**
 * The stylesheet and the script in a real browser, on the page of components: no violation that axe-core
 * finds, nothing wider than its screen, and each behaviour as a person meets it, with and without script.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import axe, { type AxeResults } from 'axe-core';
import type { ConsolePage } from '../../src/web/admin/page.ts';
import { SAMPLES } from '../../src/web/admin/styleguide-samples.ts';
import { createTranslate } from '../../src/web/messages.ts';
import { createRenderer } from '../../src/web/render.ts';
import { type Browser, browserFor, launch, type Page } from '../support/browser.ts';

const STATIC = join(import.meta.dirname, '../../views/static');
const TYPES = { '/app.css': 'text/css', '/app.js': 'text/javascript' };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'";
const t = createTranslate();
const render = createRenderer(t);

const program = await browserFor('the script of the console');
const suite = program === null ? describe.skip : describe;

let server: Server;
let base: string;
let browser: Browser;
let opened: Page[] = [];

/** The page around the components; the query says theme and whether single keys act. */
function pageOf(query: URLSearchParams): ConsolePage {
  const title = t('styleguide.title');
  return {
    title,
    heading: title,
    ownHeading: false,
    status: 200,
    lang: 'en',
    stylesheet: '/app.css',
    script: '/app.js',
    csrf: 'token',
    formId: 'form',
    environment: 'production',
    admin: { userName: 'owner', displayName: 'Owner', role: 'owner' },
    nav: [
      { label: t('nav.overview'), href: '/admin', current: false },
      { label: t('nav.clients'), href: '/admin/clients', current: true },
    ],
    breadcrumbs: [{ label: t('nav.clients'), href: '/admin/clients' }, { label: title }],
    flash: 'Client “Orders batch” is saved',
    theme: query.get('theme') === 'dark' ? 'dark' : 'light',
    keys: query.get('keys') !== 'off',
    timeZone: 'UTC',
    now: '2026-11-22T00:00:00Z',
    path: '/admin/styleguide',
    search: '',
  };
}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const type = Object.entries(TYPES).find(([path]) => path === pathname)?.[1];
    response.setHeader('Content-Type', `${type ?? 'text/html'}; charset=utf-8`);
    response.setHeader('Content-Security-Policy', POLICY);
    if (type !== undefined) response.end(readFileSync(join(STATIC, pathname)));
    else response.end(await render('admin/styleguide', { samples: SAMPLES }, pageOf(searchParams)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launch(program ?? '');
}, 60_000);
afterEach(async () => {
  await Promise.all(opened.map((page) => page.context().close()));
  opened = [];
});
afterAll(async () => {
  await browser.close();
  await new Promise((resolve) => server.close(resolve));
});

/** Opens the page; fails the test where the page itself reports an error. */
async function open(path = '/', { width = 1280, script = true, bypassCSP = false } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    javaScriptEnabled: script,
    permissions: ['clipboard-read', 'clipboard-write'],
    bypassCSP,
  });
  const page = await context.newPage();
  opened.push(page);
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.goto(`${base}${path}`);
  return page;
}

/** A value in the page, of an expression: the types of this project know no DOM. */
const inPage = <T>(page: Page, expression: string) => page.evaluate<T>(expression);

const focused = (page: Page) =>
  inPage<string>(page, "document.activeElement.textContent.replace(/\\s+/g, ' ').trim()");
const focusedId = (page: Page) => inPage<string>(page, 'document.activeElement.id');

/** Controls that are smaller than 24 px; what only a screen reader meets is 1 px. */
const SMALL_TARGETS = `
  [...document.querySelectorAll('button, summary, .input, .chip a, .tabs a, .check')]
    .map((element) => ({ box: element.getBoundingClientRect(), html: element.outerHTML }))
    .filter(({ box }) => box.width > 1 && (box.width < 24 || box.height < 24))
    .map(({ html }) => html)`;

suite.each(['light', 'dark'])('the %s theme', (theme) => {
  it.each([1280, 360])('has no violation that axe finds, %d px wide', async (width) => {
    const page = await open(`/?theme=${theme}`, { width, bypassCSP: true });
    await page.evaluate(axe.source);
    // Menus and the dialog are looked at too.
    await page.locator('.bar__account summary').click();
    const { violations } = await inPage<AxeResults>(page, 'axe.run(document)');
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  });
});

suite('the page', () => {
  it.each([320, 360, 801, 1280])('is not wider than %d px', async (width) => {
    const page = await open('/', { width });
    const over = await inPage<number>(page, 'document.documentElement.scrollWidth - innerWidth');
    expect(over).toBeLessThanOrEqual(0);
  });

  it('offers the navigation on a narrow screen, without script too', async () => {
    const page = await open('/', { width: 360, script: false });
    await page.locator('.bar__menu summary').click();
    expect(await page.getByRole('link', { name: 'Overview' }).isVisible()).toBe(true);
  });

  it('has targets of at least 24 px', async () => {
    const page = await open();
    expect(await inPage(page, SMALL_TARGETS)).toEqual([]);
  });

  it('hides what only a script can do where there is none', async () => {
    const page = await open('/', { script: false });
    expect(await page.locator('.copy__button:visible').count()).toBe(0);
    expect(await page.locator('.copy__value').first().isVisible()).toBe(true);
  });
});

suite('the script', () => {
  it('reads what is wrong first', async () => {
    expect(await focused(await open())).toContain('There is a problem');
  });

  it('copies, and says so to the eye and to the ear', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Copy client ID' }).click();
    expect(await inPage(page, 'navigator.clipboard.readText()')).toBe('orders-8Zq3VbXk');
    expect(await page.locator('[data-announce]').textContent()).toBe('Copied');
  });

  it('closes a menu on Esc and gives the focus back, and on a click elsewhere', async () => {
    const page = await open();
    const menu = page.locator('.page-head .menu');
    await menu.locator('summary').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Information');
    await page.keyboard.press('Escape');
    expect(await focused(page)).toBe('More');
    expect(await menu.getAttribute('open')).toBeNull();
    await page.keyboard.press('Enter');
    await page.locator('h1').first().click();
    expect(await menu.getAttribute('open')).toBeNull();
  });

  it('shows the menu of a row in full, above the table that could cut it off', async () => {
    const page = await open();
    const menu = page.locator('.table__actions .menu').last();
    await menu.locator('summary').click();
    const item = menu.getByText('Delete');
    await item.scrollIntoViewIfNeeded();
    const isOnTop = await item.evaluate((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      const top = element.ownerDocument.elementFromPoint(x + width / 2, y + height / 2);
      return element.contains(top);
    });
    expect(isOnTop).toBe(true);
  });

  it('adds and removes rows, each under a number of its own', async () => {
    const page = await open();
    await page.getByRole('button', { name: 'Add address' }).click();
    await page.getByRole('button', { name: 'Add address' }).click();
    const names = () =>
      page
        .locator('[data-rows] input')
        .evaluateAll((inputs) =>
          inputs
            .map((input) => input.getAttribute('name'))
            .filter((name) => name?.endsWith('Name')),
        );
    const name = (index: number) => `ipBindings.${index}.hostName`;
    expect(await names()).toEqual([name(0), name(1), name(2)]);
    expect(await focusedId(page)).toBe(name(2));
    await page.locator('[name="rows.remove"][value="ipBindings.1"]').click();
    expect(await names()).toEqual([name(0), name(2)]);
    await page.getByRole('button', { name: 'Add address' }).click();
    expect(await names()).toEqual([name(0), name(2), name(3)]);
  });

  it('rests a number that has no limit, and shows the sum of a duration', async () => {
    const page = await open();
    const number = page.locator('[id="maxUses"]');
    await page.locator('[id="maxUses.unlimited"]').check();
    expect(await number.isDisabled()).toBe(true);
    await page.locator('[id="maxUses.unlimited"]').uncheck();
    expect(await number.isEnabled()).toBe(true);
    await page.locator('[id="lifetime"]').fill('90');
    await page.locator('[id="lifetime.unit"]').selectOption('m');
    expect(await page.locator('[id="lifetime-sum"]').textContent()).toBe('= 5,400 s');
    await page.locator('[id="lifetime"]').fill('soon');
    expect(await page.locator('[id="lifetime-sum"]').textContent()).toBe('');
  });

  it('ticks every row from the head, and counts', async () => {
    const page = await open();
    const [head, rows] = [page.locator('[data-select-all]'), page.locator('tbody [name=clientId]')];
    await head.check();
    expect(await page.locator('tbody :checked').count()).toBe(await rows.count());
    await rows.first().uncheck();
    expect(await page.locator('[data-selected-count]').textContent()).toBe('2');
    expect(await page.locator('[data-select-all]:indeterminate').count()).toBe(1);
  });

  it('applies a filter when it changes', async () => {
    const page = await open();
    await page.locator('[id="level"]').selectOption('C');
    await page.waitForURL('**/admin/styleguide?*level=C*');
  });

  it('guards what was typed, and lets go when it is sent', async () => {
    const page = await open();
    const asked: string[] = [];
    page.on('dialog', async (dialog) => {
      asked.push(dialog.type());
      await dialog.accept();
    });
    await page.goto(`${base}/?keys=off`);
    expect(asked).toEqual([]);
    await page.locator('[id="displayName"]').pressSequentially('Orders');
    await page.reload();
    expect(asked).toEqual(['beforeunload']);
    await page.locator('[id="password"]').fill('correct horse');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/admin/styleguide');
    expect(asked).toEqual(['beforeunload']);
  });

  it('moves by single keys, not while one types', async () => {
    const page = await open();
    await page.keyboard.press('/');
    expect(await focusedId(page)).toBe('global-search');
    await page.keyboard.type('jk?n');
    expect(await page.locator('[id="global-search"]').inputValue()).toBe('jk?n');
    await page.locator('[id="global-search"]').blur();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    expect(await focused(page)).toBe('Returns portal');
    await page.keyboard.press('k');
    expect(await focused(page)).toBe('Orders batch');
    await page.keyboard.press('?');
    expect(await page.getByRole('dialog').isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').isVisible()).toBe(false);
    await page.keyboard.press('n');
    expect(new URL(page.url()).hash).toBe('#secret');
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.waitForURL('**/admin/clients');
  });

  it('leaves single keys alone where they are switched off', async () => {
    const page = await open('/?keys=off');
    const before = await focused(page);
    for (const key of ['/', 'j', '?', 'n']) await page.keyboard.press(key);
    expect(await focused(page)).toBe(before);
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(new URL(page.url()).hash).toBe('');
  });

  it('knows the zones of the world', async () => {
    const page = await open();
    const zones = page.locator('[id="timeZone-zones"] option');
    expect(await zones.count()).toBeGreaterThan(300);
  });
});
