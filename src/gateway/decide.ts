/** `POST /decide`: one question or a list of them, in JSON; a decision for each. */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { MAX_COUNT } from '../domain/clients/client.ts';
import { canonicalAddress } from '../domain/clients/ip-binding.ts';
import { LONGEST_RETRY_SECONDS } from '../domain/decision/decide.ts';
import { type DecidedCall, decideCall } from '../domain/decision/decide-call.ts';
import { REASONS } from '../domain/decision/reasons.ts';
import { isDomainError } from '../domain/errors.ts';
import type { Services } from '../domain/services.ts';
import { parse } from '../domain/validation.ts';
import type { Answer } from '../http/answer.ts';
import { readJson } from '../http/json-body.ts';
import type { Priorities } from '../http/priorities.ts';
import { ApiError, type ApiLog, logUnmeant, problemAnswer } from '../http/problem.ts';
import { noteDecision, type RequestState } from '../http/request-state.ts';
import { authenticateCaller } from './caller.ts';
import { limitHeaders } from './limit-headers.ts';

/** Questions in one request, at most. */
const MOST_QUESTIONS = 100;

const credential = z.string().min(1).max(1000).nullish();

/** A question as it is sent. */
export const question = z
  .strictObject({
    token: credential.describe('Access token that the end client sent'),
    apiKey: credential.describe('X-Api-Key that the end client sent'),
    clientIp: z
      .string()
      .transform(canonicalAddress)
      .refine((address) => address !== null, 'must be an address such as 192.0.2.10')
      .describe('Address of the end client'),
    method: z
      .string()
      .regex(/^[A-Za-z]{1,20}$/, 'must be a method such as GET')
      .transform((method) => method.toUpperCase()),
    path: z
      .string()
      .max(8000)
      .regex(/^\//, 'must start with /')
      .describe('Path of the call; a query is ignored'),
    consume: z.boolean().default(true).describe('False looks without spending'),
    weight: z.int().min(1).max(MAX_COUNT).default(1).describe('Units of quota and uses'),
    idempotencyKey: z
      .string()
      .min(1)
      .max(255)
      .nullish()
      .describe('A retry of the same call under the same key is free for a time'),
    idempotencySeconds: z
      .int()
      .min(1)
      .max(LONGEST_RETRY_SECONDS)
      .optional()
      .describe('How long a retry is free; default 24 hours'),
  })
  .refine((asked) => asked.token == null || asked.apiKey == null, {
    path: ['apiKey'],
    error: 'send either token or apiKey',
  });

const questions = z.array(question).min(1).max(MOST_QUESTIONS);

/** What the door works with. */
export interface DecideOptions {
  log: ApiLog;
  /** Learns whose credentials were decided about. */
  priorities: Pick<Priorities, 'learn'>;
}

/** The door; its answers may be written by Koa or past it, and errors are among them. */
export function decideDoor(
  services: Services,
  { log, priorities }: DecideOptions,
): (request: IncomingMessage, state: RequestState) => Promise<Answer> {
  return async function answerDecide(request, state) {
    try {
      if (request.method !== 'POST')
        throw new ApiError('method_not_allowed', 'this path knows POST', { Allow: 'POST' });
      return await decideRequest(request, state);
    } catch (error) {
      logUnmeant(log, error, { method: request.method, path: '/decide' });
      const { status, headers, body } = problemAnswer(error, refusing);
      return { status, headers: { ...NO_STORE, ...headers }, body };
    }
  };

  async function decideRequest(request: IncomingMessage, state: RequestState): Promise<Answer> {
    // Nothing that is read from here on is older than the request.
    await services.directory.sync();
    const presented = { header: 'authorization', address: state.address } as const;
    const caller = await authenticateCaller(services, { request, state }, presented);
    // A stranger's body is not read; one that came slowly was overtaken by changes.
    const isWhole = request.complete;
    const json = await readJson(request);
    if (!isWhole) await services.directory.sync();
    const ask = async (asked: z.output<typeof question>) => {
      const decided = await decideCall(services, caller, toQuestion(asked));
      priorities.learn(asked.token ?? asked.apiKey, decided.facts.client);
      return decided;
    };
    if (Array.isArray(json)) {
      const decided = await Promise.allSettled(parse(questions, json).map(ask));
      return jsonAnswer(decided.map(memberOf), {});
    }
    const decided = await ask(parse(question, json ?? {}));
    noteDecision(state, decided.decision);
    return jsonAnswer(answerOf(decided), limitHeaders(decided.decision, decided.facts));
  }
}

/** Callers look for `allowed` and `reason` first. */
function refusing({ code }: { code: string }): object {
  return { allowed: false, reason: code };
}

const NO_STORE = { 'Cache-Control': 'no-store' };

/** One question that the store did not answer takes no other's decision away. */
function memberOf(decided: PromiseSettledResult<DecidedCall>) {
  if (decided.status === 'fulfilled') return answerOf(decided.value);
  const error: unknown = decided.reason;
  if (!isDomainError(error) || error.status !== 503) throw error;
  const { code: reason, message, retryAfterSeconds = 1 } = error;
  return { ...NO_DECISION, reason, message, retryAfterSeconds };
}

const NO_DECISION = {
  ...{ allowed: false, status: 503, decisionId: null, clientId: null, userId: null },
  ...{ scopes: [], priority: null, usesLeft: null, quotaLeft: null, quotaResetsAt: null },
  callsLeftThisSecond: null,
};

function toQuestion(asked: z.output<typeof question>) {
  const { token, apiKey, clientIp, idempotencyKey, ...rest } = asked;
  return {
    ...rest,
    token: token ?? undefined,
    apiKey: apiKey ?? undefined,
    idempotencyKey: idempotencyKey ?? undefined,
    address: clientIp,
  };
}

/** A decision as it is answered. */
function answerOf({ decision, facts }: DecidedCall) {
  const { allowed, status, reason, decisionId, quota, rate } = decision;
  return {
    allowed,
    status,
    reason,
    message: reason === null ? null : REASONS[reason].title,
    decisionId,
    clientId: facts.client?.clientId ?? null,
    userId: facts.userId ?? null,
    scopes: decision.allowed ? decision.scopes : [],
    priority: facts.client?.priority ?? null,
    usesLeft: decision.usesLeft,
    quotaLeft: quota?.left ?? null,
    quotaResetsAt: quota?.resetsAt ?? null,
    callsLeftThisSecond: rate?.left ?? null,
    retryAfterSeconds: decision.allowed ? null : decision.retryAfterSeconds,
  };
}

function jsonAnswer(body: unknown, limits: Readonly<Record<string, string>>): Answer {
  return {
    status: 200,
    headers: { ...NO_STORE, ...limits, 'Content-Type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
  };
}
