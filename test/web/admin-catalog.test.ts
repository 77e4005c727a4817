import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fresh, startApp, type TestApp } from '../support/app.ts';
import {
  type Browser,
  type ConsolePage,
  type Fields,
  formsOf,
  signedIn,
} from './console-support.ts';

let app: TestApp;
let operator: Browser;
let security: Browser;
let viewer: Browser;
beforeAll(async () => {
  app = await startApp();
  [operator, security, viewer] = await Promise.all([
    signedIn(app, 'operator'),
    signedIn(app, 'security'),
    signedIn(app, 'viewer'),
  ]);
});
afterAll(() => app.close());

const XSS = `<script>alert('1')</script>`;

/** Makes a record by the form of its noun; answers the path of its page. */
async function create(browser: Browser, path: string, fields: Fields): Promise<string> {
  const answer = await browser.send(await browser.get(`${path}/new`), fields);
  expect([answer.status, answer.text]).toEqual([303, expect.anything()]);
  return answer.location ?? '';
}

const PATHS = {
  api: '/admin/apis',
  group: '/admin/api-groups',
  scope: '/admin/api-scopes',
  level: '/admin/security-levels',
};

let rank = 1000;
let made = 0;
/** Each noun: who may change it, a new record, a change, and what is wrong with a blank form. */
const NOUNS = [
  {
    noun: 'APIs',
    path: PATHS.api,
    by: () => operator,
    fields: () => {
      made += 1;
      return { method: 'POST', path: `/made/${made}`, name: 'Make' };
    },
    nameOf: (fields: Fields) => `${fields['method']} ${fields['path']}`,
    change: { field: 'name', value: 'Make it anew' },
    other: { field: 'method', value: 'PUT' },
    blank: { field: 'path', message: 'Path: Is required' },
    bad: { field: 'path', value: '/a/../b', message: 'Path: May not hold dot segments' },
  },
  {
    noun: 'API groups',
    path: PATHS.group,
    by: () => operator,
    fields: () => ({ name: fresh('group'), displayName: 'Orders' }),
    nameOf: (fields: Fields) => String(fields['name']),
    change: { field: 'displayName', value: 'All orders' },
    other: { field: 'description', value: 'Reads orders' },
    blank: { field: 'name', message: 'Name: Is required' },
    bad: { field: 'name', value: 'two words', message: 'Name: Must be 1 to 50 of' },
  },
  {
    noun: 'API scopes',
    path: PATHS.scope,
    by: () => operator,
    fields: () => ({ name: fresh('scope'), displayName: 'Profile' }),
    nameOf: (fields: Fields) => String(fields['name']),
    change: { field: 'description', value: 'See your profile' },
    other: { field: 'displayName', value: 'Your profile' },
    blank: { field: 'name', message: 'Name: Is required' },
    bad: {
      field: 'description',
      value: 'x'.repeat(501),
      message: 'Consent description: May have at most 500 characters',
    },
  },
  {
    noun: 'security levels',
    path: PATHS.level,
    by: () => security,
    fields: () => {
      rank += 10;
      return { name: fresh('level'), displayName: 'Partners', rank: String(rank) };
    },
    nameOf: (fields: Fields) => String(fields['name']),
    change: { field: 'displayName', value: 'Large partners' },
    other: { field: 'rank', value: '777' },
    blank: { field: 'rank', message: 'Rank: Is required' },
    bad: { field: 'rank', value: 'high', message: 'Rank: Must be a number' },
  },
];

describe.each(NOUNS)('the pages of $noun', (noun) => {
  const { path, by, fields, nameOf, change, other } = noun;

  it('create, list, show, change and delete one', async () => {
    const [browser, given] = [by(), fields()];
    const name = nameOf(given);
    const created = await browser.send(await browser.get(`${path}/new`), given);
    const shown = await browser.follow(created);
    expect(shown.text).toContain(`Created ${name}.`);
    expect(shown.title).toContain(name);
    const own = created.location ?? '';

    const search = new URLSearchParams({ search: name.split(' ').at(-1) ?? '' });
    const list = await browser.get(`${path}?${search}`);
    expect(list.html).toContain(`href="${own}">${name}</a>`);
    expect(list.text).toContain('1 of 1');

    const form = await browser.get(`${own}/edit`);
    const saved = await browser.send(form, { [change.field]: change.value });
    expect(saved.location).toBe(own);
    const after = await browser.follow(saved);
    expect(after.text).toContain('Saved ');
    expect(after.text).toContain(change.value);

    const asked = await browser.get(`${own}/delete`);
    expect(asked.text).toContain('This cannot be undone.');
    const gone = await browser.send(asked);
    expect((await browser.follow(gone)).text).toContain(`Deleted ${name}.`);
    expect((await browser.get(own)).status).toBe(404);
  });

  it('keep what a blank or bad form holds, and say at the field what is wrong', async () => {
    const [browser, { blank, bad }] = [by(), noun];
    const empty = await browser.send(await browser.get(`${path}/new`), {
      ...fields(),
      [blank.field]: ' ',
      [change.field]: 'kept as typed',
    });
    expect([empty.status, empty.title]).toEqual([422, expect.stringMatching(/^Error: Create/)]);
    expect(empty.html).toContain(`<a href="#${blank.field}">${blank.message}</a>`);
    expect(empty.html).toMatch(new RegExp(`id="${blank.field}-error"`));
    expect(empty.html).toContain('kept as typed');

    const wrong = await browser.send(await browser.get(`${path}/new`), {
      ...fields(),
      [bad.field]: bad.value,
    });
    expect(wrong.status).toBe(422);
    expect(wrong.text).toContain(bad.message);
    expect(wrong.html).toContain(bad.value);
  });

  it('keep a blank value that is required when one is edited', async () => {
    const [browser, given] = [by(), fields()];
    const own = await create(browser, path, given);
    const form = await browser.get(`${own}/edit`);
    const blank = formsOf(form.html)[0]?.fields ?? new URLSearchParams();
    const kept = ['path', 'rank'].filter((name) => blank.has(name));
    const saved = await browser.send(form, {
      ...Object.fromEntries(kept.map((name) => [name, ' '])),
      [change.field]: 'beside it',
    });
    expect(saved.status).toBe(303);
    const after = formsOf((await browser.get(`${own}/edit`)).html)[0]?.fields;
    expect(kept.map((name) => after?.get(name))).toEqual(kept.map((name) => blank.get(name)));
    expect(after?.get(change.field)).toBe('beside it');
  });

  it('refuse a value that another has', async () => {
    const [browser, given] = [by(), fields()];
    await create(browser, path, given);
    const again = await browser.send(await browser.get(`${path}/new`), given);
    expect(again.status).toBe(422);
    expect(again.text).toContain('is taken; choose another');
  });

  it('show both versions of a stale form, field by field, and lose nothing', async () => {
    const browser = by();
    const own = await create(browser, path, fields());
    const stale = await browser.get(`${own}/edit`);
    await browser.send(await browser.get(`${own}/edit`), {
      [other.field]: other.value,
      [change.field]: 'theirs',
    });
    const conflict = await browser.send(stale, { [change.field]: 'mine' });
    expect(conflict.status).toBe(409);
    expect(conflict.text).toContain('Somebody else saved a change first');
    expect(conflict.html).toMatch(
      /<td class="diff__before">theirs<\/td>\s*<td class="diff__after">mine/,
    );
    // What only they changed is theirs in the form, what I changed is mine; one more save stores both.
    const saved = await browser.send(conflict);
    expect(saved.status).toBe(303);
    const { text } = await browser.follow(saved);
    expect(text).toContain('mine');
    expect(text).toContain(other.value);
    expect(text).not.toContain('theirs');
  });

  it('do not delete a version that nobody has seen', async () => {
    const browser = by();
    const own = await create(browser, path, fields());
    const asked = await browser.get(`${own}/delete`);
    await browser.send(await browser.get(`${own}/edit`), { [change.field]: 'newer' });
    const refused = await browser.send(asked);
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining('was changed')]);
    expect((await browser.send(refused)).status).toBe(303);
  });

  it('show those who may not change one why, and refuse what they send by hand', async () => {
    const own = await create(by(), path, fields());
    for (const page of [await viewer.get(path), await viewer.get(own)]) {
      expect(page.status).toBe(200);
      expect(page.text).toContain('Needs the role');
      expect(page.html).not.toMatch(new RegExp(`href="${path}/new"|href="${own}/(edit|delete)"`));
    }
    for (const below of ['/edit', '/delete']) {
      expect((await viewer.get(own + below)).status).toBe(403);
      expect((await viewer.post(own + below, { version: '1' })).status).toBe(403);
    }
    expect((await viewer.post(`${path}/new`, fields())).status).toBe(403);
    expect((await by().get(own)).status).toBe(200);
  });

  it('are changed by nobody below their role', async () => {
    if (by() !== security) return;
    const own = await create(by(), path, fields());
    for (const below of ['/edit', '/delete', '/move'])
      expect((await operator.post(own + below, { version: '1' })).status).toBe(403);
    expect((await operator.post(`${path}/new`, fields())).status).toBe(403);
    expect((await operator.get(own)).text).toContain('Needs the role security');
  });

  it('ask for the password again before they delete', async () => {
    const own = await create(by(), path, fields());
    app.clock.advance(601);
    const asked = await by().get(`${own}/delete`);
    expect([asked.status, asked.location]).toEqual([
      303,
      expect.stringMatching(/^\/admin\/verify/),
    ]);
    const sent = await by().post(`${own}/delete`, { version: '1' });
    expect([sent.status, sent.location]).toEqual([303, expect.stringMatching(/^\/admin\/verify/)]);
    expect((await by().get(own)).status).toBe(200);
    [operator, security] = await Promise.all([
      signedIn(app, 'operator'),
      signedIn(app, 'security'),
    ]);
    viewer = await signedIn(app, 'viewer');
  });

  it('want the version that was read', async () => {
    const own = await create(by(), path, fields());
    for (const version of ['', 'x', '0', '-1', '1.5']) {
      expect((await by().post(`${own}/edit`, { version })).status).toBe(428);
      expect((await by().post(`${own}/delete`, { version })).status).toBe(428);
    }
  });

  it('sort, and say what is empty', async () => {
    const browser = by();
    await create(browser, path, fields());
    const list = await browser.get(path);
    const [, sort = ''] = /aria-sort="[a-z]+"><a href="([^"]+)"/.exec(list.html) ?? [];
    const sorted = await browser.get(sort.replaceAll('&amp;', '&'));
    const names = (page: ConsolePage) =>
      [...page.html.matchAll(/class="table__name"><a[^>]*>([^<]+)/g)].map(([, name]) => name);
    expect(names(list).length).toBeGreaterThan(1);
    expect(names(sorted)).toEqual(names(list).toReversed());
    const none = await browser.get(`${path}?search=nothing-has-this`);
    expect(none.text).toContain('Nothing matches this search.');
    expect((await browser.get(`${path}?cursor=nonsense`)).status).toBe(400);
    expect((await browser.get(`${path}?search=%00&sort=nonsense&limit=7`)).status).toBe(200);
  });

  it('escape every text', async () => {
    const [browser, given] = [by(), { ...fields(), [change.field]: XSS }];
    const own = await create(browser, path, given);
    const pages = [
      own,
      `${own}/edit`,
      `${own}/delete`,
      path,
      `${path}?search=${encodeURIComponent(XSS)}`,
    ];
    for (const page of pages) {
      const { html, status } = await browser.get(page);
      expect([page, status, html.includes(XSS)]).toEqual([page, 200, false]);
    }
    expect((await browser.get(own)).html).toContain('&lt;script&gt;');
    const hostile = Object.fromEntries(
      Object.keys({ ...given, description: '', newApis: '' }).map((name) => [name, XSS]),
    );
    const refused = await browser.send(await browser.get(`${path}/new`), hostile);
    expect([refused.status, refused.html.includes(XSS)]).toEqual([422, false]);
    const stale = await browser.get(`${own}/edit`);
    await browser.send(stale, { [change.field]: `${XSS}1` });
    const conflict = await browser.send(stale, { [change.field]: `${XSS}2`, read: XSS });
    expect([conflict.status, conflict.html.includes(XSS)]).toEqual([409, false]);
  });
});
