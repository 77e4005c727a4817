/** The generated secret key of a development server: a file that only its owner can read. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The keys in `<dataDir>/secret-keys`, one base64url line each; makes the file at the first start. Of
 * several processes that start at once one makes it and all read it.
 */
export async function openSecretKeys(dataDir: string): Promise<Uint8Array[]> {
  const file = join(dataDir, 'secret-keys');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    // Linking is atomic and fails where the file exists, so nobody ever reads half a key.
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean);
  return lines.map((line) => Buffer.from(line, 'base64url'));
}
