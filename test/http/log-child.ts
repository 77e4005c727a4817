/** Writes one line to the log: from a worker thread that then ends, or from a process that goes on. */
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { openLog } from '../../src/http/log.ts';

const how = isMainThread ? process.argv[2] : String(workerData);

if (how === 'worker' || how === 'flushed-worker') {
  if (isMainThread) await once(new Worker(import.meta.filename, { workerData: how }), 'exit');
  else {
    const log = openLog('info');
    log.info('the last words');
    if (how === 'flushed-worker') log.flush();
    else process.exit();
  }
} else {
  openLog('info').info('the last words');
  setInterval(() => undefined, 60_000);
}
