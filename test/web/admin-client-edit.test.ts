import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Client } from '../../src/domain/clients/client.ts';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, formsOf, signedIn } from './console-support.ts';

let app: TestApp;
let browser: Browser;

beforeAll(async () => {
  app = await startApp();
  browser = await signedIn(app, 'operator');
});
afterAll(() => app.close());

const stored = (clientId: string): Promise<Client> => findClient(app.services, clientId);
const pathOf = (clientId: string, below = '') => `/admin/clients/${clientId}${below}`;

/** Opens a section's form; `action` of the form is that path. */
const open = (clientId: string, section: string) =>
  browser.get(pathOf(clientId, `/edit/${section}`));
const save = (page: ConsolePage, fields: Record<string, string | string[] | null> = {}) =>
  browser.send(page, fields, page.path);

describe('a section of a client', () => {
  const sections = ['who', 'when', 'where', 'limits', 'access', 'tokens', 'status'];

  it.each(sections)('saved as it was opened, %s changes nothing', async (section) => {
    await app.createGroup(`edit.${section}`);
    const { user } = await app.createUser();
    const { clientId } = await app.createClient({
      startsAt: new Date('2034-05-06T07:08:09.123Z'),
      expiresAt: new Date('2036-05-06T07:08:09.123Z'),
      serviceHours: {
        timeZone: 'Asia/Tokyo',
        windows: [{ days: ['mon', 'sun'], from: '22:00', to: '06:00' }],
      },
      ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }],
      userAllowlist: [user.userId],
      apiQuota: { calls: 100, period: 'month' },
      timeZone: 'Asia/Taipei',
      tps: 0,
      apiGroups: [`edit.${section}`],
      accessToken: { lifetimeSeconds: 90, maxUses: 3 },
      redirectUris: ['https://partner.example/back'],
      emails: ['a@partner.example', 'b@partner.example'],
      description: 'two\nlines',
    });
    const before = await stored(clientId);
    const answer = await save(await open(clientId, section));
    expect([answer.status, answer.location]).toEqual([303, pathOf(clientId)]);
    expect(await stored(clientId)).toEqual(before);
    expect((await browser.follow(answer)).text).toContain('Nothing was changed');
  });

  it('saves what was changed, and the next page names it', async () => {
    const { clientId } = await app.createClient();
    const answer = await save(await open(clientId, 'limits'), {
      'apiQuota.calls': '5,000',
      'apiQuota.calls.unlimited': null,
      'apiQuota.period': 'week',
      priority: '2',
    });
    expect((await browser.follow(answer)).text).toContain('Saved: API quota, Priority.');
    const { apiQuota, priority, tps } = await stored(clientId);
    expect([apiQuota, priority, tps]).toEqual([{ calls: 5000, period: 'week' }, 2, 0]);
  });

  it('keeps what is left blank: no blank turns into unlimited', async () => {
    const { clientId } = await app.createClient({
      tps: 7,
      apiQuota: { calls: 9, period: 'day' },
      accessToken: { lifetimeSeconds: 60, maxUses: 5 },
    });
    const before = await stored(clientId);
    await save(await open(clientId, 'limits'), { tps: '', 'apiQuota.calls': ' ', priority: '' });
    await save(await open(clientId, 'tokens'), {
      'accessToken.lifetime': '',
      'accessToken.maxUses': '',
    });
    await save(await open(clientId, 'who'), { clientName: '', displayName: '', note: '' });
    expect(await stored(clientId)).toEqual(before);
  });

  it('shows the form again with what was typed and what is wrong, and saves nothing', async () => {
    const { clientId } = await app.createClient();
    const before = await stored(clientId);
    const again = await save(await open(clientId, 'where'), {
      'ipBindings.0.address': '192.0.2.999',
      'ipBindings.0.hostName': 'branch',
    });
    expect(again.status).toBe(422);
    expect(again.title).toMatch(/^Error: /);
    expect(again.html).toContain('href="#ipBindings.0.address"');
    expect(again.html).toContain('value="192.0.2.999"');
    expect(await stored(clientId)).toEqual(before);
    const mended = await save(
      { ...again, path: again.path },
      { 'ipBindings.0.address': '192.0.2.9' },
    );
    expect(mended.status).toBe(303);
    expect((await stored(clientId)).ipBindings).toEqual([
      { hostName: 'branch', address: '192.0.2.9' },
    ]);
  });

  it('refuses a name that another client has, at its field', async () => {
    const other = await app.createClient();
    const { clientId } = await app.createClient();
    const taken = (await stored(other.clientId)).clientName;
    const again = await save(await open(clientId, 'who'), { clientName: taken });
    expect(again.status).toBe(422);
    expect(again.html).toContain('href="#clientName"');
  });

  it('adds a row without script, keeps what was typed, and saves nothing', async () => {
    const { clientId } = await app.createClient();
    const page = await save(await open(clientId, 'where'), {
      'ipBindings.0.address': '192.0.2.1',
      'rows.add': 'ipBindings',
    });
    expect(page.status).toBe(200);
    expect(page.html).toContain('name="ipBindings.1.address"');
    expect(page.html).toContain('value="192.0.2.1"');
    expect((await stored(clientId)).ipBindings).toEqual([]);
  });

  it('answers 404 for a section that does not exist, and 428 for a form without its version', async () => {
    const { clientId } = await app.createClient();
    for (const section of ['secrets', '__proto__', 'constructor', 'toString'])
      expect([section, (await open(clientId, section)).status]).toEqual([section, 404]);
    const page = await open(clientId, 'limits');
    expect((await save(page, { version: null, priority: '1' })).status).toBe(428);
  });

  it('lets only the role security set keys, also by a request made by hand', async () => {
    const { clientId } = await app.createClient();
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
    const fields = { jwks: JSON.stringify({ keys: [jwk] }), version: '1' };
    const path = pathOf(clientId, '/edit/tokens');
    const refused = await browser.post(path, fields);
    expect([refused.status, (await stored(clientId)).jwks]).toEqual([422, null]);
    const security = await signedIn(app, 'security');
    expect((await security.post(path, fields)).status).toBe(303);
    expect((await stored(clientId)).jwks?.keys).toHaveLength(1);
  });
});

describe('two admins who edit the same client', () => {
  async function twoForms(section: string, fields = {}) {
    const { clientId } = await app.createClient({ priority: 5, tps: 10, ...fields });
    const [mine, theirs] = [await open(clientId, section), await signedIn(app, 'operator')];
    const other = await theirs.get(pathOf(clientId, `/edit/${section}`));
    const saveTheirs = (changes: Record<string, string>) => theirs.send(other, changes, other.path);
    return { clientId, mine, saveTheirs, name: theirs.admin.userName };
  }

  it('the second sees field by field what was read, what is stored and what was entered', async () => {
    const { clientId, mine, saveTheirs, name } = await twoForms('limits');
    await saveTheirs({ priority: '1', tps: '20' });
    app.clock.advance(120);
    const conflict = await save(mine, {
      priority: '9',
      'apiQuota.calls': '500',
      'apiQuota.calls.unlimited': '',
    });
    expect(conflict.status).toBe(412);
    expect(conflict.text).toContain(`${name} changed it 2 minutes ago`);
    const rows = [...conflict.html.matchAll(/<tr>\s*<th scope="row">(.*?)<\/tr>/gs)].map(([row]) =>
      row
        .replaceAll(/<[^>]*>/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    );
    expect(rows).toEqual([
      'API quota Yours 500 calls a day Unlimited Unlimited',
      'TPS per node Theirs 10 calls a second on each node 20 calls a second on each node 10 calls a second on each node',
      expect.stringMatching(/^Priority What stays of Priority Use mine Use theirs 9 .* 1 .* 5 /),
    ]);
    const { priority, tps, apiQuota } = await stored(clientId);
    expect([priority, tps, apiQuota.calls]).toEqual([1, 20, 0]);
  });

  it.each([
    ['mine', 9],
    ['theirs', 1],
  ])(
    'the second keeps %s where both changed a field, and loses nothing else',
    async (use, kept) => {
      const { clientId, mine, saveTheirs } = await twoForms('limits');
      await saveTheirs({ priority: '1', tps: '20' });
      const conflict = await save(mine, {
        priority: '9',
        'apiQuota.calls': '500',
        'apiQuota.calls.unlimited': null,
      });
      const answer = await browser.send(conflict, { 'use.priority': use });
      expect(answer.status).toBe(303);
      const { priority, tps, apiQuota, version } = await stored(clientId);
      expect([priority, tps, apiQuota.calls, version]).toEqual([kept, 20, 500, 3]);
    },
  );

  it('is asked again where no choice was made', async () => {
    const { clientId, mine, saveTheirs } = await twoForms('limits');
    await saveTheirs({ priority: '1' });
    const conflict = await save(mine, { priority: '9' });
    const again = await browser.send(conflict);
    expect(again.status).toBe(422);
    expect(again.html).toContain('href="#use.priority"');
    expect(again.text).toContain('Priority: choose yours or theirs');
    expect((await stored(clientId)).priority).toBe(1);
    await browser.send(again, { 'use.priority': 'mine' });
    expect((await stored(clientId)).priority).toBe(9);
  });

  it('is offered one button where the other change touched other fields only', async () => {
    const { clientId, mine, saveTheirs } = await twoForms('limits');
    await saveTheirs({ tps: '20' });
    const conflict = await save(mine, { priority: '9' });
    expect(conflict.status).toBe(412);
    expect(conflict.text).toContain('yours can be saved on top of it');
    expect(conflict.text).toContain('Save mine on top');
    expect(conflict.html).not.toContain('type="radio"');
    await browser.send(conflict);
    const { priority, tps } = await stored(clientId);
    expect([priority, tps]).toEqual([9, 20]);
  });

  it('is offered the same where another section was changed', async () => {
    const { clientId, mine } = await twoForms('limits');
    await app.updateClient(clientId, { remark: 'theirs' });
    const conflict = await save(mine, { priority: '9' });
    expect(conflict.text).toContain('Save mine on top');
    await browser.send(conflict);
    const { priority, remark } = await stored(clientId);
    expect([priority, remark]).toEqual([9, 'theirs']);
  });

  it('is asked once more where a third change comes in between', async () => {
    const { clientId, mine, saveTheirs } = await twoForms('limits');
    await saveTheirs({ priority: '1' });
    const first = await save(mine, { priority: '9' });
    await app.updateClient(clientId, { priority: 2 });
    const second = await browser.send(first, { 'use.priority': 'mine' });
    expect(second.status).toBe(412);
    expect((await stored(clientId)).priority).toBe(2);
    await browser.send(second, { 'use.priority': 'mine' });
    expect((await stored(clientId)).priority).toBe(9);
  });

  it('loses no row, no line and no tick of what was entered', async () => {
    const { clientId, mine, saveTheirs } = await twoForms('where');
    await saveTheirs({ 'ipBindings.0.address': '192.0.2.1', 'ipBindings.0.hostName': 'theirs' });
    const entered = {
      'ipBindings.0.address': '198.51.100.1',
      'ipBindings.0.hostName': 'one',
      'ipBindings.1.address': '198.51.100.2',
      'ipBindings.1.hostName': '"two" & <three>',
    };
    const conflict = await save(mine, entered);
    expect(conflict.text).toContain('192.0.2.1 (theirs)');
    await browser.send(conflict, { 'use.ipBindings': 'mine' });
    expect((await stored(clientId)).ipBindings).toEqual([
      { address: '198.51.100.1', hostName: 'one' },
      { address: '198.51.100.2', hostName: '"two" & <three>' },
    ]);
  });

  it('is not blamed for what only the role security may change, and did meanwhile', async () => {
    const { clientId, mine } = await twoForms('who');
    await app.updateClient(clientId, { kind: 'resource_server' });
    const conflict = await save(mine, { remark: 'mine' });
    expect(conflict.text).toContain('Save mine on top');
    await browser.send(conflict);
    const { kind, remark } = await stored(clientId);
    expect([kind, remark]).toEqual(['resource_server', 'mine']);
  });

  it('cannot be given another past: what a form says was read is compared, never stored', async () => {
    const { clientId, mine } = await twoForms('who');
    const read = JSON.stringify({ kind: 'resource_server', note: 'forged' });
    await save(mine, { read, kind: 'resource_server', note: 'forged' });
    const { kind, note } = await stored(clientId);
    expect([kind, note]).toEqual(['partner', 'made by a test']);
    for (const broken of ['', 'null', '[]', '{"note":1}', '{"__proto__":{"kind":"x"}}', 'x'])
      expect((await save(mine, { read: broken, version: '1' })).status).toBe(303);
    expect((await stored(clientId)).kind).toBe('partner');
  });

  it('does not undo the other’s change where the form only still holds the old value', async () => {
    const { clientId, mine } = await twoForms('access');
    await app.createGroup('edit.theirs');
    await app.updateClient(clientId, { apiGroups: ['edit.theirs'] });
    // The form knows of no group; sent again with the version that is stored now.
    const answer = await save(mine, { version: '2' });
    expect(answer.status).toBe(303);
    expect((await stored(clientId)).apiGroups).toEqual(['edit.theirs']);
  });
});

describe('preview', () => {
  it('replays the last 24 hours: calls that would newly be refused, and why; nothing is saved', async () => {
    const gateway = await app.createResourceServer();
    await app.createGroup('edit.preview', {}, ['GET /preview']);
    const { clientId } = await app.createClient({ apiGroups: ['edit.preview'] });
    const key = await app.createKey(clientId);
    const question = { apiKey: key.value, clientIp: '192.0.2.9', method: 'GET', path: '/preview' };
    expect((await app.decide(gateway, question)).body['allowed']).toBe(true);
    await app.services.decisionLog.flush();
    const page = await open(clientId, 'where');
    const fields = { 'ipBindings.0.address': '198.51.100.0/24', 'ipBindings.0.hostName': 'x' };
    const preview = await save(page, { ...fields, preview: 'on' });
    expect(preview.status).toBe(200);
    expect(preview.text).toContain(
      'Of the last 24 hours: 1 call that passes as the client is now would be refused (ip_not_allowed).',
    );
    expect(preview.text).toContain('GET /preview 192.0.2.9 allowed ip_not_allowed');
    expect((await stored(clientId)).ipBindings).toEqual([]);
    const wider = await save(page, { 'ipBindings.0.address': '192.0.2.0/24', preview: 'on' });
    expect(wider.text).toContain('no call that passes as the client is now would be refused');
    // The form still holds what was typed.
    await browser.send(preview, {}, page.path);
    expect((await stored(clientId)).ipBindings[0]?.address).toBe('198.51.100.0/24');
  });

  it('asks before a lower level takes groups away, and names them', async () => {
    for (const name of ['edit.high', 'edit.higher'])
      await app.createGroup(name, { securityLevel: 'A' });
    await app.createGroup('edit.low');
    const { clientId } = await app.createClient({
      securityLevel: 'A',
      apiGroups: ['edit.high', 'edit.low', 'edit.higher'],
    });
    const asked = await save(await open(clientId, 'access'), { securityLevel: 'SYSTEM' });
    expect(asked.status).toBe(200);
    expect(asked.text).toContain('Saving removes 2 API groups');
    expect((await stored(clientId)).securityLevel).toBe('A');
    // What would go has grown meanwhile: the earlier answer does not cover it.
    await app.createGroup('edit.highest', { securityLevel: 'A' });
    const form = formsOf(asked.html).find(({ fields }) => fields.has('removes'));
    expect(form?.fields.get('removes')).toBe('edit.high edit.higher');
    const early = await browser.send(
      asked,
      { removes: 'edit.high' },
      `${pathOf(clientId)}/edit/access`,
    );
    expect(early.status).toBe(200);
    expect((await stored(clientId)).securityLevel).toBe('A');
    const done = await browser.send(asked, {}, `${pathOf(clientId)}/edit/access`);
    expect((await browser.follow(done)).text).toContain(
      'That removed 2 groups and scopes: edit.high, edit.higher.',
    );
    const { securityLevel, apiGroups } = await stored(clientId);
    expect([securityLevel, apiGroups]).toEqual(['SYSTEM', ['edit.low']]);
  });
});
