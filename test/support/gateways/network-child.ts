/** The process inside a private network: opens sockets for its parent, runs programs, ends with it. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Running, runCommand } from '../server.ts';
import type { Order, Report } from './network.ts';

const programs: Running[] = [];

async function carryOut(order: Order): Promise<{ output?: string; handle?: Server | Socket }> {
  switch (order.kind) {
    case 'listen': {
      const server = createServer().listen(order.port, '127.0.0.1');
      await once(server, 'listening');
      return { handle: server };
    }
    case 'connect': {
      // Paused, or this process could still read what is meant for its parent.
      const socket = connect({ host: order.host, port: order.port, localAddress: order.from });
      socket.pause();
      await once(socket, 'connect');
      return { handle: socket };
    }
    case 'run': {
      const { path, args, cwd, env } = order.command;
      programs.push(runCommand(path, { args, cwd, env }));
      return {};
    }
    case 'output':
      return { output: programs.map((program) => program.output()).join('') };
  }
}

/** Resolves when the parent has it. */
function report(message: Report, handle?: Server | Socket): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, handle, {}, () => resolve());
  });
}

async function handOver(id: number, handle: Server | Socket): Promise<void> {
  await report({ id, isLast: false }, handle);
  if (!('listening' in handle)) return;
  // The parent has a copy of its own; with this one, connections could end up here.
  handle.close();
  await once(handle, 'close');
}

async function obey(order: Order): Promise<void> {
  const { id } = order;
  try {
    const { handle, ...rest } = await carryOut(order);
    if (handle !== undefined) await handOver(id, handle);
    await report({ id, isLast: true, ...rest });
  } catch (error) {
    await report({ id, isLast: true, error: (error as Error).message });
  }
}

process.on('message', (order: Order) => void obey(order));

process.once('disconnect', async () => {
  await Promise.all(programs.map((program) => program.kill('SIGKILL')));
  process.exit();
});

await report({ id: 0, isLast: true });
