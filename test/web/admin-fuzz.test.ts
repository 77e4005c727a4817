/**
 * Odd input to every route of the console, as an owner who may do everything: none of it may end in an
 * error of the server. What is odd is drawn with a fixed seed, so that a failure can be repeated.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createAccessToken } from '../../src/domain/admins/manage-access-tokens.ts';
import { beginDraft, DRAFT_STEPS } from '../../src/domain/clients/client-drafts.ts';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import { CONSOLE_ROUTES } from '../../src/web/admin/index.ts';
import type { ConsoleRoute } from '../../src/web/admin/route.ts';
import { SECTIONS } from '../../src/web/forms/client-form.ts';
import { startApp, TESTER, type TestApp } from '../support/app.ts';
import { type Browser, formsOf, signedIn } from './console-support.ts';

const SEED = 20_260_822;
/** Odd requests of each form, and of each page. */
const [FORMS, QUERIES] = [5, 3];
const JSON_TYPE = { 'Content-Type': 'application/json' };

let app: TestApp;
let owner: Browser;
/** What stands in a path for each parameter; several where each leads to another page. */
let places: Record<string, string[]>;

beforeAll(async () => {
  app = await startApp();
  owner = await signedIn(app);
  places = await seeded();
});
afterAll(() => app.close());

/** A public key, as a client authenticates by it. */
const JWKS = {
  keys: [
    {
      kty: 'EC' as const,
      crv: 'P-256',
      x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
      y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    },
  ],
};

/** Every kind of setting, so that the audit of the client tells of each. */
const CHANGED = {
  startsAt: new Date('2034-03-25T23:30:15Z'),
  expiresAt: new Date('2036-03-25T23:30:15Z'),
  serviceHours: {
    timeZone: 'Europe/Berlin',
    windows: [{ days: ['mon' as const, 'tue' as const], from: '22:00', to: '06:00' }],
  },
  ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }],
  apiQuota: { calls: 500, period: 'day' as const },
  emails: ['ops@partner.example'],
  kind: 'resource_server' as const,
  servedApiGroups: ['orders.read'],
  timeZone: 'Europe/Berlin',
  environment: 'testing' as const,
  jwks: JWKS,
};

/** One record of each kind, with something in every part of its page; ids by the parameter of a path. */
async function seeded(): Promise<Record<string, string[]>> {
  const { services } = app;
  const { stores } = services;
  await app.createGroup('orders.read', {}, ['GET /orders/:id', 'GET /orders']);
  await app.createScope('profile', {}, ['GET /me']);
  const { user } = await app.createUser();
  const emails = ['ops@partner.example'];
  const credentials = await app.createClient({ apiGroups: ['orders.read'], emails });
  const { clientId } = credentials;
  await app.grant(credentials);
  await app.token(credentials, { grant_type: 'password', username: 'x', password: 'y' });
  const { apiKeyId } = await app.createKey(clientId);
  await app.updateClient(clientId, { ...CHANGED, userAllowlist: [user.userId] });
  const { secrets } = await findClient(services, clientId);
  const { admin } = await signedIn(app, 'viewer');
  const { adminId } = admin;
  const by = { actor: TESTER, role: 'owner', adminId: null } as const;
  const { token } = await createAccessToken(services, by, {
    label: 'one',
    role: 'viewer',
    adminId,
  });
  const draft = await beginDraft(services, owner.admin.adminId, { who: [['note', 'drafted']] });
  const now = services.clock.now();
  const [live] = (await stores.tokens.list({ clientId }, { limit: 1, now })).items;
  const [mail] = (await stores.mails.list({ filter: {}, limit: 1, now })).items;
  const [api] = await stores.apis.all();
  return {
    clientId: [clientId],
    secretId: [secrets[0]?.secretId ?? ''],
    apiKeyId: [apiKeyId],
    tokenId: [live?.tokenId ?? '', token.accessTokenId],
    section: Object.keys(SECTIONS),
    step: [...DRAFT_STEPS],
    draftId: [draft.draftId],
    decisionId: ['none'],
    mailId: [mail?.mailId ?? ''],
    sessionId: ['none'],
    '/admin/users': [user.userId],
    '/admin/admins': [adminId],
    '/admin/apis': [api?.apiId ?? ''],
    '/admin/api-groups': ['orders.read'],
    '/admin/api-scopes': ['profile'],
    '/admin/security-levels': ['C'],
  };
}

/** Every path of a route: of several ids each. */
function pathsOf({ path }: ConsoleRoute): string[] {
  const name = /:(\w+)/.exec(path)?.[1];
  if (name === undefined) return [path];
  const ids = places[name] ?? places[path.slice(0, path.indexOf('/:'))];
  if (ids === undefined) throw new Error(`no "${name}" to visit ${path} with`);
  return ids.flatMap((id) => pathsOf({ path: path.replace(`:${name}`, id) } as ConsoleRoute));
}

const routes = (method: 'GET' | 'POST') => CONSOLE_ROUTES.filter((one) => one.method === method);

/** Texts that trip up what expects another text. */
const ODD = [
  ...['', ' ', '\0', 'a\0b', '\u{1f600}', '\ufeff', '%', '%zz', '\r\nSet-Cookie: a=b', '<b>"\'&'],
  ...['0', '-1', '1e300', 'NaN', 'Infinity', '9007199254740993', '1,000', '0x10', '01'],
  ...['__proto__', 'constructor', 'toString', '[]', '{}', 'null', 'true', 'on', '../..', '//x.y'],
  ...['2026-02-30T00:00', '2026-03-29T02:30', '0000-01-01', '+275760-09-13T00:00:00.000Z'],
  ...[
    '-271821-04-20T00:00:00.000Z',
    'Mars/Olympus',
    'Asia/Tokyo',
    'UTC',
    '24:00',
    '::1',
    '1.2.3.4/33',
  ],
  ...[
    'last',
    'eyJ2IjpbXX0',
    'W10',
    'W251bGwsbnVsbF0',
    '-',
    '.',
    '*',
    '(',
    '[a-z',
    '\\',
    "' OR 1=1",
  ],
  ...['x'.repeat(5000), 'a\n'.repeat(2000), '[['.repeat(500)],
] as const;
const odd = fc.oneof(fc.constantFrom(...ODD), fc.string({ unit: 'binary', maxLength: 40 }));

/** Parameters that pages read, beside those that nobody knows. */
const PARAMETERS = [
  ...['search', 'sort', 'limit', 'cursor', 'at', 'q', 'status', 'state', 'template', 'next', 'try'],
  ...['from', 'to', 'objectKind', 'action', 'reason', 'outcome', 'address', 'clientId', 'userId'],
  ...['method', 'path', 'place', 'grantType', 'id', 'name', 'kind', 'return', 'return', 'audience'],
  ...['securityLevel', 'apiGroup', 'environment', 'expiring', 'idle', 'locked', 'columns'],
] as const;
const query = fc.array(fc.tuple(fc.constantFrom(...PARAMETERS), odd), {
  minLength: 1,
  maxLength: 6,
});

/** What was asked for and ended in an error of the server. */
const broken: string[] = [];
/** Forms that did not get as far as their page. */
const forbidden: string[] = [];

async function ask(path: string, init: RequestInit = {}): Promise<string> {
  const cookie = [...owner.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const headers = { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin', ...init.headers };
  const answer = await fetch(app.url + path, { redirect: 'manual', ...init, headers });
  if (answer.status >= 500) {
    const body = init.body instanceof URLSearchParams ? init.body.toString().slice(0, 600) : '';
    const cause = app.log.findLast((line) => line.includes('"stack"')) ?? '';
    broken.push(`${answer.status} ${init.method ?? 'GET'} ${path.slice(0, 600)} ${body} ${cause}`);
  }
  if (answer.status === 403) forbidden.push(`${init.method ?? 'GET'} ${path}`);
  return answer.text();
}

/** The page that shows the form which is sent to a path. */
const pages = new Map<string, string>();

function gather(html: string, path: string): void {
  for (const { action } of formsOf(html)) pages.set(action || path, path);
}

/** The form as its page shows it now; one made by hand where no page does. */
async function formFor(path: string, csrf: string): Promise<URLSearchParams> {
  const page = pages.get(path);
  const shown = page === undefined ? [] : formsOf(await ask(page));
  const form = shown.find(({ action }) => (action || page) === path);
  return form?.fields ?? new URLSearchParams({ csrf, version: '1' });
}

/** A form with some of its fields left out, said twice, or given an odd text. */
function spoiled(form: URLSearchParams, seed: number): URLSearchParams {
  const names = [...new Set(form.keys())].filter((name) => name !== 'csrf');
  const changes = fc.array(
    fc.tuple(fc.constantFrom(...names, 'unknown'), fc.constantFrom('drop', 'repeat', 'set'), odd),
    { minLength: 1, maxLength: 4 },
  );
  const sent = new URLSearchParams(form);
  const [drawn = []] = fc.sample(changes, { seed, numRuns: 1 });
  for (const [name, how, text] of drawn) {
    if (how === 'drop') sent.delete(name);
    else if (how === 'repeat') sent.append(name, text);
    else sent.set(name, text);
  }
  return sent;
}

/** What ends a record or the session comes last, as nothing is left to post to after it. */
function byHarm(a: string, b: string): number {
  const harm = (path: string) =>
    Number(/delete|retire|revoke|end|drop/.test(path)) + 2 * Number(/sign-out/.test(path));
  return harm(a) - harm(b);
}

describe('odd input to the console', () => {
  it('in the query of any page is never an error of the server', async () => {
    const draws = fc.sample(query, { seed: SEED, numRuns: routes('GET').length * QUERIES });
    for (const path of routes('GET').flatMap(pathsOf)) {
      gather(await ask(path), path);
      for (const text of draws.splice(0, QUERIES)) {
        await ask(`${path}?${new URLSearchParams([...text, ...text.slice(0, 1)])}`);
      }
      await ask(`${path}?search=%zz%ED%A0%80&cursor=%00&sort=-createdAt&limit=1e9`);
    }
    expect(broken.splice(0)).toEqual([]);
    // A page that could not be opened would prove nothing of its forms.
    expect(pages.size).toBeGreaterThan(60);
  });

  it('in a path is never an error of the server', async () => {
    const segments = ['%00', '%zz', '%ED%A0%80', '__proto__', 'x'.repeat(3000)];
    for (const { path } of routes('GET').filter((route) => route.path.includes(':'))) {
      for (const segment of segments) await ask(path.replaceAll(/:\w+/g, segment));
    }
    expect(broken.splice(0)).toEqual([]);
  });

  it('in the body of any form is never an error of the server', async () => {
    const { fields } = formsOf(await ask('/admin/account/password'))[0] ?? {};
    const csrf = fields?.get('csrf') ?? '';
    const paths = new Set([...routes('POST').flatMap(pathsOf), ...pages.keys()]);
    for (const [i, path] of [...paths].sort(byHarm).entries()) {
      await ask(path, { method: 'POST', body: '{"a":[]}', headers: JSON_TYPE });
      await ask(path, { method: 'POST', body: new URLSearchParams({ csrf }) });
      for (let n = 0; n < FORMS; n += 1) {
        const form = await formFor(path, csrf);
        await ask(path, { method: 'POST', body: spoiled(form, SEED + i * FORMS + n) });
      }
    }
    expect([broken, forbidden]).toEqual([[], []]);
  });
});
