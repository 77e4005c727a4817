import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { generateSync } from 'otplib';
import { STEP_UP_SECONDS } from '../../src/domain/admins/admin-session.ts';
import { signIn } from '../../src/domain/admins/sign-in.ts';
import { browserName } from '../../src/web/account/browser-name.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, signedIn, stranger } from './console-support.ts';

let app: TestApp;
let browser: Browser;
beforeEach(async () => {
  app = await startApp();
  browser = await signedIn(app, 'viewer');
});
afterEach(() => app.close());

/** What `console-support.ts` sets up its admins with. */
const PASSWORD = 'a console test password';
const ACCOUNT = '/admin/account';
const FACTOR = `${ACCOUNT}/second-factor`;

const elsewhere = (code?: string, password = PASSWORD) =>
  signIn(app.services, {
    ...{ userName: browser.admin.userName, password, code },
    address: '192.0.2.77',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  });

const codeOf = (secret: string) =>
  generateSync({ secret, epoch: app.clock.now().getTime() / 1000 });
const keyIn = ({ html }: ConsolePage) => /data-copy="([A-Z2-7 ]{32,})"/.exec(html)?.[1] ?? '';
const codesIn = ({ html }: ConsolePage) =>
  (/<pre[^>]*><code>([^<]*)</.exec(html)?.[1] ?? '').split('\n');

/** Turns the second factor on by the pages; answers the key and the recovery codes. */
async function withSecondFactor(): Promise<{ secret: string; codes: string[] }> {
  const begun = await browser.send(await browser.get(FACTOR), {}, `${FACTOR}/begin`);
  const page = await browser.follow(begun);
  const secret = keyIn(page).replaceAll(' ', '');
  const shown = await browser.send(page, { code: codeOf(secret) }, `${FACTOR}/confirm`);
  app.clock.advance(60);
  return { secret, codes: codesIn(shown) };
}

describe('GET /admin/account', () => {
  it('is for whoever is signed in, with the lowest role too', async () => {
    const { status, text, html } = await browser.get(ACCOUNT);
    expect(status).toBe(200);
    for (const told of [browser.admin.userName, 'Viewer', 'This session', 'test browser']) {
      expect(text).toContain(told);
    }
    expect(text).toContain('Needs the role security');
    expect(html).not.toContain(browser.admin.passwordHash ?? '?');
    expect((await stranger(app, ACCOUNT)).location).toContain('/admin/sign-in');
  });

  it('escapes what a browser calls itself', async () => {
    const userAgent = '<img src=x onerror=alert(1)>';
    const { userName } = browser.admin;
    await signIn(app.services, { userName, password: PASSWORD, address: null, userAgent });
    expect((await browser.get(ACCOUNT)).html).not.toContain('<img src=x');
  });
});

describe('sessions', () => {
  it('are listed with browser and address, and end one by one', async () => {
    const { session } = await elsewhere();
    const page = await browser.get(ACCOUNT);
    for (const told of ['Firefox 140 · Linux', '192.0.2.77']) expect(page.text).toContain(told);
    const action = `${ACCOUNT}/sessions/${session.sessionId}/end`;
    const ended = await browser.follow(await browser.send(page, {}, action));
    expect(ended.text).toContain('1 session has ended.');
    expect(ended.text).not.toContain('Firefox');
    expect((await browser.post(action)).status).toBe(404);
  });

  it('end all but this one', async () => {
    await elsewhere();
    await elsewhere();
    const page = await browser.get(ACCOUNT);
    const answer = await browser.send(page, {}, `${ACCOUNT}/sessions/end-others`);
    const ended = await browser.follow(answer);
    expect(ended.text).toContain('2 sessions have ended.');
    expect(ended.html).not.toContain('end-others');
  });

  it('of other admins stay out of reach', async () => {
    const other = await signedIn(app, 'owner');
    const [session] = await app.services.stores.adminSessions.list(other.admin.adminId);
    const answer = await browser.post(`${ACCOUNT}/sessions/${session?.sessionId}/end`);
    expect(answer.status).toBe(404);
    expect((await other.get(ACCOUNT)).status).toBe(200);
  });
});

describe('/admin/account/password', () => {
  const change = async (current = '', password = '', confirmation = password) =>
    browser.send(await browser.get(`${ACCOUNT}/password`), { current, password, confirmation });

  it('changes the password, ends other sessions and keeps this one', async () => {
    await elsewhere();
    const done = await browser.follow(await change(PASSWORD, 'another good password'));
    expect([done.status, done.path]).toEqual([200, ACCOUNT]);
    expect(done.text).toContain('The password is changed.');
    expect(done.text).not.toContain('Firefox');
    await elsewhere(undefined, 'another good password');
  });

  it.each([
    ['a wrong password so far', 'wrong', 'another good password', undefined, 'current'],
    ['one that is too short', PASSWORD, 'short', undefined, 'password'],
    ['one that differs', PASSWORD, 'another good password', 'another', 'confirmation'],
  ])('shows again what is wrong with %s, and no password', async (_, ...given) => {
    const [current, password, confirmation, field] = given;
    const page = await change(current, password, confirmation);
    expect(page.status).toBe(422);
    expect(page.title).toMatch(/^Error: /);
    expect(page.html).toContain(`<a href="#${field}">`);
    expect(page.html).not.toContain(`value="${password}"`);
    await elsewhere();
  });
});

describe('/admin/account/second-factor', () => {
  it('shows a key as an image and as text, then recovery codes once', async () => {
    const { secret, codes } = await withSecondFactor();
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(codes).toHaveLength(10);
    const page = await browser.get(FACTOR);
    expect(page.text).toContain('10 recovery codes left');
    for (const code of [...codes, secret]) expect(page.html).not.toContain(code);
    await expect(elsewhere()).rejects.toMatchObject({ code: 'second_factor_required' });
    await elsewhere(codeOf(secret));
    await elsewhere(codes[0]);
    expect((await browser.get(ACCOUNT)).text).toContain('9 recovery codes are left');
  });

  it('shows the same key again after a wrong code, and turns nothing on', async () => {
    await browser.post(`${FACTOR}/begin`);
    const page = await browser.get(FACTOR);
    expect(page.html).toMatch(/<img src="data:image\/svg\+xml;base64,[\w+/=]+"/);
    const wrong = await browser.send(page, { code: '000000' }, `${FACTOR}/confirm`);
    expect([wrong.status, keyIn(wrong)]).toEqual([422, keyIn(page)]);
    expect(wrong.html).toContain('<a href="#code">');
    await elsewhere();
  });

  it('gives new recovery codes in place of the old ones', async () => {
    const { codes } = await withSecondFactor();
    const page = await browser.get(FACTOR);
    const renewed = codesIn(await browser.send(page, {}, `${FACTOR}/recovery-codes`));
    expect(renewed).toHaveLength(10);
    await expect(elsewhere(codes[0])).rejects.toMatchObject({ code: 'not_authenticated' });
    await elsewhere(renewed[0]);
  });

  it('is turned off on a page that says what that means', async () => {
    await withSecondFactor();
    const asked = await browser.get(`${FACTOR}/remove`);
    expect(asked.text).toContain('Your password alone will open your account.');
    const done = await browser.follow(await browser.send(asked));
    expect(done.text).toContain('The second factor is off.');
    await elsewhere();
  });

  it.each([
    ['GET', FACTOR],
    ['POST', `${FACTOR}/begin`],
    ['POST', `${FACTOR}/confirm`],
    ['POST', `${FACTOR}/recovery-codes`],
    ['POST', `${FACTOR}/remove`],
    ['POST', `${ACCOUNT}/tokens/new`],
  ])('asks for the password again before %s %s', async (method, path) => {
    app.clock.advance(STEP_UP_SECONDS + 1);
    const answer = method === 'GET' ? await browser.get(path) : await browser.post(path);
    expect(answer.location).toMatch(/^\/admin\/verify\?next=/);
  });
});

describe('personal access tokens', () => {
  const form = () => browser.get(`${ACCOUNT}/tokens/new`);
  const tokenIn = ({ html }: ConsolePage) => /<code class="mono">(tgp_[\w-]{43})</.exec(html)?.[1];
  const calls = async (token: string) => {
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(`${app.url}/api/v1/clients`, { headers })).status;
  };

  it('are shown once, work with the REST API, and are deleted on a page that asks', async () => {
    const made = await browser.send(await form(), { label: 'deploy', lifetime: '30' });
    const token = tokenIn(made) ?? '';
    expect(await calls(token)).toBe(200);
    const page = await browser.get(ACCOUNT);
    expect(page.text).toContain(`tgp_…${token.slice(-4)}`);
    expect(page.html).not.toContain(token);
    const { items } = await app.services.stores.personalAccessTokens.list({ limit: 100 });
    const { accessTokenId } = items.find(({ label }) => label === 'deploy') ?? {};
    const path = `${ACCOUNT}/tokens/${accessTokenId}/delete`;
    expect(page.html).toContain(`href="${path}"`);
    const asked = await browser.get(path);
    expect(asked.text).toContain('Delete the token “deploy”?');
    const deleted = await browser.follow(await browser.send(asked));
    expect(deleted.text).toContain('The token “deploy” is deleted.');
    expect(await calls(token)).toBe(401);
  });

  it.each(['', 'soon', '-1', '1e300', '31', 'Infinity'])(
    'take no lifetime that is not offered, such as “%s”: it would be none',
    async (lifetime) => {
      const answer = await browser.send(await form(), { label: 'odd', lifetime });
      expect([answer.status, tokenIn(answer)]).toEqual([422, undefined]);
      expect(answer.text).toContain('Lifetime must be one of those that are offered');
      expect(answer.html).toContain('value="odd"');
    },
  );

  it('end when their time is over', async () => {
    const made = await browser.send(await form(), { label: 'short', lifetime: '30' });
    app.clock.advance(30 * 86_400);
    expect(await calls(tokenIn(made) ?? '')).toBe(401);
  });

  it('have a label, and no role above one’s own', async () => {
    const page = await form();
    expect(page.html).not.toContain('value="owner"');
    const nameless = await browser.send(page, { label: ' ' });
    expect([nameless.status, nameless.html.includes('<a href="#label">')]).toEqual([422, true]);
    const above = await browser.send(page, { label: 'x', role: 'owner' });
    expect([above.status, tokenIn(above)]).toEqual([403, undefined]);
  });

  it('of other admins are not a viewer’s to delete', async () => {
    const owner = await signedIn(app, 'owner');
    await owner.send(await owner.get(`${ACCOUNT}/tokens/new`), { label: 'theirs' });
    const filter = { adminId: owner.admin.adminId };
    const { items } = await app.services.stores.personalAccessTokens.list({ filter, limit: 10 });
    for (const { accessTokenId } of items) {
      const answer = await browser.post(`${ACCOUNT}/tokens/${accessTokenId}/delete`);
      expect(answer.status).toBe(403);
    }
    expect(items.length).toBeGreaterThan(1);
  });
});

describe('browserName', () => {
  const like = '(KHTML, like Gecko)';
  it.each([
    [
      `Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 ${like} Chrome/141.0.0.0 Safari/537.36 Edg/141.0`,
      'Edge 141 · Windows',
    ],
    [
      `Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 ${like} Chrome/141.0 Mobile Safari/537.36`,
      'Chrome 141 · Android',
    ],
    [
      `Mozilla/5.0 (Macintosh; Intel Mac OS X 14_1) AppleWebKit/605.1 ${like} Version/18.1 Safari/605.1`,
      'Safari 18 · macOS',
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 ${like} Version/18.1 Mobile Safari/604.1`,
      'Safari 18 · iOS',
    ],
    ['curl/8.5.0', 'curl/8.5.0'],
    ['', ''],
  ])('calls %s %s', (userAgent, name) => {
    expect(browserName(userAgent)).toBe(name);
  });
});
