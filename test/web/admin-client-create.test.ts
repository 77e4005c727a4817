/** Every way to a new client, as a person without script goes it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DRAFT_SECONDS } from '../../src/domain/clients/client-drafts.ts';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import { fresh, startApp, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, signedIn } from './console-support.ts';

let app: TestApp;
let operator: Browser;
let security: Browser;
beforeAll(async () => {
  app = await startApp();
  operator = await signedIn(app, 'operator');
  security = await signedIn(app, 'security');
  await app.createGroup('orders.read', { audience: 'both' });
  await app.createGroup('inside.only', { audience: 'internal' });
  await app.createGroup('level.a', { securityLevel: 'A' });
});
afterAll(() => app.close());

const NEW = '/admin/clients/new';
const ONE_PAGE = `${NEW}/one-page`;
const WIZARD = `${NEW}/wizard`;

/** The required fields, with names that nothing else has. */
function names() {
  const name = fresh('client');
  return { clientName: name, displayName: `Orders ${name}`, note: 'nightly' };
}

/** Id of the client that a page says was created. */
function createdId(page: ConsolePage): string {
  return /(?:action|href)="\/admin\/clients\/([\w-]{16})"/.exec(page.html)?.[1] ?? '';
}

function secretIn(page: ConsolePage): string {
  return /tgs_[\w-]{43}/.exec(page.html)?.[0] ?? '';
}

/** The client that a page says was created. */
function created(page: ConsolePage) {
  return findClient(app.services, createdId(page));
}

describe('GET /admin/clients/new', () => {
  it('offers templates, both forms, and a copy', async () => {
    const page = await operator.get(NEW);
    expect(page.status).toBe(200);
    for (const words of ['Partner back end', 'Internal job', 'Mobile app', 'Resource server'])
      expect(page.text).toContain(words);
    expect(page.html).toContain(`action="${WIZARD}"`);
    expect(page.html).toContain(`formaction="${ONE_PAGE}"`);
  });

  it('offers a resource server to the role security only', async () => {
    const radio = /<input type="radio"[^>]*value="resource_server"[^>]*>/;
    expect(radio.exec((await operator.get(NEW)).html)?.[0]).toContain('disabled');
    expect(radio.exec((await security.get(NEW)).html)?.[0]).not.toContain('disabled');
  });

  it('finds a client to copy', async () => {
    const { displayName, clientName, ...rest } = names();
    const { clientId } = await app.createClient({ displayName, clientName, ...rest });
    const page = await operator.get(`${NEW}?search=${clientName}`);
    expect(page.text).toContain(displayName);
    expect(page.html).toContain(`href="/admin/clients/${clientId}/copy"`);
    expect((await operator.get(`${NEW}?search=nobody-at-all`)).text).toContain('No client matches');
  });

  it('is not for a viewer', async () => {
    const viewer = await signedIn(app, 'viewer');
    for (const path of [NEW, ONE_PAGE, WIZARD]) {
      expect((await viewer.get(path)).status).toBe(403);
    }
    const before = (await app.services.stores.clients.list({ limit: 1 })).total;
    for (const path of [ONE_PAGE, WIZARD]) {
      expect((await viewer.post(path, names())).status).toBe(403);
    }
    expect((await app.services.stores.clients.list({ limit: 1 })).total).toBe(before);
  });
});

describe('a client on one page', () => {
  it('needs three fields, and ends on its secret, shown once', async () => {
    const page = await operator.get(ONE_PAGE);
    const answer = await operator.send(page, names());
    expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
    const [client, secret] = [await created(answer), secretIn(answer)];
    expect(client).toMatchObject({
      audience: 'internal',
      tps: 10,
      apiQuota: { calls: 0, period: 'day' },
      grantTypes: ['client_credentials'],
      status: 'enabled',
    });
    expect(secret).not.toBe('');
    expect(answer.text).toContain('You will not see this secret again');
    expect(answer.html).toContain(`curl -u &#39;${client.clientId}:${secret}&#39;`);
    const again = await operator.get(`/admin/clients/${client.clientId}`);
    expect(again.html).not.toContain(secret);
    const { items } = await app.services.stores.audit.list({
      filter: { objectId: client.clientId },
      limit: 10,
    });
    expect(JSON.stringify(items)).not.toContain(secret);
    expect(app.log.join('')).not.toContain(secret);
  });

  it('takes every field', async () => {
    const { user } = await app.createUser({ userName: fresh('ada') });
    const fields = {
      ...names(),
      clientId: fresh('id').slice(0, 40),
      applicationNo: 'APP-7',
      description: 'Reads orders',
      audience: 'external',
      environment: 'testing',
      kind: 'resource_server',
      emails: 'ops@partner.example, dev@partner.example',
      remark: 'call first',
      zone: 'Asia/Taipei',
      startsAt: '2035-03-31T09:00',
      expiresAt: '2036-01-01T00:00',
      'serviceHours.windows.0.days': ['', 'mon', 'tue'],
      'serviceHours.windows.0.from': '22:00',
      'serviceHours.windows.0.to': '06:00',
      'serviceHours.timeZone': 'Asia/Tokyo',
      'ipBindings.0.hostName': 'hq',
      'ipBindings.0.address': '192.0.2.77/24',
      userAllowlist: user.userName,
      'apiQuota.calls': '500',
      'apiQuota.calls.unlimited': null,
      'apiQuota.period': 'month',
      timeZone: 'Europe/Berlin',
      tps: '',
      'tps.unlimited': 'on',
      priority: '2',
      securityLevel: 'C',
      apiGroups: ['', 'orders.read'],
      servedApiGroups: ['', 'orders.read'],
      grantTypes: ['', 'client_credentials', 'password', 'refresh_token'],
      'accessToken.lifetime': '2',
      'accessToken.lifetime.unit': 'h',
      'accessToken.maxUses': '100',
      'accessToken.maxUses.unlimited': null,
      'refreshToken.lifetime': '7',
      'refreshToken.lifetime.unit': 'd',
      'refreshToken.maxUses': '9',
      'refreshToken.maxUses.unlimited': null,
      redirectUris: 'https://partner.example/cb\ncom.example.app:/cb',
      status: 'disabled',
      failedLoginLimit: '5',
    };
    const answer = await security.send(await security.get(ONE_PAGE), fields);
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('is created')]);
    const client = await findClient(app.services, fields.clientId);
    expect(client).toMatchObject({
      clientName: fields.clientName,
      applicationNo: 'APP-7',
      emails: ['ops@partner.example', 'dev@partner.example'],
      environment: 'testing',
      kind: 'resource_server',
      startsAt: new Date('2035-03-31T01:00:00Z'),
      expiresAt: new Date('2035-12-31T16:00:00Z'),
      serviceHours: {
        timeZone: 'Asia/Tokyo',
        windows: [{ days: ['mon', 'tue'], from: '22:00', to: '06:00' }],
      },
      ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }],
      userAllowlist: [user.userId],
      apiQuota: { calls: 500, period: 'month' },
      timeZone: 'Europe/Berlin',
      tps: 0,
      priority: 2,
      securityLevel: 'C',
      apiGroups: ['orders.read'],
      servedApiGroups: ['orders.read'],
      accessToken: { lifetimeSeconds: 7200, maxUses: 100 },
      refreshToken: { lifetimeSeconds: 604_800, maxUses: 9 },
      redirectUris: ['https://partner.example/cb', 'com.example.app:/cb'],
      status: 'disabled',
      failedLoginLimit: 5,
    });
  });

  it('keeps what was typed, and says what is wrong with links to the fields', async () => {
    const bad = {
      ...names(),
      clientName: 'with space',
      tps: 'ten',
      'ipBindings.0.address': 'nowhere',
      description: '<b>"&',
    };
    const answer = await operator.send(await operator.get(ONE_PAGE), bad);
    expect(answer.status).toBe(422);
    expect(answer.title).toMatch(/^Error: /);
    for (const field of ['clientName', 'tps', 'ipBindings.0.address']) {
      expect(answer.html).toContain(`<a href="#${field}">`);
      expect(answer.html).toMatch(new RegExp(`id="${field}"[^>]*aria-invalid="true"`));
    }
    expect(answer.text).toContain('Address, row 1: must be an address such as 192.0.2.10');
    expect(answer.html).toContain('value="with space"');
    expect(answer.html).toContain('&lt;b&gt;&#34;&amp;');
    expect(answer.html).not.toContain('<b>"');
  });

  it('names a taken name at its field', async () => {
    const taken = names();
    await operator.send(await operator.get(ONE_PAGE), taken);
    const again = { ...names(), clientName: taken.clientName.toUpperCase() };
    const answer = await operator.send(await operator.get(ONE_PAGE), again);
    expect(answer.status).toBe(422);
    expect(answer.html).toMatch(/<a href="#clientName">[^<]*is taken; choose another/);
  });

  it('refuses a group above the level, and offers only what the level and audience can hold', async () => {
    const page = await operator.get(ONE_PAGE);
    expect(page.html).toContain('value="orders.read"');
    expect(page.html).not.toContain('name="apiGroups" value="level.a"');
    const refused = await operator.post(ONE_PAGE, { ...names(), apiGroups: ['level.a'] });
    expect([refused.status, refused.text]).toEqual([
      422,
      expect.stringContaining('is above the security level'),
    ]);
    const external = await operator.send(page, { audience: 'external', refresh: 'securityLevel' });
    expect(external.html).not.toContain('name="apiGroups" value="inside.only"');
    const levelA = await operator.send(page, { securityLevel: 'A', refresh: 'securityLevel' });
    expect(levelA.html).toContain('name="apiGroups" value="level.a"');
  });

  it('keeps a resource server and keys for the role security, by hand-made request too', async () => {
    const key = '{"kty":"RSA"}';
    for (const fields of [{ kind: 'resource_server' }, { jwks: key }]) {
      const answer = await operator.post(ONE_PAGE, { ...names(), ...fields });
      expect([answer.status, answer.text]).toEqual([
        422,
        expect.stringContaining('only the role security may set this'),
      ]);
    }
  });

  it('takes a password that was typed twice, and shows it nowhere', async () => {
    const password = 'correct horse battery';
    const chosen = { passwordChoice: 'choose', password };
    const page = await operator.get(ONE_PAGE);
    const differs = await operator.send(page, { ...names(), ...chosen, confirmation: 'other' });
    expect([differs.status, differs.text]).toEqual([
      422,
      expect.stringContaining('enter the same password twice'),
    ]);
    const short = { passwordChoice: 'choose', password: 'short', confirmation: 'short' };
    expect((await operator.send(page, { ...names(), ...short })).status).toBe(422);
    const fields = { ...names(), ...chosen, confirmation: password };
    const answer = await operator.send(page, fields);
    expect(answer.status).toBe(200);
    for (const one of [differs, answer]) expect(one.html).not.toContain(password);
    const clientId = createdId(answer);
    const token = await app.token({ clientId, secret: password }, {});
    expect(token.status).toBe(200);
  });

  it('adds and removes rows, and finds users, without script', async () => {
    const { username } = await app.createUser({ userName: fresh('grace') });
    const page = await operator.get(ONE_PAGE);
    const first = { 'ipBindings.0.address': '192.0.2.1' };
    const two = await operator.send(page, { ...first, 'rows.add': 'ipBindings' });
    expect(two.status).toBe(200);
    expect(two.html).toContain('name="ipBindings.1.address"');
    expect(two.html).toContain('value="192.0.2.1"');
    const filled = { 'ipBindings.1.address': '192.0.2.2' };
    const one = await operator.send(two, { ...filled, 'rows.remove': 'ipBindings.0' });
    expect(one.html).toContain('value="192.0.2.2"');
    expect(one.html).not.toContain('value="192.0.2.1"');
    const found = await operator.send(one, {
      'userAllowlist.search': username.slice(0, 12),
      'users.search': '1',
    });
    expect(found.text).toContain(`Add ${username}`);
    const added = await operator.send(found, { 'users.add': username });
    const answer = await operator.send(added, names());
    expect(await created(answer)).toMatchObject({
      ipBindings: [{ address: '192.0.2.2' }],
      userAllowlist: [expect.any(String)],
    });
  });

  it('starts from a template', async () => {
    const page = await operator.get(`${ONE_PAGE}?template=partner_back_end`);
    const client = await created(await operator.send(page, names()));
    expect(client).toMatchObject({
      audience: 'external',
      apiQuota: { calls: 10_000, period: 'day' },
    });
  });

  it('shows no secret of a client that authenticates by keys', async () => {
    const { publicKey } = await crypto.subtle.generateKey(
      { name: 'ECDSA', namedCurve: 'P-256' },
      true,
      ['sign', 'verify'],
    );
    const jwks = JSON.stringify(await crypto.subtle.exportKey('jwk', publicKey));
    const answer = await security.send(await security.get(ONE_PAGE), { ...names(), jwks });
    expect(answer.text).toContain('authenticates by its public keys');
    expect(secretIn(answer)).toBe('');
    expect((await created(answer)).jwks?.keys).toHaveLength(1);
  });

  it('is not made by a form of another site, or without its token', async () => {
    const fields = { ...names(), csrf: 'wrong' };
    expect((await operator.post(ONE_PAGE, fields)).status).toBe(403);
  });
});

describe('a client step by step', () => {
  /** Sends the first step; answers the path of the second. */
  async function begin(fields: Record<string, string>, template = ''): Promise<ConsolePage> {
    const page = await operator.get(`${WIZARD}${template && `?template=${template}`}`);
    return operator.follow(await operator.send(page, fields));
  }

  it('goes through four steps and a review to its secret', async () => {
    const fields = names();
    const when = await begin(fields);
    expect(when.text).toContain('When and from where');
    const limits = await operator.follow(
      await operator.send(when, { zone: 'Asia/Taipei', expiresAt: '2036-01-01T00:00' }),
    );
    const access = await operator.follow(
      await operator.send(limits, { 'apiQuota.calls': '500', 'apiQuota.calls.unlimited': null }),
    );
    const review = await operator.follow(
      await operator.send(access, { apiGroups: ['', 'orders.read'] }),
    );
    for (const words of [fields.displayName, '500', 'orders.read', '31 Dec 2035'])
      expect(review.text).toContain(words);
    const answer = await operator.send(review);
    expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
    expect(secretIn(answer)).not.toBe('');
    expect(await created(answer)).toMatchObject({
      ...fields,
      expiresAt: new Date('2035-12-31T16:00:00Z'),
      apiQuota: { calls: 500, period: 'day' },
      apiGroups: ['orders.read'],
    });
    expect((await operator.get(review.path)).status).toBe(404);
  });

  it('checks each step on the server, names that are taken early', async () => {
    const taken = names();
    await begin(taken);
    await operator.send(await operator.get(ONE_PAGE), taken);
    const page = await operator.get(WIZARD);
    const refused = await operator.send(page, { ...names(), displayName: taken.displayName });
    expect(refused.status).toBe(422);
    expect(refused.html).toMatch(/<a href="#displayName">[^<]*is taken/);
    const when = await begin(names());
    const backwards = { startsAt: '2036-01-01T00:00', expiresAt: '2035-01-01T00:00' };
    const late = await operator.send(when, backwards);
    expect([late.status, late.html]).toEqual([422, expect.stringContaining('href="#expiresAt"')]);
    expect(late.html).toContain('value="2036-01-01T00:00"');
  });

  it('loses nothing by Back, bad values neither', async () => {
    const when = await begin(names());
    const back = await operator.send(when, { 'ipBindings.0.address': 'nowhere', go: 'who' });
    expect(back.status).toBe(303);
    const who = await operator.follow(back);
    expect(who.text).toContain('Client name');
    const again = await operator.follow(await operator.send(who, { remark: 'kept' }));
    expect(again.path).toBe(when.path);
    expect(again.html).toContain('value="nowhere"');
    expect((await operator.get(who.path)).html).toContain('kept');
  });

  it('loses nothing by a jump to another step', async () => {
    const when = await begin(names());
    expect(when.html).toMatch(/<button[^>]*form="step"[^>]*name="go" value="access"/);
    const jump = await operator.send(when, { 'ipBindings.0.address': '192.0.2.9', go: 'access' });
    expect(jump.location).toBe(when.path.replace('/when', '/access'));
    expect((await operator.get(when.path)).html).toContain('value="192.0.2.9"');
  });

  it('leads from the review to a step and back', async () => {
    const when = await begin(names());
    const reviewPath = when.path.replace('/when', '/review');
    const review = await operator.get(reviewPath);
    expect(review.html).toContain(`href="${when.path.replace('/when', '/limits')}?return=review"`);
    const limits = await operator.get(`${when.path.replace('/when', '/limits')}?return=review`);
    const answer = await operator.send(limits, { priority: '1' });
    expect(answer.location).toBe(reviewPath);
    expect((await operator.follow(answer)).text).toMatch(/Priority[^A-Z]*1/);
  });

  it('tells on the review what is wrong with a step, and creates nothing', async () => {
    const when = await begin(names());
    await operator.send(when, { 'ipBindings.0.address': 'nowhere', go: 'who' });
    const review = await operator.get(when.path.replace('/when', '/review'));
    expect(review.html).toMatch(/<a href="#step-when">[^<]*must be an address/);
    const answer = await operator.send(review);
    expect([answer.status, secretIn(answer)]).toEqual([422, '']);
  });

  it('fills the steps that nobody saved from the template', async () => {
    const when = await begin(names(), 'internal_job');
    const limits = await operator.get(when.path.replace('/when', '/limits'));
    expect(limits.html).toMatch(/name="tps"[^>]*value="5"/);
    const answer = await operator.send(await operator.get(when.path.replace('/when', '/review')));
    expect(await created(answer)).toMatchObject({
      tps: 5,
      priority: 7,
      accessToken: { lifetimeSeconds: 900, maxUses: 0 },
    });
  });

  it('keeps a draft for its admin, without secrets, for a day', async () => {
    const secret = 'my secret password';
    const when = await begin({ ...names(), password: secret, confirmation: secret });
    const [, draftId = ''] = /wizard\/([\w-]+)\/when/.exec(when.path) ?? [];
    expect((await security.get(when.path)).status).toBe(404);
    expect((await security.post(when.path, { note: 'x' })).status).toBe(404);
    const { clientDrafts } = app.services.stores;
    const { adminId } = operator.admin;
    const draft = await clientDrafts.find(draftId, adminId, app.clock.now());
    expect(draft?.steps.who).toContainEqual(['note', 'nightly']);
    expect(JSON.stringify(draft)).not.toMatch(/my secret|csrf/);
    const gone = new Date(app.clock.now().getTime() + DRAFT_SECONDS * 1000);
    expect(await clientDrafts.find(draftId, adminId, gone)).toBeNull();
  });

  it('has no other steps', async () => {
    const when = await begin(names());
    for (const step of ['nothing', '__proto__', 'status']) {
      expect((await operator.get(when.path.replace('when', step))).status).toBe(404);
    }
    expect((await operator.get(`${WIZARD}/nothing/when`)).status).toBe(404);
  });
});

describe('a copy', () => {
  it('has new names and a secret of its own, and everything else of the original', async () => {
    const original = await app.createClient({
      ...names(),
      tps: 25,
      ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }],
      apiGroups: ['orders.read'],
      status: 'disabled',
    });
    const page = await operator.get(`/admin/clients/${original.clientId}/copy`);
    expect(page.text).toContain('Secrets, API keys and tokens are not copied');
    const answer = await operator.send(page);
    const [client, before] = [
      await created(answer),
      await findClient(app.services, original.clientId),
    ];
    expect(client.displayName).toBe(`${before.displayName} (copy)`);
    const { clientId, clientName, displayName, secrets, createdAt, updatedAt, ...same } = before;
    expect(client).toMatchObject(same);
    expect(client.secrets.map(({ hash }) => hash)).not.toContain(secrets[0]?.hash);
    expect(secretIn(answer)).not.toBe('');
    const taken = { clientName: client.clientName, displayName: client.displayName };
    const twice = await operator.send(await operator.get(page.path), taken);
    expect([twice.status, twice.text]).toEqual([422, expect.stringContaining('is taken')]);
  });

  it('of a resource server is for the role security', async () => {
    const { clientId } = await app.createResourceServer();
    const path = `/admin/clients/${clientId}/copy`;
    expect((await operator.get(path)).html).toMatch(/<button[^>]*disabled[^>]*>Create copy/);
    const copy = { clientName: fresh('copy'), displayName: fresh('copy') };
    expect((await operator.post(path, copy)).status).toBe(403);
    expect((await security.post(path, copy)).status).toBe(200);
  });

  it('of nothing is not found', async () => {
    expect((await operator.get('/admin/clients/nobody/copy')).status).toBe(404);
  });
});

describe('"test it now"', () => {
  async function make(fields: Record<string, string | string[]> = {}): Promise<ConsolePage> {
    return operator.send(await operator.get(ONE_PAGE), { ...names(), ...fields });
  }
  const testing = (page: ConsolePage) => {
    const action = `/admin/clients/${createdId(page)}/test`;
    return operator.send(page, {}, action);
  };

  it('authenticates with the secret, gets a token, and leaves none behind', async () => {
    const page = await make({ apiGroups: ['', 'orders.read'] });
    const answer = await testing(page);
    expect(answer.text).toContain('It works from your address');
    expect(answer.text).toContain('a token for 1 hour, with the API group orders.read');
    expect(secretIn(answer)).toBe(secretIn(page));
    const { clientId } = await created(page);
    const { total } = await app.services.stores.tokens.list(
      { clientId },
      { limit: 1, now: app.clock.now() },
    );
    expect(total).toBe(0);
  });

  it('says why it is refused, with the reason code and a link to its explanation', async () => {
    const answer = await testing(await make({ status: 'disabled' }));
    expect(answer.text).toContain('It does not work from your address');
    expect(answer.text).toContain('client_disabled');
    const [, href = ''] = /href="(\/admin\/decisions\/[\w-]+)"/.exec(answer.html) ?? [];
    await app.services.decisionLog.flush();
    const id = href.split('/').at(-1) ?? '';
    const { decisions } = app.services.stores;
    expect(await decisions.find(id, app.clock.now())).toMatchObject({ reason: 'client_disabled' });
  });

  it('says so where an IP binding excludes the admin, and keeps the secret on the page', async () => {
    const page = await make({ 'ipBindings.0.address': '192.0.2.1' });
    expect(page.text).toContain('Your address, 127.0.0.1, is not among the IP bindings');
    const answer = await testing(page);
    expect(answer.text).toContain('ip_not_allowed');
    expect(secretIn(answer)).toBe(secretIn(page));
    expect((await created(page)).lock.failedLogins).toBe(0);
  });

  it('takes a password that is typed, never shows it, and counts a wrong one', async () => {
    const password = 'correct horse battery';
    const chosen = { passwordChoice: 'choose', password, confirmation: password };
    const page = await make(chosen);
    const path = `/admin/clients/${createdId(page)}/test`;
    const right = await operator.send(page, { secret: password }, path);
    const wrong = await operator.send(page, { secret: 'wrong password' }, path);
    expect(right.text).toContain('It works from your address');
    expect(wrong.text).toContain('The secret is not that of the client');
    for (const answer of [right, wrong])
      expect(answer.html).not.toMatch(/correct horse|wrong pass/);
    expect((await created(page)).lock.failedLogins).toBe(1);
  });

  it('of a client without a grant of its own tries only its secret', async () => {
    const answer = await testing(await make({ grantTypes: ['', 'password'] }));
    expect(answer.text).toContain('The secret is right');
  });
});
