/** Runs several processes against one database at the same moment. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Job } from './race-child.ts';

const CHILD = new URL('./race-child.ts', import.meta.url).pathname;

/** Processes that race. */
export const PROCESSES = 4;

interface Racer {
  child: ChildProcessWithoutNullStreams;
  lines: Interface;
  errors: string[];
}

async function startRacer(url: string, job: Job): Promise<Racer> {
  const child = spawn(process.execPath, ['--no-warnings', CHILD, url, JSON.stringify(job)]);
  const errors: string[] = [];
  child.stderr.on('data', (chunk) => errors.push(String(chunk)));
  const lines = createInterface(child.stdout);
  const [first] = await Promise.race([once(lines, 'line'), once(child, 'close')]);
  if (first !== 'ready') throw new Error(`the child did not start: ${errors.join('')}`);
  return { child, lines, errors };
}

/** Starts them all, or none: one that waits for the others would keep Jest from ending. */
async function startRacers(url: string, job: Job): Promise<Racer[]> {
  const starts = Array.from({ length: PROCESSES }, () => startRacer(url, job));
  const settled = await Promise.allSettled(starts);
  const racers = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  if (racers.length < PROCESSES) for (const { child } of racers) child.kill();
  await Promise.all(starts);
  return racers;
}

/** Answers of every call of every process. */
export async function race(url: string, job: Job): Promise<unknown[]> {
  const racers = await startRacers(url, job);
  const finished = racers.map(finish);
  for (const { child } of racers) child.stdin.write('go\n');
  return (await Promise.all(finished)).flat();
}

async function finish({ child, lines, errors }: Racer): Promise<unknown[]> {
  const answers: unknown[] = [];
  lines.on('line', (line) => answers.push(...JSON.parse(line)));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the child ended with ${code}: ${errors.join('')}`);
  return answers;
}

/** Answers that a process gave before it was killed, which happens after `limit` of them that are not null. */
export async function killMidway(url: string, job: Job, limit: number): Promise<unknown[]> {
  const { child, lines } = await startRacer(url, { ...job, report: true });
  const answers: unknown[] = [];
  lines.on('line', (line) => {
    answers.push(JSON.parse(line));
    if (answers.filter((answer) => answer !== null).length === limit) child.kill('SIGKILL');
  });
  child.stdin.write('go\n');
  await once(child, 'close');
  return answers;
}
