/**
 * A real Chromium for tests and screenshots, in this order: the program that TOLLGATE_BROWSER names, the
 * one that the package @sparticuz/chromium carries (Linux; unpacked into .cache/chromium once), `chromium`
 * on PATH. Pages report what goes wrong in them, so that a test can fail on it.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';

export type { Browser, Page } from 'playwright-core';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const PACKAGE = join(ROOT, 'node_modules', '@sparticuz', 'chromium');
const AXE = join(ROOT, 'node_modules', 'axe-core', 'axe.min.js');
const CACHE = join(ROOT, '.cache', 'chromium');
const ON_PATH = ['chromium', 'chromium-browser', 'google-chrome'];

/** Containers have no user namespaces for the sandbox; nothing else of the browser's guard is taken away. */
const ARGUMENTS = ['--no-sandbox', '--no-zygote', '--disable-gpu', '--font-render-hinting=none'];

/**
 * Path of a browser. Safe to call from several processes at once.
 *
 * @throws when none can be had; the message says what to do
 */
export async function ensureBrowser(): Promise<string> {
  const named = process.env['TOLLGATE_BROWSER'];
  if (named) return named;
  const found = (await ofThePackage()) ?? (await onPath());
  if (found !== null) return found;
  throw new Error('there is no Chromium; install it, or name one in TOLLGATE_BROWSER');
}

/**
 * A browser for a suite; null, after one loud line, on a machine that cannot have one.
 *
 * @param suite name for that line
 * @throws with CI=true, where a missing part is a failure
 */
export async function browserFor(suite: string): Promise<string | null> {
  try {
    return await ensureBrowser();
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    process.stderr.write(`\n*** SKIPPED ${suite}: ${(error as Error).message} ***\n\n`);
    return null;
  }
}

/** Starts the browser of this path. */
export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ARGUMENTS });
}

/** Unpacks beside the cache and renames, so that of processes that unpack at once one wins whole. */
async function ofThePackage(): Promise<string | null> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null;
  const { version } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8'));
  const folder = `${CACHE}-${version}`;
  const program = join(folder, 'chromium');
  if (await isRunnable(program)) return program;
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  const fresh = await mkdtemp(`${folder}-`);
  const script = "await (await import('@sparticuz/chromium')).default.executablePath()";
  try {
    // The package unpacks into the folder for temporary files, which a process is told when it starts.
    const env = { ...process.env, TMPDIR: fresh };
    await run(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, env });
    await rename(fresh, folder).catch(() => {});
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return (await isRunnable(program)) ? program : null;
}

async function onPath(): Promise<string | null> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    for (const name of ON_PATH) {
      if (folder !== '' && (await isRunnable(join(folder, name)))) return join(folder, name);
    }
  }
  return null;
}

function isRunnable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** How a page is opened. */
export interface PageOptions {
  /** Base of relative addresses, such as `http://127.0.0.1:3000`. */
  baseURL: string;
  /** Cookies by name, as a signed-in admin's browser has them. */
  jar?: ReadonlyMap<string, string>;
  /** Whether scripts run; default true. */
  script?: boolean;
  /** Of the window, in CSS pixels; default 1280. */
  width?: number;
  /** What the system prefers; default light. */
  scheme?: 'light' | 'dark';
}

/** A page in a context of its own, and what went wrong in it. */
export interface OpenedPage {
  page: Page;
  /** Errors of the page and of its content security policy, and dialogs that opened, so far. */
  complaints: string[];
}

/** Opens a blank page; close its context when done. */
export async function openPage(browser: Browser, options: PageOptions): Promise<OpenedPage> {
  const { baseURL, jar = new Map(), script = true, width = 1280, scheme = 'light' } = options;
  const context = await browser.newContext({
    ...{ baseURL, javaScriptEnabled: script },
    ...{ colorScheme: scheme, viewport: { width, height: 900 }, reducedMotion: 'reduce' },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(10_000);
  await context.addCookies([...jar].map(([name, value]) => ({ name, value, url: baseURL })));
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      complaints.push(`console: ${message.text()}`);
  });
  page.on('dialog', async (dialog) => {
    complaints.push(`dialog: ${dialog.type()} ${dialog.message()}`);
    await dialog.accept().catch(() => {});
  });
  return { page, complaints };
}

/** A value in the page, of an expression: the types of this project know no DOM. */
export const inPage = <T>(page: Page, expression: string) => page.evaluate<T>(expression);

/** The text of an element as a person sees it, on one line: what is hidden is no part of it. */
export async function seen(element: Locator): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: this is no DOM node, and the layout is what counts
  return (await element.innerText()).replaceAll(/\s+/g, ' ').trim();
}

let source: Promise<string> | undefined;

/** The script that axe-core is; every page gets its own. */
function axe(): Promise<string> {
  source ??= readFile(AXE, 'utf8');
  return source;
}

/**
 * What axe-core finds, as `rule: element`.
 *
 * @param rules only these; default: all
 */
export async function axeFinds(page: Page, rules?: string[]): Promise<string[]> {
  if (!(await inPage<boolean>(page, "typeof axe === 'object'"))) await page.evaluate(await axe());
  const only = rules === undefined ? {} : { runOnly: { type: 'rule', values: rules } };
  const options = { resultTypes: ['violations'], preload: false, ...only };
  const found = await inPage<AxeResults>(page, `axe.run(document, ${JSON.stringify(options)})`);
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
