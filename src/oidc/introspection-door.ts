/**
 * The short way to introspection, the busiest endpoint: callers with a Basic header, which is how
 * resource servers authenticate, are answered without the engine's detours (three token look-ups, a
 * probe for JWTs, a model built and discarded). Every other way to authenticate goes through the engine.
 */
import { parse } from 'node:querystring';
import type { Context } from 'koa';
import { authenticateBySecret } from '../domain/clients/authenticate-client.ts';
import type { Client } from '../domain/clients/client.ts';
import { isDomainError } from '../domain/errors.ts';
import type { Services } from '../domain/services.ts';
import { type BasicCredentials, parseBasic } from '../http/basic-credentials.ts';
import { readBody } from '../http/body.ts';
import type { Priorities } from '../http/priorities.ts';
import { noteFailure, type RequestState } from '../http/request-state.ts';
import {
  challenge,
  invalidRequest,
  OAuthError,
  refusalError,
  reportServerError,
} from './errors.ts';
import { introspect } from './introspection.ts';
import { type Form, optional } from './parameters.ts';
import { learnIntrospected } from './queued-doors.ts';

/** The longest body that is read: 56 KiB, as the engine does. */
const MOST_BYTES = 56 * 1024;

/** Answers an introspection whose caller sent a Basic header; false leaves the request to the engine. */
export async function introspectByBasic(
  services: Services,
  ctx: Context,
  priorities: Pick<Priorities, 'learn'>,
): Promise<boolean> {
  const credentials = parseBasic(ctx.req.headers.authorization);
  if (credentials === null) return false;
  const state = ctx.state as RequestState;
  ctx.set('Cache-Control', 'no-store');
  try {
    const form = await readForm(ctx);
    // Nothing that is read from here on is older than the request, however slowly it came.
    await services.directory.sync();
    refuseOtherCredentials(form, credentials);
    const caller = await authenticate(services, credentials, state);
    ctx.status = 200;
    const answer = await introspect(services, caller, form, state);
    ctx.body = answer;
    learnIntrospected(priorities, form, answer);
  } catch (error) {
    answerError(ctx, error);
  }
  return true;
}

async function readForm(ctx: Context): Promise<Form> {
  if (!ctx.is('application/x-www-form-urlencoded')) {
    throw invalidRequest('the body must be application/x-www-form-urlencoded');
  }
  try {
    return parse((await readBody(ctx.req, MOST_BYTES)).toString('utf8'));
  } catch (error) {
    if (!isDomainError(error)) throw error;
    const isTooLarge = error.code === 'payload_too_large';
    const problem = isTooLarge ? 'may have at most 56 KiB' : 'did not arrive whole';
    throw invalidRequest(`the body ${problem}`);
  }
}

/** RFC 6749 §2.3: "MUST NOT use more than one authentication method in each request". */
function refuseOtherCredentials(form: Form, { clientId }: BasicCredentials): void {
  const named = optional(form, 'client_id');
  if (named !== undefined && named !== clientId) throw invalidRequest('client_id mismatch');
  if (form['client_secret'] || form['client_assertion']) {
    throw invalidRequest('client authentication must only be provided using one mechanism');
  }
}

async function authenticate(
  services: Services,
  credentials: BasicCredentials,
  state: RequestState,
): Promise<Client> {
  const answer = await authenticateBySecret(services, credentials, state.address);
  if ('client' in answer) {
    state.clientId = answer.client.clientId;
    return answer.client;
  }
  noteFailure(state, answer);
  // Only what tells nothing about the secret, or about whether guessing goes on to make sense.
  if (answer.failure === 'ip_not_allowed') throw refusalError(answer.failure);
  throw authenticationFailed();
}

function authenticationFailed(): OAuthError {
  return new OAuthError(401, 'invalid_client', 'client authentication failed');
}

function answerError(ctx: Context, error: unknown): void {
  if (isDomainError(error)) {
    reportServerError(ctx, error);
    return;
  }
  const { error: code, error_description, status, expose } = error as Partial<OAuthError>;
  if (code === undefined || status === undefined || !expose) throw error;
  ctx.status = status;
  ctx.body = { error: code, error_description };
  if (status === 401) challenge(ctx);
}
