/** What sets the nouns of the catalog apart: their APIs, who uses them, and the order of levels. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { findApiScope } from '../../src/domain/apis/manage-api-scopes.ts';
import { findSecurityLevel } from '../../src/domain/apis/manage-security-levels.ts';
import { rankBeside } from '../../src/web/catalog/move-level.ts';
import { fresh, startApp, type TestApp } from '../support/app.ts';
import { type Browser, formsOf, signedIn } from './console-support.ts';

let app: TestApp;
let owner: Browser;
let viewer: Browser;
beforeAll(async () => {
  app = await startApp();
  [owner, viewer] = await Promise.all([signedIn(app, 'owner'), signedIn(app, 'viewer')]);
});
afterAll(() => app.close());

/** The APIs of these ids, as `GET /orders`. */
async function callsOf(ids: readonly string[]): Promise<string[]> {
  const all = await app.services.stores.apis.all();
  const held = all.filter(({ apiId }) => ids.includes(apiId));
  return held.map(({ method, path }) => `${method} ${path}`).sort();
}

async function apiIdOf(call: string): Promise<string> {
  const all = await app.services.stores.apis.all();
  return all.find(({ method, path }) => `${method} ${path}` === call)?.apiId ?? '';
}

const BUNDLES = [
  {
    noun: 'API group',
    path: '/admin/api-groups',
    make: (name: string, calls: string[]) => app.createGroup(name, {}, calls),
    find: (name: string) => findApiGroup(app.services, name),
  },
  {
    noun: 'API scope',
    path: '/admin/api-scopes',
    make: (name: string, calls: string[]) => app.createScope(name, {}, calls),
    find: (name: string) => findApiScope(app.services, name),
  },
];

describe.each(BUNDLES)('the APIs of an $noun', ({ path, make, find }) => {
  it('are made from lines that name them, with the bundle, and only those that are missing', async () => {
    const [name, base] = [fresh('made'), `/${fresh('p')}`];
    await make(fresh('other'), [`GET ${base}/known`]);
    const answer = await owner.send(await owner.get(`${path}/new`), {
      name,
      newApis: `get ${base}/:id  Read one\n\n  GET ${base}/known\nGET ${base}/:id\n* ${base}/*`,
    });
    expect(answer.status).toBe(303);
    const { text } = await owner.follow(answer);
    expect(text).toContain(`Created ${name}. Created 2 APIs: GET ${base}/:id, * ${base}/*.`);
    const wanted = [`* ${base}/*`, `GET ${base}/:id`, `GET ${base}/known`];
    expect(await callsOf((await find(name)).apis)).toEqual(wanted);
    const all = await app.services.stores.apis.all();
    expect(all.filter((api) => api.path.startsWith(base))).toHaveLength(3);
  });

  it('are not made while anything else of the form is wrong, and all that is wrong is told', async () => {
    const base = `/${fresh('p')}`;
    const answer = await owner.send(await owner.get(`${path}/new`), {
      name: 'two words',
      newApis: `GET ${base}\nFETCH ${base}\n${base}`,
    });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('Name: Must be 1 to 50 of');
    expect(answer.text).toContain(`“FETCH ${base}” is no API`);
    expect(answer.text).toContain(`“${base}” is no API`);
    expect(answer.html).toContain(`GET ${base}\nFETCH ${base}`);
    expect(await apiIdOf(`GET ${base}`)).toBe('');
  });

  it('are searched and ticked without script, and what was typed stays', async () => {
    const [name, base] = [fresh('made'), `/${fresh('p')}`];
    await make(fresh('other'), [`GET ${base}/red`, `GET ${base}/blue`]);
    const [red, blue] = [await apiIdOf(`GET ${base}/red`), await apiIdOf(`GET ${base}/blue`)];
    const form = await owner.get(`${path}/new`);
    const search = `${base} red`;
    const found = await owner.send(form, { name, 'apis.search': search, 'apis.find': '1' });
    expect([found.status, found.html.includes('role="alert"')]).toEqual([200, false]);
    expect([found.html.includes(`value="${red}"`), found.html.includes(blue)]).toEqual([
      true,
      false,
    ]);
    // Enter in the search field presses no named button: other words than before search again.
    const next = await owner.send(found, { apis: red, 'apis.search': `${base} blue` });
    expect([next.status, next.html.includes(`value="${red}" checked`)]).toEqual([200, true]);
    expect(next.html).toContain(`value="${blue}">`);
    const saved = await owner.send(next, { apis: [red, blue], save: '1' });
    expect(saved.status).toBe(303);
    expect(await callsOf((await find(name)).apis)).toEqual([`GET ${base}/blue`, `GET ${base}/red`]);
  });

  it('stay as they are when the form is saved unchanged, and go when they are unticked', async () => {
    const [name, base] = [fresh('made'), `/${fresh('p')}`];
    await make(name, [`POST ${base}/b`, `GET ${base}/a`, `GET ${base}/c`]);
    const before = await find(name);
    await owner.send(await owner.get(`${path}/${name}/edit`));
    expect(await find(name)).toEqual(before);
    await owner.send(await owner.get(`${path}/${name}/edit`), {
      apis: ['', await apiIdOf(`GET ${base}/a`)],
    });
    expect(await callsOf((await find(name)).apis)).toEqual([`GET ${base}/a`]);
  });

  it('of two versions are compared by name, not by id', async () => {
    const [name, base] = [fresh('made'), `/${fresh('p')}`];
    await make(name, [`GET ${base}/a`]);
    const stale = await owner.get(`${path}/${name}/edit`);
    await owner.send(await owner.get(`${path}/${name}/edit`), { newApis: `GET ${base}/theirs` });
    const conflict = await owner.send(stale, { newApis: `GET ${base}/mine` });
    expect(conflict.status).toBe(409);
    expect(conflict.html).toContain(
      `<td class="diff__before">GET ${base}/a, GET ${base}/theirs</td>`,
    );
    expect(await apiIdOf(`GET ${base}/mine`)).toBe('');
    expect((await owner.send(conflict)).status).toBe(303);
    const wanted = ['a', 'mine', 'theirs'].map((last) => `GET ${base}/${last}`);
    expect(await callsOf((await find(name)).apis)).toEqual(wanted);
  });

  it('are named on its page up to a hundred, and the others counted', async () => {
    const [name, base] = [fresh('many'), `/${fresh('p')}`];
    const calls = Array.from({ length: 103 }, (_, i) => `GET ${base}/${i}`);
    await make(name, calls);
    const { html, text } = await viewer.get(`${path}/${name}`);
    expect(html.match(new RegExp(`>GET ${base}/\\d+</a>`, 'g'))).toHaveLength(100);
    expect(text).toContain('APIs (103)');
    expect(text).toContain('And 3 more.');
  });

  it('may belong to a bundle that is named as the page that creates one', async () => {
    if ((await app.services.stores.apiGroups.find('new')) !== null) return;
    const made = await owner.send(await owner.get(`${path}/new`), {
      name: 'new',
      displayName: 'N',
    });
    const shown = await owner.follow(made);
    expect([shown.status, shown.title]).toEqual([200, expect.stringMatching(/^new/)]);
    const gone = await owner.send(await owner.get(`${made.location}/delete`));
    expect((await owner.follow(gone)).text).toContain('Deleted new.');
  });

  it('may not be named as one of the other kind', async () => {
    const name = fresh('taken');
    await app.createGroup(name);
    const answer = await owner.send(await owner.get('/admin/api-scopes/new'), { name });
    expect([answer.status, answer.text]).toEqual([422, expect.stringContaining('is taken')]);
    expect(await app.services.stores.apiScopes.find(name)).toBeNull();
  });
});

describe('what is in use', () => {
  it('is told for an API: its groups, scopes and the clients that may call it, and refused to go', async () => {
    const [group, scope, base] = [fresh('group'), fresh('scope'), `/${fresh('p')}`];
    await app.createGroup(group, { securityLevel: 'B' }, [`GET ${base}`]);
    await app.createScope(scope, {}, [`GET ${base}`]);
    const holder = await app.createClient({ apiGroups: [group], securityLevel: 'B' });
    const byScope = await app.createClient({ apiScopes: [scope] });
    const below = await app.createClient({ apiGroups: [group], securityLevel: 'B' });
    await app.updateClient(below.clientId, { apiGroups: [group] });
    const other = await app.createClient();
    const own = `/admin/apis/${await apiIdOf(`GET ${base}`)}`;

    const { html, text } = await owner.get(own);
    expect(html).toContain(`href="/admin/api-groups/${group}"`);
    expect(html).toContain(`href="/admin/api-scopes/${scope}"`);
    expect(text).toContain('Clients with this API (3)');
    for (const { clientId } of [holder, byScope, below])
      expect(html).toContain(`href="/admin/clients/${clientId}"`);
    expect(html).not.toContain(other.clientId);
    await refusedToGo(own, 'while 2 groups and scopes hold it');
  });

  it('is told for an API group: clients, resource servers and keys', async () => {
    const group = fresh('group');
    await app.createGroup(group, { audience: 'external' });
    const holder = await app.createClient({ apiGroups: [group], audience: 'external' });
    const key = await app.createKey(holder.clientId, { alias: 'nightly-import' });
    const server = await app.createResourceServer({ servedApiGroups: [group] });
    const own = `/admin/api-groups/${group}`;
    const { html, text } = await owner.get(own);
    expect(text).toContain('Clients that hold it (1)');
    expect(text).toContain('Resource servers that serve it (1)');
    expect(text).toContain('X-Api-Keys with it (1)');
    expect(html).toContain(`href="/admin/clients/${holder.clientId}"`);
    expect(html).toContain(`href="/admin/clients/${server.clientId}"`);
    expect(text).toContain('nightly-import');
    expect(html).not.toContain(key.value);
    expect((await owner.get(`/admin/api-groups?search=${group}`)).text).toContain('1 client');
    await refusedToGo(own, 'while 2 clients hold or serve it');
  });

  it('says which clients hold an API group that they may not use any more', async () => {
    const group = fresh('group');
    await app.createGroup(group);
    await app.createClient({ apiGroups: [group] });
    const own = `/admin/api-groups/${group}`;
    expect((await owner.get(own)).text).not.toContain('Needs a higher level');
    await owner.send(await owner.get(`${own}/edit`), { securityLevel: 'A' });
    expect((await owner.get(own)).text).toContain('Needs a higher level');
    await owner.send(await owner.get(`${own}/edit`), {
      securityLevel: 'SYSTEM',
      audience: 'external',
    });
    expect((await owner.get(own)).text).toContain('Is for another audience');
  });

  it('is told for an API scope: the clients that hold it', async () => {
    const scope = fresh('scope');
    await app.createScope(scope);
    const holder = await app.createClient({ apiScopes: [scope] });
    const own = `/admin/api-scopes/${scope}`;
    const { html, text } = await owner.get(own);
    expect(text).toContain('Clients that hold it (1)');
    expect(html).toContain(`href="/admin/clients/${holder.clientId}"`);
    await refusedToGo(own, 'while 1 client holds it');
  });

  it('is told for a security level: clients, groups and scopes', async () => {
    const level = fresh('level');
    const made = await owner.send(await owner.get('/admin/security-levels/new'), {
      name: level,
      rank: '350',
    });
    const own = made.location ?? '';
    const [group, scope] = [fresh('group'), fresh('scope')];
    await app.createGroup(group, { securityLevel: level });
    await app.createScope(scope, { securityLevel: level });
    const { clientId } = await app.createClient({ securityLevel: level });
    const { html } = await owner.get(own);
    for (const href of [`clients/${clientId}`, `api-groups/${group}`, `api-scopes/${scope}`])
      expect(html).toContain(`href="/admin/${href}"`);
    await refusedToGo(own, 'while 3 clients, groups and scopes are at it');
  });

  it('keeps the level of new clients for ever', () =>
    refusedToGo('/admin/security-levels/SYSTEM', 'it always stays'));

  it('counts a client once that both holds and serves an API group', async () => {
    const group = fresh('group');
    await app.createGroup(group);
    await app.createResourceServer({ apiGroups: [group], servedApiGroups: [group] });
    const own = `/admin/api-groups/${group}`;
    const { text } = await owner.get(own);
    expect(text).toContain('Clients that hold it (1)');
    expect(text).toContain('Resource servers that serve it (1)');
    await refusedToGo(own, 'while 1 client holds or serves it');
  });

  it('counts those that it does not name', async () => {
    const group = fresh('group');
    await app.createGroup(group);
    for (let i = 0; i < 27; i += 1) await app.createClient({ apiGroups: [group] });
    const { html, text } = await owner.get(`/admin/api-groups/${group}`);
    expect(text).toContain('Clients that hold it (27)');
    expect(text).toContain('And 2 more.');
    expect(html).toContain(`href="/admin/clients?apiGroup=${group}"`);
  });

  it('counts the clients of an API that it does not name, and lists them where one group has it', async () => {
    const [group, base] = [fresh('group'), `/${fresh('p')}`];
    await app.createGroup(group, {}, [`GET ${base}`]);
    for (let i = 0; i < 26; i += 1) await app.createClient({ apiGroups: [group] });
    const own = `/admin/apis/${await apiIdOf(`GET ${base}`)}`;
    const one = await owner.get(own);
    expect(one.text).toContain('Clients with this API (26)');
    expect(one.text).toContain('And 1 more.');
    expect(one.html).toContain(`href="/admin/clients?apiGroup=${group}"`);
    await app.createScope(fresh('scope'), {}, [`GET ${base}`]);
    const two = await owner.get(own);
    expect(two.text).toContain('And 1 more.');
    expect(two.html).not.toContain('/admin/clients?apiGroup=');
  });

  it('shows a hundred of the groups at a level, and counts all of them', async () => {
    const level = fresh('level');
    await owner.send(await owner.get('/admin/security-levels/new'), { name: level, rank: '351' });
    for (let i = 0; i < 102; i += 1) await app.createGroup(fresh('at'), { securityLevel: level });
    const own = `/admin/security-levels/${level}`;
    const { html, text } = await owner.get(own);
    expect(text).toContain('API groups (102)');
    expect(text).toContain('And 2 more.');
    expect(html.match(/href="\/admin\/api-groups\/at-/g)).toHaveLength(100);
    await refusedToGo(own, 'while 102 clients, groups and scopes are at it');
  });

  /** The page offers no deletion, and one that is sent by hand is refused in words. */
  async function refusedToGo(own: string, why: string): Promise<void> {
    const asked = await owner.get(`${own}/delete`);
    expect([asked.status, asked.text]).toEqual([200, expect.stringContaining(why)]);
    expect(asked.html).toMatch(/<button class="button button--danger" type="submit" disabled>/);
    const sent = await owner.send(asked);
    expect([sent.status, sent.text]).toEqual([422, expect.stringContaining('still uses this')]);
    expect((await owner.get(own)).status).toBe(200);
  }
});

describe('GET /admin/apis?try=', () => {
  it('names the API that decides on a call, and those that hold it', async () => {
    const [base, group] = [`/${fresh('p')}`, fresh('group')];
    await app.createGroup(group, {}, [`GET ${base}/:id`]);
    await app.createGroup(fresh('group'), {}, [`* ${base}/*`]);
    const tried = (call: string) => owner.get(`/admin/apis?${new URLSearchParams({ try: call })}`);
    const { text } = await tried(`get ${base}/1?page=2`);
    expect(text).toContain(`Decided by GET ${base}/:id. Held by ${group}.`);
    expect(text).toContain('1 less specific API matches too and decides nothing.');
    expect((await tried(`POST ${base}/1`)).text).toContain(`Decided by * ${base}/*.`);
    expect((await tried(`GET /${fresh('none')}`)).text).toContain('No API matches this call');
    expect((await tried(`GET ${base}/a/../b`)).text).toContain('read this path differently');
    for (const bad of [base, `FETCH ${base}`, `GET ${base} x`, '<script>'])
      expect((await tried(bad)).text).toContain('Enter a method and a path, such as GET /orders/1');
    expect((await tried(`GET /<script>`)).html).not.toContain('<script>');
    const app2 = await tried(`GET ${base}/1`);
    expect(formsOf(app2.html).every(({ fields }) => !fields.has('try'))).toBe(true);
  });
});

describe('the order of security levels', () => {
  const names = async () => {
    const { html } = await owner.get('/admin/security-levels');
    const found = html.matchAll(/class="table__name"><a[^>]*>([^<]+)/g);
    return [...found].map(([, name]) => name).filter((name) => /^(A|B|C|SYSTEM)$/.test(name ?? ''));
  };
  /** Sends a move of the page's own menu. */
  const move = async (name: string, direction: string) => {
    const { version } = await findSecurityLevel(app.services, name);
    return owner.post(`/admin/security-levels/${name}/move`, {
      direction,
      version: String(version),
    });
  };

  it('is shown highest first, and changes by moving one past its neighbour', async () => {
    expect(await names()).toEqual(['A', 'B', 'C', 'SYSTEM']);
    const up = await owner.follow(await move('C', 'up'));
    expect(up.text).toMatch(/Moved C up: its rank is now \d+\./);
    // Levels that other tests made stand between: as many moves as it takes.
    while ((await names()).indexOf('C') > 1) await move('C', 'up');
    expect(await names()).toEqual(['A', 'C', 'B', 'SYSTEM']);
    while ((await names()).indexOf('C') < 2) await move('C', 'down');
    expect(await names()).toEqual(['A', 'B', 'C', 'SYSTEM']);
  });

  it('is offered in the menu of a row, to the role security only', async () => {
    const page = await owner.get('/admin/security-levels');
    const action = '/admin/security-levels/B/move';
    const forms = formsOf(page.html).filter((form) => form.action === action);
    expect(forms.map(({ fields }) => fields.get('direction'))).toEqual(['up', 'down']);
    expect(formsOf((await viewer.get('/admin/security-levels')).html)).toEqual([]);
    expect((await viewer.post(action, { direction: 'up', version: '1' })).status).toBe(403);
  });

  it('does not change from a page that is out of date', async () => {
    const before = await findSecurityLevel(app.services, 'B');
    const stale = { direction: 'up', version: String(before.version + 1) };
    const answer = await owner.post('/admin/security-levels/B/move', stale);
    expect((await owner.follow(answer)).text).toContain('nothing was moved');
    expect(await findSecurityLevel(app.services, 'B')).toEqual(before);
  });

  it('ends where there is nothing further, or no rank is left', async () => {
    const { rank } = await findSecurityLevel(app.services, 'A');
    const top = await owner.send(await owner.get('/admin/security-levels/new'), {
      name: fresh('top'),
      rank: '1000000',
    });
    const name = top.location?.split('/').at(-1) ?? '';
    const outermost = await owner.follow(await move(name, 'up'));
    expect(outermost.text).toContain(`${name} is the highest level already.`);
    const levels = await app.services.stores.securityLevels.all();
    const below = levels.sort((a, b) => b.rank - a.rank)[1]?.name ?? '';
    const noRoom = await move(below, 'up');
    expect(noRoom.location).toBe(`/admin/security-levels/${below}/edit`);
    expect((await owner.follow(noRoom)).text).toContain('No rank is free');
    expect((await findSecurityLevel(app.services, 'A')).rank).toBe(rank);
  });

  it.each([
    [200, 'up', 350],
    [300, 'up', 500],
    [400, 'up', 'outermost'],
    [300, 'down', 150],
    [200, 'down', 0],
    [100, 'down', 'outermost'],
    [400, 'down', 250],
  ] as const)('gives %i, moved %s among 400, 300, 200, 100, the rank %s', (rank, way, wanted) => {
    const levels = [400, 300, 200, 100].map((each) => ({ rank: each }));
    expect(rankBeside({ rank }, levels, way)).toBe(wanted);
  });

  it.each([
    [5, [5, 6, 7], 'up', 'no_room'],
    [7, [5, 6, 7], 'down', 'no_room'],
    [5, [5, 1_000_000], 'up', 'no_room'],
    [5, [5, 999_950], 'up', 1_000_000],
    [5, [5, 0], 'down', 'no_room'],
    [50, [50, 30], 'down', 0],
  ] as const)('of %i among %j moved %s is %s', (rank, others, way, wanted) => {
    expect(
      rankBeside(
        { rank },
        others.map((each) => ({ rank: each })),
        way,
      ),
    ).toBe(wanted);
  });
});
