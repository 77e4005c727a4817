/** A Koa application on loopback, with its log lines and metrics in the hand of the test. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import pino from 'pino';
import { clientAddressReader } from '../../src/http/client-address.ts';
import { createMetrics, type Metrics } from '../../src/http/metrics.ts';
import { observeRequests } from '../../src/http/requests.ts';

/** An answer; `body` is what its JSON says, `{}` where there is none. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: Record<string, unknown>;
}

export interface TestServer {
  /** Log lines, parsed. */
  lines: Record<string, unknown>[];
  metrics: Metrics;
  send(path: string, init?: RequestInit): Promise<Answer>;
  close(): Promise<void>;
}

/** Starts an application of what is mounted behind `observeRequests`; loopback is a trusted proxy. */
export async function startServer(
  mount: (app: Koa, metrics: Metrics) => void,
  now = () => new Date('2027-03-31T16:00:00Z'),
): Promise<TestServer> {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: 'debug', base: null },
    { write: (line) => lines.push(JSON.parse(line)) },
  );
  const metrics = createMetrics(false);
  const app = new Koa();
  const readAddress = clientAddressReader(['127.0.0.1']);
  app.use(observeRequests({ clock: { now }, log, metrics, readAddress }));
  mount(app, metrics);
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    lines,
    metrics,
    send: (path, init = {}) => answerOf(`${origin}${path}`, init),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answerOf(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  const isJson = response.headers.get('Content-Type')?.includes('json') ?? false;
  const body = isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, headers: response.headers, text, body };
}
