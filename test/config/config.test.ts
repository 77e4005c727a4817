import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { VARIABLES, type Variable } from '../../src/config/config.ts';
import { renderEnvExample, renderReadmeTable } from '../../src/config/documents.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const variables: Variable<unknown>[] = Object.values(VARIABLES);

describe('the table of settings', () => {
  it('names every setting that the product promises', () => {
    const promised = ['PORT', 'HOST', 'ISSUER', 'DATABASE_URL', 'SECRET_KEYS', 'TRUSTED_PROXIES'];
    promised.push('ADMIN_API_TOKEN', 'SMTP_URL', 'MAIL_FROM', 'LOG_LEVEL', 'BCRYPT_COST');
    promised.push(
      'TIME_ZONE',
      'WORKERS',
      'NODE_ENV',
      'DATA_DIR',
      'METRICS_TOKEN',
      'ADMIN_ADDRESSES',
    );
    expect(variables.map(({ key }) => key)).toEqual(expect.arrayContaining(promised));
  });

  it('names a value after its variable', () => {
    for (const [name, { key }] of Object.entries(VARIABLES)) {
      const inCamelCase = key
        .toLowerCase()
        .replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
      expect(name).toBe(key === 'DATABASE_URL' ? 'database' : inCamelCase);
    }
  });

  it('has help that fits into a cell of a Markdown table', () => {
    for (const { help } of variables) expect(help).toMatch(/^[^|\n]{20,200}\.$/);
  });

  it('has defaults that its own parsers accept', () => {
    for (const { default: fallback, parse } of variables) {
      if (fallback === undefined) continue;
      expect(() => parse(typeof fallback === 'string' ? fallback : fallback())).not.toThrow();
    }
  });
});

describe('documents that repeat the table (mend with: node scripts/print-config.ts [--env])', () => {
  it('.env.example has every key, default and meaning', () => {
    expect(read('.env.example')).toBe(renderEnvExample());
  });

  it('README.md has every key, meaning and default', () => {
    const [, table] = read('README.md').split(/<!-- config:(?:begin|end) -->\n/);
    expect(table?.trim()).toBe(renderReadmeTable());
  });
});
