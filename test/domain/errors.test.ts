import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import {
  conflict,
  DomainError,
  ERRORS,
  invalid,
  invalidField,
  isDomainError,
  notFound,
} from '../../src/domain/errors.ts';
import { parse } from '../../src/domain/validation.ts';

/** The codes that the REST API has published, and their statuses. */
const PUBLISHED = {
  validation_failed: 400,
  not_authenticated: 401,
  not_allowed: 403,
  not_found: 404,
  conflict: 409,
  in_use: 409,
  last_owner: 409,
  no_mail_address: 409,
  version_conflict: 412,
  payload_too_large: 413,
  version_required: 428,
  too_many_attempts: 429,
  store_unavailable: 503,
  overloaded: 503,
};

describe('ERRORS', () => {
  it('has a status for every published code', () => {
    const statuses = Object.entries(ERRORS).map(([code, { status }]) => [code, status]);
    expect(Object.fromEntries(statuses)).toMatchObject(PUBLISHED);
  });

  it.each(Object.entries(ERRORS))(
    '%s has a status of an error and a title for people',
    (code, { status, title }) => {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
      expect(title).toMatch(/^[A-Z][^.]{10,70}$/);
    },
  );
});

describe('DomainError', () => {
  it('says what is wrong and how to mend it, and keeps the rest for the log', () => {
    const cause = new Error('disk I/O');
    const error = new DomainError('overloaded', { hint: 'wait', retryAfterSeconds: 5, cause });
    expect(error).toMatchObject({
      code: 'overloaded',
      status: 503,
      retryAfterSeconds: 5,
      cause,
      problems: [],
    });
    expect(error.message).toBe('The server is busy; retry later: wait');
    expect(error.message).not.toContain('disk');
  });

  it.each([
    [new DomainError('conflict'), true],
    [Object.assign(new Error('x'), { name: 'DomainError' }), true],
    [new Error('x'), false],
    [null, false],
    [undefined, false],
    ['DomainError', false],
  ])('is known by its name, whatever realm it comes from (%#)', (error, isOne) => {
    expect(isDomainError(error)).toBe(isOne);
  });

  it('names fields, values and ids', () => {
    expect(conflict('clientName', 'orders').problems).toEqual([
      { field: 'clientName', code: 'taken', message: '"orders" is taken; choose another' },
    ]);
    expect(notFound('client', 'x').message).toContain('no client has the id "x"');
    expect(invalidField('a', 'b', 'c').problems).toEqual([{ field: 'a', code: 'b', message: 'c' }]);
    const both = invalid([
      { field: 'a.b', code: 'x', message: 'is wrong' },
      { field: '', code: 'x', message: 'is all wrong' },
    ]);
    expect(both.hint).toBe('a.b: is wrong; is all wrong');
  });
});

describe('parse', () => {
  const schema = z.strictObject({
    a: z.string(),
    b: z.int().default(7),
    c: z.array(z.int()).optional(),
  });

  it('fills in defaults', () => {
    expect(parse(schema, { a: 'x' })).toEqual({ a: 'x', b: 7 });
  });

  it.each([
    [{}, [['a', 'required']]],
    [{ a: null }, [['a', 'invalid_type']]],
    [{ a: 1 }, [['a', 'invalid_type']]],
    [
      { a: 'x', c: [1, 'x', 2.5] },
      [
        ['c.1', 'invalid_type'],
        ['c.2', 'invalid_type'],
      ],
    ],
    [
      { a: 'x', d: 1, e: 2 },
      [
        ['d', 'unknown_field'],
        ['e', 'unknown_field'],
      ],
    ],
    [{ a: { $ne: null } }, [['a', 'invalid_type']]],
    [JSON.parse('{"a":"x","__proto__":1}'), [['__proto__', 'unknown_field']]],
    [null, [['', 'invalid_type']]],
    [undefined, [['', 'required']]],
  ])('of %j names %j', (input, problems) => {
    const caught = (() => {
      try {
        return parse(schema, input);
      } catch (error) {
        return (error as DomainError).problems.map(({ field, code }) => [field, code]);
      }
    })();
    expect(caught).toEqual(problems);
  });
});
