// @ts-check
/** What an answer of Tollgate means for the call: it passes, it is refused, or it could not be checked. */
import { TollgateError } from './errors.js';

/** @import { Decision, ErrorCode, RefusedDecision } from './index.d.ts' */
/** @import { Reply } from './transport.js' */

/** @typedef {{ reason: string, status: number, decisionId: string | null, message: string }} RefusalBody */
/** @typedef {{ status: number, headers: Record<string, string>, body: RefusalBody }} Refusal the response to a call that does not pass */

/** Fields of a question that the caller wrote; what is wrong in another is the app's mistake. */
const FIELDS_OF_CALLER = ['token', 'apiKey', 'method', 'path'];

/**
 * The decision in an answer.
 *
 * @param {Reply} reply
 * @returns {Decision}
 * @throws TollgateError `server_error`, `own_credentials`, `question_refused`, `unreadable`
 */
export function readDecision(reply) {
  if (reply.status !== 200) throw failureOf(reply);
  const decision = parseObject(reply.text);
  if (!isDecision(decision))
    throw new TollgateError(
      'unreadable',
      'the answer is no decision; check that url is Tollgate’s',
    );
  return { ...decision, failedOpen: false };
}

/**
 * @param {unknown} value
 * @returns {value is Decision}
 */
function isDecision(value) {
  const { allowed, status, reason, decisionId } = /** @type {Partial<Decision>} */ (value);
  if (typeof decisionId !== 'string' || !/^[\x21-\x7e]+$/.test(decisionId)) return false;
  if (allowed === true) return status === 200;
  const isError = Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599;
  return allowed === false && isError && typeof reason === 'string';
}

/**
 * Header fields that the response to the call takes over from a decision.
 *
 * @param {Reply} reply
 * @param {Decision} decision
 * @returns {Record<string, string>}
 */
export function decisionHeaders({ headers }, { decisionId }) {
  /** @type {Record<string, string>} */
  const taken = { 'X-Decision-Id': decisionId };
  for (const name of ['RateLimit', 'RateLimit-Policy']) {
    const value = headers[name.toLowerCase()];
    if (typeof value === 'string') taken[name] = value;
  }
  return taken;
}

/**
 * The refusal that a decision asks for; a 401 challenges as RFC 6750 §3 wants it.
 *
 * @param {RefusedDecision} decision
 * @returns {Refusal}
 */
export function refusalOf({ reason, status, decisionId, message, retryAfterSeconds }) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (status === 401) headers['WWW-Authenticate'] = challenge(reason === 'credential_missing');
  if (Number.isInteger(retryAfterSeconds)) headers['Retry-After'] = String(retryAfterSeconds);
  const body = { reason, status, decisionId, message: message ?? reason };
  return { status, headers, body };
}

/** @param {boolean} isMissing without a credential the challenge names no error */
function challenge(isMissing) {
  return isMissing ? 'Bearer realm="tollgate"' : 'Bearer realm="tollgate", error="invalid_token"';
}

/**
 * A refusal that no decision stands behind.
 *
 * @param {number} status
 * @param {string} reason
 * @param {string} message
 * @returns {Refusal}
 */
export function bareRefusal(status, reason, message) {
  return { status, headers: {}, body: { reason, status, decisionId: null, message } };
}

/** The refusal of a call without a credential, which Tollgate need not be asked about. */
export function missingCredential() {
  const refusal = bareRefusal(401, 'credential_missing', 'no credential was presented');
  return { ...refusal, headers: { 'WWW-Authenticate': challenge(true) } };
}

/**
 * The refusal of a call that could not be checked. What went wrong is for the app, not for its callers.
 *
 * @param {TollgateError} error
 */
export function uncheckedRefusal({ retryAfterSeconds }) {
  const message = 'the call could not be checked; retry later';
  const refusal = bareRefusal(503, 'tollgate_unavailable', message);
  return { ...refusal, headers: { 'Retry-After': String(retryAfterSeconds) } };
}

/**
 * The refusal of a call that Tollgate could not read, such as one with an endless token; null when the
 * answer says no such thing.
 *
 * @param {Reply} reply
 * @returns {Refusal | null}
 */
export function malformedCall({ status, text }) {
  const { fields } = readProblem(text);
  if (status !== 400 || fields.length === 0) return null;
  if (!fields.every((field) => FIELDS_OF_CALLER.includes(field))) return null;
  return bareRefusal(400, 'validation_failed', `the call cannot be read: ${fields.join(', ')}`);
}

/**
 * @param {Reply} reply
 * @returns {TollgateError}
 */
function failureOf({ status, headers, text }) {
  const { code: told, fields } = readProblem(text);
  const [code, fix] = meaningOf(status);
  const named = fields.length > 0 ? ` (${fields.join(', ')})` : '';
  const seconds = /^\d{1,9}$/.exec(headers['retry-after'] ?? '')?.[0] ?? '1';
  const message = `Tollgate answered ${status} ${told}${named}; ${fix}`;
  return new TollgateError(code, message, Number(seconds));
}

/**
 * @param {number} status
 * @returns {[ErrorCode, string]} with how to mend it
 */
function meaningOf(status) {
  if (status === 401 || status === 403 || status === 429)
    return [
      'own_credentials',
      'set clientId and clientSecret to those of an enabled resource server that may ask from this address',
    ];
  if (status >= 500) return ['server_error', 'look at its log and at /readyz'];
  if (status < 400) return ['unreadable', 'set url to the base URL of Tollgate itself'];
  return ['question_refused', 'check url, and the options weight, clientIp and idempotencyKey'];
}

/**
 * Code and fields of a problem document (RFC 9457). Nothing else of it is repeated: a stranger at the
 * url could send credentials back in its texts.
 *
 * @param {string} text
 * @returns {{ code: string, fields: string[] }}
 */
function readProblem(text) {
  const { code, errors } = /** @type {{ code?: unknown, errors?: unknown }} */ (parseObject(text));
  const named = Array.isArray(errors) ? errors.map((error) => String(error?.field)) : [];
  return {
    code: isWord(code) ? code : 'without a code',
    fields: [...new Set(named)].filter(isWord).slice(0, 10),
  };
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
function isWord(value) {
  return typeof value === 'string' && /^[A-Za-z_]{1,40}$/.test(value);
}

/**
 * The JSON object in a text; an empty one when there is none. The engine's error would quote the text.
 *
 * @param {string} text
 * @returns {object}
 */
function parseObject(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
