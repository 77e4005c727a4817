/** MongoDB that dies under a running server: every answer is right, or 503 with Retry-After. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBeside } from '../support/app.ts';
import { type MongodServer, mongodFor, startReplicaSet } from '../support/mongod.ts';
import { type Answer, basic, startServer, type TestServer, until } from '../support/server.ts';
import { load } from './load.ts';

const TIMEOUT_MS = 120_000;
const INACTIVE = '{"active":false}';
const mongod = await mongodFor('test/flows/outage.test.ts', true);

async function scene(count: 1 | 3) {
  const set = await startReplicaSet({ count });
  const server = await startServer({ env: { DATABASE_URL: set.uri(`tollgate_${randomUUID()}`) } });
  const records = await openBeside(server.env);
  const resourceServer = await records.createResourceServer();
  const client = await records.createClient({
    accessToken: { lifetimeSeconds: 3600, maxUses: 100 },
  });
  await records.close();
  const { accessToken } = await server.grant(client);
  return { set, server, client, resourceServer, accessToken };
}

function expectUnavailable({ status, headers, text }: Answer): void {
  expect(status).toBe(503);
  expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(text).not.toContain('active');
}

(mongod ? describe : describe.skip)('a server on MongoDB', () => {
  let set: MongodServer;
  let server: TestServer;
  afterAll(async () => {
    await server.stop();
    await set.stop();
  }, TIMEOUT_MS);

  describe('whose only member is killed', () => {
    let own: Awaited<ReturnType<typeof scene>>;
    beforeAll(async () => {
      own = await scene(1);
      ({ set, server } = own);
    }, TIMEOUT_MS);
    afterAll(async () => {
      await server.stop();
      await set.stop();
    }, TIMEOUT_MS);

    it(
      'answers 503 everywhere and lives on',
      async () => {
        const { client, resourceServer, accessToken } = own;
        process.kill(await set.primaryPid(), 'SIGKILL');
        const answers = await Promise.all([
          server.token(client),
          server.token({ ...client, secret: 'wrong' }),
          server.introspect(resourceServer, accessToken),
          server.revoke(client, accessToken),
        ]);
        for (const answer of answers) expectUnavailable(answer);
        expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
        expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
      },
      TIMEOUT_MS,
    );
  });

  describe('whose primary of three members is killed under load', () => {
    let own: Awaited<ReturnType<typeof scene>>;
    beforeAll(async () => {
      own = await scene(3);
      ({ set, server } = own);
    }, TIMEOUT_MS);

    it(
      'grants no use twice; every answer is right or a 503',
      async () => {
        const { resourceServer, accessToken } = own;
        const primary = await set.primaryPid();
        const told = await load(
          {
            urls: [server.url],
            path: '/oauth2/introspect',
            authorization: basic(resourceServer.clientId, resourceServer.secret),
            form: new URLSearchParams({ token: accessToken }).toString(),
            times: 40,
            atOnce: 4,
          },
          (count) => {
            if (count === 20) process.kill(primary, 'SIGKILL');
          },
        );
        const left = told.flatMap(({ body }) => (body.active ? [body.uses_left ?? -1] : []));
        let last = { text: '', status: 0 };
        await until(async () => {
          const answer = await server.introspect(resourceServer, accessToken);
          if (answer.body.active) left.push(answer.body.uses_left ?? -1);
          last = answer;
          told.push(answer);
          return answer.text === INACTIVE;
        }, 60);
        expect(last).toMatchObject({ status: 200, text: INACTIVE });
        const statuses = new Set(told.map(({ status }) => status));
        expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
        expect(left.length).toBeLessThanOrEqual(100);
        expect(left.length).toBeGreaterThan(20);
        expect(new Set(left).size).toBe(left.length);
      },
      TIMEOUT_MS,
    );
  });
});
