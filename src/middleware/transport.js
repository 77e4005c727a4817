// @ts-check
/** The way to Tollgate: one POST per question over connections that are kept alive. */
import http from 'node:http';
import https from 'node:https';
import { TollgateError } from './errors.js';

/** @import { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http' */
/** @import { Question } from './question.js' */

/** @typedef {{ status: number, headers: IncomingHttpHeaders, text: string }} Reply an answer over HTTP */

/** No decision comes near it: 256 KiB. */
const MAX_REPLY_BYTES = 256 * 1024;

/**
 * Opens the way to Tollgate; connections are made as they are needed.
 *
 * @param {{ url: string, clientId: string, clientSecret: string, timeoutMs: number }} settings
 * @returns {(question: Question) => Promise<Reply>} rejects with TollgateError `timeout`, `unreachable`, `unreadable`
 */
export function openTransport({ url, clientId, clientSecret, timeoutMs }) {
  const target = new URL('decide', url.endsWith('/') ? url : `${url}/`);
  const { Agent } = target.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true });
  const authorization = basic(clientId, clientSecret);

  return async function post(question) {
    const body = JSON.stringify(question);
    const headers = {
      Authorization: authorization,
      Accept: 'application/json',
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'User-Agent': 'tollgate-middleware',
    };
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      const options = { method: 'POST', headers, agent, signal: abort.signal };
      return await send(target, options, body);
    } catch (error) {
      if (!abort.signal.aborted) throw asTransportError(error, target);
      const message = `${target.origin} did not answer within ${timeoutMs} ms; look at its health or raise timeoutMs`;
      throw new TollgateError('timeout', message);
    } finally {
      clearTimeout(timer);
    }
  };
}

/**
 * Sends, and once more where Tollgate had closed the kept connection; the idempotency key of the
 * question makes that free even if it was read before.
 *
 * @param {URL} target
 * @param {RequestOptions} options
 * @param {string} body
 * @returns {Promise<Reply>}
 */
function send(target, options, body) {
  const { request } = target.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(target, options);
    let answering = false;
    sent.once('response', (response) => {
      answering = true;
      readReply(response).then(resolve, reject);
    });
    sent.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      const isReset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      if (!isReset || !sent.reusedSocket || answering) return reject(error);
      // A connection of its own: others that are kept are likely to be closed as well.
      send(target, { ...options, agent: false }, body).then(resolve, reject);
    });
    sent.end(body);
  });
}

/**
 * @param {IncomingMessage} response
 * @returns {Promise<Reply>}
 */
async function readReply(response) {
  /** @type {Buffer[]} */
  const chunks = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > MAX_REPLY_BYTES)
      throw new TollgateError('unreadable', `the answer is larger than ${MAX_REPLY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

/**
 * @param {unknown} error
 * @param {URL} target
 */
function asTransportError(error, target) {
  if (error instanceof TollgateError) return error;
  const { code = '', message = '' } = /** @type {{ code?: string, message?: string }} */ (error);
  const what = `${target.origin} cannot be asked: ${message || code}`;
  // HPE_…: what came is no HTTP.
  if (code.startsWith('HPE_')) return new TollgateError('unreadable', `${what}; check url`);
  return new TollgateError('unreachable', `${what}; check url and that Tollgate runs there`);
}

/**
 * A Basic header; RFC 6749 §2.3.1 wants id and secret form-encoded.
 *
 * @param {string} clientId
 * @param {string} clientSecret
 */
function basic(clientId, clientSecret) {
  const encoded = (/** @type {string} */ text) =>
    new URLSearchParams([['', text]]).toString().slice(1);
  const pair = `${encoded(clientId)}:${encoded(clientSecret)}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}
