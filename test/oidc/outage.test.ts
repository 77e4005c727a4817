/** A store that does not answer: 503 with Retry-After, never a wrong answer, never a crash. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainError } from '../../src/domain/errors.ts';
import type { Stores } from '../../src/domain/stores.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type Answer, answerOf, type Credentials, type Granted } from '../support/server.ts';

function expectUnavailable({ status, headers, text }: Answer): void {
  expect(status).toBe(503);
  expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(text).not.toContain('active');
}

interface Scene {
  app: TestApp;
  client: Credentials;
  resourceServer: Credentials;
  tokens: Granted;
  signIn: () => Promise<Answer>;
}

async function scene(env: Record<string, string> = {}): Promise<Scene> {
  const app = await startApp({ env });
  const resourceServer = await app.createResourceServer();
  const client = await app.createClient({
    grantTypes: ['client_credentials', 'password', 'refresh_token'],
    accessToken: { lifetimeSeconds: 3600, maxUses: 5 },
  });
  const { username, password } = await app.createUser();
  const user = { grant_type: 'password', username, password };
  const tokens = await app.grant(client, user);
  return { app, client, resourceServer, tokens, signIn: () => app.token(client, user) };
}

describe('a database that is gone', () => {
  it('is 503 at every endpoint, and 200 at /healthz', async () => {
    const { app, client, resourceServer, tokens, signIn } = await scene();
    await app.services.stores.close();
    expectUnavailable(await app.token(client));
    expectUnavailable(await signIn());
    expectUnavailable(await app.refresh(client, tokens.refreshToken));
    expectUnavailable(await app.introspect(resourceServer, tokens.accessToken));
    expectUnavailable(await app.revoke(client, tokens.accessToken));
    expectUnavailable(await app.token({ clientId: 'unknown', secret: 'x' }));
    expectUnavailable(await answerOf(await fetch(`${app.url}/readyz`)));
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
    await app.close();
  });
});

type Method = { [S in keyof Stores]: [S, keyof Stores[S]] }[keyof Stores];
type Ask = (scene: Scene) => Promise<Answer>;

const token: Ask = ({ app, client }) => app.token(client);
const wrong: Ask = ({ app, client }) => app.token({ ...client, secret: 'wrong' });
const refresh: Ask = ({ app, client, tokens }) => app.refresh(client, tokens.refreshToken);
const signIn: Ask = (own) => own.signIn();
const introspect: Ask = ({ app, resourceServer, tokens }) =>
  app.introspect(resourceServer, tokens.accessToken);
const introspectRefresh: Ask = ({ app, client, tokens }) =>
  app.introspect(client, tokens.refreshToken);
const revoke: Ask = ({ app, client, tokens }) => app.revoke(client, tokens.accessToken);

describe('a database that fails in the middle of a request', () => {
  let one: Scene;
  beforeAll(async () => {
    one = await scene();
  });
  afterAll(() => one.app.close());

  const cases: [string, Method, Ask][] = [
    ['token: reading the change feed', ['changes', 'since'], token],
    ['token: reading the client', ['clients', 'find'], token],
    ['token: reading the catalog', ['apiGroups', 'all'], token],
    ['token: storing the token', ['tokens', 'issue'], token],
    ['token: counting a wrong secret', ['clients', 'recordFailedLogin'], wrong],
    ['password: reading the user', ['users', 'findByName'], signIn],
    ['refresh: reading the family', ['tokens', 'findFamily'], refresh],
    ['refresh: rotating', ['tokens', 'rotate'], refresh],
    ['introspection: reading the client', ['clients', 'find'], introspect],
    ['introspection: reading the token', ['tokens', 'findAccess'], introspect],
    ['introspection: reading the user', ['users', 'find'], introspect],
    ['introspection: spending a use', ['charges', 'book'], introspect],
    ['introspection: reading the family', ['tokens', 'findFamily'], introspectRefresh],
    ['revocation: reading the token', ['tokens', 'findAccess'], revoke],
    ['revocation: revoking', ['tokens', 'revoke'], revoke],
  ];

  it.each(cases)('is 503 at %s', async (_, [storeName, method], ask) => {
    const { stores } = one.app.services;
    const store = stores[storeName] as unknown as Record<string, () => Promise<never>>;
    const original = store[method as string];
    // A change of any client makes the server read everything anew.
    await one.app.updateClient(one.client.clientId, { remark: `before ${_}` });
    await one.app.updateClient(one.resourceServer.clientId, { remark: `before ${_}` });
    await one.app.createGroup(`group-${cases.findIndex(([name]) => name === _)}`);
    await one.app.updateUser(await onlyUser(), { displayName: `before ${_}` });
    let calls = 0;
    store[method as string] = async () => {
      calls += 1;
      throw new DomainError('store_unavailable', { retryAfterSeconds: 2 });
    };
    const answer = await ask(one);
    store[method as string] = original as () => Promise<never>;
    expect(calls).toBeGreaterThan(0);
    expectUnavailable(answer);
  });

  async function onlyUser(): Promise<string> {
    const { items } = await one.app.services.stores.users.list({ limit: 1 });
    return items[0]?.userId ?? '';
  }

  it('is a bare 500 at an error that nobody foresaw, and the log explains it', async () => {
    const { tokens } = one.app.services.stores;
    const { issue } = tokens;
    tokens.issue = async () => {
      throw new TypeError('nobody foresaw this');
    };
    const { status, text } = await token(one);
    tokens.issue = issue;
    expect(status).toBe(500);
    expect(text).not.toContain('foresaw');
    expect(one.app.log.join('')).toContain('nobody foresaw this');
  });

  it('works again as soon as the store does, and nothing was spent', async () => {
    const { body } = await introspect(one);
    expect([body.active, body.uses_left]).toEqual([true, 4]);
    expect((await refresh(one)).status).toBe(200);
  });
});

describe('a database that another process keeps locked', () => {
  it('is 503 where something must be written, and answers whatever is only read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tollgate-locked-'));
    const path = join(folder, 'tollgate.db');
    const { app, client, resourceServer, tokens } = await scene({ DATABASE_URL: `sqlite:${path}` });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const writes = Promise.all([
      app.introspect(resourceServer, tokens.accessToken),
      app.token(client),
    ]);
    const peek = await app.introspect(resourceServer, tokens.accessToken, { consume: 'false' });
    expect(peek.body).toMatchObject({ active: true, uses_left: 5 });
    for (const answer of await writes) expectUnavailable(answer);
    other.exec('ROLLBACK');
    other.close();
    const { body } = await app.introspect(resourceServer, tokens.accessToken);
    expect([body.active, body.uses_left]).toEqual([true, 4]);
    await app.close();
    await rm(folder, { recursive: true, force: true });
  });
});
