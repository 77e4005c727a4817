/**
 * Exact limits of decisions: gateways that race at `/decide` over two servers that share a database,
 * and calls around the midnights of clients' zones.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  movableClock,
  openBeside,
  type Records,
  START,
  startApp,
  type TestApp,
} from '../support/app.ts';
import type { AnswerBody, Credentials, TestServer } from '../support/server.ts';
import { askAll, expectRate, tally } from './limits.ts';
import type { LimitsJob } from './limits-child.ts';
import { DATABASES, type SharedDatabase } from './load.ts';

const TIMEOUT_MS = 120_000;
const GROUP = 'orders';
const CALL = { clientIp: '192.0.2.7', method: 'GET', path: '/orders' };

type Fields = Parameters<Records['createClient']>[0];

type Period = 'day' | 'week' | 'month';

/** Quota windows of 2035, told as the first instants of one and of the next. */
const EDGES: { what: string; zone: string; period: Period; from: string; to: string }[] = [
  {
    ...{ what: 'a day like any other', zone: 'Asia/Taipei', period: 'day' },
    ...{ from: '2035-01-02T16:00:00Z', to: '2035-01-03T16:00:00Z' },
  },
  {
    ...{ what: 'a day that begins on the half hour of UTC', zone: 'Asia/Kolkata', period: 'day' },
    ...{ from: '2035-01-02T18:30:00Z', to: '2035-01-03T18:30:00Z' },
  },
  {
    ...{ what: '23 hours, as clocks go forward', zone: 'Europe/Berlin', period: 'day' },
    ...{ from: '2035-03-24T23:00:00Z', to: '2035-03-25T22:00:00Z' },
  },
  {
    ...{ what: '25 hours, as clocks go back', zone: 'Europe/Berlin', period: 'day' },
    ...{ from: '2035-10-27T22:00:00Z', to: '2035-10-28T23:00:00Z' },
  },
  {
    ...{ what: '23 hours, as clocks go forward', zone: 'America/New_York', period: 'day' },
    ...{ from: '2035-03-11T05:00:00Z', to: '2035-03-12T04:00:00Z' },
  },
  {
    ...{ what: '25 hours, as clocks go back', zone: 'America/New_York', period: 'day' },
    ...{ from: '2035-11-04T04:00:00Z', to: '2035-11-05T05:00:00Z' },
  },
  {
    ...{ what: 'a midnight that clocks skip', zone: 'America/Havana', period: 'day' },
    ...{ from: '2035-03-11T05:00:00Z', to: '2035-03-12T04:00:00Z' },
  },
  {
    ...{ what: 'a midnight that clocks read twice', zone: 'America/Havana', period: 'day' },
    ...{ from: '2035-11-04T04:00:00Z', to: '2035-11-05T05:00:00Z' },
  },
  {
    ...{ what: 'an hour short, from Monday to Monday', zone: 'Europe/Berlin', period: 'week' },
    ...{ from: '2035-03-18T23:00:00Z', to: '2035-03-25T22:00:00Z' },
  },
  {
    ...{ what: 'an hour long, November', zone: 'America/New_York', period: 'month' },
    ...{ from: '2035-11-01T04:00:00Z', to: '2035-12-01T05:00:00Z' },
  },
  {
    ...{ what: 'February, a day ahead of UTC', zone: 'Pacific/Auckland', period: 'month' },
    ...{ from: '2035-01-31T11:00:00Z', to: '2035-02-28T11:00:00Z' },
  },
];

describe.each(DATABASES)('two servers on $name', ({ open }) => {
  let database: SharedDatabase;
  let servers: [TestServer, TestServer];
  beforeAll(async () => {
    database = await open();
    servers = await database.servers();
  }, TIMEOUT_MS);
  afterAll(() => database.stop(), TIMEOUT_MS);

  describe('asked by several gateways at once', () => {
    let records: Records & { close(): Promise<void> };
    let gateway: Credentials;
    beforeAll(async () => {
      records = await openBeside(servers[0].env);
      gateway = await records.createResourceServer();
      await records.createGroup(GROUP, {}, ['GET /orders']);
    }, TIMEOUT_MS);
    afterAll(() => records.close());

    async function client(fields: Fields): Promise<{ clientId: string; token: string }> {
      const made = await records.createClient({ apiGroups: [GROUP], ...fields });
      const { accessToken: token } = await servers[0].grant(made);
      return { clientId: made.clientId, token };
    }

    function race(questions: object[], job: Partial<LimitsJob> = {}) {
      const urls = servers.map(({ url }) => url);
      return askAll(4, gateway, { urls, questions, atOnce: 25, ...job });
    }

    const total = (calls: number) => ({ apiQuota: { calls, period: 'total' as const } });
    const used = (clientId: string) => records.services.stores.charges.quotaUsed(clientId, 'total');

    it(
      'let exactly 500 of 2,000 calls through a quota of 500',
      async () => {
        const { clientId, token } = await client(total(500));
        const told = await race([{ ...CALL, token }], { times: 500 });
        expect(tally(told)).toEqual({ allowed: 500, quota_exhausted: 1500 });
        const left = told.flatMap((one) => (one.allowed ? [Number(one.quotaLeft)] : []));
        expect(left.sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i));
        expect(await used(clientId)).toBe(500);
      },
      TIMEOUT_MS,
    );

    it(
      'spend exactly 500 in calls of weights 1, 2 and 3',
      async () => {
        const { clientId, token } = await client(total(500));
        const weights = [1, 2, 3];
        const questions = weights.map((weight) => ({ ...CALL, token, weight }));
        const told = await race(questions, { times: 150 });
        const spent = told.map((one) => (one.allowed ? Number(weights[one.question]) : 0));
        expect(Object.keys(tally(told)).sort()).toEqual(['allowed', 'quota_exhausted']);
        expect(spent.reduce((sum, weight) => sum + weight, 0)).toBe(500);
        expect(await used(clientId)).toBe(500);
      },
      TIMEOUT_MS,
    );

    it(
      'give back to the quota what a token of 300 uses refuses',
      async () => {
        const accessToken = { lifetimeSeconds: 3600, maxUses: 300 };
        const { clientId, token } = await client({ ...total(500), accessToken });
        const told = await race([{ ...CALL, token }], { times: 120 });
        expect(tally(told)).toEqual({ allowed: 300, token_uses_exhausted: 180 });
        expect(await used(clientId)).toBe(300);
        const left = told.flatMap((one) => (one.allowed ? [Number(one.usesLeft)] : []));
        expect(left.sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i));
      },
      TIMEOUT_MS,
    );

    it(
      'charge each of 20 calls that all of them repeat under its key once',
      async () => {
        const accessToken = { lifetimeSeconds: 3600, maxUses: 5 };
        const clients = await Promise.all(
          Array.from({ length: 20 }, () => client({ ...total(5), accessToken })),
        );
        // There is room for one: a retry that is not known as such would be refused.
        const questions = clients.map(({ token }) => {
          return { ...CALL, token, weight: 5, idempotencyKey: 'order-1' };
        });
        const told = await race(questions, { times: 200 });
        expect(tally(told)).toEqual({ allowed: 800 });
        expect(new Set(told.map(({ decisionId }) => decisionId)).size).toBe(20);
        for (const { clientId } of clients) expect(await used(clientId)).toBe(5);
      },
      TIMEOUT_MS,
    );

    it(
      'keep 10 calls a second each, never more and hardly fewer',
      async () => {
        const { token } = await client({ tps: 10 });
        const urls = servers.map(({ url }) => url);
        const hammer = { urls, questions: [{ ...CALL, token }], atOnce: 6, seconds: 4 };
        const told = await askAll(2, gateway, hammer);
        for (const server of [0, 1]) {
          expectRate(
            told.filter((one) => one.server === server),
            10,
          );
        }
      },
      TIMEOUT_MS,
    );
  });

  describe('with a clock that is moved over the edges of quota windows', () => {
    const clock = movableClock();
    let apps: [TestApp, TestApp];
    let gateway: Credentials;
    beforeAll(async () => {
      // Beside the servers' own, as that has their keys.
      const url = servers[0].env['DATABASE_URL'] ?? '';
      const DATABASE_URL = url.replace(/tollgate(?:_[\w-]+|\.db)(?=\?|$)/, 'edges');
      expect(DATABASE_URL).not.toBe(url);
      const one = await startApp({ env: { DATABASE_URL }, clock });
      apps = [one, await startApp({ env: { DATABASE_URL }, clock })];
      gateway = await one.createResourceServer();
      await one.createGroup(GROUP, {}, ['GET /orders']);
    }, TIMEOUT_MS);
    afterAll(() => Promise.all(apps.map((app) => app.close())), TIMEOUT_MS);

    async function clientIn(timeZone: string, calls: number, period: Period) {
      clock.set(START);
      const made = await apps[0].createClient({
        ...{ apiGroups: [GROUP], timeZone, apiQuota: { calls, period } },
        accessToken: { lifetimeSeconds: 365 * 86_400, maxUses: 0 },
      });
      const { accessToken: token } = await apps[0].grant(made);
      return { clientId: made.clientId, token };
    }

    /** Asks so often at once, half at each server; answers how many were allowed. */
    async function allowedOf(times: number, question: object): Promise<number> {
      const told = await Promise.all(Array.from({ length: times }, (_, i) => ask(i, question)));
      const refusals = told.filter(({ allowed }) => !allowed).map(({ reason }) => reason);
      expect([...new Set(refusals)].filter((reason) => reason !== 'quota_exhausted')).toEqual([]);
      return times - refusals.length;
    }
    const ask = async (i: number, question: object): Promise<AnswerBody> =>
      (await apps[i % 2 ? 1 : 0].decide(gateway, { ...CALL, ...question })).body;

    it.each(EDGES)(
      'hold a quota per $period in $zone: $what',
      async ({ zone, period, from, to }) => {
        const { token } = await clientIn(zone, 20, period);
        const before = new Date(Date.parse(from) - 1);
        clock.set(before);
        expect(await allowedOf(30, { token })).toBe(20);
        clock.set(from);
        expect(await allowedOf(8, { token })).toBe(8);
        clock.set(new Date(Date.parse(to) - 1));
        expect(await allowedOf(30, { token })).toBe(12);
        expect((await ask(0, { token })).quotaResetsAt).toBe(new Date(to).toISOString());
        clock.set(to);
        expect(await allowedOf(30, { token })).toBe(20);
        expect(await allowedOf(2, { token })).toBe(0);
      },
      TIMEOUT_MS,
    );

    it(
      'hold in both windows while midnight passes under way, with weights',
      async () => {
        const midnight = new Date('2035-03-24T23:00:00Z');
        const { clientId, token } = await clientIn('Europe/Berlin', 60, 'day');
        let spent = 0;
        const calls: Promise<void>[] = [];
        const send = (count: number) => {
          for (let i = 0; i < count; i += 1) {
            const weight = 1 + (i % 3);
            calls.push(
              ask(i, { token, weight }).then(({ allowed }) => {
                if (allowed) spent += weight;
              }),
            );
          }
        };
        clock.set(new Date(midnight.getTime() - 1));
        send(45);
        // The first of them is answered; the others are on their way.
        await Promise.race(calls);
        clock.set(midnight);
        send(45);
        await Promise.all(calls);
        const { charges } = apps[0].services.stores;
        const used = await Promise.all(
          ['day:2035-03-24', 'day:2035-03-25'].map((day) => charges.quotaUsed(clientId, day)),
        );
        expect(Math.max(...used)).toBeLessThanOrEqual(60);
        expect(Math.min(...used)).toBeGreaterThan(0);
        expect(used.reduce((sum, one) => sum + one, 0)).toBe(spent);
        expect(await allowedOf(60, { token })).toBe(60 - (used[1] ?? 0));
      },
      TIMEOUT_MS,
    );
  });
});
