/**
 * bcrypt on threads of its own with a bounded queue: a flood of wrong secrets fills the queue and is
 * turned away at once, while the threads that serve requests go on.
 */
import { Worker } from 'node:worker_threads';
import { DomainError } from '../../src/domain/errors.ts';
import {
  type BcryptPort,
  tooManyVerifications,
  VERIFICATION_WAIT_MS,
} from '../../src/domain/secrets/passwords.ts';
import type { BcryptJob } from './worker.ts';

/** Size of the pool. */
export interface BcryptOptions {
  /** bcrypt cost, 4 to 15; each step doubles the time. */
  cost: number;
  /** Threads that hash. */
  threads: number;
  /** Jobs that may wait for each thread; default 16. */
  queued?: number;
}

interface Pending {
  job: BcryptJob;
  /** `performance.now()` when it was asked for. */
  sinceMs: number;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** A pool of bcrypt threads. */
export class BcryptPool implements BcryptPort {
  readonly #options: Required<BcryptOptions>;
  readonly #queue: Pending[] = [];
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Pending>();
  #closed = false;

  constructor(options: BcryptOptions) {
    this.#options = { queued: 16, ...options };
  }

  async hash(text: string): Promise<string> {
    return String(await this.#run({ text, cost: this.#options.cost }));
  }

  async compare(text: string, hash: string): Promise<boolean> {
    return (await this.#run({ text, hash })) === true;
  }

  /** Ends the threads; jobs under way are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#queue.splice(0)) reject(stopped());
    const workers = [...this.#idle.splice(0), ...this.#busy.keys()];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  get isFull(): boolean {
    return this.#queue.length >= this.#options.threads * this.#options.queued;
  }

  #run(job: BcryptJob): Promise<unknown> {
    if (this.#closed) return Promise.reject(stopped());
    if (this.isFull) return Promise.reject(tooManyVerifications());
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, sinceMs: performance.now(), resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    this.#refuseLate();
    const pending = this.#queue[0];
    if (pending === undefined) return;
    const worker = this.#idle.pop() ?? this.#start();
    if (worker === null) return;
    this.#queue.shift();
    this.#busy.set(worker, pending);
    worker.ref();
    worker.postMessage(pending.job);
  }

  /** What waited too long is refused: whoever asked has given up, or should come again later. */
  #refuseLate(): void {
    const earliestMs = performance.now() - VERIFICATION_WAIT_MS;
    while (this.#queue[0] !== undefined && this.#queue[0].sinceMs < earliestMs) {
      this.#queue.shift()?.reject(tooManyVerifications());
    }
  }

  #start(): Worker | null {
    if (this.#busy.size >= this.#options.threads) return null;
    const worker = new Worker(new URL('./worker.ts', import.meta.url));
    worker.on('message', (answer) => {
      this.#settle(worker)?.resolve(answer);
      worker.unref();
      this.#idle.push(worker);
      this.#next();
    });
    worker.on('error', (cause) => this.#settle(worker)?.reject(cause));
    worker.on('exit', () => {
      this.#settle(worker)?.reject(stopped());
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      if (this.#queue.length > 0) this.#next();
    });
    return worker;
  }

  #settle(worker: Worker): Pending | undefined {
    const pending = this.#busy.get(worker);
    this.#busy.delete(worker);
    return pending;
  }
}

function stopped(): DomainError {
  return new DomainError('overloaded', { hint: 'the verification was stopped' });
}
