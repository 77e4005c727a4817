/** Answers before they are written, so that a door need not know who carries them: Koa, or nobody. */
import type { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import type { RequestState } from './request-state.ts';

/** What a door answers. */
export interface Answer {
  status: number;
  /** In the order in which they are sent; Content-Type is one of them. */
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** Gives Koa an answer; `observeRequests` adds the headers that every answer has. */
export function carryByKoa(ctx: Context, { status, headers, body }: Answer): void {
  ctx.status = status;
  ctx.set(headers);
  ctx.body = body;
}

/** Writes an answer, with the headers that `observeRequests` and Koa would add to it. */
export function writeAnswer(
  response: ServerResponse,
  { requestId, decisionId }: Pick<RequestState, 'requestId' | 'decisionId'>,
  { status, headers, body }: Answer,
): void {
  const all = ['X-Request-Id', requestId, 'X-Content-Type-Options', 'nosniff'];
  for (const name in headers) all.push(name, headers[name] as string);
  all.push('Content-Length', String(Buffer.byteLength(body)));
  if (decisionId !== undefined) all.push('X-Decision-Id', decisionId);
  // One flat list: node:http copies neither it nor an object of it, as setHeader would.
  response.writeHead(status, all).end(body);
}
