/**
 * A whole gateway: a real proxy with its file of docs/gateways, unchanged, a real Tollgate that it
 * asks, an API behind it, and end clients with addresses of their own.
 */
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { startApp, type TestApp } from '../app.ts';
import { type Answer, answerOf, type Credentials } from '../server.ts';
import { serveUpstream, type Upstream } from '../upstream.ts';
import { ADDRESSES, type Command, openNetwork, type PrivateNetwork } from './network.ts';
import { type Program, type ProxyName, programFor, skipped } from './programs.ts';

/** What the files of docs/gateways say. */
const FILES = join(import.meta.dirname, '..', '..', '..', 'docs', 'gateways');
const GATEWAY_PORT = 8080;
const TOLLGATE_PORT = 3000;
const API_PORT = 8081;

/** A call by an end client. */
export interface Call {
  /** Default: GET. */
  method?: string;
  /** Sent as they are, in this order; names may repeat. */
  headers?: [name: string, value: string][];
  body?: string;
  /** Default: `ADDRESSES.client`. */
  from?: string;
}

/** The way from the proxy to Tollgate. */
export interface Line {
  /** Connections that the proxy has opened so far. */
  connections(): number;
  /** Questions that the proxy has sent so far. */
  questions(): number;
  /** Refuses connections until `restore`. */
  cut(): Promise<void>;
  /** Takes questions and answers none until `restore`. */
  silence(): void;
  restore(): Promise<void>;
}

/** A running gateway. */
export interface TestGateway {
  app: TestApp;
  api: Upstream;
  line: Line;
  /** The resource server that the proxy asks as. */
  account: Credentials;
  call(path: string, call?: Call): Promise<Answer>;
  close(): Promise<void>;
}

/** The proxy for a suite; null, after one loud line, where it cannot run. Throws instead with CI=true. */
export async function gatewayFor(suite: string, name: ProxyName): Promise<Program | null> {
  const program = await programFor(suite, name);
  if (program === null) return null;
  try {
    await (await openNetwork()).close();
    return program;
  } catch (error) {
    return skipped(suite, error as Error);
  }
}

/** Starts everything; the proxy accepts calls when this resolves. */
export async function startGateway(name: ProxyName, program: Program): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), `tollgate-${name}-`));
  const app = await startApp();
  const network = await openNetwork();
  async function close() {
    await network.close();
    await app.close();
    await rm(folder, { recursive: true, force: true });
  }
  try {
    const account = await app.createResourceServer();
    const api = serveUpstream(await network.listen(API_PORT));
    const line = await openLine(network, Number(new URL(app.url).port));
    await network.run(await COMMANDS[name]({ program, folder, credentials: base64(account) }));
    await accepting(network);
    return { app, api, line, account, call: (path, call) => send(network, path, call), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Setting {
  program: Program;
  /** A folder of its own. */
  folder: string;
  credentials: string;
}

/** How README.md of docs/gateways says that each is started. */
const COMMANDS: Record<ProxyName, (setting: Setting) => Promise<Command>> = {
  async nginx({ program, folder, credentials }) {
    await copyFile(join(FILES, 'nginx.conf'), join(folder, 'nginx.conf'));
    const header = `proxy_set_header X-Gateway-Authorization "Basic ${credentials}";\n`;
    await writeFile(join(folder, 'tollgate-credentials.conf'), header, { mode: 0o600 });
    // In the foreground; a user namespace may know no other user than root.
    const options = ['-g', 'daemon off; user root;'];
    return command(program, folder, ['-p', folder, '-c', 'nginx.conf', ...options]);
  },
  async caddy({ program, folder, credentials }) {
    const args = ['run', '--config', join(FILES, 'Caddyfile'), '--adapter', 'caddyfile'];
    const env = { HOME: folder, TOLLGATE_CREDENTIALS: credentials };
    return command(program, folder, args, env);
  },
  async haproxy({ program, credentials }) {
    return command(program, FILES, ['-f', 'haproxy.cfg'], { TOLLGATE_CREDENTIALS: credentials });
  },
  async envoy({ program, folder, credentials }) {
    const own = ['--use-dynamic-base-id', '--concurrency', '1', '--log-level', 'warn'];
    const args = ['-c', join(FILES, 'envoy.yaml'), ...own];
    return command(program, folder, args, { TOLLGATE_CREDENTIALS: credentials });
  },
};

function command(
  { path, env }: Program,
  cwd: string,
  args: string[],
  more: Record<string, string> = {},
): Command {
  return { path, args, cwd, env: { PATH: process.env['PATH'] ?? '', ...env, ...more } };
}

function base64({ clientId, secret }: Credentials): string {
  return Buffer.from(`${clientId}:${secret}`, 'utf8').toString('base64');
}

/** Passes what the proxy sends to port 3000 of the private network on to Tollgate's real port. */
async function openLine(network: PrivateNetwork, port: number): Promise<Line> {
  const open = new Set<Socket>();
  let connections = 0;
  let questions = 0;
  let isSilent = false;
  let server: Server;

  function accept(socket: Socket) {
    connections += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      questions += chunk.toString('latin1').match(/^[A-Z]+ \/forward-auth\//gm)?.length ?? 0;
    });
    if (isSilent) return;
    const tollgate = connect({ port, host: '127.0.0.1' }).on('error', () => socket.destroy());
    socket.pipe(tollgate).pipe(socket);
    socket.on('close', () => tollgate.destroy());
  }
  async function listen() {
    server = (await network.listen(TOLLGATE_PORT)).on('connection', accept);
  }
  function hangUp() {
    for (const socket of open) socket.destroy();
  }
  async function cut() {
    const closed = once(server, 'close');
    server.close();
    hangUp();
    await closed;
  }
  await listen();
  return {
    connections: () => connections,
    questions: () => questions,
    cut,
    silence() {
      isSilent = true;
      hangUp();
    },
    async restore() {
      isSilent = false;
      if (server.listening) hangUp();
      else await listen();
    },
  };
}

/** Resolves when the proxy accepts connections. */
async function accepting(network: PrivateNetwork): Promise<void> {
  const end = performance.now() + 20_000;
  for (;;) {
    const socket = await network.connect(GATEWAY_PORT, ADDRESSES.client).catch(() => null);
    socket?.destroy();
    if (socket !== null) return;
    if (performance.now() > end) throw new Error(`no gateway: ${await network.output()}`);
  }
}

async function send(network: PrivateNetwork, path: string, call: Call = {}): Promise<Answer> {
  const { method = 'GET', headers = [], body = '', from = ADDRESSES.client } = call;
  const socket = await network.connect(GATEWAY_PORT, from);
  const all: [string, string][] = [['Host', 'api.example'], ...headers];
  if (body !== '') all.push(['Content-Length', String(Buffer.byteLength(body))]);
  const sent = request({ method, path, headers: all.flat(), createConnection: () => socket });
  try {
    const [response] = (await once(sent.end(body), 'response')) as [IncomingMessage];
    return await readAnswer(response);
  } finally {
    socket.destroy();
  }
}

/** With every value of a repeated header. */
async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const headers = new Headers();
  for (const [name, values] of Object.entries(response.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const { statusCode: status = 0 } = response;
  return answerOf(new Response(await buffer(response), { status, headers }));
}
