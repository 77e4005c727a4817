/**
 * A way past Koa for the one endpoint that is called more often than all others together. What the door
 * answers is the same either way; Koa's context and its middleware cost as much as the decision itself.
 * Only the plainest form of a request comes by here; every other one goes through Koa (ADR 10).
 */
import type { IncomingMessage } from 'node:http';
import { type Answer, writeAnswer } from './answer.ts';
import type { ApiLog } from './problem.ts';
import { type Serve, tellArrival } from './queued-requests.ts';
import type { RequestState } from './request-state.ts';
import type { RequestObserver } from './requests.ts';

/** Answers a request, errors included; whoever calls it writes the answer. */
export type AnswerRequest = (request: IncomingMessage, state: RequestState) => Promise<Answer>;

/** A door that is open beside Koa. */
export interface LeanDoor {
  /** The request target, as it is written in the request line. */
  path: string;
  method: string;
  answer: AnswerRequest;
  observer: RequestObserver;
  log: ApiLog;
}

/** Answers what fits the lean door exactly, and gives everything else to Koa. */
export function besideKoa({ path, method, answer, observer, log }: LeanDoor, koa: Serve): Serve {
  return async function serve(request, response) {
    if (request.url !== path || request.method !== method) return koa(request, response);
    try {
      const state = observer.arrive(request);
      tellArrival(request, state);
      const answered = await answer(request, state);
      observer.leave(state, { route: path, method, status: answered.status });
      // Nobody waits for the answer any more.
      if (!request.socket.writable) return;
      writeAnswer(response, state, answered);
    } catch (error) {
      // A door answers its own errors: this is a mistake of the server, and must not leave a caller waiting.
      log.error({ err: error, method, path }, 'request failed');
      response.destroy();
    }
  };
}
