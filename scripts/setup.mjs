// Installs the packages that package-lock.json names, when they are missing or out of date.
// Runs before `npm start`, `npm test` and the like, on whatever Node (>= 20) the machine has, so it
// is plain JavaScript without dependencies. Silent and instant when there is nothing to do.
// `--production`: development packages may be missing (an image built with `npm ci --omit=dev`).

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const production = process.argv.includes('--production');

const locked = readJson('package-lock.json')?.packages;
if (!locked) fail('package-lock.json is missing or damaged; restore it from git');
if (!isLockCurrent()) fail('package.json was changed without its lock file; run `npm install`');
if (!isInstalled()) {
  console.error(
    'Tollgate: installing packages, about a minute (again when package-lock.json changes) …',
  );
  const dev = production && process.env.NODE_ENV === 'production' ? 'omit' : 'include';
  npm('ci', `--${dev}=dev`, '--no-audit', '--no-fund', '--loglevel=error');
}
if (!hasNode24()) npm('rebuild', 'node', '--ignore-scripts=false', '--loglevel=error');
if (!hasNode24())
  fail('the npm package "node" brought no Node 24 for this machine; install Node 24');

/** The lock file repeats the ranges of package.json; another range there means a hand edit. */
function isLockCurrent() {
  const manifest = readJson('package.json');
  return ['dependencies', 'devDependencies'].every((kind) =>
    Object.entries(manifest?.[kind] ?? {}).every(
      ([name, range]) => locked[''][kind]?.[name] === range,
    ),
  );
}

/**
 * Compares the lock file with npm's own record of what it installed, package by package.
 * Optional and peer packages are left out: which of them get installed depends on the machine.
 */
function isInstalled() {
  const installed = readJson('node_modules/.package-lock.json')?.packages;
  if (!installed) return false;
  return Object.entries(locked).every(([path, wanted]) => {
    if (path === '' || wanted.optional || wanted.peer) return true;
    if (production && (wanted.dev || wanted.devOptional)) return true;
    return installed[path]?.version === wanted.version;
  });
}

/** True when `node` in npm scripts is Node 24 or newer: the package's, or else the machine's own. */
function hasNode24() {
  if (existsSync(join(root, 'node_modules/node/bin/node'))) return true;
  return Number.parseInt(process.versions.node, 10) >= 24;
}

/** Runs npm with the machine's own Node, because `npm ci` deletes the one in node_modules. */
function npm(...args) {
  const { npm_execpath: cli, npm_node_execpath: node = process.execPath } = process.env;
  const [file, ...prefix] = cli?.endsWith('.js') ? [node, cli] : ['npm'];
  const { status, signal, error } = spawnSync(file, [...prefix, ...args], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: file === 'npm' && process.platform === 'win32',
  });
  if (status === 0) return;
  const cause = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`);
  fail(`\`npm ${args[0]}\` failed (${cause}); its own message stands above`);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Ends with exit code 1, which also keeps npm from running the script that follows. */
function fail(problem) {
  console.error(`
Tollgate: ${problem}.
Set-up needs Node >= 20 (this is ${process.version}), npm, and the npm registry within reach: check the
network, and a proxy or mirror in .npmrc. Then run the same command again, or \`npm ci\` to see more.`);
  process.exit(1);
}
