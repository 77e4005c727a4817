/** A REST API over real HTTP, on a real database in memory, with a clock that tests move. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import bcrypt from 'bcrypt';
import Koa from 'koa';
import { openSqliteStores } from '../../adapters/sqlite/index.ts';
import { adminApi } from '../../src/api/index.ts';
import type { Role } from '../../src/domain/admins/admin.ts';
import { createAccessToken } from '../../src/domain/admins/manage-access-tokens.ts';
import { type Acting, createAdmin } from '../../src/domain/admins/manage-admins.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import { firstRun } from '../../src/domain/first-run.ts';
import type { OutgoingMail } from '../../src/domain/mailer.ts';
import { Passwords } from '../../src/domain/secrets/passwords.ts';
import { SecretKeys } from '../../src/domain/secrets/secret-keys.ts';
import { createServices, type Services } from '../../src/domain/services.ts';
import { keepingMailer } from '../domain/support.ts';

/** The bootstrap token of every test server. */
export const ADMIN_API_TOKEN = 'bootstrap-token-for-tests-0123456789';

/** Who sends a request: nobody, an admin of a role, or the bootstrap token. */
export type Sender = 'guest' | Role | 'bootstrap';

/** A request, as tests write it. */
export interface ApiRequest {
  as?: Sender;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string | Uint8Array;
  headers?: Record<string, string>;
  /** Sent as If-Match: "<version>". */
  version?: number;
}

/** An answer, its body parsed where there is one. */
export interface ApiAnswer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever members they expect
  body: any;
}

/** A running API. */
export interface TestApi {
  services: Services;
  url: string;
  mails: OutgoingMail[];
  /** What reached the log as an error nobody meant. */
  errors: unknown[];
  /** Personal access tokens by role. */
  tokens: Record<Role, string>;
  /** Ids of the admins behind them. */
  admins: Record<Role, string>;
  send(method: string, path: string, request?: ApiRequest): Promise<ApiAnswer>;
  /** Moves the clock on. */
  pass(seconds: number): void;
  close(): Promise<void>;
}

const SYSTEM: Acting = {
  actor: { kind: 'command', id: 'test', address: null },
  role: 'owner',
  adminId: null,
};

/** Starts an API with one admin of each role; nothing is shared between two of them. */
export async function startApi(): Promise<TestApi> {
  let now = new Date('2027-03-01T00:00:00Z');
  const mails: OutgoingMail[] = [];
  const errors: unknown[] = [];
  const services = await openServices(() => now, mails);
  await firstRun(services, { demo: false });
  const tokens = {} as Record<Role, string>;
  const admins = {} as Record<Role, string>;
  for (const role of ['viewer', 'operator', 'security', 'owner'] as const) {
    const { admin } = await createAdmin(services, SYSTEM, { userName: `${role}-admin`, role });
    const token = { adminId: admin.adminId, label: role, role };
    tokens[role] = (await createAccessToken(services, SYSTEM, token)).value ?? '';
    admins[role] = admin.adminId;
  }
  const server = await listen(services, errors);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    services,
    url,
    mails,
    errors,
    tokens,
    admins,
    send: (method, path, request = {}) => send(`${url}${path}`, method, request, tokens),
    pass: (seconds) => {
      now = plusSeconds(now, seconds);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await services.stores.close();
    },
  };
}

async function openServices(now: () => Date, mails: OutgoingMail[]): Promise<Services> {
  const stores = await openSqliteStores({ path: ':memory:' });
  const keys = new SecretKeys([new Uint8Array(32).fill(7)]);
  const passwords = new Passwords(keys, {
    hash: (text) => bcrypt.hash(text, 4),
    compare: (text, hash) => bcrypt.compare(text, hash),
  });
  return createServices({
    clock: { now },
    issuer: 'https://auth.tollgate.test',
    keys,
    mailer: keepingMailer(mails),
    passwords,
    stores,
    timeZone: 'UTC',
  });
}

async function listen(services: Services, errors: unknown[]): Promise<Server> {
  const log = { error: (fields: object) => void errors.push(fields) };
  const app = new Koa();
  app.use(adminApi(services, { adminApiToken: ADMIN_API_TOKEN, log }).routes());
  app.on('error', (error) => errors.push(error));
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function send(
  url: string,
  method: string,
  request: ApiRequest,
  tokens: Record<Role, string>,
): Promise<ApiAnswer> {
  const { as = 'bootstrap', body, raw, version } = request;
  const headers = new Headers();
  const token = as === 'bootstrap' ? ADMIN_API_TOKEN : as === 'guest' ? null : tokens[as];
  if (token !== null) headers.set('Authorization', `Bearer ${token}`);
  if (version !== undefined) headers.set('If-Match', `"${version}"`);
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  if (content !== undefined) headers.set('Content-Type', 'application/json');
  for (const [name, value] of Object.entries(request.headers ?? {})) headers.set(name, value);
  const init = content === undefined ? {} : { body: content as string };
  const response = await fetch(url, { method, headers, ...init });
  const text = await response.text();
  const isJson = response.headers.get('Content-Type')?.includes('json') ?? false;
  const { status, headers: answered } = response;
  return { status, headers: answered, text, body: isJson && text !== '' ? JSON.parse(text) : null };
}

/** The body of a client that has nothing but what is required. */
export function smallClient(name: string): Record<string, unknown> {
  return { clientName: name, displayName: `Client ${name}`, note: 'test' };
}
