/**
 * From what the driver and Mongoose throw to what the ports promise. An outage is always an error,
 * never an answer: a failed read is not "no such record", a write without its majority not "done".
 */
import { conflict, DomainError, invalidField, isDomainError } from '../../src/domain/errors.ts';

/** Server errors that a wrong command causes, and that no retry mends. */
const WRONG_COMMAND = new Set([2, 9, 14, 52, 57, 59, 10334]);
const WRONG_CALL = new Set(['MongoInvalidArgumentError', 'MongoParseError', 'MongoAPIError']);
/** Mongoose refuses a value of the wrong type, an unknown field, an operator in a value. */
const WRONG_VALUE = new Set([
  'CastError',
  'ObjectParameterError',
  'StrictModeError',
  'ValidationError',
]);

/** What driver errors carry; they are told apart by name, since Jest has several realms. */
interface ForeignError {
  name?: string;
  code?: unknown;
  path?: string;
  message?: string;
  errors?: Record<string, unknown>;
  keyPattern?: Record<string, unknown>;
}

/** `store_unavailable`: the database did not answer, or not durably. */
export function unavailable(cause: unknown): DomainError {
  return new DomainError('store_unavailable', { cause, retryAfterSeconds: 1 });
}

/** The first key of the unique index that a write would have broken, or null for another error. */
export function takenKey(error: unknown): string | null {
  const { code, keyPattern } = (error ?? {}) as ForeignError;
  if (code !== 11000) return null;
  return Object.keys(keyPattern ?? {})[0] ?? '_id';
}

/** The error of a port for whatever was thrown; what is neither stays as it is. */
export function translated(error: unknown): unknown {
  if (isDomainError(error)) return error;
  const { name = '', code, path, message = '', errors } = (error ?? {}) as ForeignError;
  if (WRONG_VALUE.has(name)) {
    return invalidField(path ?? Object.keys(errors ?? {})[0] ?? '', 'invalid_type', message);
  }
  const taken = takenKey(error);
  if (taken !== null) return conflict(taken, 'this value');
  if (WRONG_CALL.has(name)) return error;
  if (name === 'MongoServerError' && WRONG_COMMAND.has(Number(code))) return error;
  // Not all of the driver's errors carry its name: PoolClearedOnNetworkError, for one.
  return /^(?:Mongo|Pool)/.test(name) ? unavailable(error) : error;
}
