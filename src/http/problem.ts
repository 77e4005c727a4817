/**
 * Errors of the REST API and of the gateways' doors: the domain's codes and a few of HTTP's own, each
 * answered as a problem document (RFC 9457). An error nobody meant reaches the log whole and the caller as a bare 500.
 */
import type { Context, Next } from 'koa';
import { z } from 'zod';
import {
  type DomainError,
  ERRORS,
  type ErrorCode,
  type FieldProblem,
  HTTP_ERRORS,
  isDomainError,
} from '../domain/errors.ts';
import { type Answer, carryByKoa } from './answer.ts';

/** A code of the REST API. */
export type ApiErrorCode = ErrorCode | keyof typeof HTTP_ERRORS;

const API_ERRORS: Record<ApiErrorCode, { status: number; title: string }> = {
  ...ERRORS,
  ...HTTP_ERRORS,
};

/** Where errors that nobody meant go; a pino logger fits. */
export interface ApiLog {
  error(fields: object, message: string): void;
}

/** An error that the edge raises itself. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly hint: string;
  readonly headers: Record<string, string>;

  constructor(code: ApiErrorCode, hint: string, headers: Record<string, string> = {}) {
    super(hint);
    this.name = 'ApiError';
    this.code = code;
    this.hint = hint;
    this.headers = headers;
  }
}

/** A problem document (RFC 9457). */
export const problemDocument = z
  .object({
    type: z.string().describe('Page that explains the code, relative to the server'),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(API_ERRORS) as [ApiErrorCode, ...ApiErrorCode[]]),
    detail: z.string().describe('What happened and how to mend it'),
    errors: z
      .array(z.strictObject({ field: z.string(), code: z.string(), message: z.string() }))
      .describe('Every bad field at once'),
    current: z
      .looseObject({})
      .optional()
      .describe('With version_conflict: the record as it is now'),
  })
  .meta({ id: 'Problem' });

/** Adds members to a problem document (RFC 9457 §3.2), for doors whose callers look for them. */
export type ExtraMembers = (problem: { status: number; code: ApiErrorCode }) => object;

/** Koa middleware that turns whatever is thrown below it into a problem document. */
export function problems(log: ApiLog | undefined, extra: ExtraMembers = () => ({})) {
  return async function answerProblems(ctx: Context, next: Next): Promise<void> {
    ctx.set('Cache-Control', 'no-store');
    try {
      await next();
    } catch (error) {
      if (log !== undefined) logUnmeant(log, error, ctx);
      else if (isUnmeant(error)) ctx.app.emit('error', error, ctx);
      carryByKoa(ctx, problemAnswer(error, extra));
    }
  };
}

/** Logs an error that nobody meant, whole; the caller is told nothing of it. */
export function logUnmeant(
  log: ApiLog,
  error: unknown,
  { method, path }: { method: string | undefined; path: string },
): void {
  if (isUnmeant(error)) log.error({ err: error, method, path }, 'request failed');
}

function isUnmeant(error: unknown): boolean {
  return !isDomainError(error) && !isApiError(error);
}

/** The answer to whatever was thrown. */
export function problemAnswer(error: unknown, extra: ExtraMembers = () => ({})): Answer {
  const { code, detail, errors, current, headers } = describe(error);
  const { status, title } = API_ERRORS[code];
  const type = `/docs/errors#${code}`;
  const problem = { type, title, status, code, detail, errors, current };
  return {
    status,
    headers: { ...headers, 'Content-Type': 'application/problem+json' },
    body: JSON.stringify({ ...problem, ...extra(problem) }),
  };
}

interface Description {
  code: ApiErrorCode;
  detail: string;
  errors: FieldProblem[];
  current?: unknown;
  headers: Record<string, string>;
}

function describe(error: unknown): Description {
  if (isApiError(error)) {
    return { code: error.code, detail: error.hint, errors: [], headers: error.headers };
  }
  if (!isDomainError(error)) {
    const { title } = API_ERRORS.internal_error;
    return { code: 'internal_error', detail: title, errors: [], headers: {} };
  }
  const { code, problems: errors, current } = error;
  const detail = error.hint ?? ERRORS[code].title;
  return { code, detail, errors, current, headers: retryHeaders(error) };
}

function retryHeaders(error: DomainError): Record<string, string> {
  if (error.status !== 429 && error.status !== 503) return {};
  return { 'Retry-After': String(error.retryAfterSeconds ?? 5) };
}

/** Whether a thrown value is an ApiError, whatever realm it comes from (Jest has several). */
export function isApiError(error: unknown): error is ApiError {
  return (error as Error | null)?.name === 'ApiError';
}
