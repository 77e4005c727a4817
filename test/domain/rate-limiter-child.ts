/**
 * A thread that shares memory with others, or that computes at the full speed of Node, which Jest does
 * not. It takes calls in rounds, all threads starting each round at the same moment, and posts how
 * many it was granted in each; or it plays many clients, one after the other; or it
 * counts under a lock; or it takes a lock and dies with it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { RateLimiter } from '../../src/domain/usage/rate-limiter.ts';
import { SharedLocks } from '../../src/domain/usage/shared-locks.ts';

/** What a thread does. */
export type Job =
  | {
      name: 'take';
      memory: SharedArrayBuffer;
      /** Two words: threads that have arrived so far, and the round that is open. */
      gate: Int32Array;
      threads: number;
      rounds: { clientId: string; limit: number; at: Date; times: number }[];
    }
  | {
      name: 'visit';
      memory: SharedArrayBuffer;
      /** Clients that make three calls each, one client every 100 ms. */
      clients: number;
      limit: number;
    }
  | {
      name: 'count';
      locks: Int32Array;
      /** One word, counted up without Atomics. */
      counter: Int32Array;
      times: number;
    }
  | { name: 'die'; locks: Int32Array };

const job: Job = workerData;
if (job.name === 'take') parentPort?.postMessage(take(job));
if (job.name === 'visit') parentPort?.postMessage(visit(job));
if (job.name === 'count') parentPort?.postMessage(count(job));
if (job.name === 'die') {
  new SharedLocks(job.locks, () => undefined).acquire(0);
  process.exit();
}

function take({ memory, gate, threads, rounds }: Job & { name: 'take' }): number[] {
  const limiter = new RateLimiter(memory);
  return rounds.map(({ clientId, limit, at, times }, round) => {
    meet(gate, threads, round);
    let granted = 0;
    for (let i = 0; i < times; i += 1) granted += Number(limiter.take(clientId, limit, at).ok);
    return granted;
  });
}

function meet(gate: Int32Array, threads: number, round: number): void {
  if (Atomics.add(gate, 0, 1) === (round + 1) * threads - 1) {
    Atomics.store(gate, 1, round + 1);
    Atomics.notify(gate, 1);
  }
  while (Atomics.load(gate, 1) <= round) Atomics.wait(gate, 1, round);
}

/** How many first, second and third calls were granted, and how many a second after the first. */
function visit({ memory, clients, limit }: Job & { name: 'visit' }): number[] {
  const limiter = new RateLimiter(memory);
  const granted = [0, 0, 0, 0];
  const take = (client: number, at: Date, call: number) => {
    const { ok } = limiter.take(`client-${client}`, limit, at);
    granted[call] = (granted[call] ?? 0) + Number(ok);
  };
  for (let client = 0; client < clients; client += 1) {
    const at = new Date(client * 100);
    for (const call of [0, 1, 2]) take(client, at, call);
    if (client >= 9) take(client - 9, at, 3);
  }
  return granted;
}

function count({ locks, counter, times }: Job & { name: 'count' }): number {
  let takenOver = 0;
  const shared = new SharedLocks(locks, () => {
    takenOver += 1;
  });
  for (let i = 0; i < times; i += 1) {
    const held = shared.acquire(0);
    counter[0] = (counter[0] ?? 0) + 1;
    shared.release(0, held);
  }
  return takenOver;
}
