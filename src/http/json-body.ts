/**
 * Request bodies: JSON only (RFC 8259), bounded in size and depth. What a parser would quietly mend
 * (invalid UTF-8, a member named twice, half a surrogate pair) is refused by name instead.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { invalidField } from '../domain/errors.ts';
import { readBody } from './body.ts';
import { ApiError } from './problem.ts';

/** The largest body: 256 KiB. */
export const MAX_BODY_BYTES = 256 * 1024;
/** The deepest nesting; no document of the API comes near it. */
const MAX_DEPTH = 16;

/**
 * The JSON value of a request's body; undefined when the body is empty.
 *
 * @throws ApiError `unsupported_media_type`; DomainError `payload_too_large`, `validation_failed`
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const { headers } = request;
  const bytes = await readBody(request, MAX_BODY_BYTES);
  if (bytes.length === 0) return undefined;
  const media = headers['content-type'] ?? '';
  const isJson = /^application\/(merge-patch\+)?json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.exec(media);
  // RFC 7396: the media type of what PATCH takes; elsewhere it would mean nothing.
  if (isJson === null || (isJson[1] !== undefined && request.method !== 'PATCH')) {
    throw new ApiError('unsupported_media_type', 'send Content-Type: application/json, in UTF-8');
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new ApiError('unsupported_media_type', 'send the body without Content-Encoding');
  }
  return parseJson(decode(bytes));
}

function decode(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw invalidField('', 'not_utf8', 'the body is not valid UTF-8');
  const text = bytes.toString('utf8');
  // A decoder of RFC 3629 drops the mark that some editors write first.
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Parses JSON text; throws `validation_failed` naming what is wrong with it. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The engine's message may quote the body, and so a password; only the place is passed on.
    const at = /at position \d+(?: \(line \d+ column \d+\))?/.exec(String(error))?.[0];
    throw invalidField('', 'malformed_json', `the body is not valid JSON${at ? ` ${at}` : ''}`);
  }
  refuseAmbiguous(text);
  return value;
}

/** One open object or array of the text being scanned. */
interface Open {
  /** Names seen so far; null in an array. */
  names: Set<string> | null;
  /** Name or index of the member being read. */
  member: string | number;
}

/** Scans JSON text that is known to be valid for what `JSON.parse` lets pass. */
function refuseAmbiguous(text: string): void {
  const open: Open[] = [];
  let latest = '';
  for (let at = 0; at < text.length; at += 1) {
    const inner = open.at(-1);
    switch (text.charCodeAt(at)) {
      case 0x22: {
        const end = endOfString(text, at);
        latest = textOf(text.slice(at, end), open);
        at = end - 1;
        break;
      }
      case 0x7b:
        enter(open, { names: new Set(), member: '' });
        break;
      case 0x5b:
        enter(open, { names: null, member: 0 });
        break;
      case 0x7d:
      case 0x5d:
        open.pop();
        break;
      case 0x2c:
        nextMember(inner);
        break;
      case 0x3a:
        nameMember(open, latest);
        break;
    }
  }
}

/** Where a string that starts at a quote ends: behind the next one that is not escaped. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - slashes - 1) === 0x5c) slashes += 1;
  return slashes % 2 === 1;
}

function enter(open: Open[], opened: Open): void {
  if (open.length === MAX_DEPTH) {
    throw invalidField(pathOf(open), 'too_deep', `is nested more than ${MAX_DEPTH} deep`);
  }
  open.push(opened);
}

function nextMember(inner: Open | undefined): void {
  if (typeof inner?.member === 'number') inner.member += 1;
}

function nameMember(open: Open[], name: string): void {
  const inner = open.at(-1);
  if (inner?.names == null) return;
  inner.member = name;
  if (name === '__proto__') {
    throw invalidField(pathOf(open), 'unknown_field', 'there is no field "__proto__"');
  }
  if (inner.names.has(name)) {
    throw invalidField(pathOf(open), 'repeated', 'is named twice in the body');
  }
  inner.names.add(name);
}

function textOf(token: string, open: Open[]): string {
  const text = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
  if (text.isWellFormed()) return text;
  throw invalidField(pathOf(open), 'not_unicode', 'holds half of a surrogate pair');
}

function pathOf(open: Open[]): string {
  return open.map(({ member }) => String(member)).join('.');
}
