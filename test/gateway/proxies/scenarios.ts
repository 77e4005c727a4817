/** What every gateway must do, whichever proxy it is: one list of calls, run against each. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { fresh } from '../../support/app.ts';
import { type Call, startGateway, type TestGateway } from '../../support/gateways/gateway.ts';
import { ADDRESSES } from '../../support/gateways/network.ts';
import type { Program, ProxyName } from '../../support/gateways/programs.ts';
import type { Answer, Credentials } from '../../support/server.ts';
import type { SeenRequest } from '../../support/upstream.ts';

const START_MS = 60_000;
/** Longer than the time-out of every file, shorter than a second attempt would take. */
const TIMEOUT_MS = 3_500;

type Header = [name: string, value: string];

/** Headers by which an end client poses as a gateway, as somebody else or from elsewhere. */
const FORGED: Header[] = [
  ['X-Client-Id', 'admin'],
  ['x-client-id', 'admin-too'],
  ['X-CLIENT-ID', 'ADMIN'],
  ['X_Client_Id', 'underscored'],
  ['X-Client_Id', 'mixed'],
  ['X-Scopes', 'everything'],
  ['X_Scopes', 'everything'],
  ['X-User-Id', 'root'],
  ['X_USER_ID', 'root'],
  ['X-Priority', '0'],
  ['X-Decision-Id', 'forged-decision'],
  ['X-Decision-Status', '200'],
  ['X-Reason', 'forged-reason'],
  ['X-Gateway-Authorization', 'Basic Zm9yZ2VkOmZvcmdlZA=='],
  ['x-gateway-authorization', 'Basic Zm9yZ2VkOmZvcmdlZA=='],
  ['X-Original-Method', 'GET'],
  ['X-Original-URI', '/orders/1'],
  ['X-Forwarded-Method', 'GET'],
  ['X-Forwarded-Uri', '/orders/1'],
  ['X-Real-IP', ADDRESSES.client],
  ['X-Forwarded-For', ADDRESSES.client],
  ['X-Envoy-External-Address', ADDRESSES.client],
  ['Forwarded', `for=${ADDRESSES.client}`],
];

/** Headers of ours that the API may see, and those that it never sees. */
const TOLD = ['x-client-id', 'x-scopes', 'x-user-id', 'x-priority', 'x-decision-id'];
const HIDDEN = ['x-gateway-authorization', 'x-reason', 'x-decision-status', 'x-original-uri'];

const bearer = (token: string): Header => ['Authorization', `Bearer ${token}`];

/** Describes one proxy; skipped where there is no program. */
export function describeGateway(name: ProxyName, program: Program | null): void {
  const group = fresh('orders.read');
  let gateway: TestGateway;

  beforeAll(async () => {
    if (program === null) return;
    gateway = await startGateway(name, program);
    await gateway.app.createGroup(group, {}, [
      'GET /orders/:id',
      'POST /orders',
      'PUT /files/:name',
    ]);
    await gateway.app.createGroup(fresh('other'), {}, ['GET /invoices/:id']);
  }, START_MS);
  afterAll(() => gateway?.close(), START_MS);
  afterEach(() => gateway?.line.restore());

  type Fields = Parameters<TestGateway['app']['createClient']>[0];
  const newClient = (fields: Fields = {}): Promise<Credentials> =>
    gateway.app.createClient({ apiGroups: [group], tps: 0, ...fields });
  async function newToken(fields: Fields = {}): Promise<string> {
    return (await gateway.app.grant(await newClient(fields))).accessToken;
  }
  /** A call, and what of it reached the API. */
  async function call(path: string, call: Call = {}): Promise<Answer & { seen: SeenRequest[] }> {
    const before = gateway.api.seen.length;
    const answer = await gateway.call(path, call);
    return { ...answer, seen: gateway.api.seen.slice(before) };
  }
  const asToken = (token: string, more: Header[] = []) => ({ headers: [bearer(token), ...more] });

  function expectRefusal(answer: Answer & { seen: SeenRequest[] }, status: number, reason: string) {
    expect({ status: answer.status, reason: answer.headers.get('X-Reason') }).toEqual({
      status,
      reason,
    });
    const decisionId = answer.headers.get('X-Decision-Id');
    expect(decisionId).toMatch(/\S/);
    expect(answer.body).toMatchObject({ reason, status, decisionId });
    expect(answer.seen).toEqual([]);
  }

  (program ? describe : describe.skip)(`an API behind ${name}`, () => {
    describe('an allowed call', () => {
      it('reaches the API with the client, its scopes, its priority and the decision', async () => {
        const client = await newClient({ priority: 3 });
        const { accessToken } = await gateway.app.grant(client);
        const { status, headers, seen } = await call('/orders/1', asToken(accessToken));
        expect(status).toBe(200);
        const decisionId = headers.get('X-Decision-Id');
        expect(decisionId).toMatch(/^[\w-]+$/);
        expect(seen).toHaveLength(1);
        expect(seen[0]?.headers).toMatchObject({
          'x-client-id': [client.clientId],
          'x-scopes': [group],
          'x-priority': ['3'],
          'x-decision-id': [decisionId],
        });
        expect(seen[0]?.headers['x-user-id']).toBeUndefined();
      });

      it('with the token of a user reaches the API with the user', async () => {
        const client = await newClient({ grantTypes: ['password'] });
        const { user, username, password } = await gateway.app.createUser();
        const signIn = { grant_type: 'password', username, password };
        const { accessToken } = await gateway.app.grant(client, signIn);
        const { seen } = await call('/orders/1', asToken(accessToken));
        expect(seen[0]?.headers['x-user-id']).toEqual([user.userId]);
      });

      it('with an X-Api-Key reaches the API', async () => {
        const { clientId } = await newClient();
        const { value } = await gateway.app.createKey(clientId, { apiGroups: [group] });
        const { status, seen } = await call('/orders/1', { headers: [['X-Api-Key', value]] });
        expect(status).toBe(200);
        expect(seen[0]?.headers['x-client-id']).toEqual([clientId]);
      });

      it('tells the end client what is left, once', async () => {
        const token = await newToken({ apiQuota: { calls: 5, period: 'day' } });
        const { headers } = await call('/orders/1', asToken(token));
        expect(headers.get('RateLimit')).toBe('"quota";r=4;t=43200');
        expect(headers.get('RateLimit-Policy')).toBe('"quota";q=5;w=86400');
      });

      it.each([['PUT', 200_000] as const, ['PUT', 12] as const])(
        'brings the whole body of a %s of %d characters',
        async (method, length) => {
          const body = 'ä€x'.repeat(length / 3);
          const { status, seen } = await call('/files/a.txt', {
            ...asToken(await newToken()),
            method,
            body,
          });
          expect(status).toBe(200);
          expect(seen[0]?.method).toBe(method);
          expect(seen[0]?.body === body).toBe(true);
        },
      );

      it.each([
        '/orders/1?x=1&y=%2F%3F&x=2',
        '/orders/%E8%A8%82%E5%96%AE%20%2B1?q=a+b%20c',
        '/orders/a%20b?',
      ])('is judged by, and keeps, the path %s', async (path) => {
        const { status, seen } = await call(path, asToken(await newToken()));
        expect(status).toBe(200);
        expect(seen[0]?.url).toBe(path);
      });

      it('costs one unit, whatever weight its own query names', async () => {
        const token = await newToken({ apiQuota: { calls: 5, period: 'day' } });
        const { status, headers } = await call('/orders/1?weight=4', asToken(token));
        expect(status).toBe(200);
        expect(headers.get('RateLimit')).toBe('"quota";r=4;t=43200');
      });
    });

    describe('a refused call', () => {
      it('without a credential is 401 with a challenge', async () => {
        const answer = await call('/orders/1');
        expectRefusal(answer, 401, 'credential_missing');
        expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="tollgate"');
      });

      it('with a junk token is 401 with a challenge', async () => {
        const answer = await call('/orders/1', asToken('junk'));
        expectRefusal(answer, 401, 'credential_invalid');
        expect(answer.headers.get('WWW-Authenticate')).toMatch(/error="invalid_token"/);
      });

      it('to an API that is not granted is 403', async () => {
        const answer = await call('/invoices/1', asToken(await newToken()));
        expectRefusal(answer, 403, 'group_not_granted');
      });

      it('with a method that is not granted is 403', async () => {
        const answer = await call('/orders/1', { ...asToken(await newToken()), method: 'DELETE' });
        expect(answer.status).toBe(403);
        expect(answer.seen).toEqual([]);
      });

      it.each([
        '/orders/1/../../invoices/1',
        '/orders/..%2Finvoices%2F1',
        '/orders//../invoices/1',
      ])('by a path that leads elsewhere, %s, does not reach the API', async (path) => {
        const { status, seen } = await call(path, asToken(await newToken()));
        const urls = seen.map(({ url }) => url);
        expect({ status, urls }).toEqual({ status: 403, urls: [] });
      });

      it('of a client that was disabled a moment ago is 403', async () => {
        const client = await newClient();
        const { accessToken } = await gateway.app.grant(client);
        await gateway.app.updateClient(client.clientId, { status: 'disabled' });
        expectRefusal(await call('/orders/1', asToken(accessToken)), 403, 'client_disabled');
      });

      it('beyond the quota is 429 with Retry-After', async () => {
        const token = await newToken({ apiQuota: { calls: 3, period: 'day' } });
        const statuses = [];
        for (let n = 0; n < 3; n += 1)
          statuses.push((await call('/orders/1', asToken(token))).status);
        expect(statuses).toEqual([200, 200, 200]);
        const answer = await call('/orders/1', asToken(token));
        expectRefusal(answer, 429, 'quota_exhausted');
        expect(answer.headers.get('Retry-After')).toBe('43200');
        expect(answer.headers.get('RateLimit')).toBe('"quota";r=0;t=43200');
      });

      it('with a body leaves the connection usable and the API alone', async () => {
        const answer = await call('/orders', { method: 'POST', body: 'x'.repeat(50_000) });
        expectRefusal(answer, 401, 'credential_missing');
      });
    });

    describe('an end client that forges headers', () => {
      it('stays who it is for the API', async () => {
        const client = await newClient();
        const { accessToken } = await gateway.app.grant(client);
        const { status, headers, seen } = await call('/orders/2', asToken(accessToken, FORGED));
        expect(status).toBe(200);
        const told = seen[0]?.headers ?? {};
        const named = Object.keys(told).map((header) => header.replaceAll('_', '-'));
        expect(named.filter((header) => TOLD.includes(header)).sort()).toEqual(
          TOLD.filter((header) => header !== 'x-user-id').sort(),
        );
        expect(told['x-client-id']).toEqual([client.clientId]);
        expect(told['x-scopes']).toEqual([group]);
        expect(told['x-priority']).toEqual(['5']);
        expect(told['x-decision-id']).toEqual([headers.get('X-Decision-Id')]);
        expect(named.filter((header) => HIDDEN.includes(header))).toEqual([]);
      });

      it('is shown to the API with its true address only', async () => {
        const token = await newToken();
        const from = ADDRESSES.otherClient;
        const { seen } = await call('/orders/1', { ...asToken(token, FORGED), from });
        const told = seen[0]?.headers ?? {};
        expect(told['x-real-ip']).toEqual([from]);
        expect(told['x-forwarded-for']).toEqual([from]);
        expect(JSON.stringify(told['forwarded'] ?? '')).not.toContain(ADDRESSES.client);
      });

      it('is judged by the call that it makes', async () => {
        const answer = await call('/invoices/1', asToken(await newToken(), FORGED));
        expectRefusal(answer, 403, 'group_not_granted');
      });

      it('is judged by the address that it has', async () => {
        const ipBindings = [{ hostName: 'hq', address: ADDRESSES.client }];
        const client = await newClient({ ipBindings });
        const token = await boundToken(client);
        const own = await call('/orders/1', asToken(token));
        expect(own.status).toBe(200);
        const other = { ...asToken(token, FORGED), from: ADDRESSES.otherClient };
        expectRefusal(await call('/orders/1', other), 403, 'ip_not_allowed');
      });

      it('cannot make the gateway drop what it says, by naming it in Connection', async () => {
        const client = await newClient();
        const { accessToken } = await gateway.app.grant(client);
        const named: Header = ['Connection', 'X-Client-Id, X-Scopes, X-Gateway-Authorization'];
        const { status, seen } = await call('/orders/1', asToken(accessToken, [named]));
        expect(status).toBe(200);
        expect(seen[0]?.headers['x-client-id']).toEqual([client.clientId]);
        expect(seen[0]?.headers['x-scopes']).toEqual([group]);
        // Nor the next hop, which would obey as well.
        expect(String(seen[0]?.headers['connection'])).not.toMatch(/x-/i);
      });
    });

    describe('the gateway', () => {
      it('tells its own credentials to nobody', async () => {
        const { seen, text } = await call('/orders/1', asToken(await newToken(), FORGED));
        const { clientId, secret } = gateway.account;
        const encoded = Buffer.from(`${clientId}:${secret}`, 'utf8').toString('base64');
        for (const secretText of [secret, encoded]) {
          expect(JSON.stringify(seen)).not.toContain(secretText);
          expect(text).not.toContain(secretText);
        }
      });

      it('asks over connections that it keeps', async () => {
        const token = await newToken();
        const before = gateway.line.connections();
        for (let n = 0; n < 10; n += 1) {
          await call('/orders/1', asToken(token));
          await call('/orders/1');
        }
        expect(gateway.line.connections() - before).toBeLessThanOrEqual(3);
      });

      it('refuses everything while Tollgate is down, and works again when it is back', async () => {
        const token = await newToken();
        expect((await call('/orders/1', asToken(token))).status).toBe(200);
        await gateway.line.cut();
        expectUnanswered(await call('/orders/1', asToken(token)));
        expectUnanswered(await call('/orders/1'));
        await gateway.line.restore();
        expect((await call('/orders/1', asToken(token))).status).toBe(200);
      });

      it('refuses a call that Tollgate does not answer in time, and asks once', async () => {
        const token = await newToken();
        gateway.line.silence();
        const [asked, start] = [gateway.line.questions(), performance.now()];
        expectUnanswered(await call('/orders/1', asToken(token)));
        expect(performance.now() - start).toBeLessThan(TIMEOUT_MS);
        expect(gateway.line.questions() - asked).toBe(1);
      });

      it('refuses everything while its own account is disabled, and blames no end client', async () => {
        const token = await newToken();
        const { clientId } = gateway.account;
        await gateway.app.updateClient(clientId, { status: 'disabled' });
        try {
          expectUnanswered(await call('/orders/1', asToken(token)));
        } finally {
          await gateway.app.updateClient(clientId, { status: 'enabled' });
        }
        expect((await call('/orders/1', asToken(token))).status).toBe(200);
      });
    });
  });

  function expectUnanswered(answer: Answer & { seen: SeenRequest[] }) {
    expect(answer.status).toBe(503);
    expect(answer.headers.get('Retry-After')).toMatch(/^[1-9]\d*$/);
    expect(answer.body).toMatchObject({ status: 503 });
    expect(answer.seen).toEqual([]);
  }

  /** The token endpoint sees this machine's address, so the binding is set after the token is issued. */
  async function boundToken(client: Credentials): Promise<string> {
    const { clientId } = client;
    const bound = await gateway.app.services.stores.clients.find(clientId);
    await gateway.app.updateClient(clientId, { ipBindings: [] });
    const { accessToken } = await gateway.app.grant(client);
    await gateway.app.updateClient(clientId, { ipBindings: bound?.ipBindings ?? [] });
    return accessToken;
  }
}
