/**
 * Apps that the middleware guards, in real Express and real Koa, and the peers it talks to: a relay in
 * front of a real Tollgate that counts and cuts connections, and one that answers badly or not at all.
 */
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect, createServer as createRelay, type Socket } from 'node:net';
import express from 'express';
import Koa from 'koa';
import {
  type TollgateError,
  type TollgateOptions,
  tollgateExpress,
  tollgateKoa,
} from '../../src/middleware/index.js';
import { type Answer, answerOf } from '../support/server.ts';

/** The frameworks; every behaviour holds in both. */
export const FRAMEWORKS = ['express', 'koa'] as const;
export type Framework = (typeof FRAMEWORKS)[number];

/** Options; functions get Express's `req` or Koa's `ctx`, of which tests read `headers`. */
export type Options = TollgateOptions<{ headers: IncomingMessage['headers'] }>;

/** An app behind the middleware; its handler answers what it finds as the decision. */
export interface Guarded {
  /** Errors that `onError` heard. */
  errors: TollgateError[];
  /** Errors that reached the app's error handler. */
  thrown: unknown[];
  call(path?: string, init?: RequestInit): Promise<Answer>;
  url: string;
  /** Calls that the handler saw. */
  handled(): number;
  close(): Promise<void>;
}

/** How the app is made. */
export interface AppSettings {
  /** Whether the app itself trusts the proxy in front of it. */
  trustProxy?: boolean;
}

/** Starts an app behind the middleware. */
export async function startGuarded(
  framework: Framework,
  given: Options,
  { trustProxy = false }: AppSettings = {},
): Promise<Guarded> {
  const errors: TollgateError[] = [];
  const thrown: unknown[] = [];
  let handled = 0;
  const options: Options = { onError: (error) => void errors.push(error), ...given };
  const saw = (decision: unknown) => {
    handled += 1;
    return { decision };
  };
  const make = framework === 'express' ? expressApp : koaApp;
  const server = await listen(make(options, { saw, thrown, trustProxy }));
  return {
    errors,
    thrown,
    url: server.url,
    call: async (path = '/orders/1', init = {}) => answerOf(await fetch(server.url + path, init)),
    handled: () => handled,
    close: server.close,
  };
}

interface Insides {
  saw(decision: unknown): object;
  thrown: unknown[];
  trustProxy: boolean;
}

function expressApp(options: Options, { saw, thrown, trustProxy }: Insides): RequestListener {
  const app = express();
  app.set('trust proxy', trustProxy);
  const router = express.Router();
  router.use(tollgateExpress(options));
  router.use((req, res) => void res.json(saw(req.tollgate)));
  // Below a mount path `req.path` is only a part of what the client asked for.
  app.use('/orders', router);
  app.use(router);
  app.use(
    (error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      thrown.push(error);
      res.status(500).end();
    },
  );
  return app as unknown as RequestListener;
}

function koaApp(options: Options, { saw, thrown, trustProxy }: Insides): RequestListener {
  const app = new Koa({ proxy: trustProxy });
  app.on('error', (error) => void thrown.push(error));
  app.use(tollgateKoa(options));
  app.use((ctx) => {
    ctx.body = saw(ctx.state['tollgate']);
  });
  const listener = app.callback();
  return (request, response) => void listener(request, response);
}

/** A listening HTTP server. */
export interface Peer {
  url: string;
  close(): Promise<void>;
}

/** A server on loopback. */
export async function listen(listener: RequestListener): Promise<Peer> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A question as Tollgate gets it, with the header fields around it. */
export interface Asked {
  headers: IncomingMessage['headers'];
  url: string;
  question: Record<string, unknown>;
}

/** Stands where Tollgate should be, and answers what a test makes it answer. */
export interface StandIn extends Peer {
  asked: Asked[];
  answer(how: (response: ServerResponse, asked: Asked) => void): void;
}

/** A stand-in that never answers until it is told to. */
export async function startStandIn(): Promise<StandIn> {
  const asked: Asked[] = [];
  let how: (response: ServerResponse, asked: Asked) => void = () => {};
  const peer = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const question = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      const one = { headers: request.headers, url: request.url ?? '', question };
      asked.push(one);
      how(response, one);
    });
  });
  return {
    ...peer,
    asked,
    answer(next) {
      how = next;
    },
  };
}

/** An allowed decision as Tollgate answers it. */
export const ALLOWED = {
  allowed: true,
  status: 200,
  reason: null,
  decisionId: 'decision-1',
  clientId: 'acme',
  scopes: ['orders.read'],
};

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

/** How a relay treats the connection of a question. */
export type Cut = 'none' | 'fin' | 'rst';

/** A relay in front of a server. */
export interface Relay extends Peer {
  /** Connections so far. */
  connections(): number;
  /** Cuts the next connection that carries a question: after the server has answered, before the app hears of it. */
  cutNext(cut: Cut): void;
}

/** Relays bytes to a server on loopback. */
export async function startRelay(to: string): Promise<Relay> {
  const port = Number(new URL(to).port);
  const sockets = new Set<Socket>();
  let connections = 0;
  let cut: Cut = 'none';
  const relay = createRelay((near) => {
    connections += 1;
    const far = connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    near.on('data', (bytes) => far.write(bytes)).on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    far.on('data', (bytes) => {
      if (cut === 'none') near.write(bytes);
      else if (cut === 'fin') near.destroy();
      else near.resetAndDestroy();
      cut = 'none';
    });
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  return {
    url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    connections: () => connections,
    cutNext(how) {
      cut = how;
    },
    async close() {
      const closed = once(relay, 'close');
      relay.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
