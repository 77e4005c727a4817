/**
 * A whole server inside the test process: real HTTP, a real database, and a clock that tests move.
 * Records are made by the domain's own operations, with defaults for what a test does not care about.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { z } from 'zod';
import { type OpenServices, openServices } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createApiKey } from '../../src/domain/api-keys/manage-api-keys.ts';
import { newApi } from '../../src/domain/apis/api.ts';
import type { newApiGroup } from '../../src/domain/apis/api-group.ts';
import type { newApiScope } from '../../src/domain/apis/api-scope.ts';
import { createApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { createApiScope } from '../../src/domain/apis/manage-api-scopes.ts';
import { createApi } from '../../src/domain/apis/manage-apis.ts';
import type { Actor } from '../../src/domain/audit/audit-event.ts';
import type { Client } from '../../src/domain/clients/client.ts';
import type { clientPatch, newClient } from '../../src/domain/clients/client-input.ts';
import { createClient, findClient, updateClient } from '../../src/domain/clients/manage-clients.ts';
import { type Clock, plusSeconds } from '../../src/domain/clock.ts';
import type { Services } from '../../src/domain/services.ts';
import { createUser, findUser, updateUser } from '../../src/domain/users/manage-users.ts';
import type { User } from '../../src/domain/users/user.ts';
import { serve } from '../../src/serve.ts';
import { type Credentials, type Talk, talkTo } from './server.ts';

/** Who acts in tests. */
export const TESTER: Actor = { kind: 'command', id: 'test', address: null };

/** Monday noon, in UTC; later than any machine's clock, so that the engine sees no expired token. */
export const START = new Date('2035-01-01T12:00:00Z');

/** A clock that stands until it is moved. */
export interface MovableClock extends Clock {
  advance(seconds: number): void;
  set(at: Date | string): void;
}

/** A clock that stands at `START`. */
export function movableClock(): MovableClock {
  let at = START;
  return {
    now: () => at,
    advance(seconds) {
      at = plusSeconds(at, seconds);
    },
    set(to) {
      at = new Date(to);
    },
  };
}

/** Fields of a client that a test cares about. */
export type ClientFields = Partial<z.output<typeof newClient>>;

/** A user and the password it signs in with. */
export interface TestUser {
  user: User;
  username: string;
  password: string;
}

/** An API key and its value. */
export interface TestKey {
  apiKeyId: string;
  value: string;
}

/** Makes and changes records through the domain. */
export interface Records {
  services: Services;
  /** A client with a generated secret, or the given password. */
  createClient(fields?: ClientFields): Promise<Credentials>;
  /** A resource server that serves every group, unless told otherwise. */
  createResourceServer(fields?: ClientFields): Promise<Credentials>;
  /** Changes whatever version is current. */
  updateClient(clientId: string, patch: z.output<typeof clientPatch>): Promise<Client>;
  /** An API key of a client that holds its groups, valid for 30 days unless told otherwise. */
  createKey(clientId: string, fields?: KeyFields): Promise<TestKey>;
  createUser(fields?: { userName?: string; password?: string }): Promise<TestUser>;
  updateUser(userId: string, patch: Record<string, unknown>): Promise<User>;
  /** An API group; `calls` such as `GET /orders/:id` become its APIs. */
  createGroup(name: string, fields?: GroupFields, calls?: string[]): Promise<void>;
  createScope(name: string, fields?: ScopeFields, calls?: string[]): Promise<void>;
}

type KeyFields = Partial<Parameters<typeof createApiKey>[3]>;
type GroupFields = Partial<z.output<typeof newApiGroup>>;
type ScopeFields = Partial<z.output<typeof newApiScope>>;

let made = 0;

/** A name that nothing else has. */
export function fresh(prefix: string): string {
  made += 1;
  return `${prefix}-${made}-${randomBytes(3).toString('hex')}`;
}

/** The makers over opened services. */
export function recordsOf(services: Services): Records {
  const make = async (fields: ClientFields): Promise<Credentials> => {
    const name = fresh('client');
    // The clock stands still: ten calls a second would be ten calls a test.
    const defaults = { clientName: name, displayName: name, note: 'made by a test', tps: 0 };
    const { client, secret } = await createClient(services, TESTER, { ...defaults, ...fields });
    return { clientId: client.clientId, secret: secret?.value ?? fields.password ?? '' };
  };
  const apisOf = (calls: string[]) => Promise.all(calls.map((call) => apiOf(services, call)));
  return {
    services,
    createClient: (fields = {}) => make(fields),
    createResourceServer: (fields = {}) =>
      make({ kind: 'resource_server', grantTypes: [], ...fields }),
    async updateClient(clientId, patch) {
      const { version } = await findClient(services, clientId);
      return (await updateClient(services, TESTER, clientId, version, patch)).client;
    },
    async createKey(clientId, fields = {}) {
      const { apiGroups } = await findClient(services, clientId);
      const expiresAt = plusSeconds(services.clock.now(), 30 * 86_400);
      const key = { alias: fresh('key'), expiresAt, apiGroups, ...fields };
      const { apiKey, value } = await createApiKey(services, TESTER, clientId, key);
      return { apiKeyId: apiKey.apiKeyId, value: value ?? '' };
    },
    async createUser({ userName = fresh('user'), password = 'correct horse battery' } = {}) {
      const user = await createUser(services, TESTER, { userName, password });
      return { user, username: userName, password };
    },
    async updateUser(userId, patch) {
      const { version } = await findUser(services, userId);
      return updateUser(services, TESTER, { id: userId, version, patch });
    },
    async createGroup(name, fields = {}, calls = []) {
      await createApiGroup(services, TESTER, { name, apis: await apisOf(calls), ...fields });
    },
    async createScope(name, fields = {}, calls = []) {
      await createApiScope(services, TESTER, { name, apis: await apisOf(calls), ...fields });
    },
  };
}

async function apiOf(services: Services, call: string): Promise<string> {
  const [method, path] = call.split(' ');
  const known = (await services.stores.apis.all()).find(
    (api) => api.method === method && api.path === path,
  );
  return (known ?? (await createApi(services, TESTER, newApi.parse({ method, path })))).apiId;
}

/** How an app differs from the default. */
export interface AppOptions {
  /** Added to the environment, such as `DATABASE_URL` or `TRUSTED_PROXIES`. */
  env?: Record<string, string>;
  /** Default: a clock of its own; two apps on one database share one. */
  clock?: MovableClock;
}

/** A running server and everything that a test does with it. */
export interface TestApp extends Talk, Records {
  clock: MovableClock;
  /** Every log line so far, from level trace on. */
  log: string[];
  /** Mails in the outbox, as they would be sent, in no order; waits for the first one. */
  mails(): Promise<string[]>;
  close(): Promise<void>;
}

/** The same keys for all apps of a process, so that two of them can share a database. */
const SECRET_KEYS = randomBytes(32).toString('base64url');

/** Starts a server on 127.0.0.1, on a database in memory unless `env` names another. */
export async function startApp(options: AppOptions = {}): Promise<TestApp> {
  const { clock = movableClock() } = options;
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-app-'));
  const log: string[] = [];
  const server = await serve({
    clock,
    config: loadConfig({
      NODE_ENV: 'test',
      PORT: '0',
      DATA_DIR: folder,
      DATABASE_URL: 'sqlite::memory:',
      SECRET_KEYS,
      BCRYPT_COST: '4',
      ...options.env,
    }),
    log: pino({ level: 'trace' }, { write: (line: string) => void log.push(line) }),
  });
  return {
    ...talkTo(`http://127.0.0.1:${server.port}`),
    ...recordsOf(server.services),
    clock,
    log,
    mails: () => mailsIn(join(folder, 'outbox')),
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function mailsIn(outbox: string): Promise<string[]> {
  let names: string[] = [];
  while (names.length === 0) {
    names = (await readdir(outbox).catch(() => [])).filter((name) => name.endsWith('.eml'));
  }
  return Promise.all(names.map((name) => readFile(join(outbox, name), 'utf8')));
}

/** The data of a server process, opened beside it. */
export async function openBeside(
  env: Readonly<Record<string, string>>,
): Promise<Records & Pick<OpenServices, 'close'>> {
  const log = pino({ level: 'silent' });
  const { services, close } = await openServices({ config: loadConfig(env), log });
  return { ...recordsOf(services), close };
}
