import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { type Browser, signedIn } from './console-support.ts';

let app: TestApp;
let operator: Browser;

beforeAll(async () => {
  app = await startApp();
  operator = await signedIn(app, 'operator');
  await app.createGroup('delete.read');
});
afterAll(() => app.close());

const pathOf = (clientId: string) => `/admin/clients/${clientId}/delete`;
const stored = (clientId: string) => app.services.stores.clients.find(clientId);

describe('GET and POST /admin/clients/:clientId/delete', () => {
  it('counts what ends, and ends it', async () => {
    const client = await app.createClient({
      displayName: 'Doomed',
      apiGroups: ['delete.read'],
      environment: 'testing',
    });
    const { accessToken } = await app.grant(client);
    await app.grant(client);
    await app.createKey(client.clientId);
    const page = await operator.get(pathOf(client.clientId));
    expect(page.text).toContain('Deleting “Doomed” cannot be undone');
    expect(page.text).toContain('2 live tokens stop working');
    expect(page.text).toContain('1 secret is removed');
    expect(page.text).toContain('1 X-Api-Key stops working');
    expect(page.html).toMatch(/<a [^>]*autofocus[^>]*>Cancel/);
    const done = await operator.send(page);
    expect([done.status, done.location]).toEqual([303, '/admin/clients']);
    expect(await stored(client.clientId)).toBeNull();
    expect((await app.introspect(await app.createResourceServer(), accessToken)).body).toEqual({
      active: false,
    });
  });

  it.each([[''], ['Doomed-2'], ['doomed']])(
    'keeps a client of production unless its name is typed: not %p',
    async (typed) => {
      const { clientId } = await app.createClient({ clientName: `keep-${typed.length}` });
      const page = await operator.get(pathOf(clientId));
      const again = await operator.send(page, { clientName: typed });
      expect(again.status).toBe(422);
      expect(again.html).toContain('href="#clientName"');
      expect(again.html).toContain(`value="${typed}"`);
      expect(await stored(clientId)).not.toBeNull();
      const done = await operator.send(again, { clientName: `keep-${typed.length}` });
      expect(done.status).toBe(303);
      expect(await stored(clientId)).toBeNull();
    },
  );

  it('keeps a client that was changed after the page was opened, and shows the page again', async () => {
    const { clientId } = await app.createClient({ environment: 'testing' });
    const page = await operator.get(pathOf(clientId));
    await app.updateClient(clientId, { remark: 'changed' });
    const again = await operator.send(page);
    expect(again.status).toBe(412);
    expect(again.text).toContain('was changed after you had opened this page');
    expect(await stored(clientId)).not.toBeNull();
    expect((await operator.send(again)).status).toBe(303);
    expect(await stored(clientId)).toBeNull();
  });

  it('asks for the password again when that was longer than 10 minutes ago, also for the act', async () => {
    const { clientId } = await app.createClient({ environment: 'testing' });
    const browser = await signedIn(app, 'operator');
    const page = await browser.get(pathOf(clientId));
    app.clock.advance(601);
    expect((await browser.get(pathOf(clientId))).location).toMatch(/^\/admin\/verify\?next=/);
    expect((await browser.send(page)).location).toMatch(/^\/admin\/verify\?next=/);
    expect(await stored(clientId)).not.toBeNull();
  });
});
