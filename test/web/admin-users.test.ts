import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { signIn } from '../../src/domain/users/sign-in.ts';
import { USER_FAILED_LOGIN_LIMIT } from '../../src/domain/users/user.ts';
import { fresh, startApp, type TestApp, type TestUser } from '../support/app.ts';
import { type Browser, type ConsolePage, formsOf, signedIn } from './console-support.ts';

let app: TestApp;
let operator: Browser;
let viewer: Browser;
beforeAll(async () => {
  app = await startApp();
  [operator, viewer] = await Promise.all([signedIn(app, 'operator'), signedIn(app, 'viewer')]);
});
afterAll(() => app.close());

const USERS = '/admin/users';
const XSS = `<script>alert('1')</script>`;
const PASSWORD = 'a right long password';

function pathOf({ user }: TestUser, below = ''): string {
  return `${USERS}/${user.userId}${below}`;
}

/** Whether the user signs in with this password. */
async function signsIn(userName: string, password: string): Promise<boolean> {
  await app.services.directory.sync();
  return (await signIn(app.services, userName, password, null)) !== null;
}

async function fail(userName: string, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) await signsIn(userName, `wrong ${i}`);
}

/** The generated password that a page shows. */
function shownIn({ html }: ConsolePage): string {
  return /<code class="mono">([^<]+)<\/code>/.exec(html)?.[1] ?? '';
}

/** A client of this user's tokens, and how many tokens it was granted. */
async function grantFor({ username, password }: TestUser) {
  const client = await app.createClient({ grantTypes: ['password', 'refresh_token'] });
  const granted = await app.grant(client, { grant_type: 'password', username, password });
  return { ...client, granted };
}

describe('the list of users', () => {
  it('is searched, filtered by status and sorted', async () => {
    const word = fresh('list');
    const names = [`${word}-c`, `${word}-a`, `${word}-b`];
    for (const userName of names) await app.createUser({ userName });
    await fail(`${word}-b`, USER_FAILED_LOGIN_LIMIT);
    const shown = async (query: string) => {
      const { html } = await operator.get(`${USERS}?search=${word}${query}`);
      return [...html.matchAll(/class="table__name"><a[^>]*>[^<]*-([abc])</g)].map(([, n]) => n);
    };
    expect(await shown('')).toEqual(['a', 'b', 'c']);
    expect(await shown('&sort=-userName')).toEqual(['c', 'b', 'a']);
    expect(await shown('&status=locked')).toEqual(['b']);
    expect(await shown('&status=enabled')).toEqual(['a', 'c']);
    expect(await shown('&status=disabled')).toEqual([]);
    expect((await operator.get(`${USERS}?search=${word}&status=locked`)).text).toContain(
      'Locked · 5 wrong passwords',
    );
  });

  it('is paged by 25, forth and back, with the total on each page', async () => {
    const word = fresh('page');
    for (let i = 0; i < 60; i += 1) await app.createUser({ userName: `${word}-${i}` });
    const namesOn = ({ html }: ConsolePage) =>
      [...html.matchAll(/class="table__name"><a[^>]*>([^<]+)/g)].map(([, name]) => name);
    /** Follows a link of the pager, by its words; undefined where it has none. */
    const link = (page: ConsolePage, label: string) => {
      const pager = /<nav class="pager".*?<\/nav>/s.exec(page.html)?.[0] ?? '';
      const href = new RegExp(`href="([^"]+)">${label}</a>`).exec(pager)?.[1];
      return href?.replaceAll('&amp;', '&');
    };
    const follow = (page: ConsolePage, label: string) => operator.get(link(page, label) ?? 'none');

    const first = await operator.get(`${USERS}?search=${word}`);
    expect([first.text, link(first, 'Previous')]).toEqual([
      expect.stringContaining('1–25 of 60'),
      undefined,
    ]);
    const second = await follow(first, 'Next');
    const third = await follow(second, 'Next');
    expect([third.text, link(third, 'Next')]).toEqual([
      expect.stringContaining('51–60 of 60'),
      undefined,
    ]);
    expect(new Set([first, second, third].flatMap(namesOn)).size).toBe(60);
    expect(namesOn(await follow(third, 'Previous'))).toEqual(namesOn(second));
    expect(namesOn(await follow(third, 'First'))).toEqual(namesOn(first));
    const last = await follow(first, 'Last');
    expect(namesOn(last).at(-1)).toBe(namesOn(third).at(-1));
    expect(link(last, 'Next')).toBeUndefined();
  });

  it('says what a user is while there is none', async () => {
    const empty = await startApp();
    try {
      const browser = await signedIn(empty, 'operator');
      const { text, html } = await browser.get(USERS);
      expect(text).toContain('A user is a person on whose behalf a client calls APIs');
      expect(html).toContain(`href="${USERS}/new"`);
      const reader = await signedIn(empty, 'viewer');
      expect((await reader.get(USERS)).html).not.toContain(`href="${USERS}/new"`);
    } finally {
      await empty.close();
    }
  });
});

describe('a new user', () => {
  it('gets a generated password that is shown once, and works', async () => {
    const userName = fresh('made');
    const answer = await operator.send(await operator.get(`${USERS}/new`), {
      userName,
      email: `${userName}@partner.example`,
    });
    expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
    const password = shownIn(answer);
    expect(password).toMatch(/^[\w-]{16}$/);
    expect(await signsIn(userName, password)).toBe(true);
    const list = await operator.get(`${USERS}?search=${userName}`);
    expect([list.html.includes(password), list.text.includes(userName)]).toEqual([false, true]);
    expect(app.log.join('\n')).not.toContain(password);
    const events = await app.services.stores.audit.list({ limit: 100 });
    expect(JSON.stringify(events.items)).not.toContain(password);
  });

  it('is asked for a password only while one is chosen: the stylesheet hides both fields', async () => {
    const { html } = await operator.get(`${USERS}/new`);
    const hidden = [...html.matchAll(/class="when-chosen">[\s\S]*?<input[^>]* name="(\w+)"/g)];
    expect(hidden.map(([, name]) => name)).toEqual(['password', 'confirmation']);
  });

  it.each([{ passwordChoice: 'choose' }, { passwordChoice: 'generate' }])(
    'gets the password that was typed, whatever else was ticked: %j',
    async (choice) => {
      const userName = fresh('made');
      const typed = { password: PASSWORD, confirmation: PASSWORD };
      const form = await operator.get(`${USERS}/new`);
      const answer = await operator.send(form, { userName, ...typed, ...choice });
      const shown = await operator.follow(answer);
      expect(shown.text).toContain(`Created ${userName}.`);
      expect(shown.html).not.toContain(PASSWORD);
      expect(await signsIn(userName, PASSWORD)).toBe(true);
    },
  );

  it('is not made by a form with problems; all are told, and no password is repeated', async () => {
    const form = await operator.get(`${USERS}/new`);
    const answer = await operator.send(form, {
      userName: ' ',
      displayName: 'Kept as typed',
      email: 'no address',
      passwordChoice: 'choose',
      password: PASSWORD,
      confirmation: `${PASSWORD}!`,
    });
    expect([answer.status, answer.title]).toEqual([422, expect.stringMatching(/^Error: /)]);
    for (const field of ['userName', 'email', 'confirmation'])
      expect(answer.html).toMatch(new RegExp(`<a href="#${field}">.*id="${field}-error"`, 's'));
    expect(answer.html).toContain('value="Kept as typed"');
    expect(answer.html).toContain('value="no address"');
    expect(answer.html).not.toContain(PASSWORD);
    const short = await operator.send(answer, { password: 'short', confirmation: 'short' });
    expect(short.text).toContain('Password: Needs at least 8 characters');
  });

  it('may not have the name or the address of another', async () => {
    const userName = fresh('taken');
    const email = `${userName}@partner.example`;
    await operator.send(await operator.get(`${USERS}/new`), { userName, email });
    for (const fields of [
      { userName: userName.toUpperCase() },
      { userName: fresh('other'), email: email.toUpperCase() },
    ]) {
      const again = await operator.send(await operator.get(`${USERS}/new`), fields);
      expect([again.status, again.text]).toEqual([422, expect.stringContaining('is taken')]);
    }
  });
});

describe('the page of a user', () => {
  it('names the clients that let the user in by name, and the live tokens', async () => {
    const user = await app.createUser();
    const { clientId, granted } = await grantFor(user);
    const naming = await app.createClient({ userAllowlist: [user.user.userId] });
    const { html, text } = await viewer.get(pathOf(user));
    expect(text).toContain('Clients that name this user (1)');
    expect(html).toContain(`href="/admin/clients/${naming.clientId}"`);
    expect(text).toContain('Live tokens (2)');
    expect(text).toContain('Access token (password)');
    expect(text).toContain('Refresh token (password)');
    expect(text).toContain('0 uses, unlimited');
    expect(html).toContain(`href="/admin/clients/${clientId}"`);
    for (const value of [granted.accessToken, granted.refreshToken])
      expect(html).not.toContain(value);
  });

  it('shows when and from where passwords failed, and unlocks', async () => {
    const user = await app.createUser();
    const { stores } = app.services;
    for (let i = 0; i < USER_FAILED_LOGIN_LIMIT; i += 1) {
      const failure = { at: app.clock.now(), address: '198.51.100.7' };
      await stores.users.recordFailedLogin(user.user.userId, failure, USER_FAILED_LOGIN_LIMIT);
    }
    const page = await operator.get(pathOf(user));
    expect(page.text).toContain('Locked · 5 wrong passwords');
    expect(page.text.match(/198\.51\.100\.7/g)).toHaveLength(5);
    expect(await signsIn(user.username, user.password)).toBe(false);
    const unlocked = await operator.send(page, {}, pathOf(user, '/unlock'));
    expect((await operator.follow(unlocked)).text).toContain('the count of wrong passwords is 0');
    expect(await signsIn(user.username, user.password)).toBe(true);
    expect(formsOf((await operator.get(pathOf(user))).html)).toEqual([]);
  });

  it('revokes all tokens after a page that counts them', async () => {
    const user = await app.createUser();
    const { granted, ...client } = await grantFor(user);
    const asked = await operator.get(pathOf(user, '/revoke-tokens'));
    expect(asked.text).toContain('2 live tokens stop working now.');
    expect((await app.introspect(client, granted.accessToken)).body.active).toBe(true);
    const done = await operator.send(asked);
    expect((await operator.follow(done)).text).toContain('Revoked 2 tokens.');
    expect((await app.introspect(client, granted.accessToken)).body.active).toBe(false);
    const none = await operator.get(pathOf(user, '/revoke-tokens'));
    expect(none.text).toContain('No token of the user is live. Back');
    expect(none.html).not.toContain('button--danger');
  });

  it('offers nothing to a viewer, and refuses what a viewer sends by hand', async () => {
    const user = await app.createUser();
    await fail(user.username, 2);
    const { html, text } = await viewer.get(pathOf(user));
    expect(text).toContain('Needs the role operator');
    expect(formsOf(html)).toEqual([]);
    for (const below of ['/edit', '/delete', '/password', '/unlock', '/revoke-tokens']) {
      expect(html).not.toContain(`href="${pathOf(user, below)}"`);
      const sent = await viewer.post(pathOf(user, below), { version: '1', password: PASSWORD });
      expect([below, sent.status]).toEqual([below, 403]);
    }
    expect((await viewer.post(`${USERS}/new`, { userName: fresh('x') })).status).toBe(403);
    expect(await signsIn(user.username, user.password)).toBe(true);
  });

  it('does not exist for an id of nobody', async () => {
    for (const below of ['', '/edit', '/delete', '/password', '/revoke-tokens'])
      expect((await operator.get(`${USERS}/nobody${below}`)).status).toBe(404);
    expect((await operator.post(`${USERS}/nobody/unlock`)).status).toBe(404);
  });
});

describe('the form of a user', () => {
  it('changes what it names; a blank name stays, a blank address goes', async () => {
    const user = await app.createUser();
    const edit = () => operator.get(pathOf(user, '/edit'));
    const email = `${user.username}@partner.example`;
    await operator.send(await edit(), { displayName: 'Ada', email, status: 'disabled' });
    const disabled = await operator.get(pathOf(user));
    for (const text of ['Ada', email, 'Disabled']) expect(disabled.text).toContain(text);
    await operator.send(await edit(), { userName: ' ', displayName: '', email: ' ' });
    const stored = await app.services.stores.users.find(user.user.userId);
    expect(stored).toMatchObject({ userName: user.username, displayName: '', email: null });
  });

  it('shows both versions when it is stale, and keeps what only the other changed', async () => {
    const user = await app.createUser();
    const stale = await operator.get(pathOf(user, '/edit'));
    await app.updateUser(user.user.userId, { displayName: 'Theirs', status: 'disabled' });
    const conflict = await operator.send(stale, { displayName: 'Mine' });
    expect(conflict.status).toBe(409);
    expect(conflict.html).toMatch(/diff__before">Theirs<\/td>\s*<td class="diff__after">Mine</);
    expect((await operator.send(conflict)).status).toBe(303);
    const stored = await app.services.stores.users.find(user.user.userId);
    expect(stored).toMatchObject({ displayName: 'Mine', status: 'disabled' });
  });

  it('escapes every text', async () => {
    const user = await app.createUser({ userName: `${fresh('x')} ${XSS}` });
    await app.updateUser(user.user.userId, { displayName: XSS });
    const below = ['', '/edit', '/delete', '/password', '/revoke-tokens'].map((b) =>
      pathOf(user, b),
    );
    for (const page of [...below, `${USERS}?search=${encodeURIComponent(XSS)}`]) {
      const { html, status } = await operator.get(page);
      expect([page, status, html.includes(XSS)]).toEqual([page, 200, false]);
      expect(html).toContain('&lt;script&gt;');
    }
    const hostile = {
      userName: '',
      displayName: XSS,
      email: XSS,
      status: XSS,
      passwordChoice: XSS,
    };
    const refused = await operator.send(await operator.get(`${USERS}/new`), hostile);
    expect([refused.status, refused.html.includes(XSS)]).toEqual([422, false]);
  });
});

describe('the password of a user', () => {
  it('is generated and shown once, and unlocks the user', async () => {
    const user = await app.createUser();
    await fail(user.username, USER_FAILED_LOGIN_LIMIT);
    const answer = await operator.send(await operator.get(pathOf(user, '/password')));
    expect([answer.status, answer.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
    expect(await signsIn(user.username, shownIn(answer))).toBe(true);
    expect(await signsIn(user.username, user.password)).toBe(false);
  });

  it('is typed twice', async () => {
    const user = await app.createUser();
    const form = await operator.get(pathOf(user, '/password'));
    const choice = { passwordChoice: 'choose', password: PASSWORD };
    const wrong = await operator.send(form, { ...choice, confirmation: 'another password' });
    expect([wrong.status, wrong.html.includes(PASSWORD)]).toEqual([422, false]);
    expect(wrong.html).toContain('<a href="#confirmation">');
    const right = await operator.send(wrong, { ...choice, confirmation: PASSWORD });
    expect([right.status, right.location]).toEqual([303, pathOf(user)]);
    expect(await signsIn(user.username, PASSWORD)).toBe(true);
  });

  it('is not set from a page that is out of date, nor without its version', async () => {
    const user = await app.createUser();
    const stale = await operator.get(pathOf(user, '/password'));
    await app.updateUser(user.user.userId, { displayName: 'Newer' });
    const refused = await operator.send(stale);
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining('was changed')]);
    expect(await signsIn(user.username, user.password)).toBe(true);
    expect((await operator.post(pathOf(user, '/password'), {})).status).toBe(428);
    expect((await operator.send(refused)).status).toBe(200);
  });

  it('wants the admin to prove again who they are', async () => {
    const user = await app.createUser();
    const late = await signedIn(app, 'operator');
    const form = await late.get(pathOf(user, '/password'));
    app.clock.advance(601);
    for (const answer of [await late.get(pathOf(user, '/password')), await late.send(form)])
      expect([answer.status, answer.location]).toEqual([
        303,
        expect.stringContaining('/admin/verify'),
      ]);
    [operator, viewer] = await Promise.all([signedIn(app, 'operator'), signedIn(app, 'viewer')]);
    expect(await signsIn(user.username, user.password)).toBe(true);
  });
});

describe('deleting a user', () => {
  it('says what ends with the user, and ends it', async () => {
    const user = await app.createUser();
    const { granted, ...client } = await grantFor(user);
    const naming = await app.createClient({ userAllowlist: [user.user.userId] });
    const asked = await operator.get(pathOf(user, '/delete'));
    expect(asked.text).toContain('2 live tokens stop working now.');
    expect(asked.html).toContain(`href="/admin/clients/${naming.clientId}"`);
    expect(asked.html).toMatch(/<a class="button" href="[^"]+" autofocus>Cancel/);
    const gone = await operator.send(asked);
    expect((await operator.follow(gone)).text).toContain(`Deleted ${user.username}.`);
    expect((await app.introspect(client, granted.accessToken)).body.active).toBe(false);
    expect((await operator.get(pathOf(user))).status).toBe(404);
  });
});
