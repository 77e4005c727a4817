/**
 * The texts that people read in the console, by key: `views/messages/<locale>/<area>.json`, in ICU
 * MessageFormat. A key begins with the name of its file, so that whoever reads one finds the other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { IntlMessageFormat } from 'intl-messageformat';

/** Values that a message names in braces. */
export type MessageValues = Readonly<Record<string, string | number>>;

/** Puts a key into words. Throws where no file has the key, or a value is missing. */
export interface Translate {
  (key: string, values?: MessageValues): string;
  /** Whether a file has this key; for keys that are made from codes. */
  has(key: string): boolean;
}

const ROOT = join(import.meta.dirname, '../../views/messages');

/** Every message of a locale, by key. Throws where a key does not begin with the name of its file. */
export function readMessages(locale: string): Map<string, string> {
  const folder = join(ROOT, locale);
  const messages = new Map<string, string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const area = basename(file, '.json');
    const texts = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, string>;
    for (const [key, text] of Object.entries(texts)) {
      if (!key.startsWith(`${area}.`))
        throw new Error(`${file}: "${key}" begins with another name`);
      messages.set(key, text);
    }
  }
  return messages;
}

/** The messages of a locale; default English. Each is compiled when it is first used. */
export function createTranslate(locale = 'en'): Translate {
  const texts = readMessages(locale);
  const compiled = new Map<string, IntlMessageFormat>();

  function format(key: string): IntlMessageFormat {
    let found = compiled.get(key);
    if (found === undefined) {
      const text = texts.get(key);
      if (text === undefined) throw new Error(`no message has the key "${key}"`);
      found = new IntlMessageFormat(text, locale, undefined, { ignoreTag: true });
      compiled.set(key, found);
    }
    return found;
  }

  const translate = (key: string, values?: MessageValues) => String(format(key).format(values));
  return Object.assign(translate, { has: (key: string) => texts.has(key) });
}
