import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createTranslate, readMessages } from '../../src/web/messages.ts';

const ROOT = join(import.meta.dirname, '../..');
const sources = [
  ...globSync('views/**/*.ejs', { cwd: ROOT }),
  ...globSync('src/web/**/*.ts', { cwd: ROOT }),
].map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));

/** Every key in the sources that stands there as it is. */
const named = sources.flatMap(({ file, text }) =>
  [...text.matchAll(/\bt\(\s*['"`]([\w.-]+)['"`]\s*[,)]/g)].map(([, key = '']) => ({ file, key })),
);
/** Words in the sources that can be keys, or the beginning of keys that are put together. */
const words = new Set(
  sources.flatMap(({ text }) =>
    [...text.matchAll(/['"`]([a-z_-]+(?:\.[\w-]+)*\.?)(?=['"`$])/g)].map(([, word = '']) => word),
  ),
);

/** Keys that are put together, such as `${noun}.field.${name}`, as patterns. */
const patterns = sources.flatMap(({ text }) =>
  [...text.matchAll(/`((?:[\w.-]|\$\{[^`{}]+\})*\$\{[^`{}]+\}[\w.${}()[\]-]*)`/g)]
    .map(([, template = '']) => template.replaceAll(/\$\{[^}]+\}/g, '\u0000'))
    .filter((template) => /\.[a-z_]+|[a-z_]+\./.test(template) && !/[/ ?()]/.test(template))
    .map((template) => template.replaceAll('.', '\\.').replaceAll('\u0000', '[\\w.-]+'))
    .map((pattern) => new RegExp(`^${pattern}$`)),
);

describe('messages', () => {
  const messages = readMessages('en');
  const t = createTranslate('en');

  it('exist for every key that a view or a handler names', () => {
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter(({ key }) => !t.has(key))).toEqual([]);
  });

  it('are each used', () => {
    const isUsed = (key: string) =>
      words.has(key) ||
      [...words].some((word) => word.endsWith('.') && key.startsWith(word)) ||
      patterns.some((pattern) => pattern.test(key));
    expect([...messages.keys()].filter((key) => !isUsed(key))).toEqual([]);
  });

  it('are readable MessageFormat, without markup', () => {
    const values = new Proxy({}, { get: () => 1, has: () => true, ownKeys: () => [] });
    for (const [key, text] of messages) {
      expect(`${key}: ${text}`).not.toMatch(/<\/?[a-z]+[\s>]/);
      expect(typeof t(key, values)).toBe('string');
    }
  });

  it('fail where there is no such key, or a value is missing', () => {
    expect(() => t('no.such.key')).toThrow('no message has the key "no.such.key"');
    expect(() => t('common.error_title')).toThrow(/title/);
  });
});
