/** Clients that hold very much: pages stay small, and nothing of what they do not show is lost. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type Browser, signedIn } from './console-support.ts';
import { formOf } from './security-support.ts';

/** Names of groups as long as they may be. */
const GROUPS = Array.from({ length: 260 }, (_, i) => `${'g'.repeat(46)}.${100 + i}`);

let app: TestApp;
let browser: Browser;

beforeAll(async () => {
  app = await startApp();
  browser = await signedIn(app, 'operator');
  for (const name of GROUPS) await app.createGroup(name, { audience: 'internal' });
});
afterAll(() => app.close());

/** A client that holds all groups, and where it is edited. */
async function greedy(apiGroups = GROUPS) {
  const { clientId } = await app.createClient({ apiGroups });
  return { clientId, path: `/admin/clients/${clientId}` };
}

const held = async (clientId: string) => (await findClient(app.services, clientId)).apiGroups;

describe('the form of a client with hundreds of groups', () => {
  it('has them as lines, keeps them all, and gives up the one whose line is taken out', async () => {
    const { clientId, path } = await greedy();
    const action = `${path}/edit/access`;
    const page = await browser.get(action);
    const form = formOf(page, action);
    expect(form.getAll('apiGroups')).toEqual(['']);
    expect(form.get('apiGroups.more')?.split('\n')).toEqual(GROUPS);
    const same = await browser.follow(await browser.send(page, {}, action));
    expect(same.text).toContain('Nothing was changed');
    const fewer = { 'apiGroups.more': GROUPS.slice(1).join('\r\n') };
    await browser.send(page, fewer, action);
    expect(await held(clientId)).toEqual(GROUPS.slice(1));
  });

  it('keeps lines that were typed when a lower level has few groups to offer', async () => {
    const { path } = await greedy([]);
    const action = `${path}/edit/access`;
    const fields = {
      'apiGroups.more': 'typed.one',
      securityLevel: 'SYSTEM',
      refresh: 'securityLevel',
    };
    const page = await browser.send(await browser.get(action), fields, action);
    expect(formOf(page, action).get('apiGroups.more')).toBe('typed.one');
  });
});

describe('pages of a client with hundreds of groups', () => {
  it('name some and count the others', async () => {
    const { path } = await greedy();
    const { html, text } = await browser.get(path);
    expect(text).toContain('And 210 more.');
    expect(html.length).toBeLessThan(60_000);
  });

  it('tell in the audit what a long list gained and lost, not all that it holds', async () => {
    const { clientId, path } = await greedy(GROUPS.slice(1));
    await app.updateClient(clientId, { apiGroups: GROUPS.slice(0, -1) });
    for (const page of [`${path}/audit`, '/admin/audit?objectKind=client']) {
      const { text } = await browser.get(page);
      expect(text).toContain(`${GROUPS.at(-1)} (among 259)`);
      expect(text).toContain(`${GROUPS[0]} (among 259)`);
    }
  });

  it('tell what was done by the first of many names', async () => {
    const { clientId, path } = await greedy();
    const action = `${path}/edit/who`;
    const page = await browser.get(action);
    const asked = await browser.send(page, { audience: 'external' }, action);
    const done = await browser.follow(await browser.send(asked, {}, action));
    expect(await held(clientId)).toEqual([]);
    expect(done.text).toContain(`removed 260 groups and scopes: ${GROUPS[0]}`);
    expect(done.text).toContain('and 257 more');
  });

  it('keep every tick while one searches for more, also those that no address can hold', async () => {
    const { path } = await greedy([]);
    const action = `${path}/api-groups/add`;
    const page = await browser.get(action);
    const ticked = GROUPS.slice(0, 150);
    const found = await browser.send(page, { name: ticked, search: '.359', find: 'yes' }, action);
    expect([found.status, found.location]).toEqual([200, null]);
    expect(formOf(found, action).getAll('name')).toEqual(ticked);
    const few = await browser.send(page, { name: ticked.slice(0, 2), find: 'yes' }, action);
    expect(few.location).toContain(`name=${ticked[1]}`);
  });
});
