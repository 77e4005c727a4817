/**
 * Words mails from the views in `views/mail`, compiled at start. A mail is plain text: the first line
 * of a view is the subject, the rest the text, and nothing is escaped as HTML. Every value becomes
 * one line, so that none of them can forge a header or a paragraph.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { types } from 'node:util';
import ejs from 'ejs';
import {
  MAIL_TEMPLATES,
  type MailTemplate,
  type RenderedMail,
  type RenderMail,
} from '../domain/mailer.ts';
import { instantInWords } from './formats.ts';

const ROOT = join(import.meta.dirname, '../../views/mail');

/** Control characters and the line breaks of Unicode. */
const BREAKS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/**
 * The renderer of mails.
 *
 * @param options.issuer public base URL, by which readers know whose mail it is
 * @throws Error, on use, where a view lacks something that it tells
 */
export function createMailRenderer({ issuer }: { issuer: string }): RenderMail {
  const views = new Map(MAIL_TEMPLATES.map((name) => [name, compiled(name)]));
  return function renderMail({ template, locals }) {
    const view = views.get(template);
    if (view === undefined) throw new Error(`there is no view of the mail "${template}"`);
    return parted(view({ ...inWords(locals), issuer }));
  };
}

function compiled(name: MailTemplate): ejs.TemplateFunction {
  const filename = join(ROOT, `${name}.ejs`);
  return ejs.compile(readFileSync(filename, 'utf8'), {
    filename,
    strict: true,
    localsName: 'locals',
    escape: oneLine,
  });
}

/** A value of a mail; throws where there is none, so that no mail has a hole. */
function oneLine(value: unknown): string {
  if (typeof value === 'string') return value.replace(BREAKS, ' ');
  throw new TypeError(`a mail tells texts, not ${String(value)}`);
}

/** The locals as texts: instants in the zone of the reader, lists with commas. */
function inWords(locals: { timeZone: string }): Record<string, unknown> {
  const texts = Object.entries(locals).map(([name, value]) => [name, worded(value, locals)]);
  return Object.fromEntries(texts);
}

function worded(value: unknown, { timeZone }: { timeZone: string }): unknown {
  if (types.isDate(value)) return instantInWords(value, timeZone);
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Subject and text of what a view gave. */
function parted(rendered: string): RenderedMail {
  const end = rendered.indexOf('\n');
  return { subject: rendered.slice(0, end), text: rendered.slice(end).trim() };
}
