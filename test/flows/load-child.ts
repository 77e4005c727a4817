/**
 * One of several client processes that ask at the same moment. Argument: a job as JSON. Writes
 * `ready`, waits for a line on its standard input, sends the request as often as the job says, and
 * writes each answer as soon as it comes, as one line of JSON; a request that got none is status 0.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';

/** What a client process sends. */
export interface LoadJob {
  /** Servers, asked in turn. */
  urls: string[];
  path: string;
  authorization: string;
  form: string;
  times: number;
  /** Requests under way at a time. */
  atOnce: number;
}

/** An answer as it is reported. */
export interface LoadAnswer {
  status: number;
  text: string;
}

async function ask(job: LoadJob, call: number): Promise<LoadAnswer> {
  const headers = {
    Authorization: job.authorization,
    'Content-Type': 'application/x-www-form-urlencoded',
  };
  try {
    const url = `${job.urls[call % job.urls.length]}${job.path}`;
    const response = await fetch(url, { method: 'POST', headers, body: job.form });
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: '' };
  }
}

async function run(job: LoadJob): Promise<void> {
  print('ready');
  await once(process.stdin, 'data');
  let next = 0;
  async function sendOn(): Promise<void> {
    while (next < job.times) {
      next += 1;
      print(JSON.stringify(await ask(job, next)));
    }
  }
  await Promise.all(Array.from({ length: job.atOnce }, sendOn));
  process.stdin.destroy();
}

function print(line: string): void {
  writeSync(1, `${line}\n`);
}

const [job] = process.argv.slice(2);
if (job !== undefined) await run(JSON.parse(job) as LoadJob);
