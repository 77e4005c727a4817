/**
 * The one table of errors that the domain throws, and the class that carries them. Each edge (REST,
 * OAuth, pages) translates a code into its own dialect once; `detail` and `cause` reach only the log.
 */

/** What each error code means to its reader: HTTP status of the REST API, and a public title. */
export const ERRORS = {
  validation_failed: { status: 400, title: 'The input is not valid' },
  not_authenticated: { status: 401, title: 'Credentials are missing or not valid' },
  second_factor_required: { status: 401, title: 'A code of the second factor is required' },
  not_allowed: { status: 403, title: 'This role may not do that' },
  not_found: { status: 404, title: 'There is no such thing' },
  conflict: { status: 409, title: 'Another record already has this value' },
  not_retryable: { status: 409, title: 'This cannot be tried again' },
  in_use: { status: 409, title: 'Something still uses this' },
  last_owner: { status: 409, title: 'The last owner cannot be removed' },
  no_mail_address: { status: 409, title: 'There is no mail address to write to' },
  version_conflict: { status: 412, title: 'The record has changed since it was read' },
  payload_too_large: { status: 413, title: 'The request body is too large' },
  version_required: { status: 428, title: 'The version that was read is required' },
  too_many_attempts: { status: 429, title: 'Too many attempts; retry later' },
  store_unavailable: { status: 503, title: 'The store does not answer; retry later' },
  overloaded: { status: 503, title: 'The server is busy; retry later' },
} as const;

/** Codes that only HTTP can raise, beside the domain's so that one page explains them all. */
export const HTTP_ERRORS = {
  address_not_allowed: { status: 403, title: 'Admins may not work from this address' },
  method_not_allowed: { status: 405, title: 'This path does not know that method' },
  unsupported_media_type: { status: 415, title: 'The request body must be application/json' },
  internal_error: { status: 500, title: 'The server failed; the log says why' },
} as const;

/** A stable error code; part of the public API. */
export type ErrorCode = keyof typeof ERRORS;

/** One bad field of an input. */
export interface FieldProblem {
  /** Dotted path, such as `accessToken.maxUses` or `ipBindings.0.address`; empty for the whole input. */
  field: string;
  /** A stable word for the kind of problem, such as `required`, `too_long`, `unknown_field`. */
  code: string;
  /** What is wrong and how to mend it, in a sentence. */
  message: string;
}

/** What may accompany an error code. */
export interface DomainErrorOptions {
  /** How to mend it; shown to the caller. */
  hint?: string;
  /** Every bad field at once. */
  problems?: FieldProblem[];
  /** The record as it stands now, for `version_conflict`. */
  current?: unknown;
  /** Seconds after which a retry makes sense. */
  retryAfterSeconds?: number;
  /** For the log only. */
  cause?: unknown;
}

/** An error that the domain raises on purpose. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly problems: FieldProblem[];
  readonly current: unknown;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, options: DomainErrorOptions = {}) {
    super(options.hint ? `${ERRORS[code].title}: ${options.hint}` : ERRORS[code].title, {
      cause: options.cause,
    });
    this.name = 'DomainError';
    this.code = code;
    this.hint = options.hint;
    this.problems = options.problems ?? [];
    this.current = options.current;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** Whether a thrown value is a DomainError, whatever realm it comes from (Jest has several). */
export function isDomainError(error: unknown): error is DomainError {
  return (error as Error | null)?.name === 'DomainError';
}

/** A `conflict` that names the field whose value is taken. */
export function conflict(field: string, value: string): DomainError {
  return new DomainError('conflict', {
    hint: `${field} "${value}" is taken; choose another`,
    problems: [{ field, code: 'taken', message: `"${value}" is taken; choose another` }],
  });
}

/** A `validation_failed` over every bad field. */
export function invalid(problems: FieldProblem[]): DomainError {
  return new DomainError('validation_failed', {
    hint: problems.map((p) => (p.field ? `${p.field}: ${p.message}` : p.message)).join('; '),
    problems,
  });
}

/** A `validation_failed` over one field. */
export function invalidField(field: string, code: string, message: string): DomainError {
  return invalid([{ field, code, message }]);
}

/** A `not_found` that names what was looked for. */
export function notFound(kind: string, id: string): DomainError {
  return new DomainError('not_found', { hint: `no ${kind} has the id "${id}"` });
}
