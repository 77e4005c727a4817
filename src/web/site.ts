/** What every page is made with: texts, views, stylesheet and script; read once, at start. */
import { createTranslate, type Translate } from './messages.ts';
import { createRenderer, type Render } from './render.ts';
import { type StaticFile, staticFile } from './static.ts';

/** Shared by the console and the pages behind links. */
export interface Site {
  t: Translate;
  render: Render;
  stylesheet: StaticFile;
  script: StaticFile;
}

/** Reads it. Throws when a file is missing or damaged. */
export async function openSite(): Promise<Site> {
  const t = createTranslate();
  const [stylesheet, script] = await Promise.all([
    staticFile('app.css', 'text/css; charset=utf-8'),
    staticFile('app.js', 'text/javascript; charset=utf-8'),
  ]);
  return { t, render: createRenderer(t), stylesheet, script };
}
