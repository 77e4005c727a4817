/** A thread that does nothing but bcrypt, at low priority, so that guessing never slows serving. */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import bcrypt from 'bcrypt';

/** One job: hash a text, or compare it with a hash. */
export type BcryptJob = { text: string; cost: number } | { text: string; hash: string };

/** Nice value: a tenth of a busy core is left to verifications, all of an idle one. */
const NICE = 10;

try {
  // On Linux the priority belongs to the calling thread, not to the process.
  if (process.platform === 'linux') setPriority(0, NICE);
} catch {
  // Without the permission verifications compete at normal priority; nothing else changes.
}

parentPort?.on('message', (job: BcryptJob) => {
  parentPort?.postMessage(
    'hash' in job ? bcrypt.compareSync(job.text, job.hash) : bcrypt.hashSync(job.text, job.cost),
  );
});
