/** Exact limits: client processes that race for one token over two servers that share a database. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBeside, type Records } from '../support/app.ts';
import {
  basic,
  type Credentials,
  type Granted,
  granted,
  type TestServer,
} from '../support/server.ts';
import { DATABASES, load, type SharedDatabase } from './load.ts';

const TIMEOUT_MS = 120_000;
const INACTIVE = '{"active":false}';

describe.each(DATABASES)('two servers on $name', ({ open }) => {
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

  const urls = () => servers.map(({ url }) => url);

  function loadAs(as: Credentials, path: string, form: Record<string, string>, times: number) {
    return load({
      urls: urls(),
      path,
      authorization: basic(as.clientId, as.secret),
      form: new URLSearchParams(form).toString(),
      times,
    });
  }

  async function signIn(maxUses: number): Promise<Granted & { client: Credentials }> {
    const client = await records.createClient({
      grantTypes: ['password', 'refresh_token'],
      refreshToken: { lifetimeSeconds: 3600, maxUses },
    });
    const { username, password } = await records.createUser();
    const tokens = await servers[0].grant(client, { grant_type: 'password', username, password });
    return { ...tokens, client };
  }

  it(
    'answer active:true exactly 100 times to 1,000 introspections of a 100-use token',
    async () => {
      const resourceServer = await records.createResourceServer();
      const accessToken = { lifetimeSeconds: 3600, maxUses: 100 };
      const client = await records.createClient({ accessToken });
      const { accessToken: token } = await servers[0].grant(client);
      const told = await loadAs(resourceServer, '/oauth2/introspect', { token }, 250);
      expect(told).toHaveLength(1000);
      const active = told.filter(({ body }) => body.active === true);
      const left = active.map(({ body }) => body.uses_left ?? -1).sort((a, b) => a - b);
      expect(left).toEqual(Array.from({ length: 100 }, (_, i) => i));
      expect(told.filter(({ text }) => text === INACTIVE)).toHaveLength(900);
      for (const server of servers) {
        expect((await server.introspect(resourceServer, token)).text).toBe(INACTIVE);
      }
    },
    TIMEOUT_MS,
  );

  it.each([
    ['one of many', 0],
    ['the last allowed', 1],
  ])(
    'refresh a token exactly once in 400 requests, where that refresh is %s',
    async (_, maxUses) => {
      const { client, refreshToken } = await signIn(maxUses);
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken };
      const told = await loadAs(client, '/oauth2/token', form, 100);
      const won = told.filter(({ status }) => status === 200);
      expect(won).toHaveLength(1);
      expect(won[0]?.body.refresh_token === undefined).toBe(maxUses === 1);
      const lost = told.filter(
        ({ status, body }) => status === 400 && body.error === 'invalid_grant',
      );
      expect(lost).toHaveLength(399);
    },
    TIMEOUT_MS,
  );

  it(
    'grant a family of 10 refreshes exactly 10, asked in turn',
    async () => {
      const { client, ...first } = await signIn(10);
      let { refreshToken } = first;
      for (let i = 1; i <= 10; i += 1) {
        const next = granted(await servers[i % 2 ? 1 : 0].refresh(client, refreshToken));
        expect(next.refreshToken === '').toBe(i === 10);
        refreshToken = next.refreshToken || refreshToken;
      }
      for (const server of servers) {
        expect((await server.refresh(client, refreshToken)).status).toBe(400);
      }
    },
    TIMEOUT_MS,
  );

  it(
    'grant a family of 5 refreshes at most 5, and one a round, asked by 20 at once',
    async () => {
      const { client, ...first } = await signIn(5);
      let { refreshToken } = first;
      let refreshed = 0;
      for (let round = 0; round < 7 && refreshToken !== ''; round += 1) {
        const token = refreshToken;
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, i) => servers[i % 2 ? 1 : 0].refresh(client, token)),
        );
        const won = answers.filter(({ status }) => status === 200).map(granted);
        expect(won.length).toBeLessThanOrEqual(1);
        refreshed += won.length;
        refreshToken = won[0]?.refreshToken ?? '';
      }
      expect(refreshed).toBeGreaterThan(0);
      expect(refreshed).toBeLessThanOrEqual(5);
    },
    TIMEOUT_MS,
  );
});
