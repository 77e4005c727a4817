import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateSync } from 'otplib';
import type { Admin } from '../../src/domain/admins/admin.ts';
import { STEP_UP_SECONDS } from '../../src/domain/admins/admin-session.ts';
import { deleteAdmin, findAdmin } from '../../src/domain/admins/manage-admins.ts';
import { beginTotp, confirmTotp } from '../../src/domain/admins/second-factor.ts';
import { signIn } from '../../src/domain/admins/sign-in.ts';
import { BY, eventsOf, newAdmin, PASSWORD } from '../domain/admin-support.ts';
import { fresh, startApp, type TestApp } from '../support/app.ts';
import { type Browser, type ConsolePage, signedIn } from './console-support.ts';

let app: TestApp;
let owner: Browser;
let security: Browser;
let viewer: Browser;
beforeAll(async () => {
  app = await startApp();
  owner = await signedIn(app, 'owner');
  security = await signedIn(app, 'security');
  viewer = await signedIn(app, 'viewer');
});
afterAll(() => app.close());

const LIST = '/admin/admins';
const pathOf = ({ adminId }: Admin, below = '') => `${LIST}/${adminId}${below}`;
const linkIn = ({ html }: ConsolePage) => /token=(tgl_[\w-]{43})</.exec(html)?.[1];
const enter = (userName: string, password = PASSWORD) =>
  signIn(app.services, { userName, password, address: '192.0.2.5', userAgent: '' });

describe('the list of admins', () => {
  it('shows who they are, and is searched and sorted by its URL', async () => {
    const { userName } = await newAdmin(app, fresh('found'), { isSetUp: false });
    const { status, text } = await viewer.get(`${LIST}?search=${userName}&sort=-userName`);
    expect(status).toBe(200);
    for (const told of [userName, 'Owner', 'Not set up']) expect(text).toContain(told);
    expect(text).not.toContain(viewer.admin.userName);
  });

  it('offers creating to the role security, and says so to others', async () => {
    expect((await security.get(LIST)).html).toContain(`href="${LIST}/new"`);
    const page = await viewer.get(LIST);
    expect(page.html).not.toContain(`href="${LIST}/new"`);
    expect(page.text).toContain('Needs the role security');
  });
});

describe('creating an admin', () => {
  it('ends on a set-up link, shown once, behind which they choose a password', async () => {
    const userName = fresh('eve');
    const form = await owner.get(`${LIST}/new`);
    const made = await owner.send(form, {
      userName,
      role: 'operator',
      email: 'eve@admins.example',
    });
    expect(made.status).toBe(200);
    const token = linkIn(made) ?? '';
    const chosen = { token, password: PASSWORD, confirmation: PASSWORD };
    const body = new URLSearchParams(chosen);
    expect((await fetch(`${app.url}/admin/set-up`, { method: 'POST', body })).status).toBe(200);
    const { admin } = await enter(userName);
    expect(admin).toMatchObject({ role: 'operator', email: 'eve@admins.example' });
    expect((await owner.get(pathOf(admin))).html).not.toContain(token);
  });

  it('keeps what was typed where something is wrong', async () => {
    const form = await owner.get(`${LIST}/new`);
    const taken = { userName: viewer.admin.userName.toUpperCase(), displayName: 'Kept' };
    const page = await owner.send(form, taken);
    expect([page.status, page.html.includes('value="Kept"')]).toEqual([422, true]);
    expect(page.html).toContain('<a href="#userName">');
  });

  it('gives no role above one’s own, by page or by hand', async () => {
    const form = await security.get(`${LIST}/new`);
    expect(form.html).not.toContain('value="owner"');
    const above = await security.send(form, { userName: fresh('above'), role: 'owner' });
    expect([above.status, linkIn(above)]).toEqual([403, undefined]);
  });
});

describe('changing an admin', () => {
  it('saves, and ends their sessions with another role', async () => {
    const admin = await newAdmin(app, fresh('ada'));
    const { value } = await enter(admin.userName);
    const form = await owner.get(pathOf(admin, '/edit'));
    const saved = await owner.follow(await owner.send(form, { role: 'viewer', email: '' }));
    expect(saved.text).toContain('Viewer');
    expect(await findAdmin(app.services, admin.adminId)).toMatchObject({
      role: 'viewer',
      email: null,
    });
    const cookie = `tollgate_session=${value}`;
    const answer = await fetch(`${app.url}/admin/account`, {
      headers: { cookie },
      redirect: 'manual',
    });
    expect(answer.status).toBe(303);
  });

  it('shows both versions when somebody else was faster', async () => {
    const admin = await newAdmin(app, fresh('ada'));
    const form = await owner.get(pathOf(admin, '/edit'));
    await owner.send(form, { displayName: 'First' });
    const late = await owner.send(form, { displayName: 'Second' });
    expect(late.status).toBe(409);
    for (const told of ['First', 'Second']) expect(late.text).toContain(told);
    expect((await findAdmin(app.services, admin.adminId)).displayName).toBe('First');
  });

  it('keeps the last owner', async () => {
    const only = await startApp();
    const last = await signedIn(only, 'owner');
    const { items } = await only.services.stores.admins.list({ limit: 10 });
    for (const { adminId } of items.filter((each) => each.adminId !== last.admin.adminId)) {
      await deleteAdmin(only.services, BY, adminId);
    }
    const page = await last.send(await last.get(pathOf(last.admin, '/edit')), { role: 'viewer' });
    expect(page.status).toBe(422);
    expect(page.text).toContain('last owner');
    expect((await findAdmin(only.services, last.admin.adminId)).role).toBe('owner');
    await only.close();
  });
});

describe('deleting an admin', () => {
  it('asks first, with what ends', async () => {
    const admin = await newAdmin(app, fresh('gone'));
    const asked = await owner.get(pathOf(admin, '/delete'));
    expect(asked.text).toContain('1 personal access token ends.');
    const done = await owner.follow(await owner.send(asked));
    expect([done.status, done.path.split('?')[0]]).toEqual([200, LIST]);
    expect((await owner.get(pathOf(admin))).status).toBe(404);
  });
});

describe('acts on an admin', () => {
  it('shows a new set-up link once; the earlier one stops', async () => {
    const admin = await newAdmin(app, fresh('ada'), { isSetUp: false });
    const page = await owner.get(pathOf(admin));
    const [first, second] = [
      linkIn(await owner.send(page, {}, pathOf(admin, '/set-up-link'))),
      linkIn(await owner.send(page, {}, pathOf(admin, '/set-up-link'))),
    ];
    expect(first).not.toBe(second);
    const works = async (token: string | undefined) =>
      (await fetch(`${app.url}/admin/set-up?token=${token}`)).status;
    expect([await works(first), await works(second)]).toEqual([410, 200]);
  });

  it('shows failures and the lock, and lifts it', async () => {
    const admin = await newAdmin(app, fresh('ada'));
    for (let i = 0; i < 5; i += 1) await enter(admin.userName, `wrong ${i}`).catch(() => {});
    const page = await owner.get(pathOf(admin));
    for (const told of ['Locked until', '192.0.2.5']) expect(page.text).toContain(told);
    const done = await owner.follow(await owner.send(page, {}, pathOf(admin, '/unlock')));
    expect(done.text).toContain('can sign in again.');
    await enter(admin.userName);
  });

  it('takes a lost second factor away', async () => {
    const { services, clock } = app;
    const { userName, adminId } = await newAdmin(app, fresh('ada'));
    const { session } = await enter(userName);
    const { secret } = await beginTotp(services, adminId);
    const code = generateSync({ secret, epoch: clock.now().getTime() / 1000 });
    await confirmTotp(services, session, { code, address: null });
    const admin = await findAdmin(services, adminId);
    const page = await owner.get(pathOf(admin));
    const done = await owner.follow(
      await owner.send(page, {}, pathOf(admin, '/second-factor/drop')),
    );
    expect(done.text).toContain('is off, and their sessions have ended.');
    await enter(userName);
    const [event] = await eventsOf(app, adminId, 'admin.totp_disable');
    expect(event?.actor).toMatchObject({ kind: 'admin', id: owner.admin.adminId });
  });
});

/** What needs which role: a form made by hand is answered as the page is. */
describe.each([
  ['GET', '/new'],
  ['POST', '/new'],
  ['GET', '/:id/edit'],
  ['POST', '/:id/edit'],
  ['GET', '/:id/delete'],
  ['POST', '/:id/delete'],
  ['POST', '/:id/set-up-link'],
  ['POST', '/:id/unlock'],
  ['POST', '/:id/second-factor/drop'],
])('%s /admin/admins%s', (method, path) => {
  const ask = (browser: Browser, of: Admin) => {
    const target = `${LIST}${path.replace(':id', of.adminId)}`;
    return method === 'GET' ? browser.get(target) : browser.post(target, { version: '1' });
  };

  it('is not for the roles viewer and operator', async () => {
    const operator = await signedIn(app, 'operator');
    for (const browser of [viewer, operator]) {
      expect((await ask(browser, owner.admin)).status).toBe(403);
    }
  });

  it('asks for the password again after ten minutes', async () => {
    const late = await signedIn(app, 'owner');
    app.clock.advance(STEP_UP_SECONDS + 1);
    expect((await ask(late, viewer.admin)).location).toMatch(/^\/admin\/verify\?next=/);
    // The browsers of all tests are to be as fresh as they were.
    owner = await signedIn(app, 'owner');
    security = await signedIn(app, 'security');
    viewer = await signedIn(app, 'viewer');
  });
});

describe('an admin above one’s own role', () => {
  it.each(['/edit', '/delete', '/set-up-link', '/unlock', '/second-factor/drop'])(
    'is not changed by POST …%s',
    async (path) => {
      const { version } = await findAdmin(app.services, owner.admin.adminId);
      const fields = { version: String(version), displayName: 'taken over' };
      const answer = await security.post(pathOf(owner.admin, path), fields);
      expect([answer.status, linkIn(answer)]).toEqual([403, undefined]);
      expect((await owner.get('/admin/account')).status).toBe(200);
    },
  );
});
