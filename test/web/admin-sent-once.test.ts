import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findSession } from '../../src/domain/admins/sign-in.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import { fresh, startApp, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, type Fields, signedIn } from './console-support.ts';

let app: TestApp;
let browser: Browser;

beforeAll(async () => {
  app = await startApp();
  browser = await signedIn(app, 'owner');
});
afterAll(() => app.close());

const secretIn = ({ html }: ConsolePage) => /tg[ksp]_[\w-]{43}/.exec(html)?.[0];

interface Form {
  path: string;
  fields: Fields;
  /** How many of what it makes there are. */
  count(): Promise<number>;
}

const countClients = async () => (await app.services.stores.clients.list({ limit: 1 })).total;
const clientNames = () => {
  const name = fresh('twice');
  return { clientName: name, displayName: name, note: 'x' };
};

/** Every form that makes something, by what it makes. */
const FORMS: Record<string, () => Promise<Form>> = {
  async 'a client'() {
    return { path: '/admin/clients/new/one-page', fields: clientNames(), count: countClients };
  },
  async 'a copy of a client'() {
    const { clientId } = await app.createClient();
    const { clientName, displayName } = clientNames();
    const path = `/admin/clients/${clientId}/copy`;
    return { path, fields: { clientName, displayName }, count: countClients };
  },
  async 'a secret'() {
    const { clientId } = await app.createClient();
    const count = async () =>
      (await app.services.stores.clients.find(clientId))?.secrets.length ?? 0;
    const path = `/admin/clients/${clientId}/secrets/generate`;
    return { path, fields: { label: 'batch host' }, count };
  },
  async 'a key'() {
    const group = fresh('group');
    await app.createGroup(group);
    const { clientId } = await app.createClient({ apiGroups: [group] });
    const count = async () =>
      (await app.services.stores.apiKeys.list({ filter: { clientId }, limit: 1 })).total;
    const fields = { alias: 'pos', expiresAt: '2099-01-01T00:00', apiGroups: group };
    return { path: `/admin/clients/${clientId}/api-keys/new`, fields, count };
  },
  async 'a personal access token'() {
    const count = async () => {
      const { html } = await browser.get('/admin/account');
      return html.split('/delete"').length;
    };
    return { path: '/admin/account/tokens/new', fields: { label: 'same label' }, count };
  },
  async 'a user with a generated password'() {
    const count = async () => (await app.services.stores.users.list({ limit: 1 })).total;
    const path = '/admin/users/new';
    return { path, fields: { userName: fresh('user'), displayName: 'Ada' }, count };
  },
};

describe('a form that makes something', () => {
  it.each(Object.keys(FORMS))('makes one where it is sent three times: %s', async (name) => {
    const form = await FORMS[name]?.();
    if (form === undefined) throw new Error('the form is there');
    const { path, fields, count } = form;
    const before = await count();
    const page = await browser.get(path);
    const send = () => browser.send(page, fields, path);
    const both = await Promise.all([send(), send()]);
    const late = await send();
    expect(await count()).toBe(before + 1);
    const [first, second] = both.sort((a, b) => a.status - b.status) as [ConsolePage, ConsolePage];
    expect([first.status, second.status, late.status]).toEqual([200, 409, 409]);
    expect(late.text).toBe(second.text);
    expect(late.text).toContain('This form was sent already');
    expect(late.text).toContain('A secret that the first answer showed is not shown again');
    expect([secretIn(second), secretIn(late)]).toEqual([undefined, undefined]);
    const [, href = ''] = /href="([^"]+)">Go to what it made/.exec(late.html) ?? [];
    expect((await browser.get(href)).status).toBe(200);
  });

  it('leads to what it made where nothing was shown but a redirect', async () => {
    const name = fresh('group');
    const page = await browser.get('/admin/api-groups/new');
    const send = () => browser.send(page, { name }, '/admin/api-groups/new');
    const answers = await Promise.all([send(), send()]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    expect(answers[0]?.location).toBe(answers[1]?.location);
    const late = await browser.follow(await send());
    expect(late.text).toContain('what it asks for was done once');
    expect(late.text).toContain(name);
  });

  it('can be sent again once it made nothing', async () => {
    const path = '/admin/clients/new/one-page';
    const page = await browser.get(path);
    const send = (fields: Fields) => browser.send(page, fields, path);
    const bad = { ...clientNames(), clientName: '' };
    const refused = await Promise.all([send(bad), send(bad)]);
    expect(refused.map(({ status }) => status)).toEqual([422, 422]);
    expect((await send({ refresh: '1' })).status).toBe(200);
    expect((await send(clientNames())).status).toBe(200);
    expect((await send(clientNames())).status).toBe(409);
  });

  it('says so where nobody knows what became of it, such as after a crash', async () => {
    const path = '/admin/clients/new/one-page';
    const page = await browser.get(path);
    const fields = clientNames();
    // The node that took it stopped midway: its claim stands, and nothing was made.
    const session = await findSession(app.services, browser.jar.get('tollgate_session') ?? '');
    const formId = /name="formId" value="([^"]+)"/.exec(page.html)?.[1];
    const form = JSON.stringify([session?.session.sessionId, path, formId]);
    const digest = createHash('sha256').update(form).digest('base64url');
    const expiresAt = plusSeconds(app.clock.now(), 3600);
    const claim = { model: 'SentForm', digest, payload: {}, expiresAt };
    expect(await app.services.stores.artifacts.insert(claim, app.clock.now())).toBe(true);
    const before = await countClients();
    const answer = await browser.send(page, fields, path);
    expect([answer.status, await countClients()]).toEqual([409, before]);
    expect(answer.text).toContain('What became of it is not known yet');
    expect(answer.html).toContain('href="/admin/audit"');
  });

  it('is another form each time that its page is made, and for each admin', async () => {
    const { clientId } = await app.createClient();
    const path = `/admin/clients/${clientId}/copy`;
    const [one, two] = [await browser.get(path), await browser.get(path)];
    const other = await signedIn(app, 'owner');
    const taken = /name="formId" value="([^"]+)"/.exec(one.html)?.[1] ?? '';
    expect(taken).toMatch(/^[\w-]{16}$/);
    const names = () => ({ ...clientNames(), note: null });
    expect((await browser.send(one, names(), path)).status).toBe(200);
    expect((await browser.send(two, names(), path)).status).toBe(200);
    const theirs = await other.send(await other.get(path), { ...names(), formId: taken }, path);
    expect(theirs.status).toBe(200);
  });

  it('is refused without the token of its session, sent already or not', async () => {
    const path = '/admin/clients/new/one-page';
    const page = await browser.get(path);
    const names = clientNames();
    expect((await browser.send(page, names, path)).status).toBe(200);
    expect((await browser.send(page, { ...names, csrf: 'forged' }, path)).status).toBe(403);
  });
});
