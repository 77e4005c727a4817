/** The forms of a client's security tabs, beside those of the header that every page of a client has. */
import { type Browser, type ConsolePage, type Fields, formsOf } from './console-support.ts';

/** Opens a page, and sends its form that posts there; default: to the page itself. */
export async function fillIn(
  browser: Browser,
  path: string,
  fields: Fields = {},
  action = path,
): Promise<ConsolePage> {
  return browser.send(await browser.get(path), fields, action);
}

/** What the form that posts there would send. Throws when the page has none. */
export function formOf(page: ConsolePage, action: string): URLSearchParams {
  const form = formsOf(page.html).find((each) => each.action === action);
  if (form === undefined) throw new Error(`no form ${action} on ${page.path}`);
  return form.fields;
}
