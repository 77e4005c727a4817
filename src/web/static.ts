/** Static files: served under a name with a hash of the content, so browsers keep them for ever. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from 'koa';

const FOLDER = join(import.meta.dirname, '../../views/static');

/** A file that is served. */
export interface StaticFile {
  /** Path with the hash. */
  path: string;
  serve(ctx: Context): void;
}

/** Reads a file of `views/static`. Throws when it is missing. */
export async function staticFile(name: string, type: string): Promise<StaticFile> {
  const content = await readFile(join(FOLDER, name));
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8);
  const dot = name.lastIndexOf('.');
  return {
    path: `/static/${name.slice(0, dot)}.${hash}${name.slice(dot)}`,
    serve(ctx) {
      ctx.set('Cache-Control', 'public, max-age=31536000, immutable');
      ctx.type = type;
      ctx.body = content;
    },
  };
}
