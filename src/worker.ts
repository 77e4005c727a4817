/** One worker thread: a whole server on the shared port. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadConfig, readEnvironment } from './config/load.ts';
import { openLog } from './http/log.ts';
import { serve } from './serve.ts';
import type { WorkerMessage } from './workers.ts';

const config = loadConfig(readEnvironment());
const log = openLog(config.logLevel);
const server = await serve({ config, log, reusePort: true, worker: Number(workerData) });
parentPort?.once('message', async () => {
  await server.close();
  log.flush();
  parentPort?.close();
});
parentPort?.postMessage('ready' satisfies WorkerMessage);
