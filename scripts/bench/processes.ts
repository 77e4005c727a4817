/** Processes of `npm run bench`: servers on one core, load on another, where the machine allows it. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const pinned = availableParallelism() > 1 && hasTaskset();

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['-c', '0', 'true']);
    return true;
  } catch {
    return false;
  }
}

/** A command line bound to one core. */
function onCore(core: number, args: string[]): [string, string[]] {
  const node = ['--disable-warning=ExperimentalWarning', ...args];
  return pinned
    ? ['taskset', ['-c', String(core), process.execPath, ...node]]
    : [process.execPath, node];
}

/** A started server. */
export interface Server {
  url: string;
  stop(): Promise<void>;
}

/** Starts a script on core 0 and reads its port from what it prints first. */
export async function startServer(
  script: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<Server> {
  const [command, all] = onCore(0, [join(HERE, script), ...args]);
  const child = spawn(command, all, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await firstPort(child);
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

function firstPort(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      const port = /^(\d+)\n/m.exec(text)?.[1];
      if (port !== undefined) resolve(port);
    });
    child.once('exit', (code) =>
      reject(new Error(`a server of the benchmark ended with ${code}:\n${text}`)),
    );
  });
}

const FORM = 'application/x-www-form-urlencoded';

/** What one round of load measured. */
export interface Round {
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  non2xx: number;
  errors: number;
}

/** One kind of request. */
export interface Load {
  url: string;
  authorization: string;
  body: string;
  seconds: number;
  connections?: number;
  /** Media type of the body; default a form. */
  type?: string;
}

/** Runs a script on core 1 and parses what it prints. */
export function runOnCore1<T>(script: string, args: string[]): Promise<T> {
  const [command, all] = onCore(1, [join(HERE, script), ...args]);
  return new Promise((resolve, reject) => {
    execFile(command, all, (error, stdout, stderr) =>
      error ? reject(new Error(stderr, { cause: error })) : resolve(JSON.parse(stdout) as T),
    );
  });
}

/** Sends load from core 1 for some seconds. */
export function sendLoad(load: Load): Promise<Round> {
  const { url, authorization, body, seconds, connections = 16, type = FORM } = load;
  return runOnCore1('load.ts', [
    ...[url, authorization, body, String(seconds), String(connections), type],
  ]);
}
