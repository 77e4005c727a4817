/**
 * The rules of the tree, as code: who may import whom, and what no source file may contain. Each test
 * lists every offence as `file:line: text`. Folders that do not exist yet have no offences.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';

type Rule = 'console' | 'environment' | 'length' | 'time';

/** Files that may break a rule, each with its reason. */
const EXCEPTIONS: Record<string, Partial<Record<Rule, string>>> = {
  'src/domain/clock.ts': { time: 'it is the clock' },
  'src/main.ts': {
    console: 'it speaks before and after the log lives',
    environment: 'the process hands its environment to the configuration',
  },
};

/** What src/domain may import besides itself: pure functions only. */
const DOMAIN_PACKAGES = [
  'node:crypto',
  'node:net',
  'node:util',
  'zod',
  'ipaddr.js',
  'lru-cache',
  'otplib',
];

/** What each folder of adapters/ may import besides node:*, itself and src/domain: its driver. */
const DRIVERS: Record<string, string[]> = {
  bcrypt: ['bcrypt'],
  mongo: ['mongoose'],
  smtp: ['nodemailer'],
  sqlite: [],
};

/** Folders of src that talk to the outside world; each knows the domain and not its neighbours. */
const EDGES = ['src/oidc/', 'src/web/', 'src/gateway/', 'src/api/'];

const MAX_LINES = 300;

interface Source {
  file: string;
  lines: string[];
}

interface Import {
  /** `src/a.ts:3`, where it stands. */
  at: string;
  from: string;
  /** Path from the root for a relative import, else the name as written. */
  to: string;
}

const root = posix.join(import.meta.dirname, '..');
const sources = ['src', 'adapters', 'scripts', 'test']
  .filter((folder) => existsSync(posix.join(root, folder)))
  .flatMap((folder) => globSync(`${folder}/**/*.{ts,mjs,js}`, { cwd: root }))
  .map((file): Source => ({ file, lines: code(readFileSync(posix.join(root, file), 'utf8')) }));
const imports = sources.flatMap(importsOf);

/** The lines of a file with comments blanked, so that prose breaks no rule; TODO comments stay. */
function code(text: string): string[] {
  const blank = (comment: string) =>
    comment.includes('TODO') ? comment : comment.replace(/[^\n]/g, ' ');
  return text
    .replace(/(?<=^|\s)\/\*[\s\S]*?\*\//gm, blank)
    .replace(/(?<=^|\s)\/\/.*$/gm, blank)
    .split('\n');
}

function importsOf({ file, lines }: Source): Import[] {
  return lines.flatMap((line, index) => {
    const found = line.matchAll(/(?:(?:^|[\s}])from |^import |\bimport\()(['"])([^'"\s]+)\1/g);
    return [...found].map(([, , name = '']) => {
      const to = name.startsWith('.') ? posix.join(posix.dirname(file), name) : name;
      return { at: `${file}:${index + 1}`, from: file, to };
    });
  });
}

function badImports(from: string, isAllowed: (link: Import) => boolean): string[] {
  return imports
    .filter((link) => link.from.startsWith(from) && !isAllowed(link))
    .map(({ at, to }) => `${at}: ${to}`);
}

/** Lines that match a pattern, in files under one of the folders. */
function lines(folders: string[], pattern: RegExp, rule?: Rule): string[] {
  return sources
    .filter(({ file }) => folders.some((folder) => file.startsWith(folder)))
    .filter(({ file }) => !(rule && EXCEPTIONS[file]?.[rule]))
    .flatMap(({ file, lines: all }) =>
      all.flatMap((line, index) =>
        pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
      ),
    );
}

const isBuiltIn = (name: string) => name.startsWith('node:');

describe('imports', () => {
  it('are seen at all', () => {
    expect(imports.length).toBeGreaterThan(10);
  });

  it('in src/domain reach only the domain and pure packages', () => {
    const isAllowed = ({ to }: Import) =>
      to.startsWith('src/domain/') || DOMAIN_PACKAGES.includes(to);
    expect(badImports('src/domain/', isAllowed)).toEqual([]);
  });

  it.each(EDGES)('in %s reach none of its neighbours', (edge) => {
    const neighbours = EDGES.filter((other) => other !== edge);
    const isAllowed = ({ to }: Import) => !neighbours.some((other) => to.startsWith(other));
    expect(badImports(edge, isAllowed)).toEqual([]);
  });

  it('in adapters/ reach only the domain, node:* and the driver of their folder', () => {
    const isAllowed = ({ from, to }: Import) => {
      const folder = from.split('/')[1] ?? '';
      if (to.startsWith('src/domain/') || to.startsWith(`adapters/${folder}/`)) return true;
      return isBuiltIn(to) || Boolean(DRIVERS[folder]?.includes(to));
    };
    expect(badImports('adapters/', isAllowed)).toEqual([]);
  });

  it('of adapters/ stand in no file of src but compose.ts', () => {
    const isAllowed = ({ from, to }: Import) =>
      from === 'src/compose.ts' || !to.startsWith('adapters/');
    expect(badImports('src/', isAllowed)).toEqual([]);
  });

  it('in src/middleware/ reach only itself and node:*; nothing else of src reaches in', () => {
    const isOwn = (name: string) => name.startsWith('src/middleware/');
    const isAllowed = ({ to }: Import) => isOwn(to) || isBuiltIn(to);
    expect(badImports('src/middleware/', isAllowed)).toEqual([]);
    expect(badImports('src/', ({ from, to }) => isOwn(from) || !isOwn(to))).toEqual([]);
  });

  it('of scripts/ and test/ stand in neither src nor adapters', () => {
    const isAllowed = ({ to }: Import) => !/^(scripts|test)\//.test(to);
    expect([...badImports('src/', isAllowed), ...badImports('adapters/', isAllowed)]).toEqual([]);
  });

  it('of oidc-provider stand in src/oidc only, those of its insides in one file of it', () => {
    const isAllowed = ({ from, to }: Import) => {
      if (to.startsWith('oidc-provider/')) return from === 'src/oidc/internals.ts';
      return to !== 'oidc-provider' || !/^(src\/(?!oidc\/)|adapters\/)/.test(from);
    };
    expect(badImports('', isAllowed)).toEqual([]);
  });

  it('climb no more than two folders', () => {
    expect(lines(['src/', 'adapters/', 'scripts/', 'test/'], /['"](\.\.\/){3}/)).toEqual([]);
  });
});

describe('source files', () => {
  it(`have at most ${MAX_LINES} lines`, () => {
    const long = sources.filter(
      ({ file, lines: { length } }) =>
        !file.startsWith('test/') && length - 1 > MAX_LINES && !EXCEPTIONS[file]?.length,
    );
    expect(long.map(({ file, lines: { length } }) => `${file}: ${length - 1} lines`)).toEqual([]);
  });

  it('read the environment in src/config, src/main.ts and scripts only', () => {
    const offences = lines(
      ['src/', 'adapters/'],
      /\bprocess\.env\b|\benv\b.*'node:process'/,
      'environment',
    );
    expect(offences.filter((offence) => !offence.startsWith('src/config/'))).toEqual([]);
  });

  it('of the domain take the time from the clock', () => {
    expect(lines(['src/domain/'], /\bDate\.now\(|\bnew Date\(\s*\)|\bDate\(\)/, 'time')).toEqual(
      [],
    );
  });

  it('of src and adapters leave the console alone', () => {
    expect(lines(['src/', 'adapters/'], /\bconsole\./, 'console')).toEqual([]);
  });

  it('of src and adapters have named exports only', () => {
    expect(lines(['src/', 'adapters/'], /^export default\b|\bas default\b/)).toEqual([]);
  });

  it('say in every TODO for which version: TODO(v2): what, why', () => {
    expect(lines(['src/', 'adapters/', 'scripts/'], /\bTODO\b(?!\(v\d+\): )/)).toEqual([]);
  });
});
