/** One listening server: opens the services, listens, serves, and drains. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type ComposeOptions, composeApp, openServices } from './compose.ts';
import { defaultIssuer } from './config/load.ts';
import { type FirstRun, firstRun } from './domain/first-run.ts';
import type { Services } from './domain/services.ts';

/** A running server. */
export interface RunningServer {
  services: Services;
  port: number;
  /** Public base URL. */
  issuer: string;
  /** What this start put into an empty database. */
  firstRun: FirstRun;
  /** Stops accepting, lets requests under way end (at most 10 s), writes what is buffered, closes. */
  close(): Promise<void>;
}

/** Options of a server. */
export interface ServeOptions extends ComposeOptions {
  /** Several workers of one node listen on the same port. */
  reusePort?: boolean;
  /** Index among the workers of the node; default 0. */
  worker?: number;
}

const DRAIN_MS = 10_000;
const SWEEP_MS = 50;

/** Starts a server; resolves when it is ready. Throws when the port is taken or a service cannot be opened. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  let listener: RequestListener = answerStarting;
  let draining = false;
  const server = createServer(
    { keepAliveTimeout: 65_000, requestTimeout: 30_000 },
    (request, response) => listener(request, response),
  );
  const silent = silentSockets(server);
  const port = await listen(server, options);
  try {
    const config = { ...options.config };
    if (config.issuer.endsWith(':0')) config.issuer = defaultIssuer(config.host, port);
    const { services, close } = await openServices({ ...options, config });
    const made = await firstRun(services, { demo: config.nodeEnv === 'development' });
    const app = await composeApp(services, { ...options, config, isDraining: () => draining });
    listener = app.callback();
    return {
      services,
      port,
      issuer: config.issuer,
      firstRun: made,
      async close() {
        draining = true;
        const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
        // `close` ends the connections that are idle now; those that still answer become idle later.
        const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
        for (const socket of silent) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
        clearTimeout(timer);
        clearInterval(sweep);
        await close();
      },
    };
  } catch (error) {
    server.close();
    throw error;
  }
}

function listen(
  server: ReturnType<typeof createServer>,
  { config, reusePort = false }: ServeOptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: config.host, port: config.port, reusePort }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

const answerStarting: RequestListener = (_request, response) => {
  response.writeHead(503, { 'Retry-After': '1' }).end();
};

/** Connections that have sent no request yet; a stop need not wait for them. */
function silentSockets(server: ReturnType<typeof createServer>): ReadonlySet<Socket> {
  const silent = new Set<Socket>();
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', (request) => silent.delete(request.socket));
  return silent;
}
