/**
 * Parsers of configuration values: the text of one variable becomes a typed value, or throws a
 * `BadValue` that says how to mend it. They are strict, because a value that is nearly right must
 * stop the start instead of becoming something else. None of them reads the environment.
 */
import { isIP } from 'node:net';
import { canonicalRange } from '../domain/clients/ip-binding.ts';
import { isTimeZone } from '../domain/clients/service-hours.ts';

/** A value that cannot be used; the message completes the sentence "KEY is …: <message>". */
export class BadValue extends Error {}

/** Which database, as `DATABASE_URL` names it. */
export type Database =
  | { readonly kind: 'sqlite' /** Path of the file, or `:memory:`. */; readonly path: string }
  | {
      readonly kind: 'mongodb';
      /** Connection string, passed to the driver as it is. */
      readonly url: string;
      /** Name of the database; `tollgate` when the URL names none. */
      readonly name: string;
    };

/** Parser of one word out of a list. */
export function oneOf<const T extends string>(...words: T[]): (text: string) => T {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new BadValue(`use one of ${words.join(', ')}`);
    return word;
  };
}

/** Parser of a whole number from `min` to `max`, both included, in plain decimal digits. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^(0|[1-9]\d{0,8})$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new BadValue(`use a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** Parser of text that matches a pattern; `fix` says what the pattern wants. */
export function matching(pattern: RegExp, fix: string): (text: string) => string {
  return (text) => {
    if (!pattern.test(text)) throw new BadValue(fix);
    return text;
  };
}

/** An address or host name to listen on. */
export function host(text: string): string {
  const name = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*$/;
  const numeric = /^[\d.]+$/.test(text);
  if (isIP(text) > 0 || (!numeric && name.test(text))) return text;
  throw new BadValue('use an address without port or brackets, such as 127.0.0.1, :: or localhost');
}

/** The issuer: scheme, host and port of an http(s) URL and nothing else, in canonical spelling. */
export function issuer(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new BadValue('use the public address of this server, such as https://auth.example.com');
  }
  if (url.origin !== text) {
    throw new BadValue(`write only scheme, host and port, without a trailing slash: ${url.origin}`);
  }
  return text;
}

/** `sqlite:<path>`, `sqlite::memory:`, `mongodb://…` or `mongodb+srv://…`. */
export function database(text: string): Database {
  const path = sqlitePath(text);
  if (path !== null) return { kind: 'sqlite', path };
  const mongo = /^mongodb(?:\+srv)?:\/\/(?:[^\s/?@]+@)?[^\s/?@]+(?:\/([\w-]{0,63}))?(?:\?\S*)?$/;
  const [url, name] = mongo.exec(text) ?? [];
  if (url !== undefined) return { kind: 'mongodb', url, name: name || 'tollgate' };
  throw new BadValue(
    'use sqlite:<path of a file>, sqlite::memory:, mongodb://<hosts>/<name> or mongodb+srv://<host>/<name>, with @ : / ? in a password written as %40 %3A %2F %3F',
  );
}

function sqlitePath(text: string): string | null {
  if (!text.startsWith('sqlite:')) return null;
  const path = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, ''); // sqlite:///var/x is /var/x
  const isFile = path !== '' && !path.startsWith('//') && !path.endsWith('/');
  return isFile && !/[?\0]/.test(path) ? path : null;
}

/** Says how an operator makes a secret that is strong enough. */
export const HOW_TO_MAKE_A_SECRET =
  'make one with: node -p "crypto.randomBytes(32).toString(\'base64url\')"';

/** Comma-separated base64url keys of 32 random bytes or more; the first signs, all verify. */
export function secretKeys(text: string): readonly Uint8Array[] {
  const keys = text.split(',').map((part) => new Uint8Array(Buffer.from(part.trim(), 'base64url')));
  const spellings = keys.map((key) => Buffer.from(key).toString('base64url'));
  text.split(',').forEach((part, index) => {
    const isRepeated = spellings.indexOf(spellings[index] ?? '') < index;
    const problem = keyProblem(part.trim()) ?? (isRepeated ? 'repeats another one' : null);
    if (problem !== null) {
      throw new BadValue(`key ${index + 1} of ${keys.length} ${problem}; ${HOW_TO_MAKE_A_SECRET}`);
    }
  });
  return keys;
}

function keyProblem(key: string): string | null {
  if (!/^[\w-]*$/.test(key)) return 'is not base64url (A-Z a-z 0-9 - _ without padding)';
  const bytes = Buffer.from(key, 'base64url');
  if (bytes.length < 32) return `has ${bytes.length} bytes where at least 32 are needed`;
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f))
    return 'is readable text, not random bytes';
  const steps = bytes.subarray(1).map((byte, index) => byte - (bytes[index] ?? 0));
  return looksTyped(key) || new Set(steps).size < 4 ? 'is not random' : null;
}

/**
 * Whether a secret looks typed by a person: few different characters, or a shorter text repeated.
 * Random text of 32 characters or more, even hex, is mistaken for it less than once in 10^7 times.
 */
export function looksTyped(secret: string): boolean {
  return new Set(secret).size < 8 || /^(.{8,})\1/.test(secret) || /(.{4,})\1\1/.test(secret);
}

/** Addresses whose forwarding headers are believed; as `addressRanges` reads them. */
export function proxyAddresses(text: string): readonly string[] {
  return addressRanges(text, 'trusts every address, so anyone could forge theirs; name proxies');
}

/** Addresses that admins work from; as `addressRanges` reads them. */
export function adminAddresses(text: string): readonly string[] {
  return addressRanges(text, 'lets every address in; name those of admins, or leave it empty');
}

/**
 * Comma-separated addresses and CIDR ranges; `loopback` and `private` stand for theirs. `whyNotAll` says
 * why a range of all addresses is refused.
 */
function addressRanges(text: string, whyNotAll: string): readonly string[] {
  const words = new Map([
    ['loopback', ['127.0.0.0/8', '::1']],
    ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
  ]);
  const parts = text === '' ? [] : text.split(',').map((part) => part.trim());
  const ranges = parts.flatMap((word) => {
    const range = canonicalRange(word);
    if (range?.endsWith('/0')) {
      throw new BadValue(`${word} ${whyNotAll}`);
    }
    const found = words.get(word) ?? (range === null ? undefined : [range]);
    if (found !== undefined) return found;
    throw new BadValue(
      `"${word}" is not an address such as 192.0.2.1, a range such as 192.0.2.0/24, loopback or private`,
    );
  });
  return [...new Set(ranges)];
}

/** A bearer token of 32 characters or more, of the characters that RFC 6750 §2.1 allows. */
export const bearerToken = matching(
  /^[A-Za-z0-9._~+/-]{32,}=*$/,
  `use at least 32 characters of A-Z a-z 0-9 . _ ~ + / -; ${HOW_TO_MAKE_A_SECRET}`,
);

/** The URL of a mail server. */
export function smtpUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^smtps?:$/.test(url.protocol) || url.hostname === '') {
    throw new BadValue(
      'use smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465',
    );
  }
  return text;
}

/** An IANA time zone, in the spelling given. */
export function timeZone(text: string): string {
  if (!/^[A-Za-z]/.test(text) || !isTimeZone(text)) {
    throw new BadValue('use the IANA name of a time zone, such as UTC or Asia/Taipei');
  }
  return text;
}
