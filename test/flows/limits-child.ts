/**
 * One of several gateways that ask `/decide` at the same moment. Argument: a job as JSON. Writes
 * `ready`, waits for a line on its standard input, asks as often or for as long as the job says, and
 * writes what it was told as one line of JSON.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** What a gateway asks. */
export interface LimitsJob {
  /** Servers, asked in turn. */
  urls: string[];
  authorization: string;
  /** Asked in turn. */
  questions: object[];
  /** Questions under way at a time. */
  atOnce: number;
  /** How many are asked; default: as many as there is time for. */
  times?: number;
  /** How long it goes on; default: until all are asked. */
  seconds?: number;
}

/** What a gateway was told; members of an answer that is none are null. */
export interface Decided {
  /** Indexes of the server and the question. */
  server: number;
  question: number;
  /** Milliseconds since 1970; the server decided at both, or in between. */
  sentMs: number;
  receivedMs: number;
  /** HTTP status. */
  status: number;
  allowed: boolean;
  reason: string | null;
  decisionId: string | null;
  usesLeft: number | null;
  quotaLeft: number | null;
}

/** A node that is saturated has not decided: it is asked again, as gateways do. */
const AGAIN_MS = 20;

async function ask(job: LimitsJob, call: number): Promise<Decided> {
  for (;;) {
    const decided = await askOnce(job, call);
    if (decided.status !== 503 || decided.reason !== 'overloaded') return decided;
    await pause(AGAIN_MS);
  }
}

async function askOnce(job: LimitsJob, call: number): Promise<Decided> {
  const server = call % job.urls.length;
  // Each server is asked every question.
  const question = Math.floor(call / job.urls.length) % job.questions.length;
  const sentMs = Date.now();
  const response = await fetch(`${job.urls[server]}/decide`, {
    method: 'POST',
    headers: { Authorization: job.authorization, 'Content-Type': 'application/json' },
    body: JSON.stringify(job.questions[question]),
  });
  const { allowed, reason, decisionId, usesLeft, quotaLeft } =
    (await response.json()) as Partial<Decided>;
  return {
    ...{ server, question, sentMs, receivedMs: Date.now(), status: response.status },
    allowed: allowed ?? false,
    reason: reason ?? null,
    decisionId: decisionId ?? null,
    usesLeft: usesLeft ?? null,
    quotaLeft: quotaLeft ?? null,
  };
}

async function run(job: LimitsJob): Promise<void> {
  print('ready');
  await once(process.stdin, 'data');
  const { times = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = job;
  const end = performance.now() + seconds * 1000;
  const told: Decided[] = [];
  let next = 0;
  async function askOn(): Promise<void> {
    while (next < times && performance.now() < end) {
      next += 1;
      told.push(await ask(job, next));
    }
  }
  await Promise.all(Array.from({ length: job.atOnce }, askOn));
  print(JSON.stringify(told));
  process.stdin.destroy();
}

/** A pipe takes some bytes at a time; a full one asks to try again. */
function print(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

const [job] = process.argv.slice(2);
if (job !== undefined) await run(JSON.parse(job) as LimitsJob);
