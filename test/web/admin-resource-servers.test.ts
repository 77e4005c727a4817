import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fresh, startApp, type TestApp } from '../support/app.ts';
import { type Browser, signedIn } from './console-support.ts';

let app: TestApp;
let security: Browser;
beforeAll(async () => {
  app = await startApp();
  security = await signedIn(app, 'security');
});
afterAll(() => app.close());

const PATH = '/admin/resource-servers';

describe('the page of resource servers', () => {
  it('says what one is while there is none, and leads to creating one', async () => {
    await app.createClient();
    const { html, text } = await security.get(PATH);
    expect(text).toContain('A resource server is a client that asks Tollgate');
    expect(html).toContain('href="/admin/clients/new?kind=resource_server"');
  });

  it('lists resource servers only, with what they serve and when they were last used', async () => {
    const [group, other, word] = [fresh('group'), fresh('group'), fresh('server')];
    await app.createGroup(group);
    await app.createGroup(other);
    const one = { displayName: `${word} one`, servedApiGroups: [group, other] };
    const server = await app.createResourceServer(one);
    const all = await app.createResourceServer({ displayName: `${word} two` });
    const partner = await app.createClient({ displayName: `${word} partner` });
    await app.decide(server, { token: 'tga_unknown' });
    await app.services.lastUses.flush();
    app.clock.advance(120);
    const { html, text } = await security.get(`${PATH}?search=${word}`);
    expect(html).toContain(`href="/admin/clients/${server.clientId}">${word} one</a>`);
    for (const name of [group, other]) expect(html).toContain(`href="/admin/api-groups/${name}"`);
    expect(text).toMatch(new RegExp(`${all.clientId} Enabled Every API group Never`));
    expect(text).toMatch(
      new RegExp(`${server.clientId} Enabled [^(]* 2 minutes ago .* 2 minutes ago`),
    );
    expect(html).not.toContain(partner.clientId);
    expect(text).toContain('1–2 of 2');
  });

  it('names five groups of a row and counts the others', async () => {
    const groups = Array.from({ length: 7 }, () => fresh('group'));
    for (const group of groups) await app.createGroup(group);
    const displayName = fresh('many');
    await app.createResourceServer({ displayName, servedApiGroups: groups });
    const { html, text } = await security.get(`${PATH}?search=${displayName}`);
    expect(groups.filter((name) => html.includes(`/api-groups/${name}"`))).toHaveLength(5);
    expect(text).toContain('And 2 more.');
  });

  it('sorts by name, both ways', async () => {
    const word = fresh('sorted');
    for (const last of ['b', 'c', 'a'])
      await app.createResourceServer({ displayName: `${word}-${last}` });
    const names = async (sort: string) => {
      const { html } = await security.get(`${PATH}?search=${word}${sort}`);
      return [...html.matchAll(/class="table__name"><a[^>]*>[^<]*-([abc])</g)].map(([, n]) => n);
    };
    expect(await names('')).toEqual(['a', 'b', 'c']);
    expect(await names('&sort=-displayName')).toEqual(['c', 'b', 'a']);
    expect((await security.get(`${PATH}?search=nobody-has-this`)).text).toContain(
      'Nothing matches',
    );
  });

  it('escapes every text', async () => {
    const xss = `<script>alert('1')</script>`;
    await app.createResourceServer({ displayName: xss });
    const { html } = await security.get(`${PATH}?search=${encodeURIComponent(xss)}`);
    expect([html.includes(xss), html.includes('&lt;script&gt;')]).toEqual([false, true]);
  });

  it('is read by a viewer, who may create none', async () => {
    const viewer = await signedIn(app, 'viewer');
    const { html, text } = await viewer.get(PATH);
    expect(text).toContain('Needs the role security');
    expect(html).not.toContain('/admin/clients/new');
  });
});
