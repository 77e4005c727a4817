import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { deleteApiKey, rotateApiKey } from '../../src/domain/api-keys/manage-api-keys.ts';
import { startApp, TESTER, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, signedIn } from './console-support.ts';

let app: TestApp;
let viewer: Browser;

beforeAll(async () => {
  app = await startApp();
  viewer = await signedIn(app, 'viewer');
});
afterAll(() => app.close());

/** What each row says was done, as it stands in the page. */
const acts = ({ html }: ConsolePage) =>
  [...html.matchAll(/<dd>\s*(?:<details class="details"><summary>|<strong>)(.*?)</g)].map(
    ([, act]) => act,
  );

describe('GET /admin/clients/:clientId/audit', () => {
  it('tells of the client and its X-Api-Keys in one order, newest first, page by page', async () => {
    await app.createGroup('audit.read');
    const fields = { apiGroups: ['audit.read'] };
    const { clientId, secret } = await app.createClient({ clientName: 'audited', ...fields });
    const other = await app.createClient({ clientName: 'another', ...fields });
    await app.createKey(other.clientId, { alias: 'elsewhere' });
    app.clock.advance(1);
    const till = await app.createKey(clientId, { alias: 'till <1>' });
    // With these, what came first is on the second page of 25.
    for (let i = 1; i <= 24; i += 1) {
      app.clock.advance(1);
      await app.updateClient(clientId, { note: `by hand ${i}` });
    }
    app.clock.advance(1);
    const { value } = await rotateApiKey(app.services, TESTER, { clientId, ...till });

    const first = await viewer.get(`/admin/clients/${clientId}/audit`);
    expect(first.status).toBe(200);
    expect(acts(first)).toEqual([
      'Rotated (X-Api-Key till &lt;1&gt;)',
      ...Array(24).fill('Changed: Note'),
    ]);
    const next = /rel="next" href="([^"]*)"/.exec(first.html)?.[1] ?? '';
    const second = await viewer.get(next.replaceAll('&amp;', '&'));
    expect(acts(second)).toEqual(['Created (X-Api-Key till &lt;1&gt;)', 'Created']);
    expect(second.text).toContain('Alias till');
    for (const { text, html } of [first, second]) {
      const page = `/admin/clients/${clientId}/api-keys`;
      expect(html).toContain(`<a href="${page}">X-Api-Key till &lt;1&gt;</a>`);
      expect(text).not.toContain('elsewhere');
      for (const hidden of [secret, till.value, value ?? '', '<1>']) {
        expect(html).not.toContain(hidden);
      }
    }
  });

  it('keeps telling of a key that was deleted, by its id', async () => {
    await app.createGroup('gone.read');
    const { clientId } = await app.createClient({ apiGroups: ['gone.read'] });
    const { apiKeyId } = await app.createKey(clientId, { alias: 'short-lived' });
    await deleteApiKey(app.services, TESTER, { clientId, apiKeyId });
    const { text } = await viewer.get(`/admin/clients/${clientId}/audit`);
    expect(text).toContain(`Deleted (X-Api-Key ${clientId}/${apiKeyId})`);
    expect(text).toContain('Alias short-lived');
  });
});
