import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createAdmin } from '../../src/domain/admins/manage-admins.ts';
import { newClient } from '../../src/domain/clients/client-input.ts';
import {
  mailPasswordReset,
  RESET_LINK_SECONDS,
} from '../../src/domain/clients/manage-client-secrets.ts';
import { createClient, findClient } from '../../src/domain/clients/manage-clients.ts';
import { REASONS } from '../../src/domain/decision/reasons.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { parse } from '../../src/domain/validation.ts';
import { securityHeaders } from '../../src/http/security-headers.ts';
import { pages } from '../../src/web/pages.ts';
import { openSite } from '../../src/web/site.ts';
import { ACTOR, linkIn, openWorld, type World } from '../domain/support.ts';
import { type Answer, startServer, type TestServer } from '../http/support.ts';

let world: World;
let server: TestServer;
beforeEach(async () => {
  world = await openWorld();
  const { services } = world;
  const router = pages(services, await openSite());
  server = await startServer((app) => app.use(securityHeaders).use(router.routes()));
});
afterEach(async () => {
  await server.close();
  await world.close();
});

const BY = { actor: ACTOR, role: 'owner', adminId: null } as const;

/** Path of a reset link of a new client, and its token. */
async function resetLink(displayName = 'Orders') {
  const { services, mails } = world;
  const input = {
    clientId: 'orders',
    clientName: 'orders',
    displayName,
    note: 'x',
    emails: ['ops@partner.example'],
  };
  await createClient(services, ACTOR, parse(newClient, input));
  await mailPasswordReset(services, ACTOR, 'orders');
  return pathOf(linkIn(mails[0]));
}

/** Path of a set-up link of a new owner, and its token. */
async function setUpLink() {
  const { setUpLink: link } = await createAdmin(world.services, BY, {
    userName: 'owner',
    role: 'owner',
  });
  return pathOf(link?.url ?? '');
}

function pathOf(url: string): { path: string; page: string; token: string } {
  const { pathname, search, searchParams } = new URL(url);
  return { path: pathname + search, page: pathname, token: searchParams.get('token') ?? '' };
}

function post(page: string, fields: Record<string, string> | [string, string][]): Promise<Answer> {
  return server.send(page, { method: 'POST', body: new URLSearchParams(fields) });
}
const chosen = (token: string, password = 'correct horse', confirmation = password) => ({
  token,
  password,
  confirmation,
});

describe.each([
  ['the page of a set-up link', setUpLink, 'Set up your admin account'],
  ['the page of a reset link', resetLink, 'Choose a new password'],
])('%s', (_, link, heading) => {
  it('shows a form that holds the token and no secret, and may not be kept', async () => {
    const { path, page, token } = await link();
    for (let i = 0; i < 2; i += 1) {
      const { status, headers, text } = await server.send(path);
      expect([status, headers.get('Cache-Control')]).toEqual([200, 'no-store']);
      expect(headers.get('Content-Type')).toBe('text/html; charset=utf-8');
      expect(text).toContain(`<h1>${heading}</h1>`);
      expect(text).toContain(`<form method="post" action="${page}"`);
      expect(text).toContain(`<input type="hidden" name="token" value="${token}">`);
      expect(text).not.toContain('role="alert"');
    }
  });

  it('sets the password and works once', async () => {
    const { path, page, token } = await link();
    const done = await post(page, chosen(token));
    expect([done.status, done.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
    const [again, shown] = [
      await post(page, chosen(token, 'other password')),
      await server.send(path),
    ];
    for (const gone of [again, shown]) {
      expect([gone.status, gone.headers.get('Cache-Control')]).toEqual([410, 'no-store']);
      expect(gone.text).toContain('This link no longer works');
    }
  });

  it.each([
    ['too short', chosen('', 'short'), 'password', 'The password needs at least 8 characters'],
    [
      'too long',
      chosen('', '🗝'.repeat(129)),
      'password',
      'The password may have at most 128 characters',
    ],
    ['left out', { token: '' }, 'confirmation', 'Enter the same password twice'],
    ['empty', chosen('', ''), 'password', 'The password needs at least 8 characters'],
    [
      'not the same twice',
      chosen('', 'correct horse', 'correct hors'),
      'confirmation',
      'Enter the same password twice',
    ],
  ])(
    'shows again what is wrong with a password that is %s, and keeps the link',
    async (_title, fields, field, message) => {
      const { page, token } = await link();
      const { status, headers, text } = await post(page, { ...fields, token });
      expect([status, headers.get('Cache-Control')]).toEqual([422, 'no-store']);
      expect(text).toContain(`<title>Error: ${heading}`);
      expect(text).toMatch(/<div class="error-summary" role="alert"/);
      expect(text).toContain(`<a href="#${field}">${message}</a>`);
      expect(text).toMatch(
        new RegExp(`id="${field}"[^>]*aria-describedby="${field}-error"[^>]*aria-invalid="true"`),
      );
      expect(text).toContain(`<p class="field__error" id="${field}-error">${message}</p>`);
      expect(text).toContain(`name="token" value="${token}"`);
      expect(text).not.toContain('correct horse');
      expect((await post(page, chosen(token))).status).toBe(200);
    },
  );

  it.each(['', '?token=', '?token=tgl_unknown', '?token=a&token=b', '?token[$ne]=x'])(
    'is gone for %j',
    async (query) => {
      const { page } = await link();
      expect((await server.send(`${page}${query}`)).status).toBe(410);
    },
  );

  it('is gone for a token of another kind of link', async () => {
    const [{ token: reset }, { token: setUp }] = [await resetLink(), await setUpLink()];
    expect((await server.send(`/admin/set-up?token=${reset}`)).status).toBe(410);
    expect((await server.send(`/reset-password?token=${setUp}`)).status).toBe(410);
    expect((await post('/admin/set-up', chosen(reset))).status).toBe(410);
    expect((await post('/reset-password', chosen(setUp))).status).toBe(410);
  });

  it('escapes what it shows again', async () => {
    const { page } = await link();
    const { text } = await post(page, chosen('"><script>alert(1)</script>', 'short'));
    expect(text).not.toContain('<script');
    expect(text).toContain('value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
  });

  it.each([
    ['JSON', { 'Content-Type': 'application/json' }, '{"token":"x"}', 400],
    ['a multipart form', { 'Content-Type': 'multipart/form-data; boundary=x' }, '--x--', 400],
    ['no content type', {}, new Uint8Array([1]), 400],
    [
      'a field twice',
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      'token=a&token=b',
      400,
    ],
    [
      'more than it takes',
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      `token=${'x'.repeat(65_536)}`,
      413,
    ],
  ])('refuses %s', async (_title, headers, body, status) => {
    const { page } = await link();
    expect((await server.send(page, { method: 'POST', headers, body })).status).toBe(status);
  });

  it('logs neither token nor password', async () => {
    const { path, page, token } = await link();
    await server.send(path);
    await post(page, chosen(token, 'short'));
    await post(page, chosen(token));
    const logged = JSON.stringify(server.lines);
    expect(server.lines.length).toBeGreaterThan(2);
    for (const secret of [token.slice(4), 'correct horse']) expect(logged).not.toContain(secret);
  });
});

describe('the page of a set-up link', () => {
  it('shows a personal access token once', async () => {
    const { page, token } = await setUpLink();
    const { text } = await post(page, chosen(token));
    expect(text).toMatch(/<code>tgp_[\w-]{43}<\/code>/);
    expect(text).toContain('“owner” (owner)');
  });
});

describe('the page of a reset link', () => {
  it('tells the client id and escapes the name of the client', async () => {
    const { page, token } = await resetLink('<b>Orders</b> & "more"');
    const { text } = await post(page, chosen(token));
    expect(text).toContain('<code>orders</code>');
    expect(text).toContain('&lt;b&gt;Orders&lt;/b&gt; &amp; &#34;more&#34;');
    const { secrets } = await findClient(world.services, 'orders');
    expect(await world.services.passwords.verify('correct horse', secrets.at(-1)?.hash ?? '')).toBe(
      true,
    );
  });

  it('is gone once its time is over', async () => {
    const { path, page, token } = await resetLink();
    world.pass(RESET_LINK_SECONDS);
    expect((await server.send(path)).status).toBe(410);
    expect((await post(page, chosen(token))).status).toBe(410);
  });

  it('writes down from where the password was chosen', async () => {
    const { page, token } = await resetLink();
    await post(page, chosen(token));
    const { items } = await world.services.stores.audit.list({
      filter: { objectId: 'orders' },
      limit: 10,
    });
    const reset = items.find(({ action }) => action === 'client.reset_password');
    expect(reset?.actor).toEqual({ kind: 'client', id: 'orders', address: '127.0.0.1' });
  });
});

describe('the stylesheet', () => {
  it('is found where pages say it is, for ever', async () => {
    const { path } = await setUpLink();
    const href = /<link rel="stylesheet" href="(\/static\/app\.[0-9a-f]{8}\.css)">/.exec(
      (await server.send(path)).text,
    )?.[1];
    const { status, headers, text } = await server.send(href ?? '');
    expect([status, headers.get('Content-Type')]).toEqual([200, 'text/css; charset=utf-8']);
    expect(headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    expect(text).toContain('@layer');
  });

  it.each([
    '/static/app.css',
    '/static/app.00000000.css',
    '/static/../views.ts',
    '/static/%2e%2e/message.ejs',
  ])('is not at %s', async (path) => {
    expect((await server.send(path)).status).toBe(404);
  });
});

describe('the page of codes', () => {
  it('has a row to link to for every error and every reason', async () => {
    const { status, text } = await server.send('/docs/errors');
    expect(status).toBe(200);
    for (const code of [...Object.keys(ERRORS), ...Object.keys(REASONS)]) {
      expect(text.match(new RegExp(`id="${code}"`, 'g'))).toHaveLength(1);
    }
  });
});
