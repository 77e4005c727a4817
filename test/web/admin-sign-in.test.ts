import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generateSync } from 'otplib';
import type { Admin } from '../../src/domain/admins/admin.ts';
import { SESSION_IDLE_SECONDS, STEP_UP_SECONDS } from '../../src/domain/admins/admin-session.ts';
import { findAdmin, updateAdmin } from '../../src/domain/admins/manage-admins.ts';
import { beginTotp, confirmTotp } from '../../src/domain/admins/second-factor.ts';
import { signIn } from '../../src/domain/admins/sign-in.ts';
import { BY, newAdmin, PASSWORD, setUpToken } from '../domain/admin-support.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { formsOf, words } from './console-support.ts';

let app: TestApp;
let ada: Admin;
beforeEach(async () => {
  app = await startApp();
  ada = await newAdmin(app, 'ada');
});
afterEach(() => app.close());

const SIGN_IN = '/admin/sign-in';
const COOKIE = /^tollgate_session=(tgw_[\w-]{43}); path=\/; samesite=lax; httponly$/i;

/** Sends a request as a browser does that was on a page of this server. */
function ask(path: string, options: RequestInit & { cookie?: string } = {}): Promise<Response> {
  const { cookie, headers, ...rest } = options;
  const own = {
    'Sec-Fetch-Site': 'same-origin',
    'User-Agent': 'Test/1.0',
    ...(cookie && { cookie }),
  };
  return fetch(app.url + path, { redirect: 'manual', ...rest, headers: { ...own, ...headers } });
}

const post = (path: string, fields: Record<string, string>, more: Parameters<typeof ask>[1] = {}) =>
  ask(path, { ...more, method: 'POST', body: new URLSearchParams(fields) });
const enter = (fields: Record<string, string> = {}, more: Parameters<typeof ask>[1] = {}) =>
  post(SIGN_IN, { userName: 'ada', password: PASSWORD, next: '/admin', ...fields }, more);

/** What a browser sends back of the cookies that an answer sets. */
function cookieOf(answer: Response): string {
  const session = answer.headers
    .getSetCookie()
    .find((each) => each.startsWith('tollgate_session='));
  return session?.split(';')[0] ?? '';
}

function hidden(html: string, name: string): string {
  return new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
}

async function isSignedIn(cookie: string): Promise<boolean> {
  return (await ask('/admin/account', { cookie })).status === 200;
}

async function secondFactor(): Promise<{ secret: string; codes: string[] }> {
  const origin = { address: null, userAgent: '' };
  const { session } = await signIn(app.services, {
    userName: 'ada',
    password: PASSWORD,
    ...origin,
  });
  const { secret } = await beginTotp(app.services, ada.adminId);
  const codes = await confirmTotp(app.services, session, { code: codeOf(secret), address: null });
  app.clock.advance(60);
  return { secret, codes };
}

const codeOf = (secret: string) =>
  generateSync({ secret, epoch: app.clock.now().getTime() / 1000 });

describe('GET /admin/sign-in', () => {
  it('shows a form that may not be kept, framed or sent elsewhere', async () => {
    const answer = await ask(`${SIGN_IN}?next=%2Fadmin%2Fclients`);
    const html = await answer.text();
    expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
    expect(answer.headers.get('X-Frame-Options')).toBe('DENY');
    expect(answer.headers.get('Content-Security-Policy')).toContain("form-action 'self'");
    expect(html).toContain('<form class="form" method="post" action="/admin/sign-in">');
    expect(hidden(html, 'next')).toBe('/admin/clients');
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('is where every page of the console sends whoever is not signed in, to come back', async () => {
    const answer = await ask('/admin/clients?search=x');
    expect(answer.status).toBe(303);
    const to = new URL(answer.headers.get('Location') ?? '', app.url);
    expect([to.pathname, to.searchParams.get('next')]).toEqual([
      SIGN_IN,
      '/admin/clients?search=x',
    ]);
  });

  it('leads on whoever is signed in', async () => {
    const cookie = cookieOf(await enter());
    const answer = await ask(`${SIGN_IN}?next=/admin/account`, { cookie });
    expect([answer.status, answer.headers.get('Location')]).toEqual([303, '/admin/account']);
  });
});

describe('POST /admin/sign-in', () => {
  it('sets a cookie that no script reads and no other site sends with a form, and leads on', async () => {
    const answer = await enter({ next: '/admin/account' });
    expect([answer.status, answer.headers.get('Location')]).toEqual([303, '/admin/account']);
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(COOKIE);
    expect(await isSignedIn(cookieOf(answer))).toBe(true);
  });

  it('names the cookie for this host only, and for https, where the server is there', async () => {
    await app.close();
    app = await startApp({ env: { ISSUER: 'https://auth.example.test' } });
    ada = await newAdmin(app, 'ada');
    const [cookie = ''] = (await enter()).headers.getSetCookie();
    expect(cookie).toMatch(
      /^__Host-tollgate_session=tgw_[\w-]{43}; path=\/; samesite=lax; secure; httponly$/i,
    );
  });

  it('gives a new value whatever the browser had before: none is planted, the old one ends', async () => {
    const planted = `tollgate_session=tgw_${'A'.repeat(43)}`;
    const first = cookieOf(await enter({}, { cookie: planted }));
    expect(first).not.toBe(planted);
    expect(await isSignedIn(planted)).toBe(false);
    const second = cookieOf(await enter({}, { cookie: first }));
    expect(second).not.toBe(first);
    expect([await isSignedIn(first), await isSignedIn(second)]).toEqual([false, true]);
  });

  it.each([
    'https://evil.example/admin',
    '//evil.example/admin',
    '/\\evil.example/admin',
    '/admin/../oauth2/token',
    'javascript:alert(1)',
    '/admin/sign-in?next=x',
  ])('leads home instead of to %s', async (next) => {
    expect((await enter({ next })).headers.get('Location')).toBe('/admin');
    expect(hidden(await (await enter({ next, password: 'x' })).text(), 'next')).toBe('/admin');
  });

  it('says the same of a wrong password, an unknown name, and who may not sign in', async () => {
    await newAdmin(app, 'idle', { status: 'disabled' });
    await newAdmin(app, 'fresh', { isSetUp: false });
    const answers = await Promise.all(
      [
        ['ada', 'wrong password'],
        ['nobody', PASSWORD],
        ['idle', PASSWORD],
        ['fresh', PASSWORD],
      ].map(async ([userName = '', password = '']) => {
        const answer = await enter({ userName, password });
        const html = (await answer.text()).replaceAll(userName, '…');
        return [answer.status, html, answer.headers.getSetCookie().length] as const;
      }),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.[0]).toBe(422);
    expect(answers[0]?.[1]).toContain('<title>Error: Sign in');
    expect(answers[0]?.[2]).toBe(0);
  });

  it('keeps the name and not the password in the form, and escapes the name', async () => {
    const html = await (await enter({ userName: '"><script>x', password: 'my wrong one' })).text();
    expect(html).toContain('value="&#34;&gt;&lt;script&gt;x"');
    expect(html).not.toContain('my wrong one');
  });

  it('locks after five wrong ones, and tells no more then', async () => {
    for (let i = 0; i < 5; i += 1) await enter({ password: `wrong ${i}` });
    const locked = await enter();
    expect([locked.status, locked.headers.getSetCookie()]).toEqual([422, []]);
    app.clock.advance(900);
    expect((await enter()).status).toBe(303);
  });

  it.each<[string, Record<string, string>, number]>([
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['a sister site', { 'Sec-Fetch-Site': 'same-site' }, 403],
    ['another origin', { 'Sec-Fetch-Site': '', Origin: 'https://evil.example' }, 403],
    ['no origin to speak of', { 'Sec-Fetch-Site': '', Origin: 'null' }, 403],
    ['this page', { 'Sec-Fetch-Site': 'same-origin' }, 303],
  ])('answers a form of %s with its own', async (_, headers, status) => {
    const answer = await enter({}, { headers });
    expect([answer.status, answer.headers.getSetCookie().length]).toEqual([
      status,
      status === 303 ? 1 : 0,
    ]);
  });

  it('refuses a form of another site with a page, as the console does', async () => {
    const headers = { 'Sec-Fetch-Site': 'cross-site' };
    for (const path of [SIGN_IN, `${SIGN_IN}/code`]) {
      const answer = await post(path, { userName: 'ada', password: PASSWORD }, { headers });
      expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([403, 'no-store']);
      expect(answer.headers.get('Content-Type')).toMatch(/^text\/html/);
      const html = await answer.text();
      expect(html).toContain('<title>This is not allowed · Tollgate</title>');
      expect(html).toContain('<h1>This is not allowed</h1>');
      expect(words(html)).toContain('Another site sent this request: open the page yourself');
      expect(html).toContain('href="/docs/errors#not_allowed"');
      expect(html).toContain(`Request ${answer.headers.get('X-Request-Id')}`);
    }
  });

  it('refuses a form that no page of ours sends with a page', async () => {
    const body = new URLSearchParams([
      ['userName', 'ada'],
      ['userName', 'eve'],
    ]);
    const answer = await ask(SIGN_IN, { method: 'POST', body });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('<h1>The input is not valid</h1>');
  });

  it('logs and audits neither password nor cookie', async () => {
    const cookie = cookieOf(await enter({ password: 'my wrong one' }));
    expect(cookie).toBe('');
    const value = cookieOf(await enter()).split('=')[1] ?? '';
    await isSignedIn(`tollgate_session=${value}`);
    const { items } = await app.services.stores.audit.list({ limit: 100 });
    const kept = app.log.join('\n') + JSON.stringify(items);
    expect(kept).toContain('admin.sign_in_failed');
    for (const secret of [value, PASSWORD, 'my wrong one']) expect(kept).not.toContain(secret);
  });
});

describe('the second step', () => {
  const first = async () => {
    const answer = await enter({ next: '/admin/account' });
    const html = await answer.text();
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []]);
    return { next: hidden(html, 'next'), ticket: hidden(html, 'ticket') };
  };

  it('asks for a code, and signs in with one of the authenticator or a recovery code', async () => {
    const { secret, codes } = await secondFactor();
    for (const code of [codeOf(secret), codes[0] ?? '']) {
      const answer = await post(`${SIGN_IN}/code`, { ...(await first()), code });
      expect([answer.status, answer.headers.get('Location')]).toEqual([303, '/admin/account']);
      expect(await isSignedIn(cookieOf(answer))).toBe(true);
    }
  });

  it('asks again after a wrong code, and begins anew once five minutes are over', async () => {
    const { secret } = await secondFactor();
    const step = await first();
    const wrong = await post(`${SIGN_IN}/code`, { ...step, code: '000000' });
    expect(wrong.status).toBe(422);
    expect(hidden(await wrong.text(), 'ticket')).toBe(step.ticket);
    app.clock.advance(300);
    const late = await post(`${SIGN_IN}/code`, { ...step, code: codeOf(secret) });
    expect([late.status, late.headers.getSetCookie()]).toEqual([422, []]);
    expect(await late.text()).toContain('name="password"');
  });

  it('opens nothing with a code alone', async () => {
    const { secret } = await secondFactor();
    for (const ticket of ['', 'x', ada.adminId]) {
      const answer = await post(`${SIGN_IN}/code`, { ticket, next: '', code: codeOf(secret) });
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([422, []]);
    }
  });

  it('is not taken from another site, and a reload begins anew', async () => {
    const { secret } = await secondFactor();
    const fields = { ...(await first()), code: codeOf(secret) };
    const headers = { 'Sec-Fetch-Site': 'cross-site' };
    expect((await post(`${SIGN_IN}/code`, fields, { headers })).status).toBe(403);
    const reloaded = await ask(`${SIGN_IN}/code`);
    expect(reloaded.headers.get('Location')).toBe(SIGN_IN);
  });
});

describe('a session', () => {
  it('ends after half an hour without use', async () => {
    const cookie = cookieOf(await enter());
    app.clock.advance(SESSION_IDLE_SECONDS - 1);
    expect(await isSignedIn(cookie)).toBe(true);
    app.clock.advance(SESSION_IDLE_SECONDS);
    expect(await isSignedIn(cookie)).toBe(false);
  });

  it('ends at once when the admin is disabled', async () => {
    await newAdmin(app, 'other');
    const cookie = cookieOf(await enter());
    const { version } = await findAdmin(app.services, ada.adminId);
    const patch = { status: 'disabled' };
    await updateAdmin(app.services, BY, { id: ada.adminId, version, patch });
    expect(await isSignedIn(cookie)).toBe(false);
  });

  it('ends with the sign-out, which no other site can ask for', async () => {
    const cookie = cookieOf(await enter());
    const csrf = hidden(await (await ask('/admin/account', { cookie })).text(), 'csrf');
    const forged = await post('/admin/sign-out', { csrf: 'x' }, { cookie });
    expect([forged.status, await isSignedIn(cookie)]).toEqual([403, true]);
    const headers = { 'Sec-Fetch-Site': 'cross-site' };
    expect((await post('/admin/sign-out', { csrf }, { cookie, headers })).status).toBe(403);
    const answer = await post('/admin/sign-out', { csrf }, { cookie });
    expect([answer.status, answer.headers.get('Location')]).toEqual([303, SIGN_IN]);
    expect(answer.headers.getSetCookie().join()).toMatch(/tollgate_session=;/);
    expect(await isSignedIn(cookie)).toBe(false);
  });
});

describe('/admin/verify', () => {
  const verify = async (cookie: string, fields: Record<string, string>) => {
    const page = await ask('/admin/verify?next=/admin/account/tokens/new', { cookie });
    const form = formsOf(await page.text())[0]?.fields ?? [];
    return post('/admin/verify', { ...Object.fromEntries(form), ...fields }, { cookie });
  };
  const needed = async (cookie: string) =>
    (await ask('/admin/account/tokens/new', { cookie })).headers.get('Location');

  it('is asked for ten minutes after the last proof, and leads back', async () => {
    const cookie = cookieOf(await enter());
    expect(await needed(cookie)).toBeNull();
    app.clock.advance(STEP_UP_SECONDS + 1);
    expect(await needed(cookie)).toBe('/admin/verify?next=%2Fadmin%2Faccount%2Ftokens%2Fnew');
    const answer = await verify(cookie, { password: PASSWORD });
    expect(answer.headers.get('Location')).toBe('/admin/account/tokens/new');
    expect(await needed(cookie)).toBeNull();
  });

  it('is not passed with what is wrong, and leads to no other site', async () => {
    const cookie = cookieOf(await enter());
    app.clock.advance(STEP_UP_SECONDS + 1);
    for (const fields of [
      { password: 'wrong' },
      { password: '' },
      { password: '', code: '123456' },
    ]) {
      expect((await verify(cookie, fields)).status).toBe(422);
    }
    expect(await needed(cookie)).not.toBeNull();
    const away = await verify(cookie, { password: PASSWORD, next: '//evil.example' });
    expect(away.headers.get('Location')).toBe('/admin');
  });

  it('takes a code where there is a second factor', async () => {
    const { secret } = await secondFactor();
    const begun = hidden(await (await enter()).text(), 'ticket');
    const fields = { ticket: begun, next: '/admin', code: codeOf(secret) };
    const cookie = cookieOf(await post(`${SIGN_IN}/code`, fields));
    app.clock.advance(STEP_UP_SECONDS + 1);
    const answer = await verify(cookie, { password: '', code: codeOf(secret) });
    expect(answer.status).toBe(303);
    expect(await needed(cookie)).toBeNull();
  });
});

describe('the page of a set-up link', () => {
  it('leads to the sign-in', async () => {
    const token = await setUpToken(app, ada.adminId);
    const chosen = { token, password: PASSWORD, confirmation: PASSWORD };
    const html = await (await post('/admin/set-up', chosen)).text();
    expect(html).toContain('href="/admin/sign-in"');
    expect(words(html)).toContain('Sign in to the console');
  });
});
