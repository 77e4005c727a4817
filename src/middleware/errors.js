// @ts-check
/** Errors of the middleware. No text of theirs holds a credential, and none carries its cause along. */

/** @import { ErrorCode, TollgateError as Shape } from './index.d.ts' */

/**
 * Why a call could not be checked.
 *
 * @implements {Shape}
 */
export class TollgateError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message what happened and how to mend it
   * @param {number} [retryAfterSeconds] as Tollgate told; default 1
   */
  constructor(code, message, retryAfterSeconds = 1) {
    super(message);
    this.name = 'TollgateError';
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * An error as frameworks need it: what is thrown and is no object would pass in Express (`undefined`,
 * 'route') and hang in Koa.
 *
 * @param {unknown} thrown
 * @returns {object}
 */
export function asError(thrown) {
  if (typeof thrown === 'object' && thrown !== null) return thrown;
  return new TypeError(`a function of the options threw a value of type ${typeof thrown}`);
}
