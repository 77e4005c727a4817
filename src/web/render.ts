/** Renders EJS views, compiled once: strict, so that an undeclared name fails, and typed by `Views`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ejs from 'ejs';
import type { ConsolePage } from './admin/page.ts';
import { createTranslate, type Translate } from './messages.ts';
import type { Views } from './views.ts';

/** Renders a view into its layout. */
export type Render = <V extends keyof Views>(
  view: V,
  locals: Views[V],
  page: Page | ConsolePage,
) => Promise<string>;

/** What a page outside the console has. */
export interface Page {
  title: string;
  /** Path of the stylesheet, with a hash of its content. */
  stylesheet: string;
  /** Whether it needs the width of a table. */
  wide?: boolean;
}

const ROOT = join(import.meta.dirname, '../../views');

/**
 * A renderer over the folder `views`. Beside its own `locals` a view knows `t`, which puts keys into
 * words, and `page`.
 */
export function createRenderer(t: Translate = createTranslate()): Render {
  const compiled = new Map<string, ejs.TemplateFunction>();

  async function template(name: string): Promise<ejs.TemplateFunction> {
    let found = compiled.get(name);
    if (found === undefined) {
      const filename = join(ROOT, `${name}.ejs`);
      found = ejs.compile(await readFile(filename, 'utf8'), {
        filename,
        root: ROOT,
        strict: true,
        // The indentation of views is a sixth of a long list.
        rmWhitespace: true,
        localsName: 'locals',
        destructuredLocals: ['t', 'page'],
        // What views include is compiled once too, not for each page.
        cache: true,
      });
      compiled.set(name, found);
    }
    return found;
  }

  return async function render(view, locals, page) {
    const content = (await template(view))({ ...locals, t, page });
    const layout = 'admin' in page ? 'layouts/console' : 'layouts/bare';
    return (await template(layout))({ t, page, content });
  };
}
