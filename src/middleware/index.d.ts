/** Types of the package; see README.md. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** What an end client presented: a token, or else an API key, or neither. */
export interface Credential {
  token?: string | null | undefined;
  apiKey?: string | null | undefined;
}

/** What every decision says. */
interface Decided {
  failedOpen: false;
  /** The reason in a sentence. */
  message: string | null;
  /** Finds the decision and its trace in Tollgate. */
  decisionId: string;
  clientId: string | null;
  /** The end user of a user token. */
  userId: string | null;
  /** API groups and API scopes that the credential grants now. */
  scopes: string[];
  /** 0 (highest) to 9 (lowest). */
  priority: number | null;
  /** Uses left on the token; null = unlimited. */
  usesLeft: number | null;
  /** Units left in the period; null = unlimited. */
  quotaLeft: number | null;
  /** ISO 8601; null = never by itself. */
  quotaResetsAt: string | null;
  /** Calls left in this second on the node that decided; null = unlimited. */
  callsLeftThisSecond: number | null;
  /** Seconds after which a retry makes sense; null where time does not help. */
  retryAfterSeconds: number | null;
}

/** A decision that lets the call pass. */
export interface AllowedDecision extends Decided {
  allowed: true;
  status: 200;
  reason: null;
}

/** A decision that refuses the call. */
export interface RefusedDecision extends Decided {
  allowed: false;
  /** What the call is answered with: 400, 401, 403, 429 or 503. */
  status: number;
  /** A stable reason code. */
  reason: string;
}

/** Tollgate's decision about a call. */
export type Decision = AllowedDecision | RefusedDecision;

/** A call that passed unchecked during an outage, because `failOpen` is set: nobody knows whose it is. */
export interface FailedOpen {
  failedOpen: true;
  allowed: true;
}

/** What `req.tollgate` and `ctx.state.tollgate` hold. */
export type Tollgate = AllowedDecision | FailedOpen;

/**
 * Why a call could not be checked. `timeout`, `unreachable`, `server_error` and `unreadable` are
 * outages, under which `failOpen` lets calls pass; under the others nothing passes.
 */
export type ErrorCode =
  | 'timeout'
  | 'unreachable'
  | 'server_error'
  | 'unreadable'
  | 'own_credentials'
  | 'question_refused'
  | 'client_ip_unknown';

/** Why a call could not be checked; its message says how to mend it and holds no credential. */
export interface TollgateError extends Error {
  code: ErrorCode;
  retryAfterSeconds: number;
}

/**
 * Options; a Subject is Express's `req` or Koa's `ctx`. Functions may answer promises; what they throw
 * goes to the app's error handler, and the call does not pass.
 */
export interface TollgateOptions<Subject> {
  /** Base URL of Tollgate. */
  url: string;
  /** Client id of a resource server in Tollgate. */
  clientId: string;
  clientSecret: string;
  /** Milliseconds for a decision, connection included, 1 to 60000; default 2000. */
  timeoutMs?: number;
  /** Lets the secret go in clear text over a network that you trust; default false. */
  allowHttp?: boolean;
  /** True lets calls pass when Tollgate does not answer; default false: they get 503. */
  failOpen?: boolean;
  /** Units of quota and uses that a call costs, from 1; default 1. */
  weight?: number | ((subject: Subject) => number | Promise<number>);
  /**
   * Key under which a repeated call is charged once in 24 hours; default (also for undefined): a new
   * one for each call. Never the caller's own: it would make the caller's calls free.
   */
  idempotencyKey?: (subject: Subject) => string | undefined | Promise<string | undefined>;
  /** Address of the end client; default: `req.ip` or `ctx.ip`, which honour the app's proxy settings. */
  clientIp?: (subject: Subject) => string | undefined | Promise<string | undefined>;
  /** Credential of the end client; default: Authorization: Bearer, else X-Api-Key. */
  credential?: (
    subject: Subject,
  ) => Credential | null | undefined | Promise<Credential | null | undefined>;
  /** Hears of every decision, allowed or refused. */
  onDecision?: (decision: Decision, subject: Subject) => void;
  /** Hears of every call that could not be checked; default: a process warning for each code, once. */
  onError?: (error: TollgateError, subject: Subject) => void;
}

/** What the middleware reads of an Express (or Connect) request, and sets. */
export interface ExpressRequest extends IncomingMessage {
  originalUrl?: string;
  ip?: string | undefined;
  tollgate?: Tollgate;
}

/** What the middleware reads of a Koa context, and sets; functions of the options may name `Koa.Context` instead. */
export interface KoaContext {
  req: IncomingMessage;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  originalUrl: string;
  ip: string;
  state: { tollgate?: Tollgate };
  status: number;
  body: unknown;
  get(name: string): string;
  set(name: string, value: string): void;
}

/**
 * Middleware for Express 4 and 5 (and Connect); sets `req.tollgate` on calls that pass.
 *
 * @throws TypeError when an option is missing or wrong
 */
export function tollgateExpress<Req extends ExpressRequest = ExpressRequest>(
  options: TollgateOptions<Req>,
): (req: Req, res: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Middleware for Koa; sets `ctx.state.tollgate` on calls that pass.
 *
 * @throws TypeError when an option is missing or wrong
 */
export function tollgateKoa<Ctx extends KoaContext = KoaContext>(
  options: TollgateOptions<Ctx>,
): (ctx: Ctx, next: () => Promise<unknown>) => Promise<void>;

declare global {
  namespace Express {
    interface Request {
      /** Set by tollgateExpress. */
      tollgate?: Tollgate;
    }
  }
}
