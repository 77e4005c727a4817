// @ts-check
/** The question about a call: who calls (credential, address) and what (method, path). */
import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { TollgateError } from './errors.js';
import { isWeight } from './options.js';

/** @import { IncomingMessage } from 'node:http' */
/** @import { Credential } from './index.d.ts' */
/** @import { Settings } from './options.js' */

/**
 * @template Subject
 * @typedef {object} Call a call to the app, whatever its framework
 * @property {IncomingMessage} message
 * @property {string} target the request target as the client sent it, also below a mount path
 * @property {string | undefined} address of the client, as the framework reads it
 * @property {Subject} subject what the functions of the options get
 */

/** A key of our own serves the one question that may be sent again, at once; Tollgate need not keep it longer. */
const RESEND_SECONDS = 60;

/** @typedef {Credential & { clientIp: string, method: string, path: string, weight?: number, idempotencyKey: string, idempotencySeconds?: number }} Question */

/** Longest key that Tollgate takes. */
const MAX_KEY_LENGTH = 255;

/**
 * The question about a call; null when its target is none that every framework reads alike.
 *
 * @template Subject
 * @param {Settings<Subject>} settings
 * @param {Call<Subject>} call
 * @returns {Promise<Question | null>}
 * @throws TollgateError `client_ip_unknown`; TypeError when a function of the options answers nonsense
 */
export async function readQuestion(settings, call) {
  const path = pathOf(call.target);
  if (path === null) return null;
  const method = call.message.method ?? '';
  const credential = await readCredential(settings, call);
  const clientIp = await readAddress(settings, call);
  const weight = await readWeight(settings, call);
  return { ...credential, clientIp, method, path, ...weight, ...(await readKey(settings, call)) };
}

/**
 * The path of a request target, without its query; null where frameworks and Tollgate could read
 * different paths: bytes that no target may hold (RFC 9112 §3.2), which some parsers trim, `*`, and an
 * authority that is none.
 *
 * @param {string} target
 * @returns {string | null}
 */
export function pathOf(target) {
  if (!/^[\x21-\x7e]+$/.test(target)) return null;
  const origin = /^https?:\/\/[\w.:[\]-]+(?=[/?#]|$)/i.exec(target)?.[0] ?? '';
  const [path = ''] = target.slice(origin.length).split(/[?#]/, 1);
  if (path === '') return '/';
  return path.startsWith('/') ? path : null;
}

/**
 * @template Subject
 * @param {Settings<Subject>} settings
 * @param {Call<Subject>} call
 * @returns {Promise<Credential>}
 */
async function readCredential({ credential }, { message, subject }) {
  if (credential === undefined) return credentialOf(message);
  const answered = (await credential(subject)) ?? {};
  const { token, apiKey } = answered;
  if (isCredential(token) && isCredential(apiKey)) {
    if (token != null && token !== '') return { token };
    return apiKey != null && apiKey !== '' ? { apiKey } : {};
  }
  throw new TypeError('tollgate: credential must answer { token }, { apiKey } or null');
}

/** @param {unknown} value */
function isCredential(value) {
  return value == null || typeof value === 'string';
}

/**
 * A Bearer token, else an X-Api-Key.
 *
 * @param {IncomingMessage} message
 * @returns {Credential}
 */
function credentialOf({ headers }) {
  const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (token !== undefined) return { token };
  const apiKey = headers['x-api-key'];
  return typeof apiKey === 'string' && apiKey !== '' ? { apiKey } : {};
}

/**
 * @template Subject
 * @param {Settings<Subject>} settings
 * @param {Call<Subject>} call
 */
async function readAddress({ clientIp }, { address, subject }) {
  const given = clientIp === undefined ? address : await clientIp(subject);
  // Tollgate knows no zones: fe80::1%eth0 is fe80::1 to it.
  const text = typeof given === 'string' ? given.replace(/%.*$/, '') : '';
  if (isIP(text) !== 0) return text;
  const shown = text === '' ? 'not known' : `"${text.slice(0, 60)}"`;
  const fix = clientIp === undefined ? 'set' : 'mend';
  throw new TollgateError(
    'client_ip_unknown',
    `the address of the client is ${shown}; ${fix} the option clientIp to answer one such as 192.0.2.10`,
  );
}

/**
 * @template Subject
 * @param {Settings<Subject>} settings
 * @param {Call<Subject>} call
 * @returns {Promise<{ weight?: number }>}
 */
async function readWeight({ weight }, { subject }) {
  if (weight === undefined) return {};
  const units = typeof weight === 'function' ? await weight(subject) : weight;
  if (isWeight(units)) return { weight: units };
  throw new TypeError(
    `tollgate: weight answered ${String(units)}; answer a whole number from 1 up`,
  );
}

/**
 * @template Subject
 * @param {Settings<Subject>} settings
 * @param {Call<Subject>} call
 */
async function readKey({ idempotencyKey }, { subject }) {
  const key = await idempotencyKey?.(subject);
  if (key === undefined || key === null)
    return { idempotencyKey: randomUUID(), idempotencySeconds: RESEND_SECONDS };
  if (typeof key === 'string' && key !== '' && key.length <= MAX_KEY_LENGTH)
    return { idempotencyKey: key };
  throw new TypeError(
    `tollgate: idempotencyKey must answer a string of 1 to ${MAX_KEY_LENGTH} characters, or undefined`,
  );
}
