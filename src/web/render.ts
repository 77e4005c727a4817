/** Renders EJS views, compiled once: strict, so that an undeclared name fails, and typed by `Views`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ejs from 'ejs';
import type { Views } from './views.ts';

/** Renders a view into its layout. */
export type Render = <V extends keyof Views>(
  view: V,
  locals: Views[V],
  page: Page,
) => Promise<string>;

/** What every page has. */
export interface Page {
  title: string;
  /** Path of the stylesheet, with a hash of its content. */
  stylesheet: string;
  /** Whether it needs the width of a table. */
  wide?: boolean;
}

const ROOT = join(import.meta.dirname, '../../views');

/** A renderer over the folder `views`. */
export function createRenderer(): Render {
  const compiled = new Map<string, ejs.TemplateFunction>();

  async function template(name: string): Promise<ejs.TemplateFunction> {
    let found = compiled.get(name);
    if (found === undefined) {
      const filename = join(ROOT, `${name}.ejs`);
      found = ejs.compile(await readFile(filename, 'utf8'), {
        filename,
        root: ROOT,
        strict: true,
        localsName: 'locals',
      });
      compiled.set(name, found);
    }
    return found;
  }

  return async function render(view, locals, page) {
    const content = (await template(view))(locals);
    return (await template('layouts/bare'))({ page, content });
  };
}
