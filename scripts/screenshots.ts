/**
 * npm run screenshots: pictures of every page, 1280 and 360 px wide, light and dark, on data that looks
 * real, into `screenshots/`. `npm run screenshots -- audit` takes those whose path holds the word only.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { everyPage } from '../test/browser/every-page.ts';
import { ensureBrowser, launch, openPage } from '../test/support/browser.ts';
import { openShowcase, type ShowcaseIds } from './showcase/index.ts';

const FOLDER = join(import.meta.dirname, '..', 'screenshots');
const WIDTHS = [1280, 360];
const THEMES = ['light', 'dark'] as const;
const [word = ''] = process.argv.slice(2);

/** File name of a page, the same in every run: random ids and the tokens of links are named, not written. */
function fileName(path: string, ids: ShowcaseIds): string {
  const random = Object.entries(ids).filter(([name]) => name !== 'clientId');
  const named = random.reduce((text, [name, id]) => text.replace(id, name), path);
  const bare = named.replace(/^\/admin(?=\/.)/, '');
  return bare.replaceAll(/[^\w-]+/g, '-').replaceAll(/^-|-$/g, '') || 'home';
}

const program = await ensureBrowser();
const showcase = await openShowcase();
const browser = await launch(program);
const baseURL = showcase.app.url;
try {
  if (word === '') await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  const pages = everyPage(showcase).filter(({ path }) => path.includes(word));
  for (const width of WIDTHS) {
    const [mine, anybody] = await Promise.all([
      openPage(browser, { baseURL, width, jar: showcase.jar }),
      openPage(browser, { baseURL, width }),
    ]);
    for (const { path, isOpen } of pages) {
      const { page } = isOpen ? anybody : mine;
      await page.goto(path);
      for (const theme of THEMES) {
        await page.emulateMedia({ colorScheme: theme });
        const file = `${fileName(path, showcase.ids)}-${width}-${theme}.png`;
        await page.screenshot({ path: join(FOLDER, file), fullPage: true });
        console.log(`screenshots/${file}`);
      }
    }
  }
} finally {
  await browser.close();
  await showcase.app.close();
}
