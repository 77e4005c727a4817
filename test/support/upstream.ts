/** The API behind a gateway: answers every request with what it received, as JSON. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Server } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as the API saw it. */
export interface SeenRequest {
  method: string;
  /** Path and query, as they came. */
  url: string;
  /** Names in lower case; every value of a repeated header. */
  headers: Record<string, string[]>;
  body: string;
}

/** A running API. */
export interface Upstream {
  /** Every request so far, the oldest first. */
  seen: SeenRequest[];
}

/** Serves on a listening server. */
export function serveUpstream(listening: Server): Upstream {
  const seen: SeenRequest[] = [];
  const http = createServer((request, response) => {
    answer(request, response, seen).catch((error: Error) => response.destroy(error));
  });
  listening.on('connection', (socket) => http.emit('connection', socket));
  return { seen };
}

async function answer(request: IncomingMessage, response: ServerResponse, seen: SeenRequest[]) {
  const { method = '', url = '', headersDistinct } = request;
  const headers = Object.fromEntries(
    Object.entries(headersDistinct).map(([name, values]) => [name, values ?? []]),
  );
  const one = { method, url, headers, body: await text(request) };
  seen.push(one);
  // The API has no say in what the end client learns of the decision.
  response.setHeader('X-Decision-Id', 'made-up-by-the-api');
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(one));
}
