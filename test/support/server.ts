/**
 * Real server processes, `node src/main.ts` as an operator runs it, and the OAuth conversation over
 * HTTP that all suites share. A server ends with the process that started it, even when that is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'src', 'main.ts');
/** A start takes less than a second; a machine that runs every suite at once is slower. */
const START_TIMEOUT_MS = 30_000;

/** What a client authenticates with. */
export interface Credentials {
  clientId: string;
  secret: string;
}

/** Members of the answers that tests read; others are `unknown`. */
export interface AnswerBody {
  access_token?: string;
  refresh_token?: string;
  expires_in?: number;
  scope?: string;
  error?: string;
  error_description?: string;
  active?: boolean;
  uses_left?: number | null;
  [member: string]: unknown;
}

/** An answer; `body` is empty where the text is no JSON. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: AnswerBody;
}

/** Parameters of a form; those that are undefined are left out. */
export type Params = Record<string, string | undefined>;

/** How a request is sent, beside its form. */
export interface Sending {
  /** Sends a Basic header. */
  as?: Credentials | undefined;
  /** Sends X-Forwarded-For, which a server believes when it trusts this machine as a proxy. */
  from?: string;
  headers?: Record<string, string>;
}

/** Tokens that were granted. */
export interface Granted {
  accessToken: string;
  /** Empty where there is none. */
  refreshToken: string;
  scope: string | undefined;
  expiresIn: number | undefined;
}

/** A conversation with one server. */
export interface Talk {
  url: string;
  /** Posts a form, or text as it is. */
  post(path: string, body: Params | string, sending?: Sending): Promise<Answer>;
  /** Asks the token endpoint, for client_credentials unless the parameters say otherwise. */
  token(as: Credentials, params?: Params, sending?: Sending): Promise<Answer>;
  /** `token` that must succeed. */
  grant(as: Credentials, params?: Params, sending?: Sending): Promise<Granted>;
  refresh(
    as: Credentials,
    refreshToken: string,
    params?: Params,
    sending?: Sending,
  ): Promise<Answer>;
  introspect(as: Credentials, token: string, params?: Params, sending?: Sending): Promise<Answer>;
  revoke(as: Credentials, token: string, params?: Params): Promise<Answer>;
  /** Posts a question, or a list of them, to `/decide`. */
  decide(as: Credentials, question: unknown, sending?: Sending): Promise<Answer>;
}

/** A Basic header as RFC 6749 §2.3.1 wants it: id and secret form-encoded. */
export function basic(clientId: string, secret: string): string {
  const encoded = (text: string) => new URLSearchParams([['', text]]).toString().slice(1);
  return rawBasic(encoded(clientId), encoded(secret));
}

/** A Basic header as many clients send it: id and secret as they are. */
export function rawBasic(clientId: string, secret: string): string {
  return `Basic ${Buffer.from(`${clientId}:${secret}`, 'utf8').toString('base64')}`;
}

/** The conversation with the server at a URL. */
export function talkTo(url: string): Talk {
  const post: Talk['post'] = (path, body, sending) => send(url + path, body, sending);
  const token: Talk['token'] = (as, params = {}, sending = {}) =>
    post('/oauth2/token', { grant_type: 'client_credentials', ...params }, { as, ...sending });
  return {
    url,
    post,
    token,
    grant: async (...request) => granted(await token(...request)),
    refresh: (as, refresh_token, params, sending) =>
      token(as, { grant_type: 'refresh_token', refresh_token, ...params }, sending),
    introspect: (as, value, params, sending) =>
      post('/oauth2/introspect', { token: value, ...params }, { as, ...sending }),
    revoke: (as, value, params) => post('/oauth2/revoke', { token: value, ...params }, { as }),
    decide: (as, question, sending) =>
      post('/decide', JSON.stringify(question), {
        as,
        ...sending,
        headers: { 'Content-Type': 'application/json', ...sending?.headers },
      }),
  };
}

/** The tokens of an answer. Throws when there are none. */
export function granted({ status, body, text }: Answer): Granted {
  if (status !== 200 || body.access_token === undefined) throw new Error(`${status}: ${text}`);
  return {
    accessToken: body.access_token,
    refreshToken: body.refresh_token ?? '',
    scope: body.scope,
    expiresIn: body.expires_in,
  };
}

async function send(url: string, body: Params | string, sending: Sending = {}): Promise<Answer> {
  const headers = new Headers({ 'Content-Type': 'application/x-www-form-urlencoded' });
  if (sending.as) headers.set('Authorization', basic(sending.as.clientId, sending.as.secret));
  if (sending.from !== undefined) headers.set('X-Forwarded-For', sending.from);
  for (const [name, value] of Object.entries(sending.headers ?? {})) headers.set(name, value);
  const form = typeof body === 'string' ? body : formOf(body);
  return answerOf(await fetch(url, { method: 'POST', headers, body: form }));
}

function formOf(params: Params): string {
  const given = Object.entries(params).filter((p): p is [string, string] => p[1] !== undefined);
  return new URLSearchParams(given).toString();
}

/** A request with a target and headers that `fetch` would not send, such as Host. */
export async function sendRaw(
  url: string,
  options: {
    method?: string;
    path: string;
    headers?: Record<string, string | string[]>;
    body?: string;
  },
): Promise<Answer> {
  const { body = '', ...rest } = options;
  const sent = request(url, rest).end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value));
  const status = response.statusCode ?? 0;
  return answerOf(new Response(Buffer.concat(chunks), { status, headers }));
}

/** A response as an answer. */
export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('Content-Type')?.includes('json') === true;
  const body = isJson && text !== '' ? (JSON.parse(text) as AnswerBody) : {};
  return { status: response.status, headers: response.headers, text, body };
}

/** Where a server keeps its data, and how it is told. */
export interface ServerOptions {
  /** Added to an environment that holds PATH only. */
  env?: Record<string, string>;
  /** Default: a new folder that `stop` removes. */
  dataDir?: string;
  /** Default: a free one. */
  port?: number;
}

/** A server process. */
export interface TestServer extends Talk {
  pid: number;
  dataDir: string;
  /** The environment it got, to open its data beside it. */
  env: Readonly<Record<string, string>>;
  /** What it has printed: the banner and log lines. */
  output(): string;
  /** Sends a signal and answers the exit code, null where the signal ended it. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** Another process on the same port and data; the one before must have ended. */
  restart(): Promise<TestServer>;
  /** Ends it if it runs, and removes its data. */
  stop(): Promise<void>;
}

/** Starts a server with a SQLite file of its own, unless `env` names another database. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tollgate-server-')));
  const port = options.port ?? (await freePort());
  const env = serverEnvironment(dataDir, { PORT: String(port), ...options.env });
  const running = run(MAIN, { cwd: dataDir, env });
  const url = await printed(running, /^Tollgate listens at (\S+)$/m);
  return {
    ...talkTo(url),
    pid: running.pid,
    dataDir,
    env,
    output: running.output,
    kill: running.kill,
    restart: () => startServer({ ...options, dataDir, port }),
    async stop() {
      await running.kill('SIGKILL');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The environment of a server: nothing but this, so that the developer's own settings stay out. */
export function serverEnvironment(
  dataDir: string,
  env: Record<string, string>,
): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'test',
    DATA_DIR: dataDir,
    DATABASE_URL: `sqlite:${join(dataDir, 'tollgate.db')}`,
    BCRYPT_COST: '4',
    LOG_LEVEL: 'warn',
    ...env,
  };
}

/** A process that ends with this one. */
export interface Running {
  pid: number;
  child: ChildProcess;
  /** Everything printed so far, standard output and errors. */
  output(): string;
  /** Resolves with the exit code, null where a signal ended it. */
  ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** Where and as whom a process runs. */
export interface RunOptions {
  /** Default: the root of the project. */
  cwd?: string;
  env: Record<string, string>;
  args?: string[];
}

/** Runs a TypeScript file with this Node. */
export function run(script: string, { args = [], ...options }: RunOptions): Running {
  return runCommand(process.execPath, { ...options, args: ['--no-warnings', script, ...args] });
}

/** Runs a program in a process group of its own, so that what it starts ends with it. */
export function runCommand(program: string, { args = [], ...options }: RunOptions): Running {
  const child = spawn(program, args, { cwd: ROOT, detached: true, ...options });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} did not start`);
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  }
  const guard = guardOf(pid);
  const ended = once(child, 'close').then(([code]) => {
    guard.kill('SIGKILL');
    return code as number | null;
  });
  return {
    pid,
    child,
    output: () => chunks.join(''),
    ended,
    kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return ended;
      if (signal === 'SIGKILL') process.kill(-pid, signal);
      else child.kill(signal);
      return ended;
    },
  };
}

/** A shell that kills the process group when this process is gone: its standard input then ends. */
function guardOf(pid: number): ChildProcess {
  const script = 'cat > /dev/null; kill -9 -- "-$0"';
  const guard = spawn('sh', ['-c', script, String(pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
  guard.unref();
  return guard;
}

/** The first group of a pattern in what a process prints. Throws when it ends without. */
export async function printed(running: Running, pattern: RegExp): Promise<string> {
  const late = setTimeout(() => running.child.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    for (;;) {
      const found = pattern.exec(running.output())?.[1];
      if (found !== undefined) return found;
      const ended = running.ended.then((code) => `ended with ${code}`);
      const news = once(running.child.stdout ?? running.child, 'data').then(() => null);
      const end = await Promise.race([news, ended]);
      const last = pattern.exec(running.output())?.[1];
      if (end !== null && last === undefined) {
        throw new Error(`${end} before ${pattern} was printed: ${running.output()}`);
      }
    }
  } finally {
    clearTimeout(late);
  }
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when the condition holds; asks again at each turn of the event loop, for at most `seconds`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  seconds = 10,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!(await condition())) {
    if (performance.now() > end)
      throw new Error(`did not happen within ${seconds} s: ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
