import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findApiKey } from '../../src/domain/api-keys/manage-api-keys.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, signedIn } from './console-support.ts';
import { fillIn, formOf } from './security-support.ts';

let app: TestApp;
let browser: Browser;
let gateway: { clientId: string; secret: string };

beforeAll(async () => {
  app = await startApp();
  browser = await signedIn(app, 'security');
  await app.createGroup('orders.read', {}, ['GET /orders/:id']);
  await app.createGroup('stock.read');
  gateway = await app.createResourceServer();
});
afterAll(() => app.close());

const keysOf = (clientId: string) => `/admin/clients/${clientId}/api-keys`;
const GROUPS = ['orders.read', 'stock.read'];

/** A client and a page on which its key was just made. */
async function newKey(fields = {}, client = {}): Promise<{ clientId: string; page: ConsolePage }> {
  const { clientId } = await app.createClient({ apiGroups: GROUPS, ...client });
  const page = await fillIn(browser, `${keysOf(clientId)}/new`, {
    alias: 'nightly',
    expiresAt: '2035-03-31T09:00',
    zone: 'Asia/Tokyo',
    apiGroups: 'orders.read',
    ...fields,
  });
  return { clientId, page };
}

const valueOn = ({ html }: ConsolePage) =>
  /<code class="mono">(tgk_[\w-]{49})<\/code>/.exec(html)?.[1];

/** Whether a key may call `GET /orders/1` now, and why not. */
async function decide(apiKey: string): Promise<{ allowed: boolean; reason: string | null }> {
  const answer = await fetch(`${app.url}/decide`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa(`${gateway.clientId}:${gateway.secret}`)}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ apiKey, clientIp: '192.0.2.1', method: 'GET', path: '/orders/1' }),
  });
  return (await answer.json()) as { allowed: boolean; reason: string | null };
}

const onlyKey = async (clientId: string) => {
  const { items } = await app.services.stores.apiKeys.list({ filter: { clientId }, limit: 1 });
  return items[0];
};

describe('a new X-Api-Key', () => {
  it('shows its value once, on an answer that may not be kept, with commands and a file', async () => {
    const { clientId, page } = await newKey();
    expect([page.status, page.location]).toEqual([200, null]);
    expect(page.headers.get('Cache-Control')).toBe('no-store');
    const value = valueOn(page) ?? '';
    expect(page.text).toContain(`X-Api-Key: ${value}`);
    expect(page.html).toContain(`TOLLGATE_API_KEY%3D${value}`);
    expect(page.text).toContain('"method":"GET","path":"/orders/1"');
    expect(await decide(value)).toMatchObject({ allowed: true });
    const list = await browser.get(keysOf(clientId));
    expect(list.text).toContain(`nightly tgk_…${value.slice(-4)} orders.read Enabled`);
    for (const text of [list.html, app.log.join('\n'), await auditOf(clientId)])
      expect(text).not.toContain(value.slice(4));
  });

  it('reads its dates in the zone that the form names', async () => {
    const { clientId } = await newKey({ startsAt: '2035-01-01T22:00' });
    const key = await onlyKey(clientId);
    expect(key?.startsAt).toEqual(new Date('2035-01-01T13:00:00Z'));
    expect(key?.expiresAt).toEqual(new Date('2035-03-31T00:00:00Z'));
    const { text } = await browser.get(keysOf(clientId));
    expect(text).toContain('Not yet effective');
    expect(text).toContain('Effective from 1 Jan 2035, 13:00 UTC');
  });

  it('tells that a mail was queued, and the mail holds no value', async () => {
    const { page } = await newKey({}, { emails: ['a@partner.example', 'b@partner.example'] });
    expect(page.text).toContain('A mail to 2 addresses was queued');
    const mails = await app.mails();
    expect(mails.join('\n')).toContain('nightly');
    expect(mails.join('\n')).not.toContain(valueOn(page)?.slice(4));
  });

  it('tells that nobody was told where there is no address', async () => {
    const { page } = await newKey();
    expect(page.text).toContain('No address: nobody was told.');
  });

  it('shows every bad field at once and keeps what was typed', async () => {
    const { clientId, page } = await newKey({
      alias: '',
      expiresAt: '2034-01-01T00:00',
      startsAt: '2035-02-30T00:00',
      apiGroups: null,
    });
    expect(page.status).toBe(422);
    for (const field of ['alias', 'startsAt', 'apiGroups'])
      expect(page.html).toContain(`<a href="#${field}">`);
    expect(formOf(page, `${keysOf(clientId)}/new`).get('expiresAt')).toBe('2034-01-01T00:00');
    expect(await onlyKey(clientId)).toBeUndefined();
  });

  it.each([
    ['an end in the past', { expiresAt: '2034-01-01T00:00' }, 'expiresAt'],
    ['an end before the start', { startsAt: '2035-05-01T00:00' }, 'expiresAt'],
    ['no end', { expiresAt: '' }, 'expiresAt'],
    ['a zone that there is not', { zone: 'Mars/Base' }, 'zone'],
    ['a group that the client does not hold', { apiGroups: 'other.read' }, 'apiGroups'],
  ])('refuses %s, at its field', async (_title, fields, field) => {
    const { clientId, page } = await newKey(fields);
    expect(page.status).toBe(422);
    expect(page.html).toContain(`<a href="#${field}">`);
    expect(await onlyKey(clientId)).toBeUndefined();
  });

  it('refuses an alias that another key of the client has', async () => {
    const { clientId } = await app.createClient({ apiGroups: GROUPS });
    await app.createKey(clientId, { alias: 'nightly' });
    const page = await fillIn(browser, `${keysOf(clientId)}/new`, {
      alias: 'Nightly',
      expiresAt: '2035-03-31T09:00',
      apiGroups: 'orders.read',
    });
    expect(page.status).toBe(422);
    expect(page.html).toContain('<a href="#alias">');
  });

  it('is not offered to a client without groups, and says what to do', async () => {
    const { clientId } = await app.createClient();
    const { text, html } = await browser.get(keysOf(clientId));
    expect(text).toContain('holds no API group that a key could have');
    expect(html).not.toContain(`href="${keysOf(clientId)}/new"`);
  });

  it('takes the names of its groups one a line, where there are too many to tick', async () => {
    const names = Array.from({ length: 201 }, (_, i) => `many.${i}`);
    for (const name of names) await app.createGroup(name);
    const { clientId } = await app.createClient({ apiGroups: names });
    const path = `${keysOf(clientId)}/new`;
    const fields = {
      alias: 'many',
      expiresAt: '2035-03-31T09:00',
      apiGroups: 'many.7\r\n many.8\n',
    };
    expect((await fillIn(browser, path, fields)).status).toBe(200);
    expect((await onlyKey(clientId))?.apiGroups).toEqual(['many.7', 'many.8']);
    const { text } = await browser.get(`/admin/clients/${clientId}/api-groups`);
    expect(text).toContain('201 API groups. Only the first 200 are shown');
  });

  it('is not made from a version of the client that is gone', async () => {
    const { clientId } = await app.createClient({ apiGroups: GROUPS });
    const path = `${keysOf(clientId)}/new`;
    const page = await browser.get(path);
    await app.updateClient(clientId, { note: 'changed in between' });
    const fields = { alias: 'late', expiresAt: '2035-03-31T09:00', apiGroups: 'orders.read' };
    const stale = await browser.send(page, fields, path);
    expect(stale.status).toBe(412);
    expect(await onlyKey(clientId)).toBeUndefined();
    expect(formOf(stale, path).get('alias')).toBe('late');
    expect((await browser.send(stale, {}, path)).status).toBe(200);
  });
});

describe('the list of X-Api-Keys', () => {
  it('tells in words which keys end soon, have ended, and were used from where', async () => {
    const { clientId } = await app.createClient({ apiGroups: GROUPS });
    const in5Days = new Date(app.clock.now().getTime() + 5 * 86_400_000);
    const { value } = await app.createKey(clientId, { alias: 'soon', expiresAt: in5Days });
    await decide(value);
    await app.services.lastUses.flush();
    const soon = await browser.get(keysOf(clientId));
    expect(soon.text).toMatch(
      /soon tgk_….{4} orders\.read, stock\.read Enabled Expires soon · in 5 days .* 192\.0\.2\.1/,
    );
    expect(soon.html).toContain('status--warning');
    app.clock.advance(6 * 86_400);
    const later = await signedIn(app, 'viewer');
    const { text, html } = await later.get(keysOf(clientId));
    expect(text).toMatch(/Expired Expired · 24 hours ago/);
    expect(html).toContain('status--danger');
    browser = await signedIn(app, 'security');
  });

  it('disables and enables a key, from its next call on', async () => {
    const { clientId } = await app.createClient({ apiGroups: GROUPS });
    const { value, apiKeyId } = await app.createKey(clientId);
    const action = `${keysOf(clientId)}/${apiKeyId}/status`;
    const done = await fillIn(browser, keysOf(clientId), {}, action);
    const page = await browser.follow(done);
    expect(page.text).toContain('is disabled: it is refused from its next call on');
    expect(await decide(value)).toMatchObject({ allowed: false, reason: 'key_disabled' });
    await browser.send(page, {}, action);
    expect(await decide(value)).toMatchObject({ allowed: true });
  });

  it('rotates a key: the old value works for the grace period that was chosen', async () => {
    const { clientId } = await app.createClient({ apiGroups: GROUPS });
    const { value: old, apiKeyId } = await app.createKey(clientId);
    const path = `${keysOf(clientId)}/${apiKeyId}/rotate`;
    const page = await fillIn(browser, path, { grace: '2', 'grace.unit': 'h' });
    expect([page.status, page.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
    const value = valueOn(page) ?? '';
    expect(page.text).toContain(`The value …${old.slice(-4)} works until`);
    expect([await decide(old), await decide(value)]).toMatchObject([
      { allowed: true },
      { allowed: true },
    ]);
    app.clock.advance(7200);
    expect(await decide(old)).toMatchObject({ allowed: false, reason: 'key_expired' });
    browser = await signedIn(app, 'security');
    const { previous } = await findApiKey(app.services, apiKeyId);
    expect(previous?.expiresAt).toEqual(app.clock.now());
  });

  it.each([
    ['', 'h'],
    ['31', 'd'],
    ['-1', 'h'],
    ['1.5', 'h'],
    ['1', 'fortnights'],
  ])('refuses a grace period of %j %s', async (grace, unit) => {
    const { clientId } = await app.createClient({ apiGroups: GROUPS });
    const { apiKeyId } = await app.createKey(clientId);
    const path = `${keysOf(clientId)}/${apiKeyId}/rotate`;
    const page = await fillIn(browser, path, { grace, 'grace.unit': unit });
    expect(page.status).toBe(422);
    expect(page.html).toContain('href="#grace');
    expect((await findApiKey(app.services, apiKeyId)).version).toBe(1);
  });

  it('asks before it deletes a key, and then the key is unknown', async () => {
    const { clientId } = await app.createClient({ apiGroups: GROUPS });
    const { value, apiKeyId } = await app.createKey(clientId, { alias: 'old one' });
    const path = `${keysOf(clientId)}/${apiKeyId}/delete`;
    const asked = await browser.get(path);
    expect(asked.text).toContain('Delete the X-Api-Key “old one”?');
    expect(asked.text).toContain('It was never used.');
    const done = await browser.send(asked, {}, path);
    expect((await browser.follow(done)).text).toContain('The key “old one” is deleted.');
    expect(await decide(value)).toMatchObject({ allowed: false, reason: 'credential_invalid' });
  });

  it.each(['status', 'rotate', 'delete'])(
    'does not %s a key whose version is gone',
    async (act) => {
      const { clientId } = await app.createClient({ apiGroups: GROUPS });
      const { apiKeyId, value } = await app.createKey(clientId);
      const action = `${keysOf(clientId)}/${apiKeyId}/${act}`;
      const page = await browser.get(act === 'status' ? keysOf(clientId) : action);
      const other = await signedIn(app, 'security');
      await fillIn(other, `${keysOf(clientId)}/${apiKeyId}/rotate`, { grace: '1' });
      const stale = await browser.send(page, {}, action);
      expect(stale.status).toBe(412);
      expect(stale.text).toContain(`${other.admin.userName} changed it`);
      expect((await findApiKey(app.services, apiKeyId)).version).toBe(2);
      expect(await decide(value)).toMatchObject({ allowed: true });
    },
  );

  it('knows no key of another client', async () => {
    const [mine, other] = [
      await app.createClient({ apiGroups: GROUPS }),
      await app.createClient({ apiGroups: GROUPS }),
    ];
    const { apiKeyId } = await app.createKey(other.clientId);
    for (const act of ['rotate', 'delete']) {
      const path = `${keysOf(mine.clientId)}/${apiKeyId}/${act}`;
      expect((await browser.get(path)).status).toBe(404);
      expect((await browser.post(path, { version: '1', grace: '0' })).status).toBe(404);
    }
    expect((await findApiKey(app.services, apiKeyId)).version).toBe(1);
  });
});

async function auditOf(clientId: string): Promise<string> {
  const { items } = await app.services.stores.audit.list({ limit: 100 });
  return JSON.stringify(items.filter(({ object }) => object.id.includes(clientId)));
}
