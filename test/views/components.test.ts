/** What components promise: names, descriptions and states that assistive technology is told, and escaping. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ejs from 'ejs';
import type { ConsolePage } from '../../src/web/admin/page.ts';
import { SAMPLES } from '../../src/web/admin/styleguide-samples.ts';
import { createTranslate } from '../../src/web/messages.ts';
import { createRenderer } from '../../src/web/render.ts';

const ROOT = join(import.meta.dirname, '../../views');
const XSS = `"><script>alert('1')</script>&`;
const t = createTranslate();
const page: ConsolePage = {
  title: 'Components',
  heading: 'Components',
  ownHeading: false,
  status: 200,
  lang: 'en',
  stylesheet: '/app.css',
  script: '/app.js',
  csrf: 'the-token',
  formId: 'the-form',
  environment: 'production',
  admin: { userName: 'owner', displayName: 'Owner', role: 'owner' },
  nav: [{ label: 'Clients', href: '/admin/clients', current: true }],
  breadcrumbs: [],
  flash: null,
  theme: 'system',
  keys: true,
  timeZone: 'UTC',
  now: '2026-11-22T00:00:00Z',
  path: '/admin/clients',
  search: '',
};

/** A component's markup. */
function ejsOf(name: string, locals: object): string {
  return ejs.render(
    `<%- include('/components/${name}', locals) %>`,
    { ...locals, t, page },
    { root: ROOT, strict: true, localsName: 'locals', destructuredLocals: ['t', 'page'] },
  );
}

/** The same with runs of spaces as one. */
function component(name: string, locals: object): string {
  return ejsOf(name, locals).replace(/\s+/g, ' ').trim();
}

/** The opening tag of the element with this id. */
function tag(html: string, id: string): string {
  const found = new RegExp(`<[a-z]+[^>]* id="${id.replaceAll('.', '\\.')}"[^>]*>`).exec(html);
  if (found === null) throw new Error(`nothing has the id "${id}" in ${html}`);
  return found[0];
}

/** Every text in it replaced by a hostile one. */
function hostile<T>(value: T): T {
  if (typeof value === 'string') return XSS as T;
  if (Array.isArray(value)) return value.map(hostile) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, hostile(part)])) as T;
}

const FIELD = { name: 'tps', label: 'TPS', hint: 'Per node', error: 'Enter a number' };

const FILES = globSync('**/*.ejs', { cwd: ROOT });
const COMPONENTS = FILES.filter((file) => file.startsWith('components/')).map((file) =>
  file.slice('components/'.length, -'.ejs'.length),
);
/** A component of pages outside the console. */
const ELSEWHERE = ['code-table'];

describe('the page of components', () => {
  it('shows every one', () => {
    const shown = ['admin/styleguide.ejs', 'layouts/console.ejs', ...FILES.filter(isComponent)]
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('');
    const missing = COMPONENTS.filter((name) => !shown.includes(`include('/components/${name}'`));
    expect(missing).toEqual(ELSEWHERE);
  });

  it('escapes every text that it is told', async () => {
    const render = createRenderer(t);
    const told = { ...hostile(page), csrf: XSS, theme: page.theme } as ConsolePage;
    const html = await render('admin/styleguide', { samples: hostile(SAMPLES) }, told);
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toContain(XSS);
    expect(html.match(/&#34;&gt;&lt;script&gt;/g)?.length).toBeGreaterThan(200);
  });
});

describe('field', () => {
  it('is named by its label and described by hint, error and unit', () => {
    const html = component('field', { field: { ...FIELD, suffix: 'calls', value: 'x' } });
    expect(html).toContain('<label class="field__label" for="tps">TPS</label>');
    expect(tag(html, 'tps')).toContain('aria-describedby="tps-hint tps-error tps-suffix"');
    expect(tag(html, 'tps')).toContain('aria-invalid="true"');
    expect(html).toContain('<p class="field__hint" id="tps-hint">Per node</p>');
    expect(html).toContain(
      'id="tps-error"><span class="visually-hidden">Error:</span> Enter a num',
    );
  });

  it('has no description where there is none, and says what may be left out', () => {
    const html = component('field', { field: { name: 'a', label: 'A', optional: true } });
    expect(tag(html, 'a')).not.toMatch(/aria-|required|readonly/);
    expect(html).toContain('(optional)');
  });

  it('never shows a password again', () => {
    const field = { name: 'password', label: 'P', type: 'password', value: 'correct horse' };
    expect(component('field', { field })).not.toContain('correct horse');
  });
});

describe('textarea, select, zone and instant', () => {
  it.each([
    ['textarea', { value: 'a' }],
    ['select', { value: 'a', options: [{ value: 'a', label: 'A' }] }],
    ['zone', { value: 'UTC' }],
    ['instant', { value: '', zone: 'UTC' }],
  ])('%s is named and described', (name, more) => {
    const html = component(name, { [name]: { ...FIELD, ...more } });
    expect(html).toContain('for="tps">TPS</label>');
    expect(tag(html, 'tps')).toMatch(/aria-describedby="tps-hint tps-error(?: tps-zone)?"/);
    expect(tag(html, 'tps')).toContain('aria-invalid="true"');
  });

  it('keep what was typed, with the line break that begins it', () => {
    const html = ejsOf('textarea', {
      textarea: { name: 'a', label: 'A', value: '\nb </textarea>' },
    });
    expect(html).toContain('>\n\nb &lt;/textarea&gt;</textarea>');
  });

  it('select the value, and only that', () => {
    const options = ['a', 'b'].map((value) => ({ value, label: value, disabled: value === 'a' }));
    const html = component('select', { select: { name: 's', label: 'S', value: 'b', options } });
    expect(html).toContain('<option value="a" disabled>a</option>');
    expect(html).toContain('<option value="b" selected>b</option>');
  });
});

describe('choices', () => {
  const options = [
    { value: 'a', label: 'A', checked: true },
    { value: 'b', label: 'B', hint: 'Partners', disabled: true },
  ];

  it.each(['radios', 'checkboxes'])('%s are a group whose first can be linked to', (name) => {
    const group = { name: 'audience', legend: 'Audience', error: 'Choose one', options };
    const html = component(name, { [name]: group });
    expect(html).toMatch(/<fieldset[^>]* aria-describedby="audience-error"/);
    expect(html).toContain('<legend class="field__label">Audience</legend>');
    expect(tag(html, 'audience')).toMatch(/name="audience" value="a" checked/);
    expect(tag(html, 'audience-1')).toMatch(/aria-describedby="audience-1-about" disabled/);
    expect(html).toContain('<label for="audience-1">B</label>');
  });
});

describe('numbers', () => {
  it('limit has its unit, and a switch for no limit that says of what', () => {
    const limit = { name: 'uses', label: 'Uses', value: '', unlimited: true, unit: 'calls' };
    const html = component('limit', { limit });
    expect(tag(html, 'uses')).toContain('aria-describedby="uses-unit"');
    expect(tag(html, 'uses.unlimited')).toMatch(/name="uses\.unlimited" value="on" checked/);
    expect(html).toContain('<span class="visually-hidden">Uses: </span>Unlimited</label>');
  });

  it('duration is described by its sum and names its unit', () => {
    const duration = { name: 'life', label: 'Lifetime', value: '1', unit: 'd', sum: '= 86,400 s' };
    const html = component('duration', { duration });
    expect(tag(html, 'life')).toContain('aria-describedby="life-sum"');
    expect(tag(html, 'life.unit')).toContain('aria-label="Unit of Lifetime"');
    expect(html).toContain('<option value="d" selected>days</option>');
    expect(html).toMatch(/<output[^>]*>= 86,400 s<\/output>/);
  });

  it('meter is native, never longer than full, and no bar where there is no limit', () => {
    const meter = { label: 'Quota', used: 7, limit: 5, text: '7 of 5', tone: 'danger' };
    expect(component('meter', { meter })).toContain(
      '<meter min="0" max="5" value="5" aria-label="Quota">7 of 5</meter>',
    );
    const none = component('meter', { meter: { ...meter, limit: null, text: 'Unlimited' } });
    expect(none).not.toContain('<meter');
    expect(none).toContain('Unlimited');
  });

  it('bars are a table, each as long as its share of the largest', () => {
    const rows = [
      { label: 'a', value: 8, text: '8' },
      { label: 'b', value: 2, text: '2' },
    ];
    const html = component('bars', { bars: { caption: 'Refused', rows } });
    expect([...html.matchAll(/<rect width="([^"]+)"/g)].map(([, width]) => width)).toEqual([
      '100%',
      '25%',
    ]);
    expect(html).toContain('<th scope="row">b</th>');
    expect(component('bars', { bars: { caption: 'None', rows: [] } })).not.toMatch(/NaN|Infinity/);
  });
});

describe('errors', () => {
  it('are announced and link to their fields; one of no field is text', () => {
    const problems = [
      { field: 'a.b', message: 'Enter a' },
      { field: '', message: 'It changed' },
    ];
    const html = component('error-summary', { errorSummary: { problems } });
    expect(html).toContain('role="alert" tabindex="-1"');
    expect(html).toContain('<a href="#a.b">Enter a</a>');
    expect(html).toContain('<li>It changed</li>');
    expect(component('error-summary', { errorSummary: { problems: [] } })).toBe('');
  });
});

describe('acts', () => {
  it('of a menu carry the token where they post, and are told why they are not offered', () => {
    const items = [
      { label: 'Open', href: '/x' },
      { label: 'Disable', post: { action: '/y', fields: { act: 'off' } } },
      { label: 'Delete', disabled: true, reason: 'Needs the role security' },
    ];
    const html = component('menu', { menu: { label: 'Actions for A', icon: true, items } });
    expect(html).toContain('<span class="visually-hidden">Actions for A</span>');
    expect(html).toContain(
      'name="csrf" value="the-token"> <input type="hidden" name="act" value="off">',
    );
    expect(html.match(/aria-disabled="true">Delete/)).not.toBeNull();
    expect(html).toContain('Needs the role security');
    expect(html.match(/<button/g)).toHaveLength(1);
  });

  it('of a form say why they cannot be pressed', () => {
    const submit = { label: 'Save', disabled: true, reason: 'Needs the role security' };
    const html = component('button-row', {
      buttonRow: { submit, cancel: { href: '/', label: 'C' } },
    });
    expect(html).toContain('type="submit" disabled aria-describedby="submit-reason">Save');
    expect(html).toContain('id="submit-reason">Needs the role security</p>');
  });

  it('are not danger unless told so', () => {
    const row = (danger: boolean) =>
      component('button-row', { buttonRow: { submit: { label: 'X', danger } } });
    expect(row(false)).toContain('button--primary');
    expect(row(true)).toContain('button--danger');
  });
});

describe('values', () => {
  it('times have the instant, and the words for both eye and ear', () => {
    expect(component('time', { time: SAMPLES.time })).toBe(
      '<time class="time" datetime="2026-11-24T16:00:00Z" title="25 Nov 2026, 00:00 Asia/Taipei">in 3 days <span class="time__absolute">(25 Nov 2026, 00:00 Asia/Taipei)</span></time>',
    );
    expect(component('time', { time: null })).toContain('None');
  });

  it('copy buttons say what they copy', () => {
    const html = component('copy', { copy: { value: 'a&b', label: 'client ID' } });
    expect(html).toContain('data-copy="a&amp;b" data-copied="Copied" aria-label="Copy client ID"');
  });

  it('a status is a word, not only a colour', () => {
    const html = component('status-chip', {
      statusChip: { tone: 'danger', word: 'Locked', cause: 'why' },
    });
    expect(html.replace(/<[^>]+>/g, '')).toBe('Locked · why');
  });

  it('a secret can be left only when it is said to be stored, without a script too', () => {
    const html = component('secret-once', { secretOnce: SAMPLES.secret });
    expect(tag(html, 'secret-stored')).toContain('required');
    expect(html).toContain('<form class="secret__done" method="get" action="/admin/styleguide">');
    expect(html).toContain('download="orders.env"');
    const data = /href="data:text\/plain;charset=utf-8,([^"]+)"/.exec(html)?.[1] ?? '';
    expect(decodeURIComponent(data)).toBe(SAMPLES.secret.env);
  });

  it('a summary shows what is empty as such', () => {
    const rows = [
      { label: 'Note', value: '' },
      { label: 'Groups', values: [] },
    ];
    const html = component('summary-list', { summaryList: { rows } });
    expect(html.match(/<span class="quiet">None<\/span>/g)).toHaveLength(2);
  });
});

describe('ways', () => {
  it('tabs, steps and sizes say which is the current one', () => {
    expect(component('tabs', { tabs: SAMPLES.tabs }).match(/aria-current="page"/g)).toHaveLength(1);
    expect(component('steps', { steps: SAMPLES.steps }).match(/aria-current="step"/g)).toHaveLength(
      1,
    );
    expect(component('pager', { pager: SAMPLES.pager }).match(/aria-current="true"/g)).toHaveLength(
      1,
    );
  });

  it('the pager offers no page that is not there', () => {
    const html = component('pager', { pager: { summary: '1–2 of 2' } });
    expect(html).not.toContain('<a ');
    expect(component('pager', { pager: SAMPLES.pager })).toMatch(/rel="prev".*rel="next"/);
  });

  it('a filter says what its removal removes', () => {
    expect(component('chips', { chips: SAMPLES.chips })).toContain(
      'aria-label="Remove the filter Status: locked"',
    );
    expect(component('chips', { chips: { items: [] } })).toBe('');
  });
});

function isComponent(file: string): boolean {
  return file.startsWith('components/');
}
