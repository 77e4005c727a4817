/** Gateways that ask at the same moment, each a process, and what their answers say about a rate. */
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from '@jest/globals';
import { basic, type Credentials, run } from '../support/server.ts';
import type { Decided, LimitsJob } from './limits-child.ts';

const CHILD = join(import.meta.dirname, 'limits-child.ts');

/** Has `/decide` asked by some processes at once; answers what all of them were told. */
export async function askAll(
  processes: number,
  as: Credentials,
  job: Omit<LimitsJob, 'authorization'>,
): Promise<Decided[]> {
  const env = { PATH: process.env['PATH'] ?? '' };
  const authorization = basic(as.clientId, as.secret);
  const args = [JSON.stringify({ authorization, ...job } satisfies LimitsJob)];
  const told: string[] = [];
  const children = await Promise.all(
    Array.from({ length: processes }, async () => {
      const child = run(CHILD, { env, args });
      if (child.child.stdout === null) throw new Error('the child has no output');
      const lines = createInterface(child.child.stdout);
      const [first] = await Promise.race([once(lines, 'line'), child.ended.then(() => [])]);
      if (first !== 'ready') throw new Error(`the child did not start: ${child.output()}`);
      lines.on('line', (line) => told.push(line));
      return child;
    }),
  );
  for (const { child } of children) child.stdin?.write('go\n');
  const codes = await Promise.all(children.map(({ ended }) => ended));
  if (codes.some((code) => code !== 0))
    throw new Error(`gateways ended with ${codes}: ${children.map((c) => c.output()).join('')}`);
  return told.flatMap((line) => JSON.parse(line) as Decided[]);
}

/** How often each reason was told; `allowed` stands for none, errors are told with their status. */
export function tally(told: readonly Decided[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason, status } of told) {
    const outcome = status === 200 ? (reason ?? 'allowed') : `${status} ${reason}`;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

/**
 * Expects what one node told to keep a rate of `tps`: never more calls than that in any second, and
 * under pressure at least 95 % of it.
 *
 * @param told what the node told to askers that never let up, for some seconds
 */
export function expectRate(told: readonly Decided[], tps: number): void {
  const allowed = told.filter((one) => one.allowed);
  const sent = told.map(({ sentMs }) => sentMs);
  const pressed = (Math.max(...sent) - Math.min(...sent)) / 1000;
  const lasted = (Math.max(...told.map((one) => one.receivedMs)) - Math.min(...sent)) / 1000;
  expect(Object.keys(tally(told)).sort()).toEqual(['allowed', 'tps_exceeded']);
  expect(allowed.length).toBeLessThanOrEqual(tps * (lasted + 1));
  expect(allowed.length).toBeGreaterThanOrEqual(0.95 * tps * pressed);
  expect(mostWithinASecond(allowed)).toBeLessThanOrEqual(tps);
}

/** The most calls of which it is sure that the server let them through within one second. */
function mostWithinASecond(allowed: readonly Decided[]): number {
  return Math.max(
    0,
    ...allowed.map(
      ({ sentMs: start }) =>
        allowed.filter((one) => one.sentMs >= start && one.receivedMs < start + 1000).length,
    ),
  );
}
