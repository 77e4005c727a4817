/** The rules of views, as code. Each test lists every offence as `file:line: text`. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../../views');
const views = globSync('**/*.ejs', { cwd: ROOT }).map((file) => ({
  file,
  lines: readFileSync(join(ROOT, file), 'utf8').split('\n'),
}));

/** Lines that match a pattern, in views that a test is about. */
function offences(pattern: RegExp, isMeant: (file: string) => boolean = () => true): string[] {
  return views
    .filter(({ file }) => isMeant(file))
    .flatMap(({ file, lines }) =>
      lines.flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
    );
}

describe('views', () => {
  it('are seen at all', () => {
    expect(views.length).toBeGreaterThan(4);
  });

  it('have no inline script, which the content security policy forbids', () => {
    expect(offences(/<script(?![^>]*\bsrc=)/i)).toEqual([]);
  });

  it('have no inline style', () => {
    expect(offences(/<style\b|\sstyle\s*=/i)).toEqual([]);
  });

  it('have no on… attribute and no javascript: link', () => {
    expect(offences(/\son[a-z]+\s*=|javascript:/i)).toEqual([]);
  });

  it('load nothing from elsewhere', () => {
    expect(offences(/\b(?:src|href|action)\s*=\s*["']?(?:https?:)?\/\//i)).toEqual([]);
  });

  it('write unescaped only what they include, and a layout its content', () => {
    const isLayout = (file: string) => file.startsWith('layouts');
    expect(offences(/<%-(?!\s*include\()/, (file) => !isLayout(file))).toEqual([]);
    expect(offences(/<%-(?!\s*(?:include\(|locals\.content\s*%>))/, isLayout)).toEqual([]);
  });

  it('include by a literal path only, or one folder of it', () => {
    expect(
      offences(/include\((?!'\/[a-z_-]+(?:\/[a-z_-]+)*(?:'|\/' \+ locals\.section,))/),
    ).toEqual([]);
  });

  it('say on their first line what they take', () => {
    const silent = views.filter(({ lines }) => !/^<%# [\w/-]+: .+ -%>$/.test(lines[0] ?? ''));
    expect(silent.map(({ file }) => file)).toEqual([]);
  });

  it('quote every attribute', () => {
    expect(offences(/=<%/)).toEqual([]);
  });

  it('post where they change something: no form without a method', () => {
    expect(offences(/<form\b(?![^>]*\bmethod="(?:post|get|dialog)")/)).toEqual([]);
  });
});

describe('app.css', () => {
  const css = readFileSync(join(ROOT, 'static/app.css'), 'utf8');

  it('is small, and loads nothing', () => {
    expect(css.length).toBeLessThan(26_000);
    expect(css.split('\n').length).toBeLessThan(600);
    expect(css).not.toMatch(/@import|url\(/);
  });

  it('names every colour once, as a token', () => {
    const outside = css.replace(/@layer tokens \{[\s\S]*?\n\}/, '');
    expect(outside.match(/#[0-9a-f]{3,8}\b(?!.*\{)|\brgba?\(|\bhsla?\(/gi) ?? []).toEqual([]);
  });
});
