/** The package as another project gets it. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as middleware from '../../src/middleware/index.js';
import { run } from '../support/server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PACKAGE = join(ROOT, 'src', 'middleware');

let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'tollgate-project-'));
  const installed = join(project, 'node_modules', 'tollgate-middleware');
  await mkdir(installed, { recursive: true });
  await cp(PACKAGE, installed, { recursive: true });
});

afterEach(() => rm(project, { recursive: true, force: true }));

/** What a program of the project prints. */
async function printed(name: string, lines: string[]): Promise<string> {
  const script = join(project, name);
  await writeFile(script, lines.join('\n'));
  const running = run(script, { cwd: project, env: {} });
  await running.ended;
  return running.output().trim();
}

const MAKE = "f({ url: 'http://127.0.0.1:9', clientId: 'a', clientSecret: 'b' }).length";

describe('the package', () => {
  it('is imported by name from plain JavaScript, without packages or a build', async () => {
    const lines = [
      "import { tollgateExpress as f, tollgateKoa } from 'tollgate-middleware';",
      `console.log(${MAKE}, tollgateKoa.name);`,
    ];
    expect(await printed('app.mjs', lines)).toBe('3 tollgateKoa');
  });

  it('is required by CommonJS', async () => {
    const lines = [
      "const { tollgateExpress: f } = require('tollgate-middleware');",
      `console.log(${MAKE});`,
    ];
    expect(await printed('app.cjs', lines)).toBe('3');
  });

  it('warns of each kind of trouble once where no onError listens', async () => {
    const lines = [
      "import { once } from 'node:events';",
      "import { createServer } from 'node:http';",
      "import { tollgateExpress } from 'tollgate-middleware';",
      "const options = { url: 'http://127.0.0.1:9', clientId: 'a', clientSecret: 'b' };",
      'const guard = tollgateExpress(options);',
      "process.on('warning', ({ name, code }) => console.log(name, code));",
      "const server = createServer((req, res) => guard(req, res, () => res.end('passed')));",
      "await once(server.listen(0, '127.0.0.1'), 'listening');",
      `const url = \`http://127.0.0.1:\${server.address().port}/\`;`,
      'for (const _ of [1, 2, 3]) console.log((await fetch(url)).status);',
      'server.close();',
    ];
    const output = await printed('app.mjs', lines);
    expect(output.split('\n').sort()).toEqual(['503', '503', '503', 'TollgateWarning unreachable']);
  });

  it('needs nothing but Node, and says so', async () => {
    const manifest = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8'));
    const root = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ name: 'tollgate-middleware', license: root.license });
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'scripts'])
      expect(manifest).not.toHaveProperty(kind);
  });

  it('exports what its types declare', async () => {
    const types = await readFile(join(PACKAGE, 'index.d.ts'), 'utf8');
    const declared = [...types.matchAll(/^export (?:declare )?(?:function|const|class) (\w+)/gm)];
    expect(declared.map(([, name]) => name).sort()).toEqual(Object.keys(middleware).sort());
  });

  it('documents every option', async () => {
    const types = await readFile(join(PACKAGE, 'index.d.ts'), 'utf8');
    const readme = await readFile(join(PACKAGE, 'README.md'), 'utf8');
    const options = types.slice(types.indexOf('export interface TollgateOptions')).split('\n}')[0];
    const names = [...(options ?? '').matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
    expect(names).toHaveLength(12);
    expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });
});
