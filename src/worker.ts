/** One worker thread: a whole server on the shared port. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadConfig, readEnvironment } from './config/load.ts';
import { openLog } from './http/log.ts';
import { serve } from './serve.ts';
import type { WorkerData, WorkerMessage } from './workers.ts';

const config = loadConfig(readEnvironment());
const log = openLog(config.logLevel);
const { index, rateMemory } = workerData as WorkerData;
const server = await serve({ config, log, rateMemory, reusePort: true, worker: index });
parentPort?.once('message', async () => {
  await server.close();
  log.flush();
  parentPort?.close();
});
parentPort?.postMessage('ready' satisfies WorkerMessage);
