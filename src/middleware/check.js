// @ts-check
/** The check of one call, whatever the framework: question, decision, outcome. */
import {
  bareRefusal,
  decisionHeaders,
  malformedCall,
  missingCredential,
  readDecision,
  refusalOf,
  uncheckedRefusal,
} from './answers.js';
import { asError, TollgateError } from './errors.js';
import { readOptions } from './options.js';
import { readQuestion } from './question.js';
import { openTransport } from './transport.js';

/** @import { Refusal } from './answers.js' */
/** @import { Tollgate, TollgateOptions } from './index.d.ts' */
/** @import { Call, Question } from './question.js' */

/** @typedef {{ passed: true, tollgate: Tollgate, headers: Record<string, string> } | ({ passed: false } & Refusal)} Outcome */

const UNREADABLE_TARGET = bareRefusal(400, 'validation_failed', 'the call cannot be read: path');

/** Errors under which `failOpen` lets calls pass. Not those that a caller can bring about. */
const OUTAGES = ['timeout', 'unreachable', 'server_error', 'unreadable'];

/**
 * A function that checks calls.
 *
 * @template Subject
 * @param {TollgateOptions<Subject>} options
 * @returns {(call: Call<Subject>) => Promise<Outcome>} rejects with what a function of the options throws
 * @throws TypeError when an option is missing or wrong
 */
export function createCheck(options) {
  const settings = readOptions(options);
  const post = openTransport(settings);

  return async function check(call) {
    try {
      return await decide(call);
    } catch (error) {
      throw asError(error);
    }
  };

  /**
   * @param {Call<Subject>} call
   * @returns {Promise<Outcome>}
   */
  async function decide(call) {
    /** @type {Question | null} */
    let question = null;
    try {
      question = await readQuestion(settings, call);
      return await ask(question, call);
    } catch (error) {
      if (!(error instanceof TollgateError)) throw error;
      return failed(error, question, call);
    }
  }

  /**
   * @param {Question | null} question
   * @param {Call<Subject>} call
   * @returns {Promise<Outcome>}
   */
  async function ask(question, call) {
    if (question === null) return refused(UNREADABLE_TARGET);
    const reply = await post(question);
    const malformed = malformedCall(reply);
    if (malformed !== null) return refused(malformed);
    const decision = readDecision(reply);
    settings.onDecision?.(decision, call.subject);
    const headers = decisionHeaders(reply, decision);
    if (decision.allowed) return { passed: true, tollgate: decision, headers };
    const refusal = refusalOf(decision);
    return refused({ ...refusal, headers: { ...headers, ...refusal.headers } });
  }

  /**
   * @param {TollgateError} error
   * @param {Question | null} question
   * @param {Call<Subject>} call
   * @returns {Outcome}
   */
  function failed(error, question, call) {
    settings.onError(error, call.subject);
    if (!settings.failOpen || !OUTAGES.includes(error.code))
      return refused(uncheckedRefusal(error));
    // Whatever the outage, Tollgate would have refused this one.
    if (!question?.token && !question?.apiKey) return refused(missingCredential());
    return { passed: true, tollgate: { allowed: true, failedOpen: true }, headers: {} };
  }
}

/**
 * @param {Refusal} refusal
 * @returns {Outcome}
 */
function refused(refusal) {
  return { passed: false, ...refusal };
}
