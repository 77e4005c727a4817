/** The overview: each number is that of the list behind it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { plusSeconds } from '../../src/domain/clock.ts';
import { START, startApp, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, signedIn, stranger, words } from './console-support.ts';

let app: TestApp;
let viewer: Browser;

const inDays = (days: number) => plusSeconds(START, days * 86_400);

/** Bars of a chart: label, number, and where the label leads. */
function barsOf({ html }: ConsolePage, caption: string): [string, string, string][] {
  const charts = [...html.matchAll(/<table class="bars">(.*?)<\/table>/gs)];
  const [, chart = ''] = charts.find(([, body = '']) => words(body).startsWith(caption)) ?? [];
  const rows = chart.matchAll(
    /<th scope="row"><a href="([^"]*)">(.*?)<\/a>.*?bars__text">(.*?)</gs,
  );
  return [...rows].map(([, href = '', label = '', count = '']) => [
    words(label),
    count,
    href.replaceAll('&amp;', '&'),
  ]);
}

/** The number of rows that a list says it has; 0 where it says that nothing matches. */
async function totalOf(href: string): Promise<string> {
  const page = await viewer.get(href);
  expect([href, page.status]).toEqual([href, 200]);
  const summary = /class="pager__summary">[^<]* of ([^<]*)</.exec(page.html)?.[1];
  return summary ?? '0';
}

/** The number in the row of what is to be looked after, with its link. */
function attentionOf({ html }: ConsolePage, label: string) {
  const rows = [...html.matchAll(/<tr><td class="table__name">(.*?)<\/td>(.*?)<\/tr>/gs)];
  const [, name = '', rest = ''] = rows.find(([, head = '']) => words(head) === label) ?? [];
  const href = /href="([^"]*)"/.exec(name)?.[1]?.replaceAll('&amp;', '&') ?? null;
  return { href, text: words(rest) };
}

beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXIES: 'loopback' } });
  viewer = await signedIn(app, 'viewer');
});
afterAll(() => app.close());

describe('the overview of an empty server', () => {
  it('has nothing to look after, and tells an owner what to set up', async () => {
    const owner = await signedIn(app, 'owner');
    const page = await owner.get('/admin');
    expect([page.status, page.title]).toEqual([200, 'Overview · Tollgate']);
    expect(page.text).toContain('Nothing needs you now');
    expect(page.text).toContain('Set up: 2 of 7 done');
    expect(page.text).toContain('Choose your password done');
    expect(page.text).toContain('Name your proxies in TRUSTED_PROXIES done');
    expect(page.html).toContain('href="/admin/account/second-factor"');
    expect(page.html).toContain('<details class="card details" open>');
    expect((await viewer.get('/admin')).text).not.toContain('Set up:');
  });

  it('tells how the node is', async () => {
    const { text } = await viewer.get('/admin');
    expect(text).toMatch(/Store answers in [\d.,]+ ms Runs for .+ Version \d+\.\d+/);
    expect(text).toContain('Trusted proxies Set Mail server Not set');
  });

  it('is for who is signed in', async () => {
    expect((await stranger(app, '/admin')).location).toContain('/admin/sign-in');
  });
});

describe('the overview', () => {
  beforeAll(async () => {
    const { services } = app;
    await app.createGroup('orders.read', {}, ['GET /orders/:id']);
    const client = await app.createClient({
      clientId: 'orders',
      apiGroups: ['orders.read'],
      ipBindings: [{ hostName: '', address: '192.0.2.0/24' }],
    });
    await app.createClient({ clientId: 'off', status: 'disabled' });
    await app.createClient({ clientId: 'soon', displayName: 'Ends soon', expiresAt: inDays(9) });
    await app.createClient({ clientId: 'later', expiresAt: inDays(31) });
    await app.createClient({ clientId: 'locked', displayName: 'Locked <out>' });
    for (let i = 0; i < 3; i += 1) {
      await services.stores.clients.recordFailedLogin('locked', { at: START, address: null }, 3);
    }
    await app.createKey('orders', { alias: 'ends first', expiresAt: inDays(3) });
    await app.createKey('orders', { alias: 'ends later', expiresAt: inDays(20) });
    const gateway = await app.createResourceServer();
    const decide = async (clientIp: string, path = '/orders/1') => {
      const { accessToken: token } = await app.grant(client, {}, { from: '192.0.2.1' });
      await app.decide(gateway, { token, method: 'GET', path, clientIp });
    };
    for (let i = 0; i < 3; i += 1) await decide('198.51.100.7');
    app.clock.advance(7200);
    // Two hours without a request end a session.
    viewer = await signedIn(app, 'viewer');
    await decide('198.51.100.7');
    await decide('192.0.2.1', '/nowhere');
    for (let i = 0; i < 4; i += 1) await decide('192.0.2.1');
    await services.decisionLog.flush();
    await services.usage.flush();
    await services.lastUses.flush();
  });

  it('counts clients by status as the list does', async () => {
    const bars = barsOf(await viewer.get('/admin'), 'By status');
    expect(bars.map(([label, count]) => `${label} ${count}`)).toEqual([
      'All 6',
      'Enabled 4',
      'Disabled 1',
      'Locked 1',
      'Not started 0',
      'Expired 0',
    ]);
    for (const [, count, href] of bars) expect([href, await totalOf(href)]).toEqual([href, count]);
  });

  it('names what is to be looked after, with its list', async () => {
    const page = await viewer.get('/admin');
    const locked = attentionOf(page, 'Locked clients');
    expect(locked.text).toMatch(/^1 Locked <out> 2 hours ago$/);
    expect(page.html).not.toContain('<out>');
    const expiring = attentionOf(page, 'Clients that expire within 30 days');
    expect(expiring.text).toMatch(/^1 Ends soon in 8 days$/);
    for (const { href } of [locked, expiring]) expect(await totalOf(href ?? '')).toBe('1');
    const keys = attentionOf(page, 'X-Api-Keys that expire within 14 days');
    expect(keys).toEqual({ href: null, text: '1 ends first (orders) in 2 days' });
    expect(page.html).toContain('href="/admin/clients/orders/api-keys"');
    expect(page.text).not.toContain('Mails that failed');
  });

  it('counts mails that failed as their list does', async () => {
    const { stores } = app.services;
    await stores.mails.record({
      mailId: 'failed-1',
      at: START,
      to: ['ops@partner.example'],
      pending: ['ops@partner.example'],
      subject: 'A key',
      template: 'api-key-created',
      object: null,
      state: 'failed',
      attempts: 5,
      nextAttemptAt: null,
      error: '550 no such user',
      updatedAt: START,
      expiresAt: inDays(90),
    });
    const { href, text } = attentionOf(await viewer.get('/admin'), 'Mails that failed');
    expect([text, await totalOf(href ?? '')]).toEqual(['1', '1']);
  });

  it.each([
    ['24', '5', { ip_not_allowed: '4', api_unknown: '1' }],
    ['1', '2', { ip_not_allowed: '1', api_unknown: '1' }],
  ])('tells refusals of the last %s h as the list of decisions does', async (hours, all, each) => {
    const page = await viewer.get(`/admin?hours=${hours}`);
    expect(page.text).toContain(`4 calls allowed since`);
    expect(page.text).toContain(`${all} refusals recorded`);
    const reasons = barsOf(page, 'Refusals by reason');
    expect(Object.fromEntries(reasons)).toEqual(each);
    const callers = barsOf(page, 'Clients refused most');
    expect(callers.map(([id, count]) => [id, count])).toEqual([['orders', all]]);
    for (const [, count, href] of [...reasons, ...callers]) {
      expect(href).toContain(`hours=${hours}`);
      expect([href, await totalOf(href)]).toEqual([href, count]);
    }
  });

  it('forgets what is older than the period that is asked for', async () => {
    const odd = await viewer.get('/admin?hours=720');
    expect(odd.text).toContain('5 refusals recorded');
    const list = await viewer.get('/admin/decisions?hours=1');
    expect(list.text).toContain('Of the last 1 h');
    expect(list.text).toContain('1–2 of 2');
    expect((await viewer.get('/admin/decisions?hours=odd')).text).toContain('1–5 of 5');
  });

  it('folds what is left to set up once a client has got a token', async () => {
    const page = await (await signedIn(app, 'owner')).get('/admin');
    expect(page.text).toContain('Set up: 5 of 7 done');
    expect(page.html).toContain('<details class="card details">');
  });
});
