/** The search of the console, over every noun. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp, type TestKey } from '../support/app.ts';
import type { Credentials } from '../support/server.ts';
import { type Browser, type ConsolePage, signedIn, stranger, words } from './console-support.ts';

let app: TestApp;
let viewer: Browser;
let client: Credentials;
let key: TestKey;
let userId: string;
let decisionId: string;

/** What a page of results says of each group: its title, then a line for each hit. */
function groupsOf({ html }: ConsolePage): [title: string, hits: string[]][] {
  const sections = html.matchAll(/<section class="section">\s*<h2>(.*?)<\/h2>(.*?)<\/section>/gs);
  return [...sections].map(([, title = '', body = '']) => [
    words(title),
    [...body.matchAll(/<tr>(<td.*?)<\/tr>/gs)].map(([, row = '']) => words(row)),
  ]);
}

const search = (text: string, more = '') =>
  viewer.get(`/admin/search?${new URLSearchParams({ q: text })}${more}`);

beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXIES: 'loopback' } });
  viewer = await signedIn(app, 'viewer');
  await app.createGroup('harvest.read', { displayName: 'Read the harvest' }, ['GET /harvest/:id']);
  await app.createScope('harvest', { displayName: 'Your harvest' }, ['GET /harvest/:id']);
  client = await app.createClient({
    clientId: 'harvest-batch',
    displayName: 'Harvest <batch>',
    apiGroups: ['harvest.read'],
    ipBindings: [{ hostName: '', address: '192.0.2.0/24' }],
  });
  key = await app.createKey(client.clientId, { alias: 'harvest key' });
  ({
    user: { userId },
  } = await app.createUser({ userName: 'harvester' }));
  const gateway = await app.createResourceServer();
  const { accessToken } = await app.grant(client, {}, { from: '192.0.2.1' });
  const call = { method: 'GET', path: '/harvest/1', clientIp: '198.51.100.7' };
  const refused = await app.decide(gateway, { token: accessToken, ...call });
  decisionId = String(refused.body['decisionId']);
  await app.services.decisionLog.flush();
});
afterAll(() => app.close());

describe('GET /admin/search', () => {
  it('finds every noun by its words, each with a link to its page', async () => {
    const page = await search('HARVEST');
    expect(page.status).toBe(200);
    expect(groupsOf(page)).toEqual([
      ['Clients (1)', ['Harvest <batch> harvest-batch Enabled']],
      ['Users (1)', [expect.stringMatching(/^harvester .* Enabled$/)]],
      ['API groups (1)', ['harvest.read Read the harvest']],
      ['API scopes (1)', ['harvest Your harvest']],
      ['APIs (1)', [expect.stringMatching(/^GET \/harvest\/:id/)]],
      ['X-Api-Keys (1)', [expect.stringMatching(/^harvest key of harvest-batch, ends in .{4}/)]],
    ]);
    for (const href of [
      '/admin/clients/harvest-batch',
      `/admin/users/${userId}`,
      '/admin/api-groups/harvest.read',
      '/admin/api-scopes/harvest',
      '/admin/clients/harvest-batch/api-keys',
    ]) {
      expect(page.html).toContain(`href="${href}"`);
      expect((await viewer.get(href)).status).toBe(200);
    }
    expect(page.html).not.toContain('<batch>');
    expect(page.html).not.toContain(key.value);
    expect(page.html).toContain('value="HARVEST"');
  });

  it('shows what has exactly this ID first, and says so', async () => {
    for (const [id, group] of [
      ['harvest-batch', 'Clients (1)'],
      ['harvest.read', 'API groups (1)'],
      [userId, 'Users (1)'],
      [key.apiKeyId, 'X-Api-Keys (1)'],
      [decisionId, 'Decisions (1)'],
    ] as const) {
      const [[title, [hit]] = ['', ['']]] = groupsOf(await search(id));
      expect([id, title, hit]).toEqual([id, group, expect.stringContaining('Exact ID')]);
    }
    expect((await search('harvest-bat')).text).not.toContain('Exact ID');
  });

  it('leads from a decision ID to its explanation', async () => {
    const page = await search(decisionId);
    expect(page.text).toContain('GET /harvest/1');
    expect(page.text).toContain('ip_not_allowed');
    const { status } = await viewer.get(`/admin/decisions/${decisionId}`);
    expect([status, page.html.includes(`href="/admin/decisions/${decisionId}"`)]).toEqual([
      200,
      true,
    ]);
  });

  it('counts what it does not show, and leads to the list of them all', async () => {
    for (let i = 0; i < 17; i += 1) await app.createClient({ note: 'swarm' });
    const page = await search('swarm');
    const [[title, hits] = ['', []]] = groupsOf(page);
    expect([title, hits.length]).toEqual(['Clients (17)', 5]);
    expect(page.text).toContain('12 more');
    expect(page.html).toContain('href="/admin/clients?search=swarm"');
    expect((await viewer.get('/admin/clients?search=swarm')).text).toContain('1–17 of 17');
  });

  it('says what to search for, that nothing was found, and what cannot be searched', async () => {
    expect((await viewer.get('/admin/search')).text).toContain('Enter words');
    expect((await search(' \0 ')).text).toContain('Enter words');
    const nothing = await search('<script>alert(1)</script>');
    expect(nothing.text).toContain('Nothing has “<script>alert(1)</script>” in its ID');
    expect(nothing.html).not.toContain('<script>alert');
    const many = await search(Array.from({ length: 51 }, (_, i) => `w${i}`).join(' '));
    expect([many.status, many.title]).toEqual([422, 'Error: Search · Tollgate']);
    expect(many.text).toContain('may have at most 50 words');
  });

  it('tells strangers nothing', async () => {
    expect((await stranger(app, '/admin/search?q=harvest')).location).toContain('/admin/sign-in');
  });
});
