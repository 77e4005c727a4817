import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type Browser, signedIn } from './console-support.ts';

let app: TestApp;
let operator: Browser;
let viewer: Browser;

beforeAll(async () => {
  app = await startApp();
  [operator, viewer] = await Promise.all([signedIn(app, 'operator'), signedIn(app, 'viewer')]);
  await app.createGroup('tokens.read');
});
afterAll(() => app.close());

const tab = (clientId: string, below = 'tokens') => `/admin/clients/${clientId}/${below}`;

describe('the live tokens of a client', () => {
  it('lists kind, instants with their zone, uses left, scopes and user, and never a value', async () => {
    const { username, password } = await app.createUser({ userName: 'linus' });
    const client = await app.createClient({
      grantTypes: ['client_credentials', 'password', 'refresh_token'],
      apiGroups: ['tokens.read'],
      accessToken: { lifetimeSeconds: 7200, maxUses: 5 },
    });
    const own = await app.grant(client);
    const users = await app.grant(client, { grant_type: 'password', username, password });
    await app.introspect(client, own.accessToken);
    const { text, html } = await viewer.get(tab(client.clientId));
    expect(text).toContain('in 2 hours 1 Jan 2035, 14:00 UTC issued');
    expect(text).toContain('0 of 5 calls used 5 left');
    expect(text).toContain('0 refreshes used Unlimited');
    expect(text).toContain('tokens.read');
    expect(text).toContain('linus');
    for (const value of [own.accessToken, users.accessToken, users.refreshToken])
      expect(html).not.toContain(value);
    expect(html).not.toContain('/revoke"');
    expect(text).toContain('Needs the role operator');
  });

  it('revokes one of them, and the others go on', async () => {
    const client = await app.createClient();
    const [first, second] = [await app.grant(client), await app.grant(client)];
    const page = await operator.get(tab(client.clientId));
    const done = await operator.follow(await operator.send(page));
    expect(done.text).toContain('The access token is revoked.');
    const live = await Promise.all(
      [first, second].map(async ({ accessToken }) => {
        return (await app.introspect(client, accessToken)).body.active;
      }),
    );
    expect(live.filter(Boolean)).toHaveLength(1);
    // Its button, pressed once more.
    expect((await operator.follow(await operator.send(page))).text).toContain(
      'That token was not live any more.',
    );
  });

  it('cannot revoke the token of another client', async () => {
    const [client, other] = [await app.createClient(), await app.createClient()];
    const { accessToken } = await app.grant(other);
    const { items } = await app.services.stores.tokens.list(
      { clientId: other.clientId },
      { limit: 1, now: app.clock.now() },
    );
    await operator.post(tab(client.clientId, `tokens/${items[0]?.tokenId}/revoke`));
    expect((await app.introspect(other, accessToken)).body.active).toBe(true);
  });

  it('revokes all after a page that says how many', async () => {
    const client = await app.createClient();
    const granted = [await app.grant(client), await app.grant(client), await app.grant(client)];
    const asked = await operator.get(tab(client.clientId, 'tokens/revoke-all'));
    expect(asked.text).toContain('3 live tokens stop working at once');
    expect(asked.html).toMatch(/<a [^>]*autofocus[^>]*>Cancel/);
    const done = await operator.follow(await operator.send(asked));
    expect(done.text).toContain('3 live tokens are revoked.');
    expect(done.text).toContain('No token of this client is live.');
    for (const { accessToken } of granted)
      expect((await app.introspect(client, accessToken)).body.active).toBe(false);
  });

  it('pages through many', async () => {
    const client = await app.createClient();
    for (let i = 0; i < 30; i += 1) await app.grant(client);
    const first = await viewer.get(tab(client.clientId));
    expect(first.text).toContain('25 of 30');
    const next = /rel="next" href="([^"]*)"/.exec(first.html)?.[1] ?? '';
    expect((await viewer.get(next.replaceAll('&amp;', '&'))).text).toContain('26–30 of 30');
  });
});

describe('the audit of a client', () => {
  it('tells who changed which field, when, from where, before and after, newest first', async () => {
    const { clientId } = await app.createClient({ tps: 10 });
    app.clock.advance(60);
    await operator.post(tab(clientId, 'edit/limits'), { version: '1', tps: '20' });
    await operator.post(tab(clientId, 'disable'));
    const { text } = await viewer.get(tab(clientId, 'audit'));
    const { userName } = operator.admin;
    expect(text).toContain(`${userName} from 127.0.0.1`);
    expect(text).toContain('10 calls a second on each node 20 calls a second on each node');
    const order = ['Changed: Status', 'Changed: TPS per node', 'Created Client name '];
    const found = order.map((what) => text.indexOf(what));
    expect(found).toEqual([...found].sort((a, b) => a - b));
    expect(Math.min(...found)).toBeGreaterThan(0);
  });

  it('tells of secrets that they changed, and nothing else', async () => {
    const { clientId, secret } = await app.createClient();
    const { secrets } = await findClient(app.services, clientId);
    const { html, text } = await viewer.get(tab(clientId, 'audit'));
    expect(text).toContain('Secrets changed');
    expect(html).not.toContain(secret);
    expect(html).not.toContain(secrets[0]?.hash ?? 'no hash');
  });

  it('pages through many events', async () => {
    const { clientId } = await app.createClient();
    for (let i = 0; i < 26; i += 1) await app.updateClient(clientId, { remark: `${i}` });
    const first = await viewer.get(tab(clientId, 'audit'));
    expect(first.text).toContain('25 of 27');
    const next = /rel="next" href="([^"]*)"/.exec(first.html)?.[1] ?? '';
    expect((await viewer.get(next.replaceAll('&amp;', '&'))).text).toContain('26–27 of 27');
  });
});
