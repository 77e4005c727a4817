/** Every reason for which a call is refused, at `/decide` and in the dialect of every proxy. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { deleteClient } from '../../src/domain/clients/manage-clients.ts';
import { REASONS } from '../../src/domain/decision/reasons.ts';
import { START, startApp, TESTER, type TestApp } from '../support/app.ts';
import type { Credentials } from '../support/server.ts';
import { CALL_REASONS, createApis, holder, recordOf } from './refusals.ts';
import { DIALECTS, FROM, forward } from './support.ts';

let app: TestApp;
let gateway: Credentials;
beforeAll(async () => {
  app = await startApp();
  await createApis(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  app.clock.set(START);
  gateway = await app.createResourceServer();
});

it('is every reason that there is', () => {
  const elsewhere = ['grant_not_allowed', 'client_deleted'];
  const tried = CALL_REASONS.map(([reason]) => reason);
  expect([...tried, ...elsewhere].sort()).toEqual(Object.keys(REASONS).sort());
});

describe.each(CALL_REASONS)('%s', (reason, arrange) => {
  const { status, title } = REASONS[reason];

  it('is answered with its status and its sentence, and so it is in a list and to a peek', async () => {
    const { caller = gateway, ...refused } = await arrange(app);
    const { token, apiKey, clientIp = FROM, method = 'GET', path = '/orders' } = refused;
    const question = { token, apiKey, clientIp, method, path };
    const usesLeft = reason === 'token_uses_exhausted' ? 0 : null;
    const expected = { allowed: false, status, reason, message: title, scopes: [], usesLeft };
    const single = await app.decide(caller, question);
    expect(single.status).toBe(200);
    expect(single.body).toMatchObject(expected);
    const peek = await app.decide(caller, { ...question, consume: false });
    expect(peek.body).toMatchObject(expected);
    const list = await app.decide(caller, [question, question]);
    expect(list.body).toMatchObject([expected, expected]);
    const ids = [single.body, peek.body, ...(list.body as unknown as (typeof peek.body)[])];
    expect(new Set(ids.map(({ decisionId }) => decisionId)).size).toBe(4);
  });

  it('is told to every proxy in its dialect', async () => {
    const { caller = gateway, ...refused } = await arrange(app);
    const { clientIp = FROM, path = '/orders', ...presented } = refused;
    for (const dialect of DIALECTS) {
      const answer = await forward(app.url, dialect, caller, {
        ...{ ...presented, uri: path, from: clientIp },
      });
      const { headers, body } = answer;
      const passedOn = dialect === 'nginx' && status === 429 ? 403 : status;
      expect({ dialect, status: answer.status }).toEqual({ dialect, status: passedOn });
      expect(headers.get('X-Reason')).toBe(reason);
      expect(headers.get('X-Decision-Status')).toBe(String(status));
      expect(body).toEqual({
        reason,
        status,
        decisionId: headers.get('X-Decision-Id'),
        message: title,
      });
      expect(body.decisionId).toMatch(/^[0-9a-f-]{36}$/);
      for (const name of ['X-Client-Id', 'X-Scopes', 'X-User-Id', 'X-Priority']) {
        expect(headers.has(name)).toBe(false);
      }
      expect(headers.has('Retry-After')).toBe(status === 429);
      const challenge =
        reason === 'credential_missing'
          ? 'Bearer realm="tollgate"'
          : 'Bearer realm="tollgate", error="invalid_token"';
      expect(headers.get('WWW-Authenticate')).toBe(status === 401 ? challenge : null);
    }
  });
});

describe('of two limits that are both spent', () => {
  const CALL = { clientIp: FROM, method: 'GET', path: '/orders' };

  /** A token of which quota and uses have less left than a call of weight 2 costs. */
  async function spentTwice() {
    const { token } = await holder(app, {
      apiQuota: { calls: 2, period: 'day' },
      accessToken: { lifetimeSeconds: 3600, maxUses: 2 },
    });
    expect((await app.decide(gateway, { ...CALL, token })).body.allowed).toBe(true);
    return { ...CALL, token, weight: 2 };
  }

  it('the first of the table decides, to a peek and to a call alike', async () => {
    const question = await spentTwice();
    const peek = await app.decide(gateway, { ...question, consume: false });
    expect(peek.body).toMatchObject({ status: 429, reason: 'quota_exhausted' });
    const call = await app.decide(gateway, question);
    expect(call.body).toMatchObject({ status: 429, reason: 'quota_exhausted' });
    expect(call.headers.get('Retry-After')).toBe('43200');
  });

  it('the record’s first refusal is its reason', async () => {
    const { body } = await app.decide(gateway, await spentTwice());
    const { reason, trace } = await recordOf(app, body.decisionId);
    expect(trace.find(({ outcome }) => outcome === 'refused')?.reason).toBe(reason);
  });
});

describe('a client that was deleted', () => {
  it('has left no credential that any door knows', async () => {
    const { client, token } = await holder(app);
    const { value: apiKey } = await app.createKey(client.clientId);
    await deleteClient(app.services, TESTER, client.clientId);
    const question = { clientIp: FROM, method: 'GET', path: '/orders' };
    for (const presented of [{ token }, { apiKey }]) {
      const { body } = await app.decide(gateway, { ...question, ...presented });
      expect(body).toMatchObject({ allowed: false, status: 401 });
      const { status } = await forward(app.url, 'traefik', gateway, presented);
      expect(status).toBe(401);
    }
  });
});
