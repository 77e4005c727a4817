/**
 * A private network (a Linux network namespace) in which proxies run with exactly the files of
 * docs/gateways: their fixed ports are free there, and end clients come from addresses of their own.
 * A process inside opens the sockets and hands them over; this process uses them as its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';

/** Addresses that the private network has, beside 127.0.0.1 and ::1. */
export const ADDRESSES = {
  gateway: '192.0.2.1',
  client: '192.0.2.7',
  otherClient: '192.0.2.8',
} as const;

const INSIDE = join(import.meta.dirname, 'network-child.ts');

/** A program to run inside. */
export interface Command {
  path: string;
  args: string[];
  env: Record<string, string>;
  cwd: string;
}

/** What the process inside is asked for. */
export type Order =
  | { id: number; kind: 'listen'; port: number }
  | { id: number; kind: 'connect'; host: string; port: number; from: string }
  | { id: number; kind: 'run'; command: Command }
  | { id: number; kind: 'output' };

type OrderBody = Order extends infer Each ? (Each extends Order ? Omit<Each, 'id'> : never) : never;

/** How it answers; a socket comes beside the first of two reports. */
export interface Report {
  id: number;
  isLast: boolean;
  error?: string;
  output?: string;
}

/** The private network; everything in it ends with `close`, and with this process. */
export interface PrivateNetwork {
  /** A server that listens inside, on 127.0.0.1, and is accepted from here. */
  listen(port: number): Promise<Server>;
  /** A connection inside to the gateway's address. Throws when nothing listens. */
  connect(port: number, from: string): Promise<Socket>;
  run(command: Command): Promise<void>;
  /** Everything that the programs inside have printed. */
  output(): Promise<string>;
  close(): Promise<void>;
}

/** Opens one. Throws when this machine has no network namespaces; the message says what is needed. */
export async function openNetwork(): Promise<PrivateNetwork> {
  const inside = await start();
  const servers: Server[] = [];
  let asked = 0;
  async function order(body: OrderBody): Promise<[Report, unknown]> {
    asked += 1;
    const id = asked;
    const answered = new Promise<[Report, unknown]>((resolve) => {
      let socket: unknown;
      inside.on('message', function hear(report: Report, handle: unknown) {
        if (report.id !== id) return;
        socket ??= handle;
        if (!report.isLast) return;
        inside.off('message', hear);
        resolve([report, socket]);
      });
    });
    inside.send({ id, ...body });
    const [report, handle] = await answered;
    if (report.error !== undefined) throw new Error(report.error);
    return [report, handle];
  }
  return {
    async listen(port) {
      const server = (await order({ kind: 'listen', port }))[1] as Server;
      servers.push(server);
      return server;
    },
    connect: async (port, from) =>
      (await order({ kind: 'connect', host: ADDRESSES.gateway, port, from }))[1] as Socket,
    run: async (command) => void (await order({ kind: 'run', command })),
    output: async () => (await order({ kind: 'output' }))[0].output ?? '',
    async close() {
      for (const server of servers) server.close();
      if (inside.exitCode !== null || inside.signalCode !== null) return;
      const ended = once(inside, 'exit');
      inside.disconnect();
      await ended;
    },
  };
}

async function start(): Promise<ChildProcess> {
  const isRoot = process.getuid?.() === 0;
  const addresses = Object.values(ADDRESSES).map((address) => `ip addr add ${address}/32 dev lo`);
  const script = ['set -e', 'ip link set lo up', ...addresses, 'exec "$0" "$@"'].join('\n');
  const node = [process.execPath, '--no-warnings', INSIDE];
  const inside = spawn('unshare', [isRoot ? '-n' : '-rn', 'sh', '-c', script, ...node], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const errors: Buffer[] = [];
  inside.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  const failed = new Promise<string>((resolve) => {
    inside.once('error', (error) => resolve(error.message));
    inside.once('close', () => resolve(Buffer.concat(errors).toString('utf8').trim()));
  });
  const ready = once(inside, 'message').then(() => null);
  const cause = await Promise.race([ready, failed]);
  if (cause === null) return inside;
  throw new Error(
    `no private network for the gateways (Linux with unshare and ip, as root or with user ` +
      `namespaces, is needed): ${cause}`,
  );
}
