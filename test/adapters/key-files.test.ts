import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSecretKeys } from '../../adapters/key-files/index.ts';
import { SecretKeys } from '../../src/domain/secrets/secret-keys.ts';

let folder = '';
let dataDir = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tollgate-keys-'));
  dataDir = join(folder, 'data');
});
afterEach(() => rm(folder, { recursive: true }));

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe('openSecretKeys', () => {
  it('makes a key of 32 random bytes that only its owner can read', async () => {
    const keys = await openSecretKeys(dataDir);
    expect(keys.map((key) => key.length)).toEqual([32]);
    expect(await modeOf(join(dataDir, 'secret-keys'))).toBe('600');
    expect(await modeOf(dataDir)).toBe('700');
    expect(() => new SecretKeys(keys)).not.toThrow();
    expect(await openSecretKeys(join(folder, 'other'))).not.toEqual(keys);
  });

  it('reads the same key at the next start', async () => {
    expect(await openSecretKeys(dataDir)).toEqual(await openSecretKeys(dataDir));
  });

  it('makes one key when many start at once, and leaves nothing else behind', async () => {
    const all = await Promise.all(Array.from({ length: 30 }, () => openSecretKeys(dataDir)));
    expect(new Set(all.map(([key]) => Buffer.from(key ?? []).toString('hex'))).size).toBe(1);
    expect(await readdir(dataDir)).toEqual(['secret-keys']);
  });

  it('reads several keys, the first first, and writes none of them anew', async () => {
    await openSecretKeys(dataDir);
    const file = join(dataDir, 'secret-keys');
    const [a, b] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const text = `${a.toString('base64url')}\n${b.toString('base64url')}\n`;
    await writeFile(file, text);
    expect((await openSecretKeys(dataDir)).map((key) => Buffer.from(key))).toEqual([a, b]);
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('fails where the folder can not be written, and is no empty set of keys', async () => {
    await writeFile(dataDir, 'a file');
    await expect(openSecretKeys(dataDir)).rejects.toMatchObject({ code: 'EEXIST' });
    await rm(dataDir);
    await openSecretKeys(dataDir);
    await chmod(join(dataDir, 'secret-keys'), 0o600);
    await writeFile(join(dataDir, 'secret-keys'), '');
    const keys = await openSecretKeys(dataDir);
    expect(() => new SecretKeys(keys)).toThrow('at least one secret key');
  });
});
