// @ts-check
/** What the middleware is told: checked once, so that a mistake shows at the start and not at a call. */
import { emitWarning } from 'node:process';

/** @import { TollgateError, TollgateOptions } from './index.d.ts' */

/**
 * @template Subject
 * @typedef {TollgateOptions<Subject> & Required<Pick<TollgateOptions<Subject>, 'timeoutMs' | 'failOpen' | 'onError'>>} Settings
 *   options with their defaults
 */

/** Most units of one call; Tollgate refuses more. */
const MAX_WEIGHT = 1_000_000_000;
const MAX_TIMEOUT_MS = 60_000;

/** @param {unknown} value */
const isText = (value) => typeof value === 'string' && value !== '';
/** @param {unknown} value */
const isFunction = (value) => typeof value === 'function';
/** @param {unknown} value */
const isBoolean = (value) => typeof value === 'boolean';
/** @param {unknown} value */
const isTimeout = (value) => isWholeTo(value, MAX_TIMEOUT_MS);
/** @param {unknown} value */
const isWeightOption = (value) => isFunction(value) || isWeight(value);

/** @param {unknown} value */
export function isWeight(value) {
  return isWholeTo(value, MAX_WEIGHT);
}

/** @type {Record<string, { isRight: (value: unknown) => boolean, wanted: string }>} */
const RULES = {
  url: {
    isRight: isBaseUrl,
    wanted: 'the base URL of Tollgate, such as https://tollgate.example.com, without user or query',
  },
  allowHttp: { isRight: isBoolean, wanted: 'true or false' },
  clientId: { isRight: isText, wanted: 'the client id of a resource server' },
  clientSecret: { isRight: isText, wanted: 'the secret of that resource server' },
  timeoutMs: { isRight: isTimeout, wanted: `whole milliseconds from 1 to ${MAX_TIMEOUT_MS}` },
  failOpen: { isRight: isBoolean, wanted: 'true or false' },
  weight: {
    isRight: isWeightOption,
    wanted: `a whole number from 1 to ${MAX_WEIGHT}, or a function that answers one`,
  },
  idempotencyKey: { isRight: isFunction, wanted: 'a function that answers a string' },
  clientIp: { isRight: isFunction, wanted: 'a function that answers an address' },
  credential: { isRight: isFunction, wanted: 'a function that answers { token } or { apiKey }' },
  onDecision: { isRight: isFunction, wanted: 'a function' },
  onError: { isRight: isFunction, wanted: 'a function' },
};

const REQUIRED = ['url', 'clientId', 'clientSecret'];

/**
 * Options with their defaults.
 *
 * @template Subject
 * @param {TollgateOptions<Subject>} options
 * @returns {Settings<Subject>}
 * @throws TypeError naming the option, its value and the fix
 */
export function readOptions(options) {
  const given = new Map(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
  for (const name of given.keys()) {
    if (!Object.hasOwn(RULES, name))
      throw new TypeError(
        `tollgate: there is no option "${name}"; use ${Object.keys(RULES).join(', ')}`,
      );
  }
  for (const [name, { isRight, wanted }] of Object.entries(RULES)) {
    const value = given.get(name);
    if (!given.has(name) && !REQUIRED.includes(name)) continue;
    if (!isRight(value))
      throw new TypeError(`tollgate: ${name} is ${shown(name, value)}; set it to ${wanted}`);
  }
  refuseClearText(options);
  const { timeoutMs = 2000, failOpen = false, onError = warnOnce() } = options;
  return { ...options, timeoutMs, failOpen, onError };
}

/** This machine, under the names that a URL has for it. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Every question carries the secret: it must not cross a network in clear text unasked.
 *
 * @param {{ url: string, allowHttp?: boolean }} options
 */
function refuseClearText({ url, allowHttp = false }) {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:' || allowHttp || LOOPBACK.test(hostname)) return;
  throw new TypeError(
    `tollgate: url is "${url}"; use https, or set allowHttp to true for a network that you trust`,
  );
}

/** @param {unknown} value */
function isBaseUrl(value) {
  if (typeof value !== 'string' || !/^https?:\/\//i.test(value)) return false;
  try {
    const { username, password, search, hash } = new URL(value);
    return username + password + search + hash === '';
  } catch {
    return false;
  }
}

/**
 * @param {unknown} value
 * @param {number} most
 */
function isWholeTo(value, most) {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
}

/**
 * A value for an error text; secrets are masked, also those inside a URL.
 *
 * @param {string} name
 * @param {unknown} value
 */
function shown(name, value) {
  if (value === undefined || value === null || value === '')
    return JSON.stringify(value) ?? 'missing';
  if (name === 'clientSecret') return '***';
  if (typeof value === 'object' || typeof value === 'function') return `of type ${typeof value}`;
  const text = String(value);
  const masked = name === 'url' ? text.replace(/.*@/s, '***@').replace(/[?#].*/s, '?***') : text;
  return typeof value === 'string' ? `"${masked}"` : masked;
}

/** Warns of each kind of error once, so that an outage does not flood the output. */
function warnOnce() {
  /** @type {Set<string>} */
  const told = new Set();
  return (/** @type {TollgateError} */ error) => {
    if (told.has(error.code)) return;
    told.add(error.code);
    emitWarning(error.message, { type: 'TollgateWarning', code: error.code });
  };
}
