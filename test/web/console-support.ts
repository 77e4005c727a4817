/**
 * A browser without script, signed in to the console of a test app. It keeps cookies, sends what a
 * browser sends, and fills in forms from the page that it was shown.
 *
 *     const app = await startApp();
 *     const browser = await signedIn(app, 'operator');
 *     const page = await browser.get('/admin/clients/orders/edit/who');
 *     const answer = await browser.send(page, { displayName: 'Orders' });   // the form of the page
 *     expect((await browser.follow(answer)).text).toContain('Orders');
 */

import type { Admin, Role } from '../../src/domain/admins/admin.ts';
import { createAdmin } from '../../src/domain/admins/manage-admins.ts';
import { setUpAdmin } from '../../src/domain/admins/set-up-admin.ts';
import { signIn } from '../../src/domain/admins/sign-in.ts';
import { csrfToken } from '../../src/web/admin/csrf.ts';
import { fresh, TESTER, type TestApp } from '../support/app.ts';

const PASSWORD = 'a console test password';

/** Fields of a form; of a list, each value is sent; null leaves a field of the page out. */
export type Fields = Record<string, string | string[] | null>;

/** What came back. */
export interface ConsolePage {
  status: number;
  /** Path that was asked for, with its query. */
  path: string;
  headers: Headers;
  /** Where a redirect leads to, or null. */
  location: string | null;
  html: string;
  /** The words of `<main>` and of the flash, on one line. */
  text: string;
  title: string;
}

/** A signed-in admin's browser; requests do not follow redirects unless told to. */
export interface Browser {
  admin: Admin;
  /** Its cookies by name, for a real browser. */
  jar: ReadonlyMap<string, string>;
  get(path: string): Promise<ConsolePage>;
  /** Posts fields with the right token, as a form that somebody made by hand. */
  post(path: string, fields?: Fields): Promise<ConsolePage>;
  /**
   * Sends a form of a page as it stands, with these fields changed.
   *
   * @param action of the form; default: the first in `<main>` that posts and is in no menu. Throws when there is none
   */
  send(page: ConsolePage, fields?: Fields, action?: string): Promise<ConsolePage>;
  /** The page that a redirect leads to. Throws when the answer was none. */
  follow(answer: ConsolePage): Promise<ConsolePage>;
}

/** Signs a new admin of this role in. */
export async function signedIn(app: TestApp, role: Role = 'owner'): Promise<Browser> {
  const { services } = app;
  const by = { actor: TESTER, role: 'owner', adminId: null } as const;
  const made = await createAdmin(services, by, { userName: fresh(role), role });
  const token = new URL(made.setUpLink?.url ?? '').searchParams.get('token') ?? '';
  await setUpAdmin(services, { token, password: PASSWORD, address: null });
  const { userName } = made.admin;
  const origin = { address: '127.0.0.1', userAgent: 'test browser' };
  const signed = await signIn(services, { userName, password: PASSWORD, ...origin });
  const csrf = csrfToken(services.keys, signed.session.sessionId);
  const jar = new Map([['tollgate_session', signed.value]]);

  async function ask(path: string, form?: URLSearchParams): Promise<ConsolePage> {
    const headers = new Headers({ 'Sec-Fetch-Site': 'same-origin', Referer: app.url + path });
    headers.set('Cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const method = form === undefined ? 'GET' : 'POST';
    const answer = await fetch(app.url + path, {
      method,
      headers,
      redirect: 'manual',
      body: form ?? null,
    });
    keep(jar, answer.headers);
    return pageOf(path, answer.status, answer.headers, await answer.text());
  }

  const post: Browser['post'] = (path, fields = {}) =>
    ask(path, changed(new URLSearchParams({ csrf }), fields));
  return {
    admin: signed.admin,
    jar,
    get: (path) => ask(path),
    post,
    send(page, fields = {}, action) {
      const form = formsOf(page.html).find((one) => action === undefined || one.action === action);
      if (form === undefined) throw new Error(`no form ${action ?? ''} on ${page.path}`);
      return ask(form.action || page.path, changed(form.fields, fields));
    },
    follow(answer) {
      if (answer.location === null)
        throw new Error(`${answer.status}, no redirect: ${answer.text}`);
      return ask(answer.location);
    },
  };
}

/** Requests of somebody who is not signed in. */
export async function stranger(app: TestApp, path: string): Promise<ConsolePage> {
  const answer = await fetch(app.url + path, { redirect: 'manual' });
  return pageOf(path, answer.status, answer.headers, await answer.text());
}

function keep(jar: Map<string, string>, headers: Headers): void {
  for (const cookie of headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    if (value === '') jar.delete(name);
    else jar.set(name, value);
  }
}

function pageOf(path: string, status: number, headers: Headers, html: string): ConsolePage {
  const location = headers.get('Location');
  const flash = /<[^>]*role="status"[^>]*>(.*?)<\/div>/s.exec(html)?.[1] ?? '';
  return {
    ...{ status, path, headers, html },
    location: location === null ? null : location.replace(/^https?:\/\/[^/]+/, ''),
    text: words(`${flash} ${mainOf(html)}`),
    title: words(/<title>(.*?)<\/title>/s.exec(html)?.[1] ?? ''),
  };
}

function mainOf(html: string): string {
  return /<main[^>]*>(.*?)<\/main>/s.exec(html)?.[1] ?? '';
}

/** The words of a piece of HTML, on one line. */
export function words(html: string): string {
  const bare = html.replaceAll(/<template.*?<\/template>/gs, '').replaceAll(/<[^>]*>/g, ' ');
  return decoded(bare).replaceAll(/\s+/g, ' ').trim();
}

function decoded(text: string): string {
  const named: Record<string, string> = {
    lt: '<',
    gt: '>',
    quot: '"',
    amp: '&',
    '#34': '"',
    '#39': "'",
  };
  return text.replaceAll(/&(#?\w+);/g, (whole, name: string) => named[name] ?? whole);
}

/** The forms of `<main>` that post, with the fields that a browser would send; those of menus come last. */
export function formsOf(html: string): { action: string; fields: URLSearchParams }[] {
  const menus: string[] = [];
  const open = mainOf(html).replaceAll(/<details[^>]*data-menu.*?<\/details>/gs, (menu) => {
    menus.push(menu);
    return '';
  });
  const forms = [open, ...menus]
    .join('')
    .matchAll(/<form([^>]*method="post"[^>]*)>(.*?)<\/form>/gs);
  return [...forms].map(([, head = '', body = '']) => ({
    action: attribute(head, 'action') ?? '',
    fields: fieldsOf(body.replaceAll(/<template.*?<\/template>/gs, '')),
  }));
}

function fieldsOf(html: string): URLSearchParams {
  const fields = new URLSearchParams();
  const found = html.matchAll(/<(input|select|textarea)\b([^>]*)>(?:(.*?)<\/\1>)?/gs);
  for (const [, element, head = '', body = ''] of found) {
    const name = attribute(head, 'name');
    const type = attribute(head, 'type') ?? 'text';
    if (name === null || /\sdisabled\b/.test(head)) continue;
    const isChoice = type === 'checkbox' || type === 'radio';
    if (isChoice && !/\schecked\b/.test(head)) continue;
    if (element === 'input')
      fields.append(name, attribute(head, 'value') ?? (isChoice ? 'on' : ''));
    else if (element === 'textarea') fields.append(name, decoded(body.replace(/^\n/, '')));
    else fields.append(name, selectedOf(body));
  }
  return fields;
}

function selectedOf(options: string): string {
  const heads = [...options.matchAll(/<option([^>]*)>/g)].map(([, head = '']) => head);
  const head = heads.find((one) => /\sselected\b/.test(one)) ?? heads[0] ?? '';
  return attribute(head, 'value') ?? '';
}

function attribute(head: string, name: string): string | null {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(head)?.[1];
  return value === undefined ? null : decoded(value);
}

function changed(form: URLSearchParams, fields: Fields): URLSearchParams {
  const sent = new URLSearchParams(form);
  for (const [name, value] of Object.entries(fields)) {
    sent.delete(name);
    for (const one of [value].flat()) if (one !== null) sent.append(name, one);
  }
  return sent;
}
