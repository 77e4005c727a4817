/** The pages of what happened: decisions with the simulator, audit events, mails. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mailPasswordReset } from '../../src/domain/clients/manage-client-secrets.ts';
import { startApp, TESTER, type TestApp } from '../support/app.ts';
import type { Credentials } from '../support/server.ts';
import { type Browser, signedIn } from './console-support.ts';

let app: TestApp;
let viewer: Browser;
let client: Credentials;
let decisionId: string;

beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXIES: 'loopback' } });
  viewer = await signedIn(app, 'viewer');
  const gateway = await app.createResourceServer();
  await app.createGroup('orders.read', {}, ['GET /orders/:id']);
  client = await app.createClient({
    clientId: 'orders-batch',
    apiGroups: ['orders.read'],
    ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }],
    emails: ['ops@partner.example'],
  });
  const { accessToken } = await app.grant(client, {}, { from: '192.0.2.1' });
  const call = { method: 'GET', path: '/orders/1', clientIp: '198.51.100.7' };
  const refused = await app.decide(gateway, { token: accessToken, ...call });
  decisionId = String(refused.body['decisionId']);
  await app.services.decisionLog.flush();
});
afterAll(() => app.close());

describe('GET /admin/decisions', () => {
  it('lists the refusal with its reason, client, call and address', async () => {
    const { status, text } = await viewer.get('/admin/decisions');
    expect(status).toBe(200);
    for (const told of ['ip_not_allowed', 'orders-batch', 'GET /orders/1', '198.51.100.7'])
      expect(text).toContain(told);
  });

  it('finds by reason, client and address, and says what is filtered', async () => {
    const found = await viewer.get('/admin/decisions?reason=ip_not_allowed&clientId=orders-batch');
    expect(found.text).toContain('Reason: ip_not_allowed');
    expect(found.text).toContain('1 of 1');
    const other = await viewer.get('/admin/decisions?reason=tps_exceeded');
    expect(other.text).toContain('No decision matches');
    expect((await viewer.get('/admin/decisions?address=::ffff:198.51.100.7')).text).toContain(
      '1 of 1',
    );
  });

  it('opens a decision by its id', async () => {
    const { status, location } = await viewer.get(`/admin/decisions?id=${decisionId}`);
    expect([status, location]).toEqual([303, `/admin/decisions/${decisionId}`]);
  });
});

describe('GET /admin/decisions/:decisionId', () => {
  it('explains: what was seen, what was wanted, and where to change it', async () => {
    const { status, text, html } = await viewer.get(`/admin/decisions/${decisionId}`);
    expect(status).toBe(200);
    expect(text).toContain('Refused with status 403: the address is not among the IP bindings');
    expect(text).toContain('198.51.100.7');
    expect(text).toContain('192.0.2.0/24');
    // Stored as members of a record, and told as the pages of a client tell them.
    expect(text).toContain('192.0.2.0/24 (hq)');
    expect(text).toContain('not locked not locked');
    expect(text).not.toMatch(/failedLogins|hostName/);
    expect(html).toContain('href="/admin/clients/orders-batch/edit/where"');
    expect(html).toContain('/admin/decisions/simulate?clientId=orders-batch');
  });

  it('answers 404 for an id that nothing has', async () => {
    const { status, text } = await viewer.get('/admin/decisions/nothing');
    expect(status).toBe(404);
    expect(text).toContain('No decision of the last 30 days has the id "nothing".');
  });
});

describe('GET /admin/decisions/simulate', () => {
  const path = (fields: Record<string, string>) =>
    `/admin/decisions/simulate?${new URLSearchParams({ clientId: 'orders-batch', ...fields })}`;

  it('says what would happen, and spends nothing', async () => {
    const call = { method: 'GET', path: '/orders/2' };
    const refused = await viewer.get(path({ ...call, address: '198.51.100.7' }));
    expect(refused.text).toContain('ip_not_allowed');
    const allowed = await viewer.get(path({ ...call, address: '192.0.2.9' }));
    expect(allowed.text).toContain('Every check passes');
  });

  it('reads the moment in the zone of the page, and shows that of a link in it', async () => {
    const at = '2034-12-31T09:00';
    const { html, text } = await viewer.get(path({ at }));
    expect(html).toContain(`type="datetime-local" value="${at}"`);
    expect(text).toMatch(/UTC/);
    const link = await viewer.get(path({ at: '2034-12-31T17:00:00+08:00' }));
    expect([link.status, link.html.includes(`value="${at}"`)]).toEqual([200, true]);
    const bad = await viewer.get(path({ at: 'tomorrow' }));
    expect([bad.status, bad.text.includes('use a date and a time such as')]).toEqual([422, true]);
  });

  it('names what cannot be read, and keeps what was entered', async () => {
    const { status, text, html, title } = await viewer.get(
      path({ address: 'here', method: 'GET' }),
    );
    expect(status).toBe(422);
    expect(title).toMatch(/^Error: /);
    expect(text).toContain('must be an address such as 192.0.2.10');
    expect(html).toContain('value="here"');
    expect((await viewer.get(path({ clientId: 'nobody' }))).status).toBe(422);
  });
});

describe('GET /admin/audit', () => {
  it('lists changes field by field, filters them, and exports the same', async () => {
    await app.updateClient(client.clientId, { note: 'changed by hand' });
    const url = '/admin/audit?objectKind=client&objectId=orders-batch&action=client.update';
    const { status, text, html } = await viewer.get(url);
    expect(status).toBe(200);
    expect(text).toContain('changed by hand');
    expect(text).toContain('Object: orders-batch');
    expect(html).toContain('href="/admin/clients/orders-batch"');
    const file = await viewer.get(url.replace('?', '/export?'));
    expect(file.headers.get('Content-Disposition')).toContain('audit-events.jsonl');
    const events = file.html
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ action }) => action)).toEqual(['client.update']);
  });

  it('says what was done to whom in words, with codes and ids beside them', async () => {
    await app.updateClient(client.clientId, { displayName: 'Orders, every night' });
    const { text, html } = await viewer.get('/admin/audit?objectKind=client&limit=100');
    expect(text).toContain('Changed client.update Client Orders, every night orders-batch');
    expect(text).toContain('Kind: Client');
    expect(text).toContain('IP binding None 192.0.2.0/24 (hq)');
    expect(html).not.toContain('hostName');
    const { apiKeyId } = await app.createKey(client.clientId, { alias: 'till' });
    const keys = await viewer.get('/admin/audit?objectKind=api_key');
    expect(keys.text).toContain(`X-Api-Key till orders-batch/${apiKeyId}`);
    expect(keys.html).toContain('href="/admin/clients/orders-batch/api-keys"');
  });

  it('never tells a secret', async () => {
    const { html, status } = await viewer.get('/admin/audit?limit=100');
    expect(status).toBe(200);
    expect(html).not.toContain(client.secret);
    expect(html).not.toContain('$2b$');
  });
});

describe('GET /admin/mails', () => {
  it('shows what became of a mail; a viewer is refused to send it again', async () => {
    await mailPasswordReset(app.services, TESTER, client.clientId);
    await app.mails();
    const { items } = await app.services.stores.mails.list({ limit: 1, now: app.clock.now() });
    const { status, text } = await viewer.get('/admin/mails');
    expect(status).toBe(200);
    expect(text).toContain('ops@partner.example');
    const [mail] = items;
    const again = `/admin/mails/${mail?.mailId}/retry`;
    expect((await viewer.post(again)).status).toBe(403);
    const operator = await signedIn(app, 'operator');
    const page = await operator.get('/admin/mails');
    expect(page.text).toMatch(
      /In the outbox Send Choose a new password [^(]*\(No mail server is set/,
    );
    expect(page.text).not.toContain('0 attempts');
    const refused = await operator.post(again);
    expect(refused.status).toBe(422);
    expect(refused.text).toMatch(/cannot be (tried again|retried)/);
  });
});
