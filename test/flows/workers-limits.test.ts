/** Two workers are one node: together they keep to its rate, its quotas and what was changed a moment ago. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBeside, type Records } from '../support/app.ts';
import { type Credentials, startServer, type TestServer } from '../support/server.ts';
import { askAll, expectRate, tally } from './limits.ts';
import { castOf, ownerToken, runRound } from './trials.ts';

const TIMEOUT_MS = 120_000;
const CALL = { clientIp: '192.0.2.7', method: 'GET', path: '/orders' };

describe('a node of two workers', () => {
  let server: TestServer;
  let records: Records & { close(): Promise<void> };
  let gateway: Credentials;
  beforeAll(async () => {
    server = await startServer({ env: { WORKERS: '2' } });
    records = await openBeside(server.env);
    gateway = await records.createResourceServer();
    await records.createGroup('orders', {}, ['GET /orders']);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await records.close();
    await server.stop();
  }, TIMEOUT_MS);

  async function client(fields: Parameters<Records['createClient']>[0]) {
    const made = await records.createClient({ apiGroups: ['orders'], ...fields });
    const { accessToken: token } = await server.grant(made);
    return { clientId: made.clientId, token };
  }

  it(
    'keeps 10 calls a second in both workers together, never more and hardly fewer',
    async () => {
      const { token } = await client({ tps: 10 });
      const questions = [{ ...CALL, token }];
      const told = await askAll(2, gateway, {
        urls: [server.url],
        questions,
        atOnce: 12,
        seconds: 4,
      });
      expectRate(told, 10);
    },
    TIMEOUT_MS,
  );

  it(
    'lets exactly 500 of 1,000 calls through a quota of 500',
    async () => {
      const { clientId, token } = await client({ apiQuota: { calls: 500, period: 'total' } });
      const questions = [{ ...CALL, token }];
      const told = await askAll(4, gateway, {
        urls: [server.url],
        questions,
        atOnce: 25,
        times: 250,
      });
      expect(tally(told)).toEqual({ allowed: 500, quota_exhausted: 500 });
      expect(await records.services.stores.charges.quotaUsed(clientId, 'total')).toBe(500);
    },
    TIMEOUT_MS,
  );

  it(
    'agrees at once on every change, whichever worker made it',
    async () => {
      const nodes = { changed: server, asked: server };
      const admin = await ownerToken(records);
      // Side by side, so that their connections spread over both workers.
      const missed = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const cast = await castOf(records, nodes);
          return [await runRound(nodes, admin, cast), await runRound(nodes, admin, cast)];
        }),
      );
      expect(missed.flat(2)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
