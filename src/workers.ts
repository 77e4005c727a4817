/**
 * Several workers that make one node: threads that share the port and the database. The main thread
 * only starts, restarts and stops them.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type ComposeOptions, openServices } from './compose.ts';
import { firstRun } from './domain/first-run.ts';
import { RateLimiter } from './domain/usage/rate-limiter.ts';
import type { RunningServer } from './serve.ts';

/** Messages between the main thread and a worker. */
export type WorkerMessage = 'ready' | 'stop';

/** What a worker is started with. */
export interface WorkerData {
  index: number;
  /** The workers count the calls of a second together. */
  rateMemory: SharedArrayBuffer;
}

/** Starts `config.workers` workers; resolves when all of them are ready. Throws when one cannot start. */
export async function serveInWorkers(
  options: ComposeOptions,
): Promise<Omit<RunningServer, 'services'>> {
  const { config, log } = options;
  const { services, close } = await openServices(options);
  const made = await firstRun(services, { demo: config.nodeEnv === 'development' });
  await close();
  const rateMemory = RateLimiter.memory();
  let stopping = false;
  const workers = new Set<Worker>();

  async function start(index: number): Promise<void> {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { index, rateMemory } satisfies WorkerData,
    });
    workers.add(worker);
    worker.once('exit', (code) => {
      workers.delete(worker);
      if (stopping) return;
      log.error({ code }, 'a worker ended; another one starts');
      start(index).catch((err) => log.error({ err }, 'a worker did not start'));
    });
    worker.on('error', (err) => log.error({ err }, 'a worker failed'));
    await Promise.race([
      once(worker, 'message'),
      once(worker, 'exit').then(() => Promise.reject(new Error('a worker did not start'))),
    ]);
  }

  await Promise.all(Array.from({ length: config.workers }, (_, index) => start(index)));
  return {
    port: config.port,
    issuer: config.issuer,
    firstRun: made,
    async close() {
      stopping = true;
      const ended = [...workers].map((worker) => once(worker, 'exit'));
      for (const worker of workers) worker.postMessage('stop' satisfies WorkerMessage);
      await Promise.all(ended);
    },
  };
}
