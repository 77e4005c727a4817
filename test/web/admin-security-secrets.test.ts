import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, signedIn } from './console-support.ts';
import { fillIn, formOf } from './security-support.ts';

let app: TestApp;
let browser: Browser;

beforeAll(async () => {
  app = await startApp();
  browser = await signedIn(app, 'security');
});
afterAll(() => app.close());

const secretsOf = (clientId: string) => `/admin/clients/${clientId}/secrets`;
const stored = (clientId: string) => findClient(app.services, clientId);
const valueOn = ({ html }: ConsolePage) =>
  /<code class="mono">(tgs_[\w-]{43})<\/code>/.exec(html)?.[1];

/** Whether a client gets a token with a secret: 200 or 401. */
async function tokenStatus(clientId: string, secret: string): Promise<number> {
  const answer = await fetch(`${app.url}/oauth2/token`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa(`${clientId}:${encodeURIComponent(secret)}`)}`,
    },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  return answer.status;
}

async function auditOf(clientId: string): Promise<string> {
  const { items } = await app.services.stores.audit.list({
    filter: { objectId: clientId },
    limit: 100,
  });
  return JSON.stringify(items);
}

describe('the tab "Password and secrets"', () => {
  it('lists id, label, kind, age, end, last use and state of each secret, and no value', async () => {
    const { clientId, secret } = await app.createClient();
    expect(await tokenStatus(clientId, secret)).toBe(200);
    await app.services.lastUses.flush();
    const { text, html } = await browser.get(secretsOf(clientId));
    const id = (await stored(clientId)).secrets[0]?.secretId;
    expect(text).toContain(`first secret ${id} Works Generated`);
    expect(text).toContain('127.0.0.1');
    expect(text).toContain('1 of at most 10 work');
    expect(html).not.toContain(secret.slice(4));
  });

  it('generates a secret beside the others, shown once with a file and a command', async () => {
    const { clientId, secret } = await app.createClient();
    const path = `${secretsOf(clientId)}/generate`;
    const page = await fillIn(browser, path, { label: 'batch host' });
    expect([page.status, page.location]).toEqual([200, null]);
    expect(page.headers.get('Cache-Control')).toBe('no-store');
    const value = valueOn(page) ?? '';
    expect(page.html).toContain(`TOLLGATE_CLIENT_SECRET%3D${value}`);
    expect(page.text).toContain(`curl -u '${clientId}:${value}' -d grant_type=client_credentials`);
    expect([await tokenStatus(clientId, value), await tokenStatus(clientId, secret)]).toEqual([
      200, 200,
    ]);
    const list = await browser.get(secretsOf(clientId));
    expect(list.text).toContain('batch host');
    for (const text of [list.html, app.log.join('\n'), await auditOf(clientId)])
      expect(text).not.toContain(value.slice(4));
  });

  it('generates one secret where two admins press at the same moment; the other is told', async () => {
    const { clientId } = await app.createClient();
    const path = `${secretsOf(clientId)}/generate`;
    const page = await browser.get(path);
    const other = await signedIn(app, 'security');
    const pages = [
      { who: browser, page },
      { who: other, page: await other.get(path) },
    ];
    const sent = await Promise.all(
      pages.map(({ who, page }) => who.send(page, { label: 'batch host' }, path)),
    );
    expect(sent.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect((await stored(clientId)).secrets).toHaveLength(2);
    const overtaken = sent.find(({ status }) => status === 412);
    expect(overtaken && valueOn(overtaken)).toBeUndefined();
    expect(overtaken?.text).toMatch(/security-\S+ changed it now\. Nothing was done\./);
  });

  it('wants a label', async () => {
    const { clientId } = await app.createClient();
    const page = await fillIn(browser, `${secretsOf(clientId)}/generate`, { label: ' ' });
    expect(page.status).toBe(422);
    expect(page.html).toContain('<a href="#label">Label: is required</a>');
  });

  it('rotates a secret: the old one works for the grace period that was chosen', async () => {
    const { clientId, secret } = await app.createClient();
    const id = (await stored(clientId)).secrets[0]?.secretId;
    const path = `${secretsOf(clientId)}/${id}/rotate`;
    const asked = await browser.get(path);
    expect(asked.text).toContain('The old value still works for');
    expect(asked.text).toContain('= 86,400 s');
    const page = await browser.send(asked, { grace: '3', 'grace.unit': 'h' }, path);
    expect(page.status).toBe(200);
    expect(page.text).toContain('(in 3 hours)');
    const value = valueOn(page) ?? '';
    expect([await tokenStatus(clientId, secret), await tokenStatus(clientId, value)]).toEqual([
      200, 200,
    ]);
    expect((await browser.get(secretsOf(clientId))).text).toContain('Expires soon · in 3 hours');
    app.clock.advance(3 * 3600);
    expect([await tokenStatus(clientId, secret), await tokenStatus(clientId, value)]).toEqual([
      401, 200,
    ]);
    browser = await signedIn(app, 'security');
  });

  it('stops the old secret at once where the grace period is 0, and refuses more than 90 days', async () => {
    const { clientId, secret } = await app.createClient();
    const id = (await stored(clientId)).secrets[0]?.secretId;
    const path = `${secretsOf(clientId)}/${id}/rotate`;
    const long = await fillIn(browser, path, { grace: '91', 'grace.unit': 'd' });
    expect(long.status).toBe(422);
    expect(long.text).toContain('use from 0 to 90 days');
    const page = await browser.send(long, { grace: '0' }, path);
    expect(page.text).toContain('It has stopped working.');
    expect(await tokenStatus(clientId, secret)).toBe(401);
  });

  it('asks before it retires a secret, and says when it is the last', async () => {
    const { clientId, secret } = await app.createClient();
    const id = (await stored(clientId)).secrets[0]?.secretId;
    const path = `${secretsOf(clientId)}/${id}/retire`;
    const asked = await browser.get(path);
    expect(asked.text).toContain('It is the last one');
    expect(await tokenStatus(clientId, secret)).toBe(200);
    const done = await browser.send(asked, {}, path);
    const after = await browser.follow(done);
    expect(after.text).toContain('This client has no secret');
    expect(await tokenStatus(clientId, secret)).toBe(401);
  });

  it('offers no more than a client can hold, and refuses more', async () => {
    const { clientId } = await app.createClient();
    const path = `${secretsOf(clientId)}/generate`;
    for (let i = 2; i <= 10; i += 1) await fillIn(browser, path, { label: `secret ${i}` });
    expect((await browser.get(secretsOf(clientId))).text).toContain('10 is the most');
    const page = await fillIn(browser, path, { label: 'one more' });
    expect(page.status).toBe(422);
    expect(page.text).toContain('retire one first');
    expect((await stored(clientId)).secrets).toHaveLength(10);
  });
});

describe('the password', () => {
  it('is changed to one of any characters; the one before stops, generated secrets stay', async () => {
    const { clientId } = await app.createClient({ password: 'the first password' });
    const path = `${secretsOf(clientId)}/password`;
    const generated = valueOn(
      await fillIn(browser, `${secretsOf(clientId)}/generate`, { label: 'other' }),
    );
    const password = ' ключ 🗝 with spaces ';
    const done = await fillIn(browser, path, { password, confirmation: password });
    expect([done.status, done.location]).toEqual([303, secretsOf(clientId)]);
    expect((await browser.follow(done)).text).toContain('The password is changed');
    expect(await tokenStatus(clientId, password)).toBe(200);
    expect(await tokenStatus(clientId, 'the first password')).toBe(401);
    expect(await tokenStatus(clientId, generated ?? '')).toBe(200);
    for (const text of [app.log.join('\n'), await auditOf(clientId), done.location ?? ''])
      expect(text).not.toContain('with spaces');
    expect(String(done.headers.get('Set-Cookie'))).not.toContain('with');
  });

  it.each([
    ['seven77', 'seven77', 'password', 'needs at least 8 characters'],
    ['🗝'.repeat(129), '🗝'.repeat(129), 'password', 'may have at most 128 characters'],
    ['correct horse', 'correct hors', 'confirmation', 'enter the same password twice'],
    ['', '', 'password', 'needs at least 8 characters'],
  ])(
    'is refused as %j twice as %j, and not shown again',
    async (password, confirmation, field, why) => {
      const { clientId, secret } = await app.createClient();
      const page = await fillIn(browser, `${secretsOf(clientId)}/password`, {
        password,
        confirmation,
      });
      expect(page.status).toBe(422);
      expect(page.html).toMatch(new RegExp(`<a href="#${field}">[^<]*${why}</a>`));
      if (password !== '') expect(page.html).not.toContain(`value="${password}"`);
      expect(await tokenStatus(clientId, secret)).toBe(200);
    },
  );

  it.each(['generate', 'password'])(
    'is left alone by %s on a version that is gone',
    async (act) => {
      const { clientId } = await app.createClient();
      const path = `${secretsOf(clientId)}/${act}`;
      const page = await browser.get(path);
      await app.updateClient(clientId, { note: 'changed in between' });
      const fields = { label: 'late', password: 'correct horse', confirmation: 'correct horse' };
      const stale = await browser.send(page, fields, path);
      expect(stale.status).toBe(412);
      expect(stale.html).not.toContain('correct horse');
      expect((await stored(clientId)).secrets).toHaveLength(1);
      expect([200, 303]).toContain((await browser.send(stale, fields, path)).status);
      expect((await stored(clientId)).secrets).toHaveLength(2);
    },
  );
});

describe('the mailed reset link', () => {
  it('says to whom it went and when it expires, and holds no secret in flash or log', async () => {
    const { clientId } = await app.createClient({
      emails: ['a@partner.example', 'b@partner.example'],
    });
    const action = `${secretsOf(clientId)}/reset-mail`;
    const done = await fillIn(browser, secretsOf(clientId), {}, action);
    const { text, html } = await browser.follow(done);
    expect(text).toContain(
      'A reset link is on its way to a@partner.example, b@partner.example; it expires in 30 minutes',
    );
    const mail = (await app.mails()).find((each) => each.includes('a@partner.example')) ?? '';
    const token = /token=(?:3D)?(tgl_[\w-]{43})/.exec(mail.replaceAll('=\r\n', ''))?.[1] ?? '';
    expect(token).toMatch(/^tgl_/);
    for (const place of [html, app.log.join('\n'), await auditOf(clientId)])
      expect(place).not.toContain(token.slice(4));
  });

  it('needs an address: says so where it is missing, and in answer to a request made by hand', async () => {
    const { clientId } = await app.createClient();
    const page = await browser.get(secretsOf(clientId));
    expect(page.text).toContain('The client has no email address that a reset link could go to.');
    expect(page.html).toContain(`href="/admin/clients/${clientId}/edit/who"`);
    expect(() => formOf(page, `${secretsOf(clientId)}/reset-mail`)).toThrow('no form');
    const refused = await browser.post(`${secretsOf(clientId)}/reset-mail`, { version: '1' });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain('nothing was sent and nothing has changed');
    expect(await auditOf(clientId)).not.toContain('mail_password_reset');
  });
});
