/**
 * What a route of the REST API is: data, declared once, from which the router, the validation and the
 * OpenAPI document are all made. Handlers know nothing of Koa.
 */
import type { z } from 'zod';
import type { Role } from '../domain/admins/admin.ts';
import type { Services } from '../domain/services.ts';
import type { Caller } from './authenticate.ts';

/** A validated call, as handlers receive it. */
export interface Call<P = unknown, Q = unknown, B = unknown, V = number | undefined> {
  services: Services;
  caller: Caller;
  /** Parameters of the path. */
  params: P;
  query: Q;
  body: B;
  /** Version named by If-Match. */
  version: V;
  /** Answer what would happen, and change nothing. */
  dryRun: boolean;
}

/** A call that had to name the version that was read. */
export type UpdateCall<P, B> = Call<P, unknown, B, number>;

/** What a handler answers; its status is the route's. */
export interface Answer<T = unknown> {
  body: T;
  /** Path of what was created, below `/api/v1`. */
  location?: string;
}

/** The parameters that a path names. */
export type Params<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? { [K in Name]: string } & Params<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? { [K in Name]: string }
    : object;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The nouns that the OpenAPI document is ordered by. */
export const TAGS = {
  clients: 'API accounts of partners, and resource servers',
  'client secrets': 'Secrets of a client; values are answered once, at creation',
  'client tokens': 'Live access tokens and refresh-token families of a client',
  'api keys': 'X-Api-Keys of clients; values are answered once, at creation and rotation',
  users: 'Resource owners for the password and authorization-code grants',
  apis: 'Method and path pattern of protected services',
  'api groups': 'Named sets of APIs that clients are granted',
  'api scopes': 'Named sets of APIs that end users consent to',
  'security levels': 'Ranked levels; a client holds groups and scopes of its own level or below',
  admins: 'People who work in the console and the REST API',
  'access tokens': 'Personal access tokens of admins',
  decisions: 'Recorded refusals, why they were, and what would be',
  'audit events': 'Every change: by whom, when, from where, field by field',
  mails: 'Mails and what became of them; never what they say',
  meta: 'This document',
} as const;

interface RouteData {
  method: Method;
  /** Path below `/api`, parameters as `:name`. */
  path: string;
  tag: keyof typeof TAGS;
  summary: string;
  /** The role needed; null = open to anyone. */
  role: Role | null;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Status of a success; a dry run always answers 200. */
  status: 200 | 201 | 204;
  /** Shape of the answer; of a 204, that of its dry run. */
  response: z.ZodType;
  /** Whether If-Match names the version that was read. */
  ifMatch?: 'required' | 'optional';
  /** The document of a stored record, for the `current` of a version conflict. */
  present?: (record: never, services: Services) => unknown;
}

/** A route with its types forgotten, as the framework handles it. */
export interface Route extends RouteData {
  handler: (call: never) => Promise<Answer>;
}

interface TypedRoute<
  Path extends string,
  Q extends z.ZodObject,
  B extends z.ZodType,
  R extends z.ZodType,
> extends RouteData {
  path: Path;
  query?: Q;
  body?: B;
  response: R;
}

type Handler<C, R extends z.ZodType> = (call: C) => Promise<Answer<z.output<R>>>;

type Versioning<P, Q, B, R extends z.ZodType> =
  | { ifMatch: 'required'; handler: Handler<Call<P, Q, B, number>, R> }
  | { ifMatch?: 'optional'; handler: Handler<Call<P, Q, B>, R> };

/** Declares a route; its handler is checked against the schemas beside it. */
export function route<
  Path extends string,
  R extends z.ZodType,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodType,
>(spec: TypedRoute<Path, Q, B, R> & Versioning<Params<Path>, z.output<Q>, z.output<B>, R>): Route {
  return spec;
}

/** The members of a value that a document has, in its order; nothing else gets out. */
export function project<S extends z.ZodObject>(document: S, value: z.output<S>): z.output<S> {
  const known = Object.keys(document.shape).filter((name) => name in value);
  return Object.fromEntries(known.map((name) => [name, value[name]])) as z.output<S>;
}
