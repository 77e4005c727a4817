/** Field rules that several nouns share, and the one way from untrusted input to a typed value. */
import { z } from 'zod';
import { type FieldProblem, invalid } from './errors.ts';

/** Characters as a person counts them, not UTF-16 units. */
export function characterCount(text: string): number {
  return [...text].length;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** One line of text of `min` to `max` characters, trimmed, without control characters. */
export function line(min: number, max: number) {
  return z
    .string()
    .transform((text) => text.trim().normalize('NFC'))
    .pipe(
      z
        .string()
        .refine((text) => !CONTROL.test(text), 'must be one line without control characters')
        .refine(
          (text) => characterCount(text) >= min,
          min === 1 ? 'is required' : `needs at least ${min} characters`,
        )
        .refine((text) => characterCount(text) <= max, `may have at most ${max} characters`)
        .meta({ minLength: min, maxLength: max }),
    );
}

/**
 * The name of a new record that its URLs end in: `.` and `..` stand for folders there, and every client
 * takes them out before it asks. Records that have such a name already keep it.
 */
export function nameInUrls(name: z.ZodType<string>) {
  return name.refine((value) => value !== '.' && value !== '..', {
    error: ({ input }) =>
      `"${input}" stands for a folder in URLs, so the record would have no page; use another name`,
  });
}

/** Text of any form, of at most `max` characters. */
export function text(max: number) {
  return z
    .string()
    .refine((t) => characterCount(t) <= max, `may have at most ${max} characters`)
    .meta({ maxLength: max });
}

/** An instant: ISO 8601 with an offset; a time without one would be a guess. */
export const instant = z.codec(
  z.iso.datetime({
    offset: true,
    error:
      'must be ISO 8601 with an offset, such as 2027-03-31T00:00:00+08:00; in a URL, write + as %2B',
  }),
  // Offsets can carry an instant out of the years that ISO 8601 writes with four digits.
  z.date().min(new Date('0001-01-01T00:00:00Z')).max(new Date('9999-12-31T23:59:59.999Z')),
  {
    decode: (text) => new Date(text),
    encode: (date) => date.toISOString(),
  },
);

/** A whole number from `min` to `max`, both included. */
export function whole(min: number, max: number) {
  return z.int().min(min).max(max);
}

/** A list without repeats. */
export function unique<T>(item: z.ZodType<T>, max: number) {
  return z
    .array(item)
    .max(max)
    .refine(
      (items) => new Set(items.map((i) => JSON.stringify(i))).size === items.length,
      'repeats a value',
    );
}

/**
 * Parses untrusted input.
 *
 * @returns the typed value, defaults filled in
 * @throws DomainError `validation_failed` naming every bad field at once
 */
export function parse<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  throw invalid(result.error.issues.flatMap(problemsOf));
}

function problemsOf(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: [...path, key].join('.'),
      code: 'unknown_field',
      message: `there is no field "${key}"; check the spelling`,
    }));
  }
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  return [
    {
      field: path.join('.'),
      code: missing ? 'required' : issue.code,
      message: missing ? 'is required' : messageOf(issue),
    },
  ];
}

/** What a rule without words of its own says; a text is never repeated, as it may be a secret. */
function messageOf(issue: z.core.$ZodIssue): string {
  const { input } = issue;
  const seen = typeof input === 'number' || typeof input === 'boolean' ? `is ${input}; ` : '';
  const unit = 'origin' in issue ? (UNITS[String(issue.origin)] ?? '') : '';
  if (issue.code === 'too_small' && issue.message.startsWith('Too small'))
    return `${seen}use at least ${issue.minimum}${unit}`;
  if (issue.code === 'too_big' && issue.message.startsWith('Too big'))
    return `${seen}use at most ${issue.maximum}${unit}`;
  if (issue.code === 'invalid_type' && issue.message.startsWith('Invalid input'))
    return `${seen}must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value' && issue.message.startsWith('Invalid'))
    return `must be one of ${issue.values.map(String).join(', ')}`;
  return issue.message;
}

const UNITS: Record<string, string> = { string: ' characters', array: ' entries' };
const KINDS: Record<string, string> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  string: 'a text',
};
