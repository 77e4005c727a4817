/** What an operator sees: the first start, the next one, the demo, workers, production, SIGTERM. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBeside } from '../support/app.ts';
import {
  answerOf,
  basic,
  freePort,
  printed,
  type Running,
  run,
  runCommand,
  serverEnvironment,
  startServer,
  talkTo,
  until,
} from '../support/server.ts';

const SECRET = /\b(tgs_|tgl_|tgp_|tga_)[A-Za-z0-9_-]{43,52}\b/;
const ADDRESS = /^Tollgate listens at (\S+)$/m;

/** What two printed shell lines print, pasted one after the other. */
async function paste(output: string): Promise<string> {
  const lines = output.split('\n').filter((line) => /^(TOKEN=|curl )/.test(line));
  expect(lines).toHaveLength(2);
  const bash = runCommand('bash', {
    env: { PATH: process.env['PATH'] ?? '' },
    args: ['--norc', '-c', lines.join('\n')],
  });
  expect(await bash.ended).toBe(0);
  return bash.output();
}

/** The settings of a developer who has configured nothing, less the folder and the port. */
async function unconfigured(dataDir: string): Promise<Record<string, string>> {
  const { BCRYPT_COST: _, LOG_LEVEL: __, ...env } = serverEnvironment(dataDir, {});
  return { ...env, NODE_ENV: 'development', PORT: String(await freePort()), HOME: dataDir };
}

describe('npm start on an empty folder, and again', () => {
  let dataDir: string;
  let env: Record<string, string>;
  let first: Running;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tollgate-start-'));
    env = await unconfigured(dataDir);
    first = runCommand('npm', { env, args: ['start'] });
    await printed(first, /(oauth2\/introspect)\n/);
  });
  afterAll(async () => {
    await first.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true });
  });

  it('prints the address, the owner’s link and two lines that work as printed', async () => {
    const output = first.output();
    expect(ADDRESS.exec(output)?.[1]).toBe(`http://127.0.0.1:${env['PORT']}`);
    expect(output).toMatch(/\/admin\/set-up\?token=tgl_/);
    const introspection = JSON.parse(await paste(output)) as Record<string, unknown>;
    expect(introspection).toMatchObject({ active: true, scope: 'orders.read', uses_left: 99 });
  });

  it('keeps its keys and data from other users of the machine', async () => {
    expect((await stat(join(dataDir, 'secret-keys'))).mode & 0o777).toBe(0o600);
    for (const name of (await readdir(dataDir)).filter((file) => file.startsWith('tollgate.db'))) {
      expect([name, (await stat(join(dataDir, name))).mode & 0o077]).toEqual([name, 0]);
    }
  });

  it('serves the owner’s set-up page once, for a token that works with the REST API', async () => {
    const url = /(http\S+set-up\?token=\S+)/.exec(first.output())?.[1] ?? '';
    const form = await fetch(url);
    expect([form.status, form.headers.get('Cache-Control')]).toEqual([200, 'no-store']);
    expect(await form.text()).toContain('<form');
    const token = new URL(url).searchParams.get('token') ?? '';
    const { post } = talkTo(new URL(url).origin);
    const password = 'correct horse battery staple';
    const differs = { token, password, confirmation: 'another one' };
    expect((await post('/admin/set-up', differs)).status).toBe(422);
    const chosen = { token, password, confirmation: password };
    const done = await post('/admin/set-up', chosen);
    expect(done.status).toBe(200);
    const accessToken = /tgp_[A-Za-z0-9_-]{43}/.exec(done.text)?.[0] ?? '';
    expect((await post('/admin/set-up', chosen)).status).toBe(410);
    expect((await fetch(url)).status).toBe(410);
    const clients = `${new URL(url).origin}/api/v1/clients`;
    const headers = { Authorization: `Bearer ${accessToken}` };
    const { status, body } = await answerOf(await fetch(clients, { headers }));
    expect([status, body['total']]).toEqual([200, 2]);
    expect((await fetch(clients)).status).toBe(401);
  });

  it('prints fresh lines by npm run demo while it runs, and retires the secrets before', async () => {
    const demo = run('scripts/demo.ts', { env });
    expect(await demo.ended).toBe(0);
    expect(JSON.parse(await paste(demo.output()))).toMatchObject({ active: true });
    expect(await paste(first.output())).toContain('invalid_client');
  });

  it('ends with code 0 at SIGTERM', async () => {
    expect(await first.kill('SIGTERM')).toBe(0);
  });

  it('prints no secret at the second start', async () => {
    const second = run('src/main.ts', { env });
    await printed(second, ADDRESS);
    expect(await second.kill('SIGTERM')).toBe(0);
    expect(second.output()).not.toMatch(SECRET);
    expect(second.output()).not.toContain('curl');
  });
});

describe('NODE_ENV=production', () => {
  it('without configuration lists every problem and does not start', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'tollgate-production-'));
    const { PATH = '' } = process.env;
    const weak = { BCRYPT_COST: '4', PORT: '0', ADMIN_API_TOKEN: 'a'.repeat(32) };
    const env = { PATH, NODE_ENV: 'production', DATA_DIR: join(dataDir, 'data'), ...weak };
    const server = run(join(import.meta.dirname, '..', '..', 'src', 'main.ts'), {
      cwd: dataDir,
      env,
    });
    expect(await server.ended).toBe(1);
    for (const key of ['ISSUER', 'SECRET_KEYS', 'BCRYPT_COST', 'PORT', 'ADMIN_API_TOKEN']) {
      expect(server.output()).toMatch(new RegExp(`^  ${key} `, 'm'));
    }
    expect(server.output()).not.toContain('aaaa');
    expect(server.output()).not.toContain('    at ');
    expect(await readdir(dataDir)).toEqual([]);
    await rm(dataDir, { recursive: true, force: true });
  });
});

describe('PORT', () => {
  it('that is taken ends the start with one line', async () => {
    const server = await startServer();
    const second = run('src/main.ts', { env: { ...server.env } });
    expect(await second.ended).toBe(1);
    expect(second.output().trim().split('\n')).toHaveLength(1);
    expect(second.output()).toContain(server.env['PORT']);
    await server.stop();
  });
});

describe('SIGTERM', () => {
  it('lets a request under way finish, takes no other, and ends with code 0', async () => {
    const server = await startServer();
    const records = await openBeside(server.env);
    const client = await records.createClient();
    await records.close();
    const slow = await beginRequest(server.url, basic(client.clientId, client.secret));
    const ended = server.kill('SIGTERM');
    await until(() => isRefused(server.url));
    const answering = performance.now();
    slow.socket.write('grant_type=client_credentials');
    expect(await slow.answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*"access_token":"tga_/s);
    expect(await ended).toBe(0);
    // It waits no longer than for that answer, although the connection could live on.
    expect(performance.now() - answering).toBeLessThan(5000);
    await server.stop();
  });

  it('does not wait for a connection that never sent a request', async () => {
    const server = await startServer();
    const { hostname, port } = new URL(server.url);
    const silent = connect(Number(port), hostname);
    await new Promise((resolve) => silent.once('connect', resolve));
    await fetch(`${server.url}/healthz`);
    const since = performance.now();
    expect(await server.kill('SIGTERM')).toBe(0);
    expect(performance.now() - since).toBeLessThan(5000);
    silent.destroy();
    await server.stop();
  });

  it('is heeded by WORKERS=2, which serve and drain', async () => {
    const server = await startServer({ env: { WORKERS: '2' } });
    const records = await openBeside(server.env);
    const client = await records.createClient();
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => (await server.token(client)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    await records.updateClient(client.clientId, { status: 'disabled' });
    await records.close();
    for (let i = 0; i < 20; i += 1) expect((await server.token(client)).status).toBe(401);
    const slow = await beginRequest(server.url, basic(client.clientId, client.secret));
    const ended = server.kill('SIGTERM');
    await until(() => isRefused(server.url));
    slow.socket.write('grant_type=client_credentials');
    expect(await slow.answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(await ended).toBe(0);
    await server.stop();
  });
});

/** Sends a token request up to its body, and waits until the server has read that much. */
async function beginRequest(
  url: string,
  authorization: string,
): Promise<{ socket: Socket; answer: Promise<string> }> {
  const { port, host } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  const chunks: string[] = [];
  socket.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  const answer = new Promise<string>((resolve, reject) => {
    socket.once('end', () => resolve(chunks.join(''))).once('error', reject);
  });
  const head = [
    'POST /oauth2/token HTTP/1.1',
    `Host: ${host}`,
    `Authorization: ${authorization}`,
    'Content-Type: application/x-www-form-urlencoded',
    'Content-Length: 29',
    'Expect: 100-continue',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await until(() => chunks.join('').includes('100 Continue'));
  chunks.length = 0;
  return { socket, answer };
}

/** Whether the server takes no connection any more. */
function isRefused(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}
