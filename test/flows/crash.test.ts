/** kill -9 in the middle of a race: what was granted before and after is never one use too many. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBeside, type Records } from '../support/app.ts';
import { basic, type TestServer } from '../support/server.ts';
import { DATABASES, load, type SharedDatabase } from './load.ts';

const TIMEOUT_MS = 120_000;
const INACTIVE = '{"active":false}';

describe.each(DATABASES)('a server on $name that is killed in the middle of a race', ({ open }) => {
  let database: SharedDatabase;
  let servers: [TestServer, TestServer];
  let records: Records & { close(): Promise<void> };
  beforeAll(async () => {
    database = await open();
    servers = await database.servers();
    records = await openBeside(servers[0].env);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await records.close();
    await database.stop();
  }, TIMEOUT_MS);

  it(
    'has granted no use that the restarted one grants again',
    async () => {
      const resourceServer = await records.createResourceServer();
      const accessToken = { lifetimeSeconds: 3600, maxUses: 100 };
      const client = await records.createClient({ accessToken });
      const [killed, other] = servers;
      const { accessToken: token } = await killed.grant(client);
      const job = {
        urls: [killed.url, killed.url, killed.url, other.url],
        path: '/oauth2/introspect',
        authorization: basic(resourceServer.clientId, resourceServer.secret),
        form: new URLSearchParams({ token }).toString(),
        atOnce: 5,
      };
      let dead: Promise<unknown> = Promise.resolve();
      const before = await load({ ...job, times: 100 }, (count) => {
        if (count === 20) dead = killed.kill('SIGKILL');
      });
      await dead;
      expect(before.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
      const restarted = await killed.restart();
      try {
        const urls = [restarted.url, other.url];
        const after = await load({ ...job, urls, times: 100 });
        const active = [...before, ...after].filter(({ body }) => body.active === true);
        const left = active.map(({ body }) => body.uses_left);
        expect(active.length).toBeLessThanOrEqual(100);
        expect(active.length).toBeGreaterThanOrEqual(20);
        expect(new Set(left).size).toBe(left.length);
        for (const server of [restarted, other]) {
          expect((await server.introspect(resourceServer, token)).text).toBe(INACTIVE);
        }
      } finally {
        await restarted.kill('SIGKILL');
      }
    },
    TIMEOUT_MS,
  );
});
