/**
 * Attacks from outside on the console: hand-made requests beyond one's role, forged ones, a session that
 * was planted, redirects to elsewhere, and texts that would run in the browser of whoever reads them.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Showcase } from '../../scripts/showcase/index.ts';
import type { Role } from '../../src/domain/admins/admin.ts';
import { includesRole } from '../../src/domain/admins/admin.ts';
import { createAdmin } from '../../src/domain/admins/manage-admins.ts';
import { setUpAdmin } from '../../src/domain/admins/set-up-admin.ts';
import { CONSOLE_ROUTES } from '../../src/web/admin/index.ts';
import { fresh, TESTER } from '../support/app.ts';
import { type Browser, browserFor, inPage, launch, openPage, seen } from '../support/browser.ts';
import { signedIn } from '../web/console-support.ts';
import { everyPage, filledIn } from './every-page.ts';
import { ATTACK, openPoisoned } from './poisoned.ts';

const program = await browserFor('attacks in a browser');
const PASSWORD = 'a password of a test admin';

let poisoned: Showcase;
beforeAll(async () => {
  poisoned = await openPoisoned();
});
afterAll(() => poisoned.app.close());

/** Routes of a method with a path that reaches each. */
function routesOf(method: 'GET' | 'POST') {
  return CONSOLE_ROUTES.filter((route) => route.method === method).map((route) => {
    const [path = ''] = filledIn(poisoned, route.path);
    return { ...route, path };
  });
}

/** How many changes there were so far; a sign-in is one. */
async function changes(): Promise<number> {
  return (await poisoned.app.services.stores.audit.list({ limit: 1 })).total;
}

/** Sends a request and answers its status and where it leads to. */
async function send(path: string, options: { form?: Record<string, string>; headers?: object }) {
  const { form, headers } = options;
  const answer = await fetch(poisoned.app.url + path, {
    method: form === undefined ? 'GET' : 'POST',
    redirect: 'manual',
    headers: { ...headers },
    body: form === undefined ? null : new URLSearchParams(form),
  });
  return { status: answer.status, location: answer.headers.get('Location'), answer };
}

const cookieOf = (jar: ReadonlyMap<string, string>) =>
  `tollgate_session=${jar.get('tollgate_session')}`;
const OWN = { 'Sec-Fetch-Site': 'same-origin' };

async function csrfOf(jar: ReadonlyMap<string, string>): Promise<string> {
  const { answer } = await send('/admin/account', { headers: { Cookie: cookieOf(jar) } });
  return /name="csrf" value="([^"]+)"/.exec(await answer.text())?.[1] ?? '';
}

describe('a hand-made request', () => {
  it.each<Role>(['viewer', 'operator'])(
    'of the role %s is refused wherever the role is too low',
    async (role) => {
      const { jar } = await signedIn(poisoned.app, role);
      const csrf = await csrfOf(jar);
      const before = await changes();
      const beyond = [...routesOf('POST'), ...routesOf('GET')].filter(
        (route) => !includesRole(role, route.role),
      );
      const headers = { ...OWN, Cookie: cookieOf(jar) };
      const letIn: string[] = [];
      for (const { method, path } of beyond) {
        const form = method === 'POST' ? { form: { csrf } } : {};
        const { status } = await send(path, { ...form, headers });
        if (status !== 403) letIn.push(`${method} ${path}: ${status}`);
      }
      expect(letIn).toEqual([]);
      expect(beyond.length).toBeGreaterThan(20);
      expect(await changes()).toBe(before);
    },
  );

  it('of nobody leads to the sign-in', async () => {
    for (const { method, path } of [...routesOf('POST'), ...routesOf('GET')]) {
      const form = method === 'POST' ? { form: {} } : {};
      const { location } = await send(path, { ...form, headers: OWN });
      expect(location).toMatch(/^\/admin\/sign-in\?next=%2Fadmin/);
    }
  });
});

describe('a forged request', () => {
  /** Posts to every route as the owner, and lists the ones that did not refuse. */
  async function refusalsOf(csrf: string | undefined, headers: object): Promise<string[]> {
    const before = await changes();
    const taken: string[] = [];
    for (const { path } of routesOf('POST')) {
      const cookie = { Cookie: cookieOf(poisoned.jar) };
      const form: Record<string, string> = csrf === undefined ? {} : { csrf };
      const { status } = await send(path, { form, headers: { ...headers, ...cookie } });
      if (status !== 403) taken.push(`${path}: ${status}`);
    }
    expect(await changes()).toBe(before);
    return taken;
  }

  it('without a token is refused everywhere', async () => {
    expect(await refusalsOf(undefined, OWN)).toEqual([]);
  });

  it('with the token of another session is refused everywhere', async () => {
    const { jar } = await signedIn(poisoned.app);
    const foreign = await csrfOf(jar);
    expect(foreign).not.toBe('');
    expect(await refusalsOf(foreign, OWN)).toEqual([]);
  });

  it.each([
    ['from another site', { 'Sec-Fetch-Site': 'cross-site' }],
    ['from a neighbour of the site', { 'Sec-Fetch-Site': 'same-site' }],
    ['with the origin of another site', { Origin: 'https://evil.example' }],
    ['without an origin', { Origin: 'null' }],
  ])('%s is refused everywhere, right token and all', async (_, headers) => {
    expect(await refusalsOf(await csrfOf(poisoned.jar), headers)).toEqual([]);
  });

  it('from another site cannot sign anybody in', async () => {
    const form = { userName: 'owner', password: PASSWORD };
    for (const path of ['/admin/sign-in', '/admin/sign-in/code']) {
      const { status, answer } = await send(path, {
        form,
        headers: { 'Sec-Fetch-Site': 'cross-site' },
      });
      expect(status).toBe(403);
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
  });
});

describe('a sign-in', () => {
  /** An admin who can sign in. */
  async function newAdmin(): Promise<string> {
    const { services } = poisoned.app;
    const by = { actor: TESTER, role: 'owner', adminId: null } as const;
    const userName = fresh('admin');
    const { setUpLink } = await createAdmin(services, by, { userName, role: 'viewer' });
    const token = new URL(setUpLink?.url ?? '').searchParams.get('token') ?? '';
    await setUpAdmin(services, { token, password: PASSWORD, address: null });
    return userName;
  }

  async function signInWith(userName: string, cookie: string, next = '/admin/clients') {
    const form = { userName, password: PASSWORD, next };
    return send('/admin/sign-in', { form, headers: { ...OWN, Cookie: cookie } });
  }

  it('takes no session that was planted before it, and ends the one that was open', async () => {
    const userName = await newAdmin();
    const planted = `tollgate_session=tgw_${'A'.repeat(43)}`;
    const { answer } = await signInWith(userName, planted);
    const given = answer.headers.getSetCookie().join().split(';')[0] ?? '';
    expect(given).toMatch(/^tollgate_session=tgw_/);
    expect(given).not.toBe(planted);
    const statusWith = async (cookie: string) =>
      (await send('/admin/account', { headers: { Cookie: cookie } })).status;
    expect(await statusWith(planted)).toBe(303);
    expect(await statusWith(given)).toBe(200);
    const second = await signInWith(userName, given);
    const after = second.answer.headers.getSetCookie().join().split(';')[0] ?? '';
    expect(after).not.toBe(given);
    expect(await statusWith(given)).toBe(303);
  });

  it.each([
    'https://evil.example/admin',
    '//evil.example/admin',
    '/\\evil.example',
    '/admin/..//evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    '/admin\r\nSet-Cookie: x=y',
    '/admin@evil.example',
  ])('and every other redirect stays on the site: %j', async (next) => {
    const { location } = await signInWith(await newAdmin(), '', next);
    const csrf = await csrfOf(poisoned.jar);
    const headers = { ...OWN, Cookie: cookieOf(poisoned.jar) };
    const saved = await send('/admin/preferences', { form: { csrf, next }, headers });
    const acted = await send('/admin/clients/poisoned/enable', { form: { csrf, next }, headers });
    const asked = await send(`/admin/sign-in?next=${encodeURIComponent(next)}`, { headers });
    for (const to of [location, saved.location, acted.location, asked.location]) {
      const { origin, pathname } = new URL(to ?? '', poisoned.app.url);
      expect(origin).toBe(poisoned.app.url);
      expect(pathname).toMatch(/^\/admin($|\/)/);
    }
  });
});

(program === null ? describe.skip : describe)('a text that is an attack', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(program ?? '');
  });
  afterAll(() => browser?.close());

  /** Questions whose words come back on the page. */
  const REFLECTED = [
    ...['clients?search=', 'search?q=', 'users?search=', 'decisions?client=', 'decisions?reason='],
    ...['audit?search=', 'audit?actor=', 'apis?search=', 'clients/new?search=', 'clients?status='],
    ...[
      'clients?cursor=',
      'clients?sort=',
      'sign-in?next=',
      'verify?next=',
      'decisions/simulate?path=',
    ],
  ].map((path) => `/admin/${path}${encodeURIComponent(ATTACK)}`);

  it('is shown as text on every page, and nothing of it runs', async () => {
    const { page, complaints } = await openPage(browser, {
      ...{ baseURL: poisoned.app.url, jar: poisoned.jar },
    });
    const pages = everyPage(poisoned).filter(({ isOpen }) => !isOpen);
    const paths = [...new Set([...pages.map(({ path }) => path), ...REFLECTED])];
    await page.goto('/admin/account');
    const planted = `document.body.insertAdjacentHTML('beforeend', ${JSON.stringify(ATTACK)})`;
    const noticed = page.waitForEvent('console', (one) => /Content Security/.test(one.text()));
    await inPage(page, planted);
    await noticed;
    expect(complaints).not.toEqual([]);
    const run: string[] = [];
    const showing = new Set<string>();
    for (const path of paths) {
      complaints.length = 0;
      await page.goto(path);
      const elements = await inPage<number>(
        page,
        "document.querySelectorAll('[src=x], [onerror]').length",
      );
      const bad = complaints.filter((text) => !/status of 4\d\d/.test(text));
      if (elements > 0 || bad.length > 0) run.push(`${path}: ${elements} ${bad.join()}`);
      if ((await seen(page.locator('main'))).includes(ATTACK)) showing.add(path);
    }
    await page.context().close();
    expect(run).toEqual([]);
    for (const path of [
      ...['clients', 'clients/poisoned', 'clients/poisoned/api-keys', 'clients/poisoned/secrets'],
      ...['users', 'api-groups/orders.read', 'api-scopes/orders.history', 'security-levels/C'],
      ...['admins', 'account', `decisions/${poisoned.ids.decisionId}`, 'resource-servers'],
    ]) {
      expect([...showing]).toContain(`/admin/${path}`);
    }
  });
});
