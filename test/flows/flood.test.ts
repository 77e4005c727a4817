/** A flood of wrong secrets: those with right ones are served, and nobody gets a 500. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBeside } from '../support/app.ts';
import { type Answer, type Credentials, startServer, type TestServer } from '../support/server.ts';

const VICTIMS = 30;
const GUESSES = 10;

let server: TestServer;
let victims: Credentials[];
let generated: Credentials;
let chosen: Credentials;
let resourceServer: Credentials;
beforeAll(async () => {
  // At cost 8 a guess takes long enough for the queue to fill.
  server = await startServer({ env: { BCRYPT_COST: '8', BCRYPT_THREADS: '1' } });
  const records = await openBeside({ ...server.env, BCRYPT_COST: '8' });
  const password = 'the right secret';
  const shared = { password, failedLoginLimit: 1000 };
  victims = [];
  for (let i = 0; i < VICTIMS; i += 1) victims.push(await records.createClient(shared));
  generated = await records.createClient();
  chosen = await records.createClient({ password });
  resourceServer = await records.createResourceServer();
  await records.close();
}, 60_000);
afterAll(() => server.stop());

describe('300 wrong secrets at once, for 30 clients', () => {
  it('are refused, or turned away at once; right secrets work meanwhile and afterwards', async () => {
    await server.grant(chosen);
    let flooding = true;
    const flood = Promise.all(
      victims.flatMap((victim, v) =>
        Array.from({ length: GUESSES }, (_, g) => guess(victim, `guess-${v}-${g}`)),
      ),
    ).finally(() => {
      flooding = false;
    });
    const right: Answer[] = [];
    while (flooding) {
      const { accessToken } = await server.grant(generated);
      right.push(await server.introspect(resourceServer, accessToken));
      right.push(await server.token(chosen));
    }
    const guesses = await flood;
    expect(right.length).toBeGreaterThan(0);
    expect(right.filter(({ status }) => status !== 200)).toEqual([]);
    for (const { answer } of guesses) expectOrderly(answer);
    const verified = guesses.filter(({ answer }) => answer.status === 401);
    const turnedAway = guesses.filter(({ answer }) => answer.status !== 401);
    expect(turnedAway.length).toBeGreaterThan(50);
    expect(mean(turnedAway)).toBeLessThan(mean(verified));
    const [victim] = victims;
    if (victim !== undefined) await server.grant(victim);
  }, 60_000);
});

interface Guess {
  answer: Answer;
  ms: number;
}

async function guess(victim: Credentials, secret: string): Promise<Guess> {
  const started = performance.now();
  const answer = await server.token({ ...victim, secret });
  return { answer, ms: performance.now() - started };
}

function mean(guesses: Guess[]): number {
  return guesses.reduce((sum, { ms }) => sum + ms, 0) / guesses.length;
}

function expectOrderly({ status, headers, body }: Answer): void {
  expect([401, 429, 503]).toContain(status);
  if (status === 401) expect(body.error).toBe('invalid_client');
  else expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
}
