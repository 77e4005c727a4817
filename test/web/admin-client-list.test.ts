/** The list of clients: its state is its URL; acts on several; the same rows as a file. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { plusSeconds } from '../../src/domain/clock.ts';
import { clientSubject } from '../../src/domain/last-uses.ts';
import { START, startApp, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, signedIn, words } from './console-support.ts';

const LIST = '/admin/clients';
const DAY = 86_400;
const ROWS = 60;

let app: TestApp;
let viewer: Browser;
let operator: Browser;

const inDays = (days: number) => plusSeconds(START, days * DAY);

/** Ids of the rows, in their order. */
function idsOf({ html }: ConsolePage): string[] {
  const names = html.matchAll(/<td class="table__name">.*?<span class="mono">([^<]+)<\/span>/gs);
  return [...names].map(([, id = '']) => id);
}

/** Where the link with these words leads to; null where there is none. */
function linkOf({ html }: ConsolePage, label: string): string | null {
  const links = [...html.matchAll(/<a\b([^>]*)>(.*?)<\/a>/gs)];
  const [, head = ''] = links.find(([, , body = '']) => words(body) === label) ?? [];
  return /\shref="([^"]*)"/.exec(head)?.[1]?.replaceAll('&amp;', '&') ?? null;
}

async function list(query = '', browser = viewer): Promise<ConsolePage> {
  const page = await browser.get(query === '' ? LIST : `${LIST}?${query}`);
  expect(page.status).toBe(200);
  return page;
}

beforeAll(async () => {
  app = await startApp();
  [viewer, operator] = await Promise.all([signedIn(app, 'viewer'), signedIn(app, 'operator')]);
});
afterAll(() => app.close());

describe('a list without clients', () => {
  it('says what a client is, and offers to create one to those who may', async () => {
    const { text, html } = await list('', operator);
    expect(text).toContain('A client is an API account of a partner');
    expect(html).toContain('href="/admin/clients/new"');
    const seen = await list();
    expect(seen.html).not.toContain('href="/admin/clients/new"');
    expect(seen.text).toContain('Create client (Needs the role operator)');
  });
});

describe('GET /admin/clients', () => {
  beforeAll(async () => {
    await app.createGroup('stock.read', {}, ['GET /stock']);
    for (let i = 0; i < ROWS; i += 1) {
      const number = String(i).padStart(2, '0');
      await app.createClient({
        clientId: `bulk-${number}`,
        clientName: `bulk-${number}`,
        displayName: `Row ${number}`,
        ...(i % 2 === 1 && { audience: 'external' }),
        ...(i % 10 === 3 && { status: 'disabled' }),
        ...(i % 15 === 4 && { expiresAt: inDays(10 + i) }),
      });
    }
    await app.createClient({
      clientId: 'orders',
      displayName: 'Orders <batch>',
      note: 'nightly harvest',
      apiGroups: ['stock.read'],
      apiQuota: { calls: 10, period: 'day' },
      environment: 'testing',
    });
    const { stores } = app.services;
    await stores.lastUses.record([
      { subject: clientSubject('orders'), at: inDays(-100), address: null },
    ]);
    for (let i = 0; i < 3; i += 1) {
      await stores.clients.recordFailedLogin('bulk-07', { at: START, address: null }, 3);
    }
  });

  it('shows what a row tells, escaped, with its menu and its numbers', async () => {
    const { text, html } = await list('search=harvest');
    for (const told of ['Orders <batch>', 'orders', 'Enabled', 'Internal', '0 of 10', 'Never'])
      expect(text).toContain(told);
    expect(text).toMatch(/ 1 Quota 0 of 10 .*?0 3 months ago/);
    expect(html).not.toContain('<batch>');
    expect(html).toContain('href="/admin/clients/orders/api-groups"');
    for (const label of ['Information', 'Edit', 'Security', 'Disable', 'Delete'])
      expect(text).toContain(label);
  });

  it('counts by status under the other filters, and each count is that of its tab', async () => {
    const page = await list('audience=external');
    const tabs = [...page.html.matchAll(/class="tabs__link" href="([^"]+)"[^>]*>(.*?)<\/a>/gs)];
    expect(tabs.map(([, , label = '']) => words(label))).toEqual([
      'All 30',
      'Enabled 23',
      'Disabled 6',
      'Locked 1',
      'Not started 0',
      'Expired 0',
    ]);
    for (const [, href = '', label = ''] of tabs) {
      const count = words(label).split(' ').at(-1);
      const tab = await viewer.get(href.replaceAll('&amp;', '&'));
      expect(tab.text).toContain(count === '0' ? 'No client matches' : `of ${count}`);
      expect(tab.text).toContain('Audience: External');
    }
    const locked = await list('status=locked');
    expect(idsOf(locked)).toEqual(['bulk-07']);
    expect(locked.text).toContain('Locked · 3 wrong secrets');
  });

  it.each([
    ['search=Orders+harvest', ['orders'], 'Words: Orders harvest'],
    ['apiGroup=stock.read', ['orders'], 'API group: stock.read'],
    ['environment=testing', ['orders'], 'Environment: Testing'],
    ['kind=resource_server', [], 'Kind: Resource server'],
    ['securityLevel=A', [], 'Security level: A'],
    ['expiring=30', ['bulk-04', 'bulk-19'], 'Expires within 30 days'],
    ['status=locked', ['bulk-07'], 'Status: Locked'],
    ['idle=90', [], 'Not used for 90 days'],
  ])('filters by %s, which a chip says and drops', async (query, ids, chip) => {
    const page = await list(`${query}&limit=50`);
    expect(idsOf(page)).toEqual(ids);
    expect(page.text).toContain(chip);
    const drop = /class="chip__remove" href="([^"]+)"/.exec(page.html)?.[1] ?? '';
    expect(drop).toBe('/admin/clients?limit=50');
    expect((await viewer.get(drop)).text).toContain('1–50 of 61');
  });

  it('finds what nobody has used for 90 days once that is true', async () => {
    app.clock.advance(91 * DAY);
    const later = await signedIn(app, 'viewer');
    expect((await list('idle=90', later)).text).toContain('of 61');
    app.clock.set(START);
  });

  it('takes what it does not understand for nothing', async () => {
    const { text, html } = await list('status=odd&audience=&sort=secret&limit=7&expiring=31&at=9');
    expect(text).toContain('1–25 of 61');
    expect(html).not.toContain('class="chip"');
    expect((await viewer.get(`${LIST}?cursor=odd`)).status).toBe(400);
  });

  it('keeps status, order and page size when the filters are sent', async () => {
    const { html } = await list('status=disabled&sort=-displayName&limit=50&search=row');
    const form = /<form class="stack".*?<\/form>/s.exec(html)?.[0] ?? '';
    for (const [name, value] of [
      ['status', 'disabled'],
      ['sort', '-displayName'],
      ['limit', '50'],
    ])
      expect(form).toContain(`type="hidden" name="${name}" value="${value}"`);
    expect(form).toMatch(/name="search"[^>]*value="row"/);
  });

  it.each(['displayName', 'expiresAt', 'lastUsedAt'])('sorts by %s both ways', async (field) => {
    const up = await list(`sort=${field}&limit=100`);
    const down = await list(`sort=-${field}&limit=100`);
    expect(idsOf(up)).toHaveLength(61);
    expect(idsOf(down)).toEqual([...idsOf(up)].reverse());
    expect(up.html).toContain(`aria-sort="ascending"><a href="/admin/clients?sort=-${field}`);
    expect(down.html).toContain(`aria-sort="descending"><a href="/admin/clients?sort=${field}`);
  });

  it('pages both ways over every row exactly once, and says which rows it shows', async () => {
    const forth = await walk(await list('sort=lastUsedAt'), 'Next');
    expect(forth.summaries).toEqual(['1–25 of 61', '26–50 of 61', '51–61 of 61']);
    const last = linkOf(await list('sort=lastUsedAt'), 'Last') ?? '';
    const back = await walk(await viewer.get(last), 'Previous');
    expect(back.summaries).toEqual([...forth.summaries].reverse());
    expect(new Set(forth.ids.flat()).size).toBe(61);
    expect(back.ids.reverse()).toEqual(forth.ids);
  });

  async function walk(from: ConsolePage, label: string) {
    const [ids, summaries]: [string[][], string[]] = [[], []];
    for (let page: ConsolePage | null = from; page !== null; ) {
      ids.push(idsOf(page));
      summaries.push(/class="pager__summary">([^<]*)</.exec(page.html)?.[1] ?? '');
      const href = linkOf(page, label);
      page = href === null ? null : await viewer.get(href);
    }
    return { ids, summaries };
  }

  it('shows the columns that are chosen, and remembers them', async () => {
    const browser = await signedIn(app, 'viewer');
    const headsOf = ({ html }: ConsolePage) =>
      [...html.matchAll(/<th scope="col"[^>]*>(.*?)<\/th>/gs)].map(([, head = '']) => words(head));
    const usual = ['Name', 'Status', 'Audience', 'Level', 'Groups', 'Quota', 'Tokens'];
    expect(headsOf(await list('', browser)).slice(1, 8)).toEqual(usual);
    const chosen = ['Ticked', 'Name', 'Audience', 'Created', 'Actions'];
    const page = await list('columns=createdAt&columns=audience&columns=odd', browser);
    expect(headsOf(page)).toEqual(chosen);
    expect(headsOf(await list('status=enabled', browser))).toEqual(chosen);
  });

  it('names the filters without which there would be rows', async () => {
    const page = await list('search=harvest&environment=testing&status=locked');
    expect(page.text).toContain('Without “Status: Locked”: 1 client');
    expect(page.text).not.toContain('Without “Words');
    expect(linkOf(page, 'Without “Status: Locked”: 1 client')).toBe(
      '/admin/clients?search=harvest&environment=testing',
    );
    const hopeless = await list('search=harvest&environment=development&status=locked');
    expect(hopeless.text).toContain('whichever one filter is dropped');
  });
});

describe('POST /admin/clients/bulk', () => {
  const BULK = '/admin/clients/bulk';

  const client = async (clientId: string) => {
    const found = await app.services.stores.clients.find(clientId);
    if (found === null) throw new Error(`no client ${clientId}`);
    return found;
  };

  /** Ticks rows, presses a button, and answers the page that asks. */
  const ask = (act: string, ids: string[], more: Record<string, string> = {}) =>
    operator.post(BULK, { act, clientId: ids, query: 'search=row', ...more });

  it('offers the acts to an operator; a viewer sees why not, and is refused by hand', async () => {
    const offered = await list('', operator);
    expect(offered.html).toContain('name="clientId" value="bulk-00" form="bulk"');
    expect(offered.html).toContain('name="act" value="disable"');
    expect(offered.text).toContain('All 61 that match, not only those ticked');
    const seen = await list();
    expect(seen.html).not.toContain('name="clientId"');
    expect(seen.html).not.toContain('name="act"');
    expect(seen.text).toContain('Act on several clients: Needs the role operator');
    for (const fields of [
      { act: 'disable', clientId: 'bulk-00' },
      { act: 'disable', changes: 'bulk-00:1' },
      { act: 'export', clientId: 'bulk-00' },
    ])
      expect((await viewer.post(BULK, fields)).status).toBe(403);
    expect((await client('bulk-00')).status).toBe('enabled');
  });

  it('acts on one row from its menu, and comes back; Enter on a tick box is no act', async () => {
    const { html } = await list('search=row', operator);
    expect(html).toContain('form="bulk" formaction="/admin/clients/bulk-02/disable"');
    const next = /name="next" value="(\/admin\/clients\?[^"]*)"/.exec(html)?.[1] ?? '';
    expect(next).toBe('/admin/clients?search=row');
    const done = await operator.post('/admin/clients/bulk-02/disable', { next });
    expect([done.status, done.location]).toEqual([303, next]);
    expect((await client('bulk-02')).status).toBe('disabled');
    await operator.post('/admin/clients/bulk-02/enable', { next });
    // Browsers press the first button of a form.
    const [first = ''] = /<button[^>]*form="bulk"[^>]*>/.exec(html) ?? [];
    expect(first).not.toMatch(/formaction|name=/);
  });

  it('asks first: says what changes and what stays, and changes nothing yet', async () => {
    const asked = await ask('disable', ['bulk-00', 'bulk-03', 'bulk-01', 'gone']);
    expect(asked.status).toBe(200);
    expect(asked.text).toContain('2 clients are disabled: their calls are refused at once');
    expect(asked.text).toContain('1 is disabled already Row 03');
    expect(asked.text).toContain('1 client that you ticked is deleted gone');
    expect(asked.html).toContain('href="/admin/clients?search=row"');
    expect((await client('bulk-00')).status).toBe('enabled');
  });

  it('changes those that nobody else has changed meanwhile, and lists the others', async () => {
    const asked = await ask('disable', ['bulk-10', 'bulk-11', 'bulk-12']);
    await app.updateClient('bulk-11', { note: 'changed meanwhile' });
    const { displayName } = await client('bulk-12');
    const { services } = app;
    await services.stores.clients.remove('bulk-12', {
      eventId: 'removed-by-test',
      at: START,
      actor: { kind: 'command', id: 'test', address: null },
      action: 'client.delete',
      object: { kind: 'client', id: 'bulk-12' },
      changes: [],
    });
    const done = await operator.send(asked);
    expect(done.status).toBe(200);
    expect(done.text).toContain('2 clients were not changed 1 client is disabled.');
    expect(done.text).toContain('Row 11 Somebody else changed it after this page was opened');
    expect(done.text).toContain('bulk-12 It was deleted meanwhile');
    expect(done.text).not.toContain(displayName);
    expect((await client('bulk-10')).status).toBe('disabled');
    expect(await client('bulk-11')).toMatchObject({ status: 'enabled', note: 'changed meanwhile' });
    const { items } = await services.stores.audit.list({
      filter: { objectId: 'bulk-10', action: 'client.update' },
      limit: 10,
    });
    expect(items.map(({ actor }) => actor.id)).toEqual([operator.admin.adminId]);
  });

  it('goes back to the list it began on, and tells how many were changed', async () => {
    const asked = await ask('enable', ['bulk-10', 'bulk-13']);
    const done = await operator.send(asked);
    expect([done.status, done.location]).toEqual([303, '/admin/clients?search=row']);
    expect((await operator.follow(done)).text).toContain('2 clients are enabled.');
    expect((await client('bulk-13')).status).toBe('enabled');
  });

  it('takes all that match, also those on other pages', async () => {
    const internal = 'audience=internal';
    const asked = await ask('disable', [], { all: 'on', query: `${internal}&cursor=last` });
    expect(asked.text).toContain('And 5 more.');
    expect(asked.text).toContain('Disable 30 clients');
    await operator.send(asked);
    expect((await list(`${internal}&status=enabled`)).text).toContain('No client matches');
    expect((await client('bulk-01')).status).toBe('enabled');
    await operator.send(await ask('enable', [], { all: 'on', query: internal }));
    expect((await list(`${internal}&status=disabled`)).text).toContain('No client matches');
  });

  it('moves expiries to a date in a zone, and shortens none', async () => {
    const ids = ['bulk-04', 'bulk-49', 'bulk-00'];
    const form = await ask('extend', ids);
    expect(form.text).toContain('15 Jan 2035, 12:00 UTC');
    const to = { mode: 'to', to: '2035-02-01T09:00', timeZone: 'Asia/Taipei' };
    const asked = await operator.send(form, to);
    expect(asked.text).toContain('1 client works for longer');
    expect(asked.text).toContain('1 expires then or later already');
    expect(asked.text).toContain('1 never expires');
    await operator.send(asked);
    expect((await client('bulk-04')).expiresAt).toEqual(new Date('2035-02-01T01:00:00Z'));
    expect((await client('bulk-49')).expiresAt).toEqual(inDays(59));
    expect((await client('bulk-00')).expiresAt).toBeNull();
  });

  it('moves expiries by days of the calendar, from now on where they have passed', async () => {
    await app.updateClient('bulk-19', { expiresAt: new Date('2035-03-24T11:00:00Z') });
    await app.updateClient('bulk-34', { expiresAt: inDays(-5) });
    const form = await ask('extend', ['bulk-19', 'bulk-34']);
    const days = { mode: 'days', days: '2', timeZone: 'Europe/Berlin' };
    await operator.send(await operator.send(form, days));
    // The clocks of Berlin go forward in the night to 25 March: noon stays noon.
    expect((await client('bulk-19')).expiresAt).toEqual(new Date('2035-03-26T10:00:00Z'));
    expect((await client('bulk-34')).expiresAt).toEqual(inDays(2));
  });

  it.each([
    [{ mode: 'to', to: '' }, 'Enter a date and a time'],
    [{ mode: 'to', to: '2035-02-30T09:00' }, 'Enter a date and a time'],
    [{ mode: 'to', to: '2034-02-01T09:00' }, 'still to come'],
    [
      { mode: 'to', to: '2035-03-25T02:30', timeZone: 'Europe/Berlin' },
      'The clocks of this zone skip that time',
    ],
    [{ mode: 'days', days: '0' }, 'from 1 to 3,650'],
    [{ mode: 'days', days: '1.5' }, 'from 1 to 3,650'],
    [{ mode: 'days', days: '3', timeZone: 'Mars/Base' }, 'IANA time zone'],
  ])('asks again for %j', async (fields, told) => {
    const form = await ask('extend', ['bulk-04']);
    const again = await operator.send(form, fields);
    expect(again.status).toBe(422);
    expect(again.title).toMatch(/^Error: /);
    expect(again.text).toContain(told);
    expect(again.html).toContain('name="clientId" value="bulk-04"');
  });

  it('does nothing without a tick or an act, and says so', async () => {
    for (const [fields, told] of [
      [{ act: 'disable' }, 'no client was ticked'],
      [{ act: 'explode', clientId: 'bulk-00' }, 'choose one of the acts'],
    ] as const) {
      const answer = await operator.post(BULK, { ...fields, query: 'status=enabled' });
      expect([answer.status, answer.location]).toEqual([303, '/admin/clients?status=enabled']);
      expect((await operator.follow(answer)).text).toContain(told);
    }
  });

  it.each([
    ['disable', 'without a version', 'bulk-00'],
    ['disable', 'with a date', 'bulk-00:1:5'],
    ['extend', 'without a date', 'bulk-00:1'],
    ['disable', 'of too many', 'bulk-00:1 '.repeat(1001)],
  ])('refuses changes that it never offered: %s %s', async (act, _, changes) => {
    expect((await operator.post(BULK, { act, changes })).status).toBe(400);
    expect((await client('bulk-00')).status).toBe('enabled');
  });

  it('stays in the list when the query names another place', async () => {
    const answer = await operator.post(BULK, { act: 'disable', query: '//evil.example/' });
    expect(answer.location).toMatch(/^\/admin\/clients\?/);
  });
});

describe('GET /admin/clients.csv', () => {
  /** Rows and cells of a file of RFC 4180. */
  function cellsOf(csv: string): string[][] {
    expect(csv.charCodeAt(0)).toBe(0xfeff);
    expect(csv.endsWith('\r\n')).toBe(true);
    const lines = csv.slice(1, -2).split(/\r\n(?=")/);
    return lines.map((line) =>
      [...line.matchAll(/"((?:[^"]|"")*)"(?:,|$)/gs)].map(([, cell = '']) =>
        cell.replaceAll('""', '"'),
      ),
    );
  }

  async function file(query: string) {
    // Not by text(), which takes the mark of UTF-8 away.
    const cookie = [...viewer.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(`${app.url}/admin/clients.csv?${query}`, { headers: { cookie } });
    const csv = Buffer.from(await answer.arrayBuffer()).toString('utf8');
    return { answer, cells: cellsOf(csv), csv };
  }

  it('holds every client that the filter lets through, page after page, in the order of the list', async () => {
    const { answer, cells } = await file('search=row&sort=-displayName&limit=25&cursor=last');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Content-Type')).toBe('text/csv; charset=utf-8');
    expect(answer.headers.get('Content-Disposition')).toBe(
      'attachment; filename="clients-2035-01-01.csv"',
    );
    expect(answer.headers.get('Cache-Control')).toBe('no-store');
    const [head = [], ...rows] = cells;
    expect(head.slice(0, 3)).toEqual(['clientId', 'clientName', 'displayName']);
    expect(rows).toHaveLength(59);
    expect(rows.every((row) => row.length === head.length)).toBe(true);
    expect([rows[0]?.[0], rows.at(-1)?.[0]]).toEqual(['bulk-59', 'bulk-00']);
  });

  it('keeps a spreadsheet from taking a cell for a formula, and quotes what it must', async () => {
    const { secret } = await app.createClient({
      clientId: '-minus',
      displayName: '=HYPERLINK("https://evil.example","x")',
      note: '@SUM(A1)',
      remark: '+1, "two"\nthree',
      description: '\t=1+1',
      applicationNo: '＝1',
      emails: ['a@partner.example', 'b@partner.example'],
      ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }],
    });
    const { cells, csv } = await file('search=hyperlink');
    const [head = [], row = []] = cells;
    const told = Object.fromEntries(head.map((name, i) => [name, row[i]]));
    expect(told).toMatchObject({
      clientId: "'-minus",
      displayName: `'=HYPERLINK("https://evil.example","x")`,
      note: "'@SUM(A1)",
      remark: `'+1, "two"\nthree`,
      applicationNo: "'＝1",
      emails: 'a@partner.example | b@partner.example',
      ipBindings: '192.0.2.0/24 (hq)',
      'accessToken.lifetimeSeconds': '3600',
      createdAt: '2035-01-01T12:00:00.000Z',
      expiresAt: '',
      state: 'enabled',
    });
    expect(told['description']).toMatch(/^'/);
    expect(csv).not.toContain(secret);
    expect(head.join()).not.toMatch(/secret|hash|jwks/i);
  });

  it('is also made of ticked rows alone', async () => {
    const fields = { act: 'export', clientId: ['bulk-02', 'bulk-01', 'gone'], query: '' };
    const answer = await operator.post('/admin/clients/bulk', fields);
    expect(answer.headers.get('Content-Disposition')).toContain('clients-2035-01-01.csv');
    expect(cellsOf(`\uFEFF${answer.html}`).map(([id]) => id)).toEqual([
      'clientId',
      'bulk-02',
      'bulk-01',
    ]);
    const all = await operator.post('/admin/clients/bulk', {
      ...fields,
      all: 'on',
      query: 'status=locked',
    });
    expect(all.location).toBe('/admin/clients.csv?status=locked');
  });

  it('answers an error page, not half a file, when the filter cannot be searched', async () => {
    const many = Array.from({ length: 51 }, (_, i) => `w${i}`).join('+');
    const { status, text, headers } = await viewer.get(`/admin/clients.csv?search=${many}`);
    expect(status).toBe(400);
    expect(text).toContain('may have at most 50 words');
    expect(headers.get('Content-Type')).toContain('text/html');
  });
});
